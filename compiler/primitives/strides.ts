/** Strided views of row-major storage: one copying loop that every structural primitive is made of. */
import type { ArrayData } from "../core/array.ts";

/** A place in storage and how far apart neighbours along each axis lie. */
export interface View {
  readonly data: ArrayData;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Copies all elements of `from` to the same places of `to`; both are views of the given shape. */
export function copyView(shape: readonly number[], to: View, from: View): void {
  // Axes of size one are dropped and neighbours that run on in both views merged, so that the inner
  // loop is as long as the data allow.
  const sizes: number[] = [];
  const toStrides: number[] = [];
  const fromStrides: number[] = [];
  for (let i = 0; i < shape.length; i++) {
    const n = shape[i]!;
    if (n === 0) return;
    if (n === 1) continue;
    const [s, t] = [to.strides[i]!, from.strides[i]!];
    const last = sizes.length - 1;
    if (last >= 0 && toStrides[last] === n * s && fromStrides[last] === n * t) {
      sizes[last] = sizes[last]! * n;
      toStrides[last] = s;
      fromStrides[last] = t;
    } else {
      sizes.push(n);
      toStrides.push(s);
      fromStrides.push(t);
    }
  }
  const rank = sizes.length;
  if (rank === 0) {
    to.data[to.offset] = from.data[from.offset]!;
    return;
  }
  const n = sizes[rank - 1]!;
  const [s, t] = [toStrides[rank - 1]!, fromStrides[rank - 1]!];
  const counters = new Array<number>(rank).fill(0);
  let [p, q] = [to.offset, from.offset];
  for (;;) {
    copyRow(n, to.data, p, s, from.data, q, t);
    let axis = rank - 2;
    while (axis >= 0) {
      counters[axis] = counters[axis]! + 1;
      p += toStrides[axis]!;
      q += fromStrides[axis]!;
      if (counters[axis]! < sizes[axis]!) break;
      counters[axis] = 0;
      p -= toStrides[axis]! * sizes[axis]!;
      q -= fromStrides[axis]! * sizes[axis]!;
      axis--;
    }
    if (axis < 0) return;
  }
}

function copyRow(n: number, to: ArrayData, p: number, s: number, from: ArrayData, q: number, t: number): void {
  if (s === 1 && t === 0) to.fill(from[q]!, p, p + n);
  else if (s === 1 && t === 1 && n >= 16) to.set(from.subarray(q, q + n), p);
  else
    for (let i = 0; i < n; i++) {
      to[p] = from[q]!;
      p += s;
      q += t;
    }
}

/** The shape seen as `[outer, n, inner]` around one axis. */
export function aroundAxis(shape: readonly number[], axis: number): { outer: number; n: number; inner: number } {
  let outer = 1;
  let inner = 1;
  for (let i = 0; i < axis; i++) outer *= shape[i]!;
  for (let i = axis + 1; i < shape.length; i++) inner *= shape[i]!;
  return { outer, n: shape[axis]!, inner };
}

/** The axes of a shape of the given rank that are not in `axes`, in order. */
export function otherAxes(rank: number, axes: readonly number[]): number[] {
  const others: number[] = [];
  for (let i = 0; i < rank; i++) if (!axes.includes(i)) others.push(i);
  return others;
}
