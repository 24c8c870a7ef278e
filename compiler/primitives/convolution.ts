/** Convolution (cross-correlation, as in neural networks), composed of windows and one matrix product. */
import { applyOperation, type Dim, productOfDims, subtractDims } from "../core/dimension.ts";
import { type Atom, showType } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { invariant } from "../syntax/diagnostic.ts";
import { dotGeneral } from "./dot.ts";
import { moveAxis, reshape } from "./shape.ts";
import { unfold, type Windows } from "./unfold.ts";

export interface ConvolutionOptions {
  /** One number for each spatial axis. */
  readonly stride: readonly number[];
  /** [before, after] for each spatial axis. */
  readonly padding: readonly (readonly [Dim, Dim])[];
  readonly groups: number;
}

/**
 * The padding that keeps an axis's size at stride 1 (and ceil(size / stride) otherwise): kernel - 1 zeros, the
 * odd one after.
 */
export function samePadding(kernel: readonly Dim[]): (readonly [Dim, Dim])[] {
  return kernel.map((k) => {
    const before = applyOperation("div", subtractDims(k, 1), 2);
    return [before, subtractDims(subtractDims(k, 1), before)] as const;
  });
}

/**
 * x `[N, C, ...spatial]` with w `[O, C / groups, ...kernel]`, one or two spatial axes: `[N, O, ...]`, y[n, o, i]
 * = sum over c, k of w[o, c, k] x[n, c, stride i + k - before]. With groups, channel block g of the output sees
 * block g of the input.
 */
export function conv(b: Emitter, x: Atom, w: Atom, { stride, padding, groups }: ConvolutionOptions): Atom {
  const axes = w.type.shape.length - 2;
  invariant(
    (axes === 1 || axes === 2) && x.type.shape.length === axes + 2,
    () => `conv of ${showType(x.type)} and ${showType(w.type)}`,
  );
  const windows: Windows = {
    kernel: w.type.shape.slice(2),
    stride: [...stride],
    low: padding.map(([low]) => low),
    high: padding.map(([, high]) => high),
  };
  const [n, channels] = x.type.shape as readonly [Dim, Dim];
  const [outputs, perGroup] = w.type.shape as readonly [Dim, Dim];
  const patches = unfold(b, x, windows);
  const counts = patches.type.shape.slice(2 + axes);
  const taps = productOfDims([perGroup, ...windows.kernel]);
  const places = productOfDims(counts);
  if (groups === 1) {
    const columns = reshape(b, patches, [n, productOfDims([channels, ...windows.kernel]), places]);
    // [O, taps] with [N, taps, places] is [O, N, places].
    const product = dotGeneral(b, reshape(b, w, [outputs, taps]), columns, { contract: [[1], [1]], batch: [[], []] });
    return reshape(b, moveAxis(b, product, 0, 1), [n, outputs, ...counts]);
  }
  const columns = reshape(b, patches, [n, groups, taps, places]);
  const weights = reshape(b, w, [groups, applyOperation("div", outputs, groups), taps]);
  // [g, O/g, taps] with [N, g, taps, places] is [g, O/g, N, places].
  const product = dotGeneral(b, weights, columns, { contract: [[2], [2]], batch: [[0], [1]] });
  return reshape(b, moveAxis(b, product, 2, 0), [n, outputs, ...counts]);
}
