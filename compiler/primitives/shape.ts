/** Structural primitives: broadcast, reshape, transpose, concat, pad, slice, reverse. All are linear. */
import { stridesOf } from "../core/array.ts";
import {
  addDims,
  applyOperation,
  compareDims,
  type Dim,
  equalDims,
  equalShapes,
  knownDim,
  multiplyDims,
  productOfDims,
  showShape,
  subtractDims,
} from "../core/dimension.ts";
import { type Atom, concreteShape, showType } from "../core/graph.ts";
import { type Emitter, makeArray, type Params, type Primitive } from "../core/primitive.ts";
import * as ir from "../kernel/expressions.ts";
import type { Expression } from "../kernel/ir.ts";
import type { Lowering, LoweringContext } from "../kernel/lowering.ts";
import { invariant } from "../syntax/diagnostic.ts";
import { linearUnary } from "./linear-unary.ts";
import { reduceSum } from "./reduce-sum.ts";
import { copyView } from "./strides.ts";

type ShapeParams = { readonly shape: readonly Dim[] };
type BroadcastParams = { readonly shape: readonly Dim[]; readonly axes: readonly number[] };
type PermutationParams = { readonly permutation: readonly number[] };
type AxisParams = { readonly axis: number };
type PadParams = {
  readonly low: readonly Dim[];
  readonly high: readonly Dim[];
  readonly interior: readonly number[];
  readonly value: number;
};
type SliceParams = { readonly start: readonly Dim[]; readonly stop: readonly Dim[]; readonly step: readonly number[] };
type ReverseParams = { readonly axes: readonly number[] };

/** The rule of a primitive that only moves elements. */
function moves<P>(
  element: (
    context: LoweringContext<P>,
    read: (operand: number, coordinates: readonly Expression[]) => Expression,
    at: Expression[],
  ) => Expression,
): Lowering<P> {
  return { kind: "map", cost: 0, element: (context, read, at) => element(context, read, [...at]) };
}

const mayBeEqual = (a: Dim, b: Dim) => compareDims(a, b) !== "different";

export const broadcastPrimitive: Primitive<BroadcastParams> = linearUnary<BroadcastParams>({
  name: "broadcast",
  infer: (x, { shape, axes }) => {
    invariant(
      axes.length === x.shape.length &&
        axes.every((a, i) => a >= 0 && a < shape.length && (i === 0 || a > axes[i - 1]!)) &&
        x.shape.every((d, i) => knownDim(d) === 1 || mayBeEqual(d, shape[axes[i]!]!)),
      () => `broadcast of ${showType(x)} to ${showShape(shape)} along axes ${axes.join(", ")}`,
    );
    return { dtype: x.dtype, shape };
  },
  evaluate: (x, { shape, axes }, context) => {
    const result = makeArray(context, x.dtype, concreteShape(shape));
    const own = stridesOf(x.shape);
    const strides = new Array<number>(result.shape.length).fill(0);
    axes.forEach((a, i) => {
      if (x.shape[i] === result.shape[a]) strides[a] = own[i]!;
    });
    copyView(
      result.shape,
      { data: result.data, offset: 0, strides: stridesOf(result.shape) },
      { data: x.data, offset: 0, strides },
    );
    return result;
  },
  lower: moves((context, read, at) => {
    const { axes } = context.params;
    const own = context.inputs[0]!.shape;
    return read(
      0,
      own.map((n, i) => (n === 1 ? ir.int(0) : at[axes[i]!]!)),
    );
  }),
  // A repeated number collects the cotangents of all its copies.
  transpose: (b, x, { shape, axes }, ct) => {
    const repeated = shape.flatMap((d, a) => {
      const i = axes.indexOf(a);
      return i < 0 || !equalDims(d, x.type.shape[i]!) ? [a] : [];
    });
    return reshape(b, reduceSum(b, ct, repeated), x.type.shape);
  },
  batchParams: ({ shape, axes }, size) => ({ shape: [size, ...shape], axes: [0, ...axes.map((a) => a + 1)] }),
});

