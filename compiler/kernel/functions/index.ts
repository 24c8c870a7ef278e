/** All functions that elementwise primitives are lowered to. */
export * from "./classify.ts";
export { erf, erfc, erfinv } from "./error-function.ts";
export { cosh, exp, expm1, sigmoid, sinh, softplus, tanh } from "./exponential.ts";
export { digamma, lgamma, polygamma } from "./gamma.ts";
export { acos, asin, atan, atan2 } from "./inverse-trigonometric.ts";
export { acosh, asinh, atanh, log, log1p } from "./logarithm.ts";
export { hypot, integerPower, pow } from "./power.ts";
export { cos, sin, tan } from "./trigonometric.ts";
