/** Batching of primitives that work on any number of leading axes: all operands get the lane axis in front. */
import type { Params, Primitive } from "../core/primitive.ts";
import { repeat } from "./shape.ts";

/** The batch rule; an operand without lanes is repeated. `params` are the same below a new leading axis. */
export function batchLeading<P extends Params>(getPrimitive: () => Primitive<P>): Primitive<P>["batch"] {
  return (b, call, batched, size) => {
    const inputs = call.inputs.map((x, i) => (batched[i] ? x : repeat(b, x, size)));
    const outputs = b.emit(getPrimitive(), inputs, call.params);
    return { outputs, batched: outputs.map(() => true) };
  };
}
