/** Special functions as primitives: erf, erfc, erfinv, lgamma, digamma, polygamma. The numerics are in special-functions.ts. */
import { type Atom, realLiteral } from "../core/graph.ts";
import type { Emitter, Primitive } from "../core/primitive.ts";
import * as functions from "../kernel/functions/index.ts";
import { mul, neg } from "./arithmetic.ts";
import { elementwiseLowering, mapUnary, notLinear, unaryPrimitive } from "./elementwise.ts";
import { exp } from "./math.ts";
import * as numerics from "./special-functions.ts";

const twoOverRootPi = realLiteral(2 / Math.sqrt(Math.PI));
const halfRootPi = realLiteral(Math.sqrt(Math.PI) / 2);

/** 2 / sqrt(pi) exp(-x^2) */
const bell = (b: Emitter, x: Atom) => mul(b, twoOverRootPi, exp(b, neg(b, mul(b, x, x))));

export const erfPrimitive = unaryPrimitive({
  name: "erf",
  scalar: numerics.erf,
  cost: 60,
  kernel: functions.erf,
  // d erf x = 2 / sqrt(pi) exp(-x^2) dx
  tangent: (b, x, _y, dx) => mul(b, bell(b, x), dx),
});
export const erfcPrimitive = unaryPrimitive({
  name: "erfc",
  scalar: numerics.erfc,
  cost: 60,
  kernel: functions.erfc,
  // d erfc x = -2 / sqrt(pi) exp(-x^2) dx
  tangent: (b, x, _y, dx) => mul(b, neg(b, bell(b, x)), dx),
});
export const erfinvPrimitive = unaryPrimitive({
  name: "erfinv",
  scalar: numerics.erfinv,
  cost: 200,
  kernel: functions.erfinv,
  // d erfinv x = sqrt(pi) / 2 exp(y^2) dx
  tangent: (b, _x, y, dx) => mul(b, mul(b, halfRootPi, exp(b, mul(b, y, y))), dx),
});
export const lgammaPrimitive = unaryPrimitive({
  name: "lgamma",
  scalar: numerics.lgamma,
  cost: 100,
  kernel: functions.lgamma,
  // d log |Gamma(x)| = psi(x) dx
  tangent: (b, x, _y, dx) => mul(b, digamma(b, x), dx),
});
export const digammaPrimitive = unaryPrimitive({
  name: "digamma",
  scalar: numerics.digamma,
  cost: 100,
  kernel: functions.digamma,
  // d psi(x) = psi_1(x) dx
  tangent: (b, x, _y, dx) => mul(b, polygamma(b, 1, x), dx),
});

type PolygammaParams = { readonly order: number };

export const polygammaPrimitive: Primitive<PolygammaParams> = {
  name: "polygamma",
  infer: ([x]) => [x!],
  evaluate: ([x], { order }, context) => [mapUnary(context, "real", x!, (v) => numerics.polygamma(order, v))],
  lower: elementwiseLowering(150, ([x], precision, { order }) => functions.polygamma(order, x!, precision)),
  // d psi_n(x) = psi_(n+1)(x) dx
  jvp: (b, call, [dx]) => {
    const outputs = b.emit(polygammaPrimitive, call.inputs, call.params);
    const next = dx && polygamma(b, call.params.order + 1, call.inputs[0]!);
    return { outputs, tangents: [dx && next && mul(b, next, dx)] };
  },
  transpose: notLinear("polygamma"),
  batch: (b, call) => ({ outputs: b.emit(polygammaPrimitive, call.inputs, call.params), batched: [true] }),
};

const emitUnary = (primitive: Primitive) => (b: Emitter, x: Atom) => b.emit(primitive, [x], {})[0]!;

/** The error function. */
export const erf = emitUnary(erfPrimitive);
/** 1 - erf(x), with full relative accuracy in the tail. */
export const erfc = emitUnary(erfcPrimitive);
/** The inverse of erf; infinite at -1 and 1, NaN beyond. */
export const erfinv = emitUnary(erfinvPrimitive);
/** log |Gamma(x)|; inf at 0, -1, -2, .... */
export const lgamma = emitUnary(lgammaPrimitive);
/** The derivative of lgamma; NaN at its poles. */
export const digamma = emitUnary(digammaPrimitive);

/** The derivative of digamma of the given order, a whole number from 0 (digamma itself). */
export function polygamma(b: Emitter, order: number, x: Atom): Atom {
  return order === 0 ? digamma(b, x) : b.emit(polygammaPrimitive, [x], { order })[0]!;
}

export const specialPrimitives: readonly Primitive[] = [
  erfPrimitive,
  erfcPrimitive,
  erfinvPrimitive,
  lgammaPrimitive,
  digammaPrimitive,
  polygammaPrimitive as Primitive,
];
