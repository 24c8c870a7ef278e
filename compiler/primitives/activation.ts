/** Activation functions: sigmoid and softplus are primitives for stability, relu and gelu compositions. */
import { type Atom, realLiteral } from "../core/graph.ts";
import type { Emitter, Primitive } from "../core/primitive.ts";
import * as functions from "../kernel/functions/index.ts";
import { mul, neg } from "./arithmetic.ts";
import { lessEqual } from "./comparison.ts";
import { convert } from "./convert.ts";
import { unaryPrimitive } from "./elementwise.ts";
import { select } from "./select.ts";
import { erfc } from "./special.ts";
import * as numerics from "./special-functions.ts";

export const sigmoidPrimitive = unaryPrimitive({
  name: "sigmoid",
  scalar: numerics.sigmoid,
  cost: 18,
  kernel: functions.sigmoid,
  // d sigmoid x = sigmoid(x) sigmoid(-x) dx: 1 - y would lose all digits for large x
  tangent: (b, x, y, dx) => mul(b, mul(b, y, sigmoid(b, neg(b, x))), dx),
});

export const softplusPrimitive = unaryPrimitive({
  name: "softplus",
  scalar: numerics.softplus,
  cost: 40,
  kernel: functions.softplus,
  // d softplus x = sigmoid(x) dx
  tangent: (b, x, _y, dx) => mul(b, sigmoid(b, x), dx),
});

/** 1 / (1 + exp(-x)); full relative accuracy in both tails, its derivatives included. */
export function sigmoid(b: Emitter, x: Atom): Atom {
  return b.emit(sigmoidPrimitive, [x], {})[0]!;
}

/** log(1 + exp(x)), which never overflows. */
export function softplus(b: Emitter, x: Atom): Atom {
  return b.emit(softplusPrimitive, [x], {})[0]!;
}

/** max(x, 0) of reals or ints with derivative 0 at 0; NaN propagates. */
export function relu(b: Emitter, x: Atom): Atom {
  const zero = convert(b, realLiteral(0), x.type.dtype);
  return select(b, lessEqual(b, x, zero), zero, x);
}

/** x Phi(x) with the normal distribution function Phi itself, not its tanh imitation. */
export function gelu(b: Emitter, x: Atom): Atom {
  const below = erfc(b, mul(b, realLiteral(-Math.SQRT1_2), x));
  return mul(b, x, mul(b, realLiteral(0.5), below));
}

export const activationPrimitives: readonly Primitive[] = [sigmoidPrimitive, softplusPrimitive];
