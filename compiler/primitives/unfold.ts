/** Sliding windows over the last axes, and their adjoint: what convolutions and pooling are made of. */
import type { ArrayData } from "../core/array.ts";
import { addDims, applyOperation, compareDims, type Dim, multiplyDims, subtractDims } from "../core/dimension.ts";
import { type Atom, concreteShape, showType } from "../core/graph.ts";
import { type Emitter, makeArray, type Params, type Primitive } from "../core/primitive.ts";
import { invariant } from "../syntax/diagnostic.ts";
import { linearUnary } from "./linear-unary.ts";
import { foldLowering, unfoldLowering } from "./unfold-kernel.ts";

/** One number for each of the (one or two) last axes. */
export interface Windows {
  readonly kernel: readonly Dim[];
  readonly stride: readonly number[];
  /** Zeros before and after the data. */
  readonly low: readonly Dim[];
  readonly high: readonly Dim[];
  /** The distance of neighbours in a window. */
  readonly dilation?: readonly number[];
}

export type UnfoldParams = {
  readonly kernel: readonly Dim[];
  readonly stride: readonly number[];
  readonly low: readonly Dim[];
  readonly high: readonly Dim[];
  readonly dilation: readonly number[];
};
export type FoldParams = UnfoldParams & { readonly size: readonly Dim[] };

/**
 * How many windows fit on an axis of the given size: floor((size + low + high - dilation (kernel - 1) - 1) /
 * stride) + 1.
 */
export function windowCount(size: Dim, windows: Windows, axis: number): Dim {
  const reach = addDims(multiplyDims(windows.dilation?.[axis] ?? 1, subtractDims(windows.kernel[axis]!, 1)), 1);
  const room = subtractDims(addDims(size, addDims(windows.low[axis]!, windows.high[axis]!)), reach);
  const count = addDims(applyOperation("div", room, windows.stride[axis]!), 1);
  return typeof count === "number" ? Math.max(count, 0) : count;
}

/** The windows as two axes: those of one-dimensional data get an axis of size one in front. */
interface Plan {
  readonly outer: number;
  readonly size: readonly [number, number];
  readonly count: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly low: readonly [number, number];
  readonly dilation: readonly [number, number];
}

function planOf(outer: readonly number[], size: readonly number[], windows: UnfoldParams): Plan {
  const pair = (values: readonly number[], missing: number): readonly [number, number] =>
    values.length === 1 ? [missing, values[0]!] : [values[0]!, values[1]!];
  const count = size.map((n, i) => concreteShape([windowCount(n, windows, i)])[0]!);
  return {
    outer: outer.reduce((p, d) => p * d, 1),
    size: pair(size, 1),
    count: pair(count, 1),
    kernel: pair(concreteShape(windows.kernel), 1),
    stride: pair(windows.stride, 1),
    low: pair(concreteShape(windows.low), 0),
    dilation: pair(windows.dilation, 1),
  };
}

/** Calls `visit(image, window, length, step)` for each run of window places that lie inside the image. */
function forEachRun(plan: Plan, visit: (image: number, window: number, length: number, step: number) => void): void {
  const [height, width] = plan.size;
  const [rows, columns] = plan.count;
  const [kh, kw] = plan.kernel;
  const [sh, sw] = plan.stride;
  for (let o = 0; o < plan.outer; o++)
    for (let ky = 0; ky < kh; ky++)
      for (let kx = 0; kx < kw; kx++) {
        const base = ((o * kh + ky) * kw + kx) * rows * columns;
        const shift = kx * plan.dilation[1] - plan.low[1];
        // The columns j with 0 <= j * sw + shift < width.
        const first = Math.max(0, Math.ceil(-shift / sw));
        const last = Math.min(columns - 1, Math.floor((width - 1 - shift) / sw));
        if (last < first) continue;
        for (let i = 0; i < rows; i++) {
          const y = i * sh + ky * plan.dilation[0] - plan.low[0];
          if (y < 0 || y >= height) continue;
          visit((o * height + y) * width + first * sw + shift, base + i * columns + first, last - first + 1, sw);
        }
      }
}

