/** The loops of scattering: one lane for each (batch, outer, inner), which takes its updates in order. */
import { sizeOf } from "../core/array.ts";
import { add, and, div, ge, int, lt, mul, rem } from "../kernel/expressions.ts";
import type { Expression } from "../kernel/ir.ts";
import type { Lowering } from "../kernel/lowering.ts";
import { Code, vectorView } from "../kernel/statements.ts";
import type { GatherParams } from "./gather.ts";

/** `x` with each update joined to what is at its place; indices out of range write nothing. */
export function scatterLowering(join: (old: Expression, update: Expression) => Expression): Lowering<GatherParams> {
  return {
    kind: "routine",
    routine: ({ inputs, params: { axis, batchDims } }) => {
      const { shape } = inputs[0]!;
      const outer = sizeOf(shape.slice(batchDims, axis));
      const inner = sizeOf(shape.slice(axis + 1));
      const n = shape[axis]!;
      const m = sizeOf(inputs[1]!.shape.slice(batchDims));
      const lines = sizeOf(shape.slice(0, axis));
      return {
        grid: n === 0 ? 0 : lines * inner,
        scratch: [],
        body: (lane, { inputs: [x, indices, updates], outputs: [result] }) =>
          Code.write((code) => {
            const line = div(lane, int(inner));
            const column = rem(lane, int(inner));
            const startOf = (length: number) => add(mul(line, int(length * inner)), column);
            const from = vectorView(x!, startOf(n), inner);
            const to = vectorView(result!, startOf(n), inner);
            const taken = vectorView(updates!, startOf(m), inner);
            const places = vectorView(indices!, mul(div(line, int(outer)), int(m)));
            code.along("i", n, [from, to], (i) => code.set(to, i, from.at(i)));
            code.loop("i", m, (i) => {
              const place = code.let("place", places.at(i));
              code.when(and(ge(place, int(0)), lt(place, int(n))), () => {
                code.set(to, place, join(to.at(place), taken.at(i)));
              });
            });
          }),
      };
    },
  };
}
