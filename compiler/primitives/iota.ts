/** The integers from 0: the one array that comes from nothing. */
import type { Dim } from "../core/dimension.ts";
import { type Atom, concreteShape } from "../core/graph.ts";
import { type Emitter, makeArray, type Primitive } from "../core/primitive.ts";
import { notLinear } from "./elementwise.ts";

type IotaParams = { readonly n: Dim };

export const iotaPrimitive: Primitive<IotaParams> = {
  name: "iota",
  infer: (_inputs, { n }) => [{ dtype: "int", shape: [n] }],
  evaluate: (_inputs, { n }, context) => {
    const result = makeArray(context, "int", concreteShape([n]));
    for (let i = 0; i < result.data.length; i++) result.data[i] = i;
    return [result];
  },
  lower: { kind: "map", cost: 0, element: (_context, _read, [i]) => i! },
  // Ints have no tangents.
  jvp: (b, call) => ({ outputs: b.emit(iotaPrimitive, call.inputs, call.params), tangents: [undefined] }),
  transpose: notLinear("iota"),
  batch: (b, call) => ({ outputs: b.emit(iotaPrimitive, call.inputs, call.params), batched: [false] }),
};

/** 0, 1, ..., n - 1 as int[n]. */
export function iota(b: Emitter, n: Dim): Atom {
  return b.emit(iotaPrimitive, [], { n })[0]!;
}

export const iotaPrimitives: readonly Primitive[] = [iotaPrimitive] as readonly Primitive[];
