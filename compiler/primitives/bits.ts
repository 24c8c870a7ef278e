/** Bitwise operations on 32-bit ints: what a generator such as mulberry32 needs. No derivatives. */
import type { Atom } from "../core/graph.ts";
import type { Emitter, Primitive } from "../core/primitive.ts";
import * as ir from "../kernel/expressions.ts";
import { binaryPrimitive } from "./elementwise.ts";

export const bitAndPrimitive = binaryPrimitive({ name: "bitAnd", scalar: (x, y) => x & y, kernel: ir.and });
export const bitOrPrimitive = binaryPrimitive({ name: "bitOr", scalar: (x, y) => x | y, kernel: ir.or });
export const bitXorPrimitive = binaryPrimitive({ name: "bitXor", scalar: (x, y) => x ^ y, kernel: ir.xor });
export const shiftLeftPrimitive = binaryPrimitive({ name: "shiftLeft", scalar: (x, y) => x << y, kernel: ir.shl });
export const shiftRightPrimitive = binaryPrimitive({
  name: "shiftRight",
  scalar: (x, y) => (x >>> y) | 0,
  kernel: ir.shr,
});

const emitBinary = (primitive: Primitive) => (b: Emitter, x: Atom, y: Atom) => b.emit(primitive, [x, y], {})[0]!;

/** Bitwise and. */
export const bitAnd = emitBinary(bitAndPrimitive);
/** Bitwise or. */
export const bitOr = emitBinary(bitOrPrimitive);
/** Bitwise exclusive or. */
export const bitXor = emitBinary(bitXorPrimitive);
/** x shifted left by y bits; y counts modulo 32. */
export const shiftLeft = emitBinary(shiftLeftPrimitive);
/** x shifted right by y bits (modulo 32), zeros coming in from the left, also for negative x: JavaScript's `>>>`. */
export const shiftRight = emitBinary(shiftRightPrimitive);

export const bitsPrimitives: readonly Primitive[] = [
  bitAndPrimitive,
  bitOrPrimitive,
  bitXorPrimitive,
  shiftLeftPrimitive,
  shiftRightPrimitive,
];
