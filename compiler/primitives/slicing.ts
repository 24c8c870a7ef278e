/** Structural primitives that leave entries out, put some between or turn them round: pad, slice, reverse. All are linear. */
import { stridesOf } from "../core/array.ts";
import {
  addDims,
  applyOperation,
  type Dim,
  equalDims,
  knownDim,
  multiplyDims,
  showShape,
  subtractDims,
} from "../core/dimension.ts";
import { type Atom, concreteShape, showType } from "../core/graph.ts";
import { type Emitter, makeArray, type Primitive } from "../core/primitive.ts";
import * as ir from "../kernel/expressions.ts";
import type { Expression } from "../kernel/ir.ts";
import type { Lowering, LoweringContext } from "../kernel/lowering.ts";
import { invariant } from "../syntax/diagnostic.ts";
import { linearUnary } from "./linear-unary.ts";
import { copyView } from "./strides.ts";

type PadParams = {
  readonly low: readonly Dim[];
  readonly high: readonly Dim[];
  readonly interior: readonly number[];
  readonly value: number;
};

type SliceParams = { readonly start: readonly Dim[]; readonly stop: readonly Dim[]; readonly step: readonly number[] };

type ReverseParams = { readonly axes: readonly number[] };

/** The rule of a primitive that only moves elements. */
export function moves<P>(
  element: (
    context: LoweringContext<P>,
    read: (operand: number, coordinates: readonly Expression[]) => Expression,
    at: Expression[],
  ) => Expression,
): Lowering<P> {
  return { kind: "map", cost: 0, element: (context, read, at) => element(context, read, [...at]) };
}

/** Length of an axis of size `n` with `interior` zeros between its elements. */
function spreadLength(n: Dim, interior: number): Dim {
  if (interior === 0) return n;
  if (n === 0) return 0;
  return addDims(multiplyDims(subtractDims(n, 1), interior + 1), 1);
}

export const padPrimitive: Primitive<PadParams> = linearUnary<PadParams>({
  name: "pad",
  infer: (x, { low, high, interior }) => {
    invariant(
      [low, high, interior].every((p) => p.length === x.shape.length) &&
        [...low, ...high, ...interior].every((p) => (knownDim(p) ?? 0) >= 0),
      () => `pad of ${showType(x)} by ${showShape(low)}, ${showShape(high)} and ${showShape(interior)} between`,
    );
    const shape = x.shape.map((n, i) => addDims(addDims(low[i]!, high[i]!), spreadLength(n, interior[i]!)));
    return { dtype: x.dtype, shape };
  },
  evaluate: (x, { low, high, interior, value }, context) => {
    const [before, after] = [concreteShape(low), concreteShape(high)];
    const shape = x.shape.map((n, i) => before[i]! + after[i]! + Number(spreadLength(n, interior[i]!)));
    const result = makeArray(context, x.dtype, shape);
    if (value !== 0) result.data.fill(value);
    const strides = stridesOf(shape);
    const to = {
      data: result.data,
      offset: before.reduce((sum, p, i) => sum + p * strides[i]!, 0),
      strides: strides.map((s, i) => s * (interior[i]! + 1)),
    };
    copyView(x.shape, to, { data: x.data, offset: 0, strides: stridesOf(x.shape) });
    return result;
  },
  lower: moves(({ params: { low, high, interior, value }, inputs }, read, at) => {
    const [{ shape, dtype }] = inputs as readonly [(typeof inputs)[number]];
    const fill = dtype === "real" ? ir.real(value) : dtype === "int" ? ir.int(value) : ir.bool(value !== 0);
    if (shape.includes(0)) return fill;
    const before = concreteShape(low);
    const after = concreteShape(high);
    let inside: Expression = ir.bool(true);
    const places = shape.map((n, i) => {
      const gap = interior[i]! + 1;
      if (before[i] === 0 && after[i] === 0 && gap === 1) return at[i]!;
      const shifted = ir.sub(at[i]!, ir.int(before[i]!));
      const clamped = ir.max(ir.min(shifted, ir.int((n - 1) * gap)), ir.int(0));
      inside = ir.and(inside, ir.eq(shifted, clamped));
      if (gap === 1) return clamped;
      inside = ir.and(inside, ir.eq(ir.rem(clamped, ir.int(gap)), ir.int(0)));
      return ir.div(clamped, ir.int(gap));
    });
    return ir.select(inside, read(0, places), fill);
  }),
  // d(pad x) = pad dx with zeros
  tangentParams: (params) => ({ ...params, value: 0 }),
  transpose: (b, x, { low, interior }, ct) => {
    const stop = x.type.shape.map((n, i) => addDims(low[i]!, spreadLength(n, interior[i]!)));
    return slice(
      b,
      ct,
      low,
      stop,
      interior.map((p) => p + 1),
    );
  },
  batchParams: ({ low, high, interior, value }) => ({
    low: [0, ...low],
    high: [0, ...high],
    interior: [0, ...interior],
    value,
  }),
});

/** Number of elements `start, start + step, ...` below `stop`. */
function sliceLength(start: Dim, stop: Dim, step: number): Dim {
  const span = subtractDims(stop, start);
  return step === 1 ? span : applyOperation("div", addDims(span, step - 1), step);
}