function copyRun(to: ArrayData, from: ArrayData, image: number, window: number, length: number, step: number): void {
  for (let j = 0; j < length; j++) to[window + j] = from[image + j * step]!;
}

export const unfoldPrimitive: Primitive<UnfoldParams> = linearUnary<UnfoldParams>({
  name: "unfold",
  lower: unfoldLowering,
  infer: (x, windows) => {
    const axes = windows.kernel.length;
    const rank = x.shape.length;
    invariant((axes === 1 || axes === 2) && rank >= axes, () => `unfold of ${showType(x)} over ${axes} axes`);
    const counts = x.shape.slice(rank - axes).map((size, i) => windowCount(size, windows, i));
    return { dtype: x.dtype, shape: [...x.shape.slice(0, rank - axes), ...windows.kernel, ...counts] };
  },
  evaluate: (x, windows, context) => {
    const axes = windows.kernel.length;
    const [outer, size] = [x.shape.slice(0, -axes), x.shape.slice(-axes)];
    const plan = planOf(outer, size, windows);
    const result = makeArray(context, x.dtype, [...outer, ...plan.kernel.slice(-axes), ...plan.count.slice(-axes)]);
    forEachRun(plan, (image, window, length, step) => copyRun(result.data, x.data, image, window, length, step));
    return result;
  },
  // Windows that overlap add their cotangents.
  transpose: (b, x, windows, ct) => fold(b, ct, windows, x.type.shape.slice(-windows.kernel.length)),
  batchParams: (windows) => windows,
});

export const foldPrimitive: Primitive<FoldParams> = linearUnary<FoldParams>({
  name: "fold",
  lower: foldLowering,
  infer: (x, windows) => {
    const axes = windows.kernel.length;
    const outer = x.shape.slice(0, -2 * axes);
    const expected = [...windows.kernel, ...windows.size.map((size, i) => windowCount(size, windows, i))];
    invariant(
      x.shape.length >= 2 * axes &&
        expected.every((d, i) => compareDims(d, x.shape[outer.length + i]!) !== "different"),
      () => `fold of ${showType(x)} over ${axes} axes`,
    );
    return { dtype: x.dtype, shape: [...outer, ...windows.size] };
  },
  evaluate: (x, windows, context) => {
    const axes = windows.kernel.length;
    const outer = x.shape.slice(0, -2 * axes);
    const size = concreteShape(windows.size);
    const result = makeArray(context, x.dtype, [...outer, ...size]);
    const sums = new Float64Array(result.data.length);
    const from = x.data;
    forEachRun(planOf(outer, size, windows), (image, window, length, step) => {
      for (let j = 0; j < length; j++) sums[image + j * step] = sums[image + j * step]! + from[window + j]!;
    });
    result.data.set(sums);
    return result;
  },
  transpose: (b, _x, { size: _size, ...windows }, ct) => unfold(b, ct, windows),
  batchParams: (windows) => windows,
});

function withDilation({ kernel, stride, low, high, dilation }: Windows): UnfoldParams {
  return { kernel, stride, low, high, dilation: dilation ?? kernel.map(() => 1) };
}

/**
 * The windows of x `[..., H, W]` as `[..., kh, kw, oh, ow]` (or `[..., W]` as `[..., k, o]`): window (i, j) starts at
 * (i, j) * stride - low; outside the data are zeros.
 */
export function unfold(b: Emitter, x: Atom, windows: Windows): Atom {
  return b.emit(unfoldPrimitive, [x], withDilation(windows))[0]!;
}

/**
 * The adjoint of `unfold`: windows `[..., kh, kw, oh, ow]` added up at their places in `[..., H, W]`, `size` =
 * [H, W].
 */
export function fold(b: Emitter, x: Atom, windows: Windows, size: readonly Dim[]): Atom {
  return b.emit(foldPrimitive, [x], { ...withDilation(windows), size: [...size] })[0]!;
}

export const unfoldPrimitives: readonly Primitive<Params>[] = [unfoldPrimitive, foldPrimitive] as readonly Primitive[];
