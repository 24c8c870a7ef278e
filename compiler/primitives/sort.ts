/**
 * Sorting. `argsort` is the primitive; sorted values are gathered by its (saved) indices, so that the
 * derivative of a sort is a gather and no comparison is ever made twice.
 */
import type { ArrayData } from "../core/array.ts";
import type { Dim } from "../core/dimension.ts";
import { type Atom, showType } from "../core/graph.ts";
import { type Emitter, makeArray, type Primitive } from "../core/primitive.ts";
import { invariant } from "../syntax/diagnostic.ts";
import { notLinear, zeroJvp } from "./elementwise.ts";
import { gather } from "./gather.ts";
import { moveAxis, sliceAxis } from "./shape.ts";
import { argsortLowering } from "./sort-kernel.ts";
import { aroundAxis } from "./strides.ts";

type ArgsortParams = { readonly axis: number; readonly descending: boolean };

export const argsortPrimitive: Primitive<ArgsortParams> = {
  name: "argsort",
  lower: argsortLowering,
  infer: ([x], { axis }) => {
    invariant(axis >= 0 && axis < x!.shape.length, () => `argsort of ${showType(x!)} along axis ${axis}`);
    return [{ dtype: "int", shape: x!.shape }];
  },
  evaluate: ([x], { axis, descending }, context) => {
    const result = makeArray(context, "int", x!.shape);
    const { outer, n, inner } = aroundAxis(x!.shape, axis);
    const keys = new Float64Array(n);
    const [order, scratch] = [new Int32Array(n), new Int32Array(n)];
    for (let lane = 0; lane < outer * inner; lane++) {
      const start = Math.floor(lane / inner) * n * inner + (lane % inner);
      loadKeys(keys, x!.data, start, inner, descending);
      const sorted = mergeSort(keys, order, scratch);
      // NaNs are at its end.
      const first = descending ? keys.filter(Number.isNaN).length : 0;
      for (let i = 0; i < n; i++) result.data[start + ((i + first) % n) * inner] = sorted[i]!;
    }
    return [result];
  },
  jvp: zeroJvp(() => argsortPrimitive),
  transpose: notLinear("argsort"),
  batch: (b, call) => ({
    outputs: b.emit(argsortPrimitive, call.inputs, { ...call.params, axis: call.params.axis + 1 }),
    batched: [true],
  }),
};

/** A lane as keys to sort upwards. All dtypes fit in f64; negating them is exact and keeps NaN. */
function loadKeys(keys: Float64Array, data: ArrayData, start: number, stride: number, descending: boolean): void {
  for (let i = 0; i < keys.length; i++) {
    const key = data[start + i * stride]!;
    keys[i] = descending ? -key : key;
  }
}

/** Bottom-up merge sort of indices by key: stable, NaN last. Returns whichever buffer holds the result. */
function mergeSort(keys: Float64Array, order: Int32Array, scratch: Int32Array): Int32Array {
  const n = keys.length;
  for (let i = 0; i < n; i++) order[i] = i;
  let [from, to] = [order, scratch];
  for (let width = 1; width < n; width *= 2) {
    for (let left = 0; left < n; left += 2 * width) {
      const middle = Math.min(left + width, n);
      const right = Math.min(left + 2 * width, n);
      let [i, j] = [left, middle];
      for (let k = left; k < right; k++) {
        if (i < middle && (j >= right || !isBefore(keys[from[j]!]!, keys[from[i]!]!))) to[k] = from[i++]!;
        else to[k] = from[j++]!;
      }
    }
    [from, to] = [to, from];
  }
  return from;
}

function isBefore(x: number, y: number): boolean {
  // A NaN is after every number and equal to another NaN; -0 and 0 are equal.
  return x < y || (Number.isNaN(y) && !Number.isNaN(x));
}

/**
 * The indices that sort `x` along `axis`: ascending, or descending if asked. Stable, so equal values keep
 * their order (the lowest index first, in both directions). A NaN counts as larger than every number: it is last, or first
 * when descending, so that it is not lost among the largest.
 */
export function argsort(b: Emitter, x: Atom, axis: number, descending = false): Atom {
  return b.emit(argsortPrimitive, [x], { axis, descending })[0]!;
}

/** `x` sorted along `axis`, and the indices that do it (both of the shape of `x`). */
export function sortWithIndices(b: Emitter, x: Atom, axis: number, descending = false): readonly [Atom, Atom] {
  const last = x.type.shape.length - 1;
  const lanes = moveAxis(b, x, axis, last);
  const indices = argsort(b, lanes, last, descending);
  const values = gather(b, lanes, indices, last, last);
  return [moveAxis(b, values, last, axis), moveAxis(b, indices, last, axis)];
}

/** `x` sorted upwards along `axis`. */
export function sort(b: Emitter, x: Atom, axis: number): Atom {
  return sortWithIndices(b, x, axis)[0];
}

/**
 * The `k` largest along the last axis, largest first, ties to the lowest index: values and indices `[..., k]`. NaNs come
 * before all numbers, as with `max` and `argmax`.
 */
export function topK(b: Emitter, x: Atom, k: Dim): readonly [Atom, Atom] {
  const last = x.type.shape.length - 1;
  const indices = sliceAxis(b, argsort(b, x, last, true), last, 0, k);
  return [gather(b, x, indices, last, last), indices];
}

export const sortPrimitives: readonly Primitive[] = [argsortPrimitive];