export const reshapePrimitive: Primitive<ShapeParams> = linearUnary<ShapeParams>({
  name: "reshape",
  infer: (x, { shape }) => {
    invariant(
      mayBeEqual(productOfDims(x.shape), productOfDims(shape)),
      () => `reshape of ${showType(x)} to ${showShape(shape)}`,
    );
    return { dtype: x.dtype, shape };
  },
  // Nothing is ever written in place, so the storage can be shared.
  evaluate: (x, { shape }) => ({ dtype: x.dtype, shape: concreteShape(shape), data: x.data }),
  lower: moves((context, read, at) =>
    read(0, ir.coordinatesOf(ir.linearIndex(at, context.outputs[0]!.shape), context.inputs[0]!.shape)),
  ),
  transpose: (b, x, _params, ct) => reshape(b, ct, x.type.shape),
  batchParams: ({ shape }, size) => ({ shape: [size, ...shape] }),
});

export const transposePrimitive: Primitive<PermutationParams> = linearUnary<PermutationParams>({
  name: "transpose",
  infer: (x, { permutation }) => {
    invariant(
      permutation.length === x.shape.length && x.shape.every((_, i) => permutation.includes(i)),
      () => `transpose of ${showType(x)} by ${permutation.join(", ")}`,
    );
    return { dtype: x.dtype, shape: permutation.map((p) => x.shape[p]!) };
  },
  evaluate: (x, { permutation }, context) => {
    const result = makeArray(
      context,
      x.dtype,
      permutation.map((p) => x.shape[p]!),
    );
    const own = stridesOf(x.shape);
    copyView(
      result.shape,
      { data: result.data, offset: 0, strides: stridesOf(result.shape) },
      { data: x.data, offset: 0, strides: permutation.map((p) => own[p]!) },
    );
    return result;
  },
  lower: moves(({ params: { permutation } }, read, at) =>
    read(
      0,
      inversePermutation(permutation).map((p) => at[p]!),
    ),
  ),
  transpose: (b, _x, { permutation }, ct) => transpose(b, ct, inversePermutation(permutation)),
  batchParams: ({ permutation }) => ({ permutation: [0, ...permutation.map((p) => p + 1)] }),
});

export const concatPrimitive: Primitive<AxisParams> = {
  name: "concat",
  infer: (inputs, { axis }) => {
    const first = inputs[0]!;
    invariant(
      inputs.every(
        (t) =>
          t.dtype === first.dtype &&
          t.shape.length === first.shape.length &&
          axis >= 0 &&
          axis < t.shape.length &&
          t.shape.every((d, i) => i === axis || mayBeEqual(d, first.shape[i]!)),
      ),
      () => `concat of ${inputs.map(showType).join(" and ")} along axis ${axis}`,
    );
    const total = inputs.map((t) => t.shape[axis]!).reduce(addDims);
    return [{ dtype: first.dtype, shape: first.shape.map((d, i) => (i === axis ? total : d)) }];
  },
  evaluate: (inputs, { axis }, context) => {
    const total = inputs.reduce((sum, x) => sum + x.shape[axis]!, 0);
    const result = makeArray(
      context,
      inputs[0]!.dtype,
      inputs[0]!.shape.map((d, i) => (i === axis ? total : d)),
    );
    const strides = stridesOf(result.shape);
    let at = 0;
    for (const x of inputs) {
      const to = { data: result.data, offset: at * strides[axis]!, strides };
      copyView(x.shape, to, { data: x.data, offset: 0, strides: stridesOf(x.shape) });
      at += x.shape[axis]!;
    }
    return [result];
  },
  lower: moves(({ params: { axis }, inputs }, read, at) => {
    // Which part an element is in is known per element only: all parts are read, at places inside them.
    let from = inputs.reduce((n, x) => n + x.shape[axis]!, 0);
    let result: Expression | undefined;
    for (let k = inputs.length - 1; k >= 0; k--) {
      const n = inputs[k]!.shape[axis]!;
      from -= n;
      if (n === 0) continue;
      const place = ir.sub(at[axis]!, ir.int(from));
      const inside = ir.max(ir.min(place, ir.int(n - 1)), ir.int(0));
      const element = read(k, at.with(axis, inside));
      result = result === undefined ? element : ir.select(ir.lt(at[axis]!, ir.int(from + n)), element, result);
    }
    return result!;
  }),
  // d[x, y] = [dx, dy]
  jvp: (b, call, tangents) => {
    const outputs = b.emit(concatPrimitive, call.inputs, call.params);
    if (tangents.every((t) => t === undefined)) return { outputs, tangents: [undefined] };
    const parts = call.inputs.map((x, i) => tangents[i] ?? zeros(b, x.type));
    return { outputs, tangents: b.emit(concatPrimitive, parts, call.params) };
  },
  transpose: (b, { inputs, params: { axis } }, linear, [ct]) => {
    if (!ct) return inputs.map(() => undefined);
    const zero = ct.type.shape.map((): Dim => 0);
    const ones = ct.type.shape.map(() => 1);
    let at: Dim = 0;
    return inputs.map((x, i) => {
      const from = at;
      at = addDims(at, x.type.shape[axis]!);
      if (!linear[i]) return undefined;
      return slice(b, ct, zero.with(axis, from), ct.type.shape.with(axis, at), ones);
    });
  },
  batch: (b, { inputs, params: { axis } }, batched, size) => {
    const lanes = inputs.map((x, i) => (batched[i] ? x : repeat(b, x, size)));
    return { outputs: b.emit(concatPrimitive, lanes, { axis: axis + 1 }), batched: [true] };
  },
};

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

