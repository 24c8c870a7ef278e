/** Sign, rounding, extrema of two, and division that rounds down. Kinks have the derivatives of language-notes section 10. */
import { type Atom, realLiteral } from "../core/graph.ts";
import type { Emitter, Primitive } from "../core/primitive.ts";
import * as ir from "../kernel/expressions.ts";
import type { Expression } from "../kernel/ir.ts";
import { add, mul, neg } from "./arithmetic.ts";
import { equal, greater, greaterEqual, less, lessEqual } from "./comparison.ts";
import { binaryPrimitive, unaryPrimitive } from "./elementwise.ts";
import { intQuotient, intRemainder, realQuotient, realRemainder } from "./floor-division-kernel.ts";
import { select } from "./select.ts";

/** To the nearest integer, halves to the even one (as NumPy and IEEE 754 have it). */
function roundHalfEven(x: number): number {
  if (!(Math.abs(x) < 2 ** 52)) return x;
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** x - y floor(x / y) without the cancellation: the exact remainder, moved to the side of y. */
function remainder(x: number, y: number): number {
  const r = x % y;
  return r !== 0 && r < 0 !== y < 0 ? r + y : r;
}

/** floor(x / y), consistent with `remainder` where x / y rounds to an integer. */
function quotient(x: number, y: number): number {
  if (y === 0 || !Number.isFinite(x)) return Math.floor(x / y);
  // A finite number is less than one step of an infinite y away from 0, on this side or the other.
  if (Math.abs(y) === Number.POSITIVE_INFINITY) return x !== 0 && x < 0 !== y < 0 ? -1 : 0;
  const ratio = (x - remainder(x, y)) / y;
  const below = Math.floor(ratio);
  return ratio - below > 0.5 ? below + 1 : below;
}

/** Rounding to integers; of an int the int. */
const whole = (name: "floor" | "ceil" | "nearest") => (x: Expression) => (x.kind === "real" ? ir.unary(name, x) : x);

export const absPrimitive = unaryPrimitive({
  name: "abs",
  scalar: Math.abs,
  kernel: (x) => (x.kind === "real" ? ir.abs(x) : ir.select(ir.lt(x, ir.int(0)), ir.neg(x), x)),
  // d|x| = sign(x) dx, 0 at 0
  tangent: (b, x, _y, dx) => mul(b, sign(b, x), dx),
});
export const signPrimitive = unaryPrimitive({
  name: "sign",
  scalar: Math.sign,
  kernel: (x) => {
    const [zero, one, less] =
      x.kind === "real" ? [ir.real(0), ir.real(1), ir.real(-1)] : [ir.int(0), ir.int(1), ir.int(-1)];
    // Zeros keep their sign, and a NaN stays one.
    return ir.select(ir.gt(x, zero), one, ir.select(ir.lt(x, zero), less, x));
  },
});
export const floorPrimitive = unaryPrimitive({ name: "floor", scalar: Math.floor, kernel: whole("floor") });
export const ceilPrimitive = unaryPrimitive({ name: "ceil", scalar: Math.ceil, kernel: whole("ceil") });
export const roundPrimitive = unaryPrimitive({ name: "round", scalar: roundHalfEven, kernel: whole("nearest") });

/** The tangent of one side of max or min: all of it where that side wins, half at a tie. */
function share(b: Emitter, wins: Atom, x: Atom, y: Atom, tangent: Atom): Atom {
  const half = mul(b, realLiteral(0.5), tangent);
  return select(b, wins, tangent, select(b, equal(b, x, y), half, realLiteral(0)));
}

export const maximumPrimitive = binaryPrimitive({
  name: "maximum",
  scalar: Math.max,
  kernel: ir.max,
  // d max(x, y) = dx where x > y, dy where y > x, half of each where equal
  tangents: [
    (b, x, y, _z, dx) => share(b, greater(b, x, y), x, y, dx),
    (b, x, y, _z, dy) => share(b, less(b, x, y), x, y, dy),
  ],
  combine: (b, s, t) => add(b, s, t),
});

export const minimumPrimitive = binaryPrimitive({
  name: "minimum",
  scalar: Math.min,
  kernel: ir.min,
  // d min(x, y) = dx where x < y, dy where y < x, half of each where equal
  tangents: [
    (b, x, y, _z, dx) => share(b, less(b, x, y), x, y, dx),
    (b, x, y, _z, dy) => share(b, greater(b, x, y), x, y, dy),
  ],
  combine: (b, s, t) => add(b, s, t),
});

export const divFloorPrimitive = binaryPrimitive({
  name: "divFloor",
  scalar: quotient,
  integer: (x, y) => (y === 0 ? 0 : Math.floor(x / y) | 0),
  cost: 20,
  kernel: (x, y, precision) => (x.kind === "int" ? intQuotient(x, y) : realQuotient(x, y, precision)),
});

export const modFloorPrimitive = binaryPrimitive({
  name: "modFloor",
  scalar: remainder,
  integer: (x, y) => (y === 0 ? 0 : remainder(x, y)),
  cost: 20,
  kernel: (x, y, precision) => (x.kind === "int" ? intRemainder(x, y) : realRemainder(x, y, precision)),
  // d(x - y floor(x / y)) = dx - floor(x / y) dy
  tangents: [(_b, _x, _y, _z, dx) => dx, (b, x, y, _z, dy) => neg(b, mul(b, divFloor(b, x, y), dy))],
  combine: (b, s, t) => add(b, s, t),
});

const emitUnary = (primitive: Primitive) => (b: Emitter, x: Atom) => b.emit(primitive, [x], {})[0]!;
const emitBinary = (primitive: Primitive) => (b: Emitter, x: Atom, y: Atom) => b.emit(primitive, [x, y], {})[0]!;

/** |x| of reals or ints; derivative 0 at 0. */
export const abs = emitUnary(absPrimitive);
/** -1, 0 or 1; derivative 0 everywhere. */
export const sign = emitUnary(signPrimitive);
/** The integer below, as a real; derivative 0. */
export const floor = emitUnary(floorPrimitive);
/** The integer above, as a real; derivative 0. */
export const ceil = emitUnary(ceilPrimitive);
/** The nearest integer, as a real, halves to the even one; derivative 0. */
export const round = emitUnary(roundPrimitive);
/** The larger of two reals or ints; NaN propagates; a tie gives half the derivative to each. */
export const maximum = emitBinary(maximumPrimitive);
/** The smaller of two reals or ints; NaN propagates; a tie gives half the derivative to each. */
export const minimum = emitBinary(minimumPrimitive);
/** floor(x / y); ints as in Python, with 0 for a divisor 0 (a `check` beside it ends the run). Derivative 0. */
export const divFloor = emitBinary(divFloorPrimitive);
/** x - y floor(x / y), with the sign of y; ints give 0 for a divisor 0 (a `check` beside it ends the run). */
export const modFloor = emitBinary(modFloorPrimitive);

/**
 * min(max(x, lo), hi) by two selects: the derivative in x is 1 strictly between the bounds and 0 elsewhere,
 * a bound gets it where it is the result. NaN in x propagates.
 */
export function clamp(b: Emitter, x: Atom, lo: Atom, hi: Atom): Atom {
  const raised = select(b, lessEqual(b, x, lo), lo, x);
  return select(b, greaterEqual(b, raised, hi), hi, raised);
}

export const roundingPrimitives: readonly Primitive[] = [
  absPrimitive,
  signPrimitive,
  floorPrimitive,
  ceilPrimitive,
  roundPrimitive,
  maximumPrimitive,
  minimumPrimitive,
  divFloorPrimitive,
  modFloorPrimitive,
];