export const slicePrimitive: Primitive<SliceParams> = linearUnary<SliceParams>({
  name: "slice",
  infer: (x, { start, stop, step }) => {
    const shape = x.shape.map((_, i) => sliceLength(start[i]!, stop[i]!, step[i]!));
    invariant(
      [start, stop, step].every((p) => p.length === x.shape.length) &&
        step.every((s) => s > 0) &&
        [...start, ...shape, ...stop.map((s, i) => subtractDims(x.shape[i]!, s))].every((d) => (knownDim(d) ?? 0) >= 0),
      () => `slice of ${showType(x)} from ${showShape(start)} to ${showShape(stop)} by ${step.join(", ")}`,
    );
    return { dtype: x.dtype, shape };
  },
  evaluate: (x, { start, stop, step }, context) => {
    const [from, to] = [concreteShape(start), concreteShape(stop)];
    const shape = from.map((s, i) => Number(sliceLength(s, to[i]!, step[i]!)));
    const result = makeArray(context, x.dtype, shape);
    const own = stridesOf(x.shape);
    const source = {
      data: x.data,
      offset: from.reduce((sum, s, i) => sum + s * own[i]!, 0),
      strides: own.map((s, i) => s * step[i]!),
    };
    copyView(shape, { data: result.data, offset: 0, strides: stridesOf(shape) }, source);
    return result;
  },
  lower: moves(({ params: { start, step } }, read, at) =>
    read(
      0,
      concreteShape(start).map((s, i) => ir.add(ir.mul(at[i]!, ir.int(step[i]!)), ir.int(s))),
    ),
  ),
  // What was not taken gets zero.
  transpose: (b, x, { start, step }, ct) => {
    const interior = step.map((s) => s - 1);
    const high = x.type.shape.map((n, i) =>
      subtractDims(n, addDims(start[i]!, spreadLength(ct.type.shape[i]!, interior[i]!))),
    );
    return pad(b, ct, start, high, interior, 0);
  },
  batchParams: ({ start, stop, step }, size) => ({ start: [0, ...start], stop: [size, ...stop], step: [1, ...step] }),
});

export const reversePrimitive: Primitive<ReverseParams> = linearUnary<ReverseParams>({
  name: "reverse",
  infer: (x, { axes }) => {
    invariant(
      axes.every((a) => a >= 0 && a < x.shape.length),
      () => `reverse of ${showType(x)} along axes ${axes.join(", ")}`,
    );
    return x;
  },
  evaluate: (x, { axes }, context) => {
    const result = makeArray(context, x.dtype, x.shape);
    const own = stridesOf(x.shape);
    const source = {
      data: x.data,
      offset: axes.reduce((sum, a) => sum + (x.shape[a]! - 1) * own[a]!, 0),
      strides: own.map((s, i) => (axes.includes(i) ? -s : s)),
    };
    copyView(x.shape, { data: result.data, offset: 0, strides: own }, source);
    return result;
  },
  lower: moves(({ params: { axes }, inputs }, read, at) =>
    read(
      0,
      at.map((c, i) => (axes.includes(i) ? ir.sub(ir.int(inputs[0]!.shape[i]! - 1), c) : c)),
    ),
  ),
  transpose: (b, _x, { axes }, ct) => reverse(b, ct, axes),
  batchParams: ({ axes }) => ({ axes: axes.map((a) => a + 1) }),
});

/**
 * `x` with `low` and `high` (never negative) copies of `value` before and after it along each axis, and
 * `interior` copies between neighbours.
 */
export function pad(
  b: Emitter,
  x: Atom,
  low: readonly Dim[],
  high: readonly Dim[],
  interior: readonly number[],
  value: number,
): Atom {
  if ([...low, ...high, ...interior].every((p) => knownDim(p) === 0)) return x;
  return b.emit(padPrimitive, [x], { low: [...low], high: [...high], interior: [...interior], value })[0]!;
}

/** Elements `start, start + step, ...` below `stop` along each axis; steps are positive, nothing is clamped. */
export function slice(b: Emitter, x: Atom, start: readonly Dim[], stop: readonly Dim[], step: readonly number[]): Atom {
  if (x.type.shape.every((n, i) => start[i] === 0 && step[i] === 1 && equalDims(n, stop[i]!))) return x;
  return b.emit(slicePrimitive, [x], { start: [...start], stop: [...stop], step: [...step] })[0]!;
}

/** Elements `start` to `stop` (or to the end) along one axis. */
export function sliceAxis(b: Emitter, x: Atom, axis: number, start: Dim, stop: Dim = x.type.shape[axis]!): Atom {
  const zero = x.type.shape.map((): Dim => 0);
  return slice(
    b,
    x,
    zero.with(axis, start),
    x.type.shape.with(axis, stop),
    x.type.shape.map(() => 1),
  );
}

/** Runs the given axes backwards. */
export function reverse(b: Emitter, x: Atom, axes: readonly number[]): Atom {
  if (axes.every((a) => x.type.shape[a] === 1)) return x;
  return b.emit(reversePrimitive, [x], { axes: [...axes] })[0]!;
}
