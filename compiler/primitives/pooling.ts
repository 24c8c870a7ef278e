/** Pooling, patches and resizing over the last axes: all composed. */
import { sizeOf } from "../core/array.ts";
import type { Dim } from "../core/dimension.ts";
import { type Atom, concreteShape, realLiteral } from "../core/graph.ts";
import { type Emitter, makeArray, type Primitive } from "../core/primitive.ts";
import * as ir from "../kernel/expressions.ts";
import { mul } from "./arithmetic.ts";
import { dotGeneral } from "./dot.ts";
import { notLinear, zeroJvp } from "./elementwise.ts";
import { reduceMax, reduceSum } from "./reduce.ts";
import { transpose } from "./shape.ts";
import { unfold } from "./unfold.ts";

/** Windows without padding, and the axes of `unfold`'s result that run inside them. */
function windowsOf(
  b: Emitter,
  x: Atom,
  window: readonly Dim[],
  stride: readonly number[],
): { patches: Atom; inside: readonly number[] } {
  const none = window.map(() => 0);
  const patches = unfold(b, x, { kernel: [...window], stride: [...stride], low: none, high: none });
  const first = x.type.shape.length - window.length;
  return { patches, inside: window.map((_, i) => first + i) };
}

/**
 * The largest of each window over the last axes of x: `[..., H, W]` to `[..., oh, ow]`, no padding. A tie goes
 * to the first place of the window in row-major order; the derivative goes where the (saved) maximum was.
 */
export function maxPool(
  b: Emitter,
  x: Atom,
  window: readonly Dim[],
  stride: readonly number[] = concreteShape(window),
): Atom {
  const { patches, inside } = windowsOf(b, x, window, stride);
  return reduceMax(b, patches, inside);
}

/** The mean of each window; see `maxPool`. */
export function meanPool(
  b: Emitter,
  x: Atom,
  window: readonly Dim[],
  stride: readonly number[] = concreteShape(window),
): Atom {
  const { patches, inside } = windowsOf(b, x, window, stride);
  const size = sizeOf(concreteShape(window));
  return mul(b, realLiteral(1 / size), reduceSum(b, patches, inside));
}

/** All windows of x `[..., H, W]`, places first: `[..., oh, ow, kh, kw]`. */
export function patches(
  b: Emitter,
  x: Atom,
  window: readonly Dim[],
  stride: readonly number[] = window.map(() => 1),
): Atom {
  const { patches: unfolded, inside } = windowsOf(b, x, window, stride);
  const outer = x.type.shape.slice(0, -window.length).map((_, i) => i);
  return transpose(b, unfolded, [...outer, ...inside.map((i) => i + window.length), ...inside]);
}

type ResizeParams = { readonly to: Dim; readonly from: Dim };

export const resizeWeightsPrimitive: Primitive<ResizeParams> = {
  name: "resizeWeights",
  infer: (_inputs, { to, from }) => [{ dtype: "real", shape: [to, from] }],
  evaluate: (_inputs, params, context) => {
    const [to, from] = concreteShape([params.to, params.from]) as [number, number];
    const result = makeArray(context, "real", [to, from]);
    if (from === 0) return [result];
    for (let i = 0; i < to; i++) {
      const place = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
      const left = Math.min(Math.floor(place), from - 1);
      const weight = place - left;
      result.data[i * from + left] = 1 - weight;
      if (weight > 0) result.data[i * from + left + 1] = weight;
    }
    return [result];
  },
  lower: {
    kind: "map",
    cost: 12,
    element: ({ outputs }, _read, [i, j]) => {
      const [to, from] = outputs[0]!.shape as [number, number];
      const centre = ir.mul(ir.add(ir.toReal(i!), ir.real(0.5)), ir.real(from));
      const unbounded = ir.sub(ir.div(centre, ir.real(to)), ir.real(0.5));
      const place = ir.min(ir.max(unbounded, ir.real(0)), ir.real(from - 1));
      const left = ir.floor(place);
      const weight = ir.sub(place, left);
      const beyond = ir.sub(ir.toReal(j!), left);
      const right = ir.select(ir.eq(beyond, ir.real(1)), weight, ir.real(0));
      return ir.select(ir.eq(beyond, ir.real(0)), ir.sub(ir.real(1), weight), right);
    },
  },
  jvp: zeroJvp(() => resizeWeightsPrimitive),
  transpose: notLinear("resizeWeights"),
  batch: (b, call) => ({ outputs: b.emit(resizeWeightsPrimitive, call.inputs, call.params), batched: [false] }),
};

/**
 * Bilinear resizing of the last two axes, `[..., H, W]` to `[..., h, w]`: pixel centres at half integers, place
 * i of the result at (i + 1/2) H / h - 1/2 of the data, clamped to the outermost centres. Linear: two small
 * matrix products.
 */
export function resize(b: Emitter, x: Atom, size: readonly [Dim, Dim]): Atom {
  return resizeAxis(b, resizeAxis(b, x, 1, size[0]), 1, size[1]);
}

/** Contracts the axis before last with its weights; the new axis comes last, so that two calls restore the order. */
function resizeAxis(b: Emitter, x: Atom, fromEnd: number, to: Dim): Atom {
  const axis = x.type.shape.length - 1 - fromEnd;
  const weights = b.emit(resizeWeightsPrimitive, [], { to, from: x.type.shape[axis]! })[0]!;
  return dotGeneral(b, x, weights, { contract: [[axis], [1]], batch: [[], []] });
}

export const poolingPrimitives: readonly Primitive[] = [resizeWeightsPrimitive] as readonly Primitive[];
