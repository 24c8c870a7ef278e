/**
 * Property-based testing of gradients, on fast-check. Works with any test runner.
 *
 *     await checkGradient(module, "ridge", { w: tensors.normal([5]), log_penalty: tensors.uniform(-3, 3) });
 */

export { type CheckOptions, type CheckReport, checkGradient, GradientError } from "./gradients/check-gradient.ts";
export type { Disagreement } from "./gradients/check-point.ts";
export { type NumericDerivative, numericDerivative } from "./gradients/numeric-derivative.ts";
export type { Arguments, Claim, ClaimedGradient } from "./gradients/subject.ts";
export { type EdgeOptions, type Tensorial, tensors } from "./gradients/tensors.ts";
