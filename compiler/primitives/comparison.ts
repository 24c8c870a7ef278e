/** Comparisons and logic: operands of one dtype, results bool, no derivative. A comparison with NaN is false (but `!=` true). */
import type { Atom } from "../core/graph.ts";
import type { Emitter, Primitive } from "../core/primitive.ts";
import * as ir from "../kernel/expressions.ts";
import { isFinite as isFiniteReal } from "../kernel/functions/classify.ts";
import type { Expression } from "../kernel/ir.ts";
import { binaryPrimitive, unaryPrimitive } from "./elementwise.ts";

const comparison = (
  name: string,
  kernel: (x: Expression, y: Expression) => Expression,
  holds: (x: number, y: number) => boolean,
) => binaryPrimitive({ name, result: "bool", scalar: (x, y) => (holds(x, y) ? 1 : 0), kernel: (x, y) => kernel(x, y) });

/** Bools have an order too: false before true. */
const ordered = (compare: (x: Expression, y: Expression) => Expression) => (x: Expression, y: Expression) =>
  x.kind === "bool" ? compare(ir.toInt(x), ir.toInt(y)) : compare(x, y);

export const equalPrimitive = comparison("equal", ir.eq, (x, y) => x === y);
export const notEqualPrimitive = comparison("notEqual", ir.ne, (x, y) => x !== y);
export const lessPrimitive = comparison("less", ordered(ir.lt), (x, y) => x < y);
export const lessEqualPrimitive = comparison("lessEqual", ordered(ir.le), (x, y) => x <= y);
export const greaterPrimitive = comparison("greater", ordered(ir.gt), (x, y) => x > y);
export const greaterEqualPrimitive = comparison("greaterEqual", ordered(ir.ge), (x, y) => x >= y);

export const andPrimitive = binaryPrimitive({ name: "and", result: "bool", scalar: (x, y) => x & y, kernel: ir.and });
export const orPrimitive = binaryPrimitive({ name: "or", result: "bool", scalar: (x, y) => x | y, kernel: ir.or });
export const xorPrimitive = binaryPrimitive({ name: "xor", result: "bool", scalar: (x, y) => x ^ y, kernel: ir.xor });
export const notPrimitive = unaryPrimitive({ name: "not", result: "bool", scalar: (x) => 1 - x, kernel: ir.not });
export const isFinitePrimitive = unaryPrimitive({
  name: "isFinite",
  result: "bool",
  scalar: (x) => (Number.isFinite(x) ? 1 : 0),
  kernel: (x, precision) => (x.kind === "real" ? isFiniteReal(x, precision) : ir.bool(true)),
});

const emitBinary = (primitive: Primitive) => (b: Emitter, x: Atom, y: Atom) => b.emit(primitive, [x, y], {})[0]!;

/** x == y of reals, ints or bools. */
export const equal = emitBinary(equalPrimitive);
/** x != y */
export const notEqual = emitBinary(notEqualPrimitive);
/** x < y */
export const less = emitBinary(lessPrimitive);
/** x <= y */
export const lessEqual = emitBinary(lessEqualPrimitive);
/** x > y */
export const greater = emitBinary(greaterPrimitive);
/** x >= y */
export const greaterEqual = emitBinary(greaterEqualPrimitive);
/** Exclusive or of bools. */
export const xor = emitBinary(xorPrimitive);

/** Both of two bools; a literal operand is no equation (unless the result would lose its shape). */
export function and(b: Emitter, x: Atom, y: Atom): Atom {
  if (x.kind === "literal" && x.value === 1) return y;
  if (y.kind === "literal" && y.value === 1) return x;
  return b.emit(andPrimitive, [x, y], {})[0]!;
}
/** Either of two bools. */
export function or(b: Emitter, x: Atom, y: Atom): Atom {
  if (x.kind === "literal" && x.value === 0) return y;
  if (y.kind === "literal" && y.value === 0) return x;
  return b.emit(orPrimitive, [x, y], {})[0]!;
}
/** The other bool. */
export function not(b: Emitter, x: Atom): Atom {
  return b.emit(notPrimitive, [x], {})[0]!;
}
/** Neither infinite nor NaN; true for all ints and bools. */
function isFiniteElement(b: Emitter, x: Atom): Atom {
  return b.emit(isFinitePrimitive, [x], {})[0]!;
}

export { isFiniteElement as isFinite };

export const comparisonPrimitives: readonly Primitive[] = [
  equalPrimitive,
  notEqualPrimitive,
  lessPrimitive,
  lessEqualPrimitive,
  greaterPrimitive,
  greaterEqualPrimitive,
  andPrimitive,
  orPrimitive,
  xorPrimitive,
  notPrimitive,
  isFinitePrimitive,
];
