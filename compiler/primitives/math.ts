/** Elementary functions of reals. Powers, special functions and activations have files of their own and are passed on here. */
import { type Atom, realLiteral } from "../core/graph.ts";
import type { Emitter, Primitive } from "../core/primitive.ts";
import { sqrt as squareRoot } from "../kernel/expressions.ts";
import * as functions from "../kernel/functions/index.ts";
import { add, div, mul, neg, sub } from "./arithmetic.ts";
import { unaryPrimitive } from "./elementwise.ts";

export * from "./activation.ts";
export * from "./norm.ts";
export * from "./power.ts";
export * from "./special.ts";

const one = realLiteral(1);
const half = realLiteral(0.5);

export const expPrimitive = unaryPrimitive({
  name: "exp",
  scalar: Math.exp,
  cost: 12,
  kernel: functions.exp,
  // d exp x = exp(x) dx
  tangent: (b, _x, y, dx) => mul(b, y, dx),
});
export const expm1Primitive = unaryPrimitive({
  name: "expm1",
  scalar: Math.expm1,
  cost: 22,
  kernel: functions.expm1,
  // d expm1 x = exp(x) dx; expm1(x) + 1 would lose the digits for very negative x
  tangent: (b, x, _y, dx) => mul(b, exp(b, x), dx),
});
export const logPrimitive = unaryPrimitive({
  name: "log",
  scalar: Math.log,
  cost: 20,
  kernel: functions.log,
  // d log x = dx / x
  tangent: (b, x, _y, dx) => div(b, dx, x),
});
export const log1pPrimitive = unaryPrimitive({
  name: "log1p",
  scalar: Math.log1p,
  cost: 28,
  kernel: functions.log1p,
  // d log(1 + x) = dx / (1 + x)
  tangent: (b, x, _y, dx) => div(b, dx, add(b, one, x)),
});
export const sqrtPrimitive = unaryPrimitive({
  name: "sqrt",
  scalar: Math.sqrt,
  cost: 5,
  kernel: (x) => squareRoot(x),
  // d sqrt x = dx / (2 sqrt x): infinite at 0
  tangent: (b, _x, y, dx) => mul(b, div(b, half, y), dx),
});
export const sinPrimitive = unaryPrimitive({
  name: "sin",
  scalar: Math.sin,
  cost: 30,
  kernel: functions.sin,
  // d sin x = cos(x) dx
  tangent: (b, x, _y, dx) => mul(b, cos(b, x), dx),
});
export const cosPrimitive = unaryPrimitive({
  name: "cos",
  scalar: Math.cos,
  cost: 30,
  kernel: functions.cos,
  // d cos x = -sin(x) dx
  tangent: (b, x, _y, dx) => mul(b, neg(b, sin(b, x)), dx),
});
export const tanPrimitive = unaryPrimitive({
  name: "tan",
  scalar: Math.tan,
  cost: 40,
  kernel: functions.tan,
  // d tan x = (1 + tan^2 x) dx
  tangent: (b, _x, y, dx) => mul(b, add(b, one, mul(b, y, y)), dx),
});
export const asinPrimitive = unaryPrimitive({
  name: "asin",
  scalar: Math.asin,
  cost: 30,
  kernel: functions.asin,
  // d asin x = dx / sqrt((1 - x)(1 + x))
  tangent: (b, x, _y, dx) => div(b, dx, sqrt(b, oneMinusSquare(b, x))),
});
export const acosPrimitive = unaryPrimitive({
  name: "acos",
  scalar: Math.acos,
  cost: 30,
  kernel: functions.acos,
  // d acos x = -dx / sqrt((1 - x)(1 + x))
  tangent: (b, x, _y, dx) => neg(b, div(b, dx, sqrt(b, oneMinusSquare(b, x)))),
});
export const atanPrimitive = unaryPrimitive({
  name: "atan",
  scalar: Math.atan,
  cost: 30,
  kernel: functions.atan,
  // d atan x = dx / (1 + x^2)
  tangent: (b, x, _y, dx) => div(b, dx, add(b, one, mul(b, x, x))),
});
export const sinhPrimitive = unaryPrimitive({
  name: "sinh",
  scalar: Math.sinh,
  cost: 25,
  kernel: functions.sinh,
  // d sinh x = cosh(x) dx
  tangent: (b, x, _y, dx) => mul(b, cosh(b, x), dx),
});
export const coshPrimitive = unaryPrimitive({
  name: "cosh",
  scalar: Math.cosh,
  cost: 16,
  kernel: functions.cosh,
  // d cosh x = sinh(x) dx
  tangent: (b, x, _y, dx) => mul(b, sinh(b, x), dx),
});
export const tanhPrimitive = unaryPrimitive({
  name: "tanh",
  scalar: Math.tanh,
  cost: 22,
  kernel: functions.tanh,
  // d tanh x = (1 - y)(1 + y) dx: right to the rounding of y
  tangent: (b, _x, y, dx) => mul(b, oneMinusSquare(b, y), dx),
});
export const asinhPrimitive = unaryPrimitive({
  name: "asinh",
  scalar: Math.asinh,
  cost: 45,
  kernel: functions.asinh,
  // d asinh x = dx / sqrt(1 + x^2)
  tangent: (b, x, _y, dx) => div(b, dx, sqrt(b, add(b, one, mul(b, x, x)))),
});
export const acoshPrimitive = unaryPrimitive({
  name: "acosh",
  scalar: Math.acosh,
  cost: 45,
  kernel: functions.acosh,
  // d acosh x = dx / sqrt((x - 1)(x + 1))
  tangent: (b, x, _y, dx) => div(b, dx, sqrt(b, mul(b, sub(b, x, one), add(b, x, one)))),
});
export const atanhPrimitive = unaryPrimitive({
  name: "atanh",
  scalar: Math.atanh,
  cost: 40,
  kernel: functions.atanh,
  // d atanh x = dx / ((1 - x)(1 + x))
  tangent: (b, x, _y, dx) => div(b, dx, oneMinusSquare(b, x)),
});

