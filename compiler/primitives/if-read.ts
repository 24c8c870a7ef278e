/**
 * A value with something to tell where it is read: that equal spectral values left a part out of a derivative, say. What
 * nobody reads is no equation in the end, and tells nothing.
 */
import type { Atom } from "../core/graph.ts";
import type { Emitter, Primitive } from "../core/primitive.ts";
import { and } from "./comparison.ts";
import { notLinear } from "./elementwise.ts";
import { broadcast } from "./shape.ts";

/** Operands: the value (real, any shape) and whether there is something to tell (bool, a scalar or one a lane). */
export const toldIfReadPrimitive: Primitive<Record<string, never>> = {
  name: "told_if_read",
  lower: { kind: "map", cost: 0, element: (_context, read, at) => read(0, at) },
  infer: ([x]) => [x!],
  evaluate: ([x]) => [x!],
  jvp: (b, { inputs, params }, [dx]) => ({ outputs: b.emit(toldIfReadPrimitive, inputs, params), tangents: [dx] }),
  transpose: notLinear("told_if_read"),
  batch: (b, { inputs, params }, batched, size, guard) => {
    const [x, flag] = inputs.map(({ type: { shape } }, i) => {
      const axes = shape.map((_, k) => k + 1);
      return batched[i] ? inputs[i]! : broadcast(b, inputs[i]!, [size, ...shape], axes);
    }) as [Atom, Atom];
    const counted = guard ? and(b, flag, broadcast(b, guard, flag.type.shape, [0])) : flag;
    return { outputs: b.emit(toldIfReadPrimitive, [x, counted], params), batched: [true] };
  },
};

/** x, which tells where it is read and the flag is true that a derivative left something out. */
export function toldIfRead(b: Emitter, x: Atom, flag: Atom): Atom {
  return b.emit(toldIfReadPrimitive, [x, flag], {})[0]!;
}

export const toldIfReadPrimitives: readonly Primitive[] = [toldIfReadPrimitive];
