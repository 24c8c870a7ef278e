/** The loops of scattering: one lane for each (batch, outer, inner), which takes its updates in order. */
import { sizeOf } from "../core/array.ts";
import { add, and, div, eq, ge, int, linearIndex, lt, mul, real, rem, select } from "../kernel/expressions.ts";
import type { Expression } from "../kernel/ir.ts";
import type { BoundType, LoweringContext, Reduction, RoutineLowering } from "../kernel/lowering.ts";
import { Code, vectorView } from "../kernel/statements.ts";
import type { GatherParams } from "./gather.ts";

/** How many updates are under way at once, where their order does not matter; and what makes that worth it. */
const [strands, leastUpdates] = [8, 128];

interface Joining {
  readonly join: (old: Expression, update: Expression) => Expression;
  /** Whether updates may come in any order. */
  readonly isCommutative: boolean;
}

/** Lanes of a routine from which on a device is busy enough, and the most steps that a reduction may take instead. */
const [enoughLanes, mostSteps] = [32, 2 ** 24];

/**
 * Each number of the result as the sum of all updates that go to its place: where a routine would have few lanes, each
 * of which waits for memory at each update.
 */
export function scatterAddReduction({
  inputs,
  params: { axis, batchDims },
}: LoweringContext<GatherParams>): Reduction | undefined {
  const [x, indices] = inputs as readonly [BoundType, BoundType];
  const { shape } = x;
  const own = indices.shape.slice(batchDims);
  const lanes = sizeOf(shape) / Math.max(shape[axis]!, 1);
  if (lanes >= enoughLanes || sizeOf(shape) * sizeOf(own) > mostSteps || sizeOf(own) < leastUpdates) return undefined;
  const zero = x.dtype === "real" ? real(0) : int(0);
  return {
    shape: [...shape, ...own],
    axes: own.map((_, i) => shape.length + i),
    initial: [zero],
    operator: "add",
    cost: 3,
    element: (read, coordinates) => {
      const [at, update] = [coordinates.slice(0, shape.length), coordinates.slice(shape.length)];
      const goesHere = eq(read(1, [...at.slice(0, batchDims), ...update]), at[axis]!);
      const taken = read(2, [...at.slice(0, axis), ...update, ...at.slice(axis + 1)]);
      const isFirst = eq(linearIndex(update, own), int(0));
      return add(select(goesHere, taken, zero), select(isFirst, read(0, at), zero));
    },
    finish: ([sum]) => sum!,
  };
}

/**
 * `x` with each update joined to what is at its place; indices out of range write nothing. Updates in any order are taken
 * from eight parts in turn: neighbours often go to one place, and each would wait until the one before is in memory.
 */
export function scatterLowering({ join, isCommutative }: Joining): RoutineLowering<GatherParams> {
  return {
    kind: "routine",
    routine: ({ inputs, params: { axis, batchDims, inside } }) => {
      const { shape } = inputs[0]!;
      const outer = sizeOf(shape.slice(batchDims, axis));
      const inner = sizeOf(shape.slice(axis + 1));
      const n = shape[axis]!;
      const m = sizeOf(inputs[1]!.shape.slice(batchDims));
      const lines = sizeOf(shape.slice(0, axis));
      return {
        grid: n === 0 ? 0 : lines * inner,
        scratch: [],
        // Of others the coordinates of an update would be divisions.
        ...(inputs[2]!.shape.length === 1 && { pulled: 2 }),
        body: (lane, { inputs: [x, indices, updates], outputs: [result] }, pull) =>
          Code.write((code) => {
            const line = div(lane, int(inner));
            const column = rem(lane, int(inner));
            const startOf = (length: number) => add(mul(line, int(length * inner)), column);
            const from = vectorView(x!, startOf(n), inner);
            const to = vectorView(result!, startOf(n), inner);
            const taken = vectorView(updates!, startOf(m), inner);
            const places = vectorView(indices!, mul(div(line, int(outer)), int(m)));
            code.along("i", n, [from, to], (i) => code.set(to, i, from.at(i)));
            const update = (i: Expression) => {
              const place = code.let("place", places.at(i));
              const joined = pull ? pull(taken.place(i)) : taken.at(i);
              const write = () => code.set(to, place, join(to.at(place), joined));
              if (inside) write();
              else code.when(and(ge(place, int(0)), lt(place, int(n))), write);
            };
            const part = isCommutative && m >= leastUpdates ? Math.floor(m / strands) : 0;
            if (part > 0)
              code.loop("i", part, (i) => {
                for (let s = 0; s < strands; s++) update(add(i, int(s * part)));
              });
            code.loop("i", m - strands * part, (i) => update(add(i, int(strands * part))));
          }),
      };
    },
  };
}