/** (1 - x)(1 + x) */
function oneMinusSquare(b: Emitter, x: Atom): Atom {
  return mul(b, sub(b, one, x), add(b, one, x));
}

const emitUnary = (primitive: () => Primitive) => (b: Emitter, x: Atom) => b.emit(primitive(), [x], {})[0]!;

/** The exponential function. */
export const exp = emitUnary(() => expPrimitive);
/** exp(x) - 1, accurate near 0. */
export const expm1 = emitUnary(() => expm1Primitive);
/** The natural logarithm: -inf at 0, NaN below. */
export const log = emitUnary(() => logPrimitive);
/** log(1 + x), accurate near 0. */
export const log1p = emitUnary(() => log1pPrimitive);
/** The square root; its derivative at 0 is inf, as it is. */
export const sqrt = emitUnary(() => sqrtPrimitive);
/** Sine of radians. */
export const sin = emitUnary(() => sinPrimitive);
/** Cosine of radians. */
export const cos = emitUnary(() => cosPrimitive);
/** Tangent of radians. */
export const tan = emitUnary(() => tanPrimitive);
/** Inverse sine, in [-pi/2, pi/2]. */
export const asin = emitUnary(() => asinPrimitive);
/** Inverse cosine, in [0, pi]. */
export const acos = emitUnary(() => acosPrimitive);
/** Inverse tangent, in [-pi/2, pi/2]. */
export const atan = emitUnary(() => atanPrimitive);
/** Hyperbolic sine. */
export const sinh = emitUnary(() => sinhPrimitive);
/** Hyperbolic cosine. */
export const cosh = emitUnary(() => coshPrimitive);
/** Hyperbolic tangent. */
export const tanh = emitUnary(() => tanhPrimitive);
/** Inverse hyperbolic sine. */
export const asinh = emitUnary(() => asinhPrimitive);
/** Inverse hyperbolic cosine, for x >= 1. */
export const acosh = emitUnary(() => acoshPrimitive);
/** Inverse hyperbolic tangent, for |x| <= 1. */
export const atanh = emitUnary(() => atanhPrimitive);

export const mathPrimitives: readonly Primitive[] = [
  expPrimitive,
  expm1Primitive,
  logPrimitive,
  log1pPrimitive,
  sqrtPrimitive,
  sinPrimitive,
  cosPrimitive,
  tanPrimitive,
  asinPrimitive,
  acosPrimitive,
  atanPrimitive,
  sinhPrimitive,
  coshPrimitive,
  tanhPrimitive,
  asinhPrimitive,
  acoshPrimitive,
  atanhPrimitive,
];
