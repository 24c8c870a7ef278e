/** Sums over axes: pairwise, so that the error grows with the logarithm of the count; the order is fixed. */
import type { NdArray } from "../core/array.ts";
import type { ArrayType, Atom } from "../core/graph.ts";
import { showType } from "../core/graph.ts";
import { type Emitter, makeArray, type Primitive } from "../core/primitive.ts";
import * as ir from "../kernel/expressions.ts";
import { invariant } from "../syntax/diagnostic.ts";
import { linearUnary } from "./linear-unary.ts";
import { broadcast } from "./shape.ts";
import { otherAxes } from "./strides.ts";

export type AxesParams = { readonly axes: readonly number[] };

/** The type of a reduction's result; checks the axes. */
export function reducedType(name: string, x: ArrayType, axes: readonly number[]): ArrayType {
  invariant(
    axes.every((a, i) => a >= 0 && a < x.shape.length && axes.indexOf(a) === i),
    () => `${name} over axes ${axes.join(", ")} of ${showType(x)}`,
  );
  return { dtype: x.dtype, shape: x.shape.filter((_, i) => !axes.includes(i)) };
}

/**
 * Groups of neighbouring reduced axes as `[outer, n, inner]` problems on the array they leave behind,
 * last group first: reducing one after the other reduces all.
 */
export function reductionSteps(
  shape: readonly number[],
  axes: readonly number[],
): { outer: number; n: number; inner: number }[] {
  const steps: { outer: number; n: number; inner: number }[] = [];
  let inner = 1;
  let i = shape.length - 1;
  while (i >= 0) {
    if (!axes.includes(i)) {
      inner *= shape[i]!;
      i--;
      continue;
    }
    let n = 1;
    for (; i >= 0 && axes.includes(i); i--) n *= shape[i]!;
    let outer = 1;
    for (let k = 0; k <= i; k++) outer *= shape[k]!;
    steps.push({ outer, n, inner });
  }
  return steps;
}

/** Numbers summed one after the other before halving begins. */
const block = 64;

function sumRun(x: ArrayLike<number>, from: number, n: number): number {
  if (n > 2 * block) {
    const half = block * Math.ceil(n / (2 * block));
    return sumRun(x, from, half) + sumRun(x, from + half, n - half);
  }
  let [a, b, c, d] = [0, 0, 0, 0];
  let i = from;
  const end = from + n;
  for (; i + 3 < end; i += 4) {
    a += x[i]!;
    b += x[i + 1]!;
    c += x[i + 2]!;
    d += x[i + 3]!;
  }
  for (; i < end; i++) a += x[i]!;
  return a + b + (c + d);
}

/** Adds `n` rows of `width` numbers, `stride` apart, into `sums` (set, not added to). */
function sumRows(x: ArrayLike<number>, from: number, n: number, stride: number, sums: Float64Array): void {
  const width = sums.length;
  if (n > 2 * block) {
    const half = block * Math.ceil(n / (2 * block));
    sumRows(x, from, half, stride, sums);
    const rest = new Float64Array(width);
    sumRows(x, from + half * stride, n - half, stride, rest);
    for (let j = 0; j < width; j++) sums[j] = sums[j]! + rest[j]!;
    return;
  }
  sums.fill(0);
  for (let i = 0; i < n; i++) {
    const row = from + i * stride;
    for (let j = 0; j < width; j++) sums[j] = sums[j]! + x[row + j]!;
  }
}

/** Sums the middle axis of `[outer, n, inner]` reals. */
function sumMiddle(x: ArrayLike<number>, outer: number, n: number, inner: number): Float64Array {
  const result = new Float64Array(outer * inner);
  if (n === 0) return result;
  if (inner === 1) {
    for (let o = 0; o < outer; o++) result[o] = sumRun(x, o * n, n);
    return result;
  }
  const tile = 512;
  for (let o = 0; o < outer; o++)
    for (let j = 0; j < inner; j += tile) {
      const place = o * inner + j;
      sumRows(x, o * n * inner + j, n, inner, result.subarray(place, place + Math.min(tile, inner - j)));
    }
  return result;
}

function sumMiddleOfInts(x: ArrayLike<number>, outer: number, n: number, inner: number): Int32Array {
  const result = new Int32Array(outer * inner);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < n; i++) {
      const row = (o * n + i) * inner;
      for (let j = 0; j < inner; j++) result[o * inner + j] = result[o * inner + j]! + x[row + j]!;
    }
  return result;
}

export const reduceSumPrimitive: Primitive<AxesParams> = linearUnary<AxesParams>({
  name: "reduceSum",
  infer: (x, { axes }) => {
    invariant(x.dtype !== "bool", () => `reduceSum of ${showType(x)}`);
    return reducedType("reduceSum", x, axes);
  },
  evaluate: (x, { axes }, context) => {
    const result = makeArray(
      context,
      x.dtype,
      otherAxes(x.shape.length, axes).map((i) => x.shape[i]!),
    );
    let data: NdArray["data"] = x.data;
    for (const { outer, n, inner } of reductionSteps(x.shape, axes))
      data = x.dtype === "int" ? sumMiddleOfInts(data, outer, n, inner) : sumMiddle(data, outer, n, inner);
    result.data.set(data);
    return result;
  },
  lower: {
    kind: "reduce",
    reduction: ({ params: { axes }, inputs }) => ({
      shape: inputs[0]!.shape,
      axes,
      initial: [inputs[0]!.dtype === "int" ? ir.int(0) : ir.real(0)],
      operator: "add",
      cost: 1,
      element: (read, at) => read(0, at),
      finish: ([s]) => s!,
    }),
  },
  // <ct, sum x> = <broadcast ct, x>
  transpose: (b, x, { axes }, ct) => broadcast(b, ct, x.type.shape, otherAxes(x.type.shape.length, axes)),
  batchParams: ({ axes }) => ({ axes: axes.map((a) => a + 1) }),
});

/**
 * Sum of reals or ints over `axes`, which leave the shape. Pairwise in blocks of 64 to 128: the relative
 * error of 1e7 positive reals is below 1e-14. The sum of nothing is 0.
 */
export function reduceSum(b: Emitter, x: Atom, axes: readonly number[]): Atom {
  if (axes.length === 0) return x;
  return b.emit(reduceSumPrimitive, [x], { axes: [...axes].sort((i, j) => i - j) })[0]!;
}