/** The permutation that undoes the given one. */
export function inversePermutation(permutation: readonly number[]): number[] {
  const inverse = new Array<number>(permutation.length);
  permutation.forEach((p, i) => {
    inverse[p] = i;
  });
  return inverse;
}

/**
 * `x` with axis `i` laid along axis `axes[i]` (increasing) of `shape`; axes of size one may stretch, and
 * `x` is repeated along the axes of `shape` that are not named.
 */
export function broadcast(b: Emitter, x: Atom, shape: readonly Dim[], axes: readonly number[]): Atom {
  if (equalShapes(x.type.shape, shape)) return x;
  return b.emit(broadcastPrimitive, [x], { shape: [...shape], axes: [...axes] })[0]!;
}

/** A scalar repeated over `shape`. */
export function fill(b: Emitter, x: Atom, shape: readonly Dim[]): Atom {
  return broadcast(b, x, shape, []);
}

/** Zeros (false) of a type. */
export function zeros(b: Emitter, type: Atom["type"]): Atom {
  return fill(b, { kind: "literal", value: 0, type: { dtype: type.dtype, shape: [] } }, type.shape);
}

/** `x` repeated along a new leading axis. */
export function repeat(b: Emitter, x: Atom, size: Dim): Atom {
  const { shape } = x.type;
  return b.emit(broadcastPrimitive, [x], { shape: [size, ...shape], axes: shape.map((_, i) => i + 1) })[0]!;
}

/** The same numbers in row-major order under another shape. */
export function reshape(b: Emitter, x: Atom, shape: readonly Dim[]): Atom {
  if (equalShapes(x.type.shape, shape)) return x;
  return b.emit(reshapePrimitive, [x], { shape: [...shape] })[0]!;
}

/** Axis `i` of the result is axis `permutation[i]` of `x`. */
export function transpose(b: Emitter, x: Atom, permutation: readonly number[]): Atom {
  if (permutation.every((p, i) => p === i)) return x;
  return b.emit(transposePrimitive, [x], { permutation: [...permutation] })[0]!;
}

/** `x` with axis `from` moved to place `to`. */
export function moveAxis(b: Emitter, x: Atom, from: number, to: number): Atom {
  const rest = x.type.shape.map((_, i) => i).filter((i) => i !== from);
  return transpose(b, x, rest.toSpliced(to, 0, from));
}

/** Arrays of one rank and dtype, one after the other along `axis`. */
export function concat(b: Emitter, xs: readonly Atom[], axis: number): Atom {
  const parts = xs.length > 1 ? xs.filter((x) => x.type.shape[axis] !== 0) : xs;
  if (parts.length === 0) return xs[0]!;
  if (parts.length === 1) return parts[0]!;
  return b.emit(concatPrimitive, parts, { axis })[0]!;
}

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

export const shapePrimitives: readonly Primitive<Params>[] = [
  broadcastPrimitive,
  reshapePrimitive,
  transposePrimitive,
  concatPrimitive,
  padPrimitive,
  slicePrimitive,
  reversePrimitive,
] as readonly Primitive[];
