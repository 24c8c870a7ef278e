/** `+ - * /` and negation: the linear primitives that every derivative is made of. Ints wrap at 32 bits. */
import type { Atom } from "../core/graph.ts";
import type { Emitter, Primitive } from "../core/primitive.ts";
import * as ir from "../kernel/expressions.ts";
import { binaryPrimitive, unaryPrimitive } from "./elementwise.ts";

export const negPrimitive = unaryPrimitive({
  name: "neg",
  scalar: (x) => -x,
  kernel: ir.neg,
  // d(-x) = -dx
  tangent: (b, _x, _y, dx) => neg(b, dx),
  transpose: (b, ct) => neg(b, ct),
});

export const addPrimitive: Primitive = binaryPrimitive({
  name: "add",
  scalar: (x, y) => x + y,
  integer: (x, y) => (x + y) | 0,
  kernel: ir.add,
  // d(x + y) = dx + dy
  tangents: [(_b, _x, _y, _z, dx) => dx, (_b, _x, _y, _z, dy) => dy],
  combine: (b, s, t) => add(b, s, t),
  transpose: (_b, _x, _y, linear, ct) => linear.map((l) => (l ? ct : undefined)),
});

export const subPrimitive: Primitive = binaryPrimitive({
  name: "sub",
  scalar: (x, y) => x - y,
  integer: (x, y) => (x - y) | 0,
  kernel: ir.sub,
  // d(x - y) = dx - dy
  tangents: [(_b, _x, _y, _z, dx) => dx, (b, _x, _y, _z, dy) => neg(b, dy)],
  combine: (b, s, t) => add(b, s, t),
  transpose: (b, _x, _y, linear, ct) => [linear[0] ? ct : undefined, linear[1] ? neg(b, ct) : undefined],
});

export const mulPrimitive: Primitive = binaryPrimitive({
  name: "mul",
  scalar: (x, y) => x * y,
  integer: Math.imul,
  kernel: ir.mul,
  // d(x y) = dx y + x dy
  tangents: [(b, _x, y, _z, dx) => mul(b, dx, y), (b, x, _y, _z, dy) => mul(b, x, dy)],
  combine: (b, s, t) => add(b, s, t),
  transpose: (b, x, y, linear, ct) => [linear[0] ? mul(b, ct, y) : undefined, linear[1] ? mul(b, x, ct) : undefined],
});

export const divPrimitive: Primitive = binaryPrimitive({
  name: "div",
  scalar: (x, y) => x / y,
  cost: 4,
  kernel: ir.div,
  // d(x / y) = dx / y - (x / y) dy / y
  tangents: [(b, _x, y, _z, dx) => div(b, dx, y), (b, _x, y, z, dy) => neg(b, mul(b, div(b, z, y), dy))],
  combine: (b, s, t) => add(b, s, t),
  transpose: (b, _x, y, linear, ct) => [linear[0] ? div(b, ct, y) : undefined, undefined],
});

const isLiteral = (a: Atom, value: number) => a.kind === "literal" && a.value === value;

/** -x */
export function neg(b: Emitter, x: Atom): Atom {
  return b.emit(negPrimitive, [x], {})[0]!;
}
/** x + y; adding a literal zero is no equation. */
export function add(b: Emitter, x: Atom, y: Atom): Atom {
  if (isLiteral(x, 0)) return y;
  if (isLiteral(y, 0)) return x;
  return b.emit(addPrimitive, [x, y], {})[0]!;
}
/** x - y */
export function sub(b: Emitter, x: Atom, y: Atom): Atom {
  if (isLiteral(y, 0)) return x;
  return b.emit(subPrimitive, [x, y], {})[0]!;
}
/** x * y; multiplying by a literal one is no equation. */
export function mul(b: Emitter, x: Atom, y: Atom): Atom {
  if (isLiteral(x, 1)) return y;
  if (isLiteral(y, 1)) return x;
  return b.emit(mulPrimitive, [x, y], {})[0]!;
}
/** x / y of reals. */
export function div(b: Emitter, x: Atom, y: Atom): Atom {
  if (isLiteral(y, 1)) return x;
  return b.emit(divPrimitive, [x, y], {})[0]!;
}

export const arithmeticPrimitives: readonly Primitive[] = [
  negPrimitive,
  addPrimitive,
  subPrimitive,
  mulPrimitive,
  divPrimitive,
] as readonly Primitive[];
