/** Lanes along one axis: an array seen as `[outer, n, inner]`, one lane for each (outer, inner). */
import { add, div, int, mul, rem, sub } from "../kernel/expressions.ts";
import type { Expression, KernelArray } from "../kernel/ir.ts";
import type { BoundType } from "../kernel/lowering.ts";
import { type VectorView, vectorView } from "../kernel/statements.ts";
import { aroundAxis } from "./strides.ts";

export interface Lanes {
  readonly count: number;
  /** The length of each. */
  readonly n: number;
  /** The elements of a lane of an array of this shape, from the far end if `reverse`. */
  of(array: KernelArray, lane: Expression, reverse?: boolean): VectorView;
}

/**
 * Whether devices are better off with stages, each of many short lanes, than with one long lane for each line: there are
 * too few lines to keep them busy, and what one lane does for long nobody can interrupt.
 */
export const areLong = ({ count, n }: Lanes): boolean => n >= 1024 && count > 0 && count < n;

export function lanesAlong({ shape }: BoundType, axis: number): Lanes {
  const { outer, n, inner } = aroundAxis(shape, axis);
  return {
    count: n === 0 ? 0 : outer * inner,
    n,
    of: (array, lane, reverse = false) => {
      const start = add(mul(div(lane, int(inner)), int(n * inner)), rem(lane, int(inner)));
      if (!reverse) return vectorView(array, start, inner);
      const forward = vectorView(array, start, inner);
      const flipped = (i: number | Expression) => sub(int(n - 1), typeof i === "number" ? int(i) : i);
      return { array, contiguous: false, place: (i) => forward.place(flipped(i)), at: (i) => forward.at(flipped(i)) };
    },
  };
}
