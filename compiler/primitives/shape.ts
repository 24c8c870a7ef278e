/** Structural primitives: broadcast, reshape, transpose, concat; pad, slice and reverse are in slicing.ts. All are linear. */
import { stridesOf } from "../core/array.ts";
import {
  addDims,
  compareDims,
  type Dim,
  equalDims,
  equalShapes,
  knownDim,
  productOfDims,
  showShape,
} from "../core/dimension.ts";
import { type Atom, concreteShape, showType } from "../core/graph.ts";
import { type Emitter, makeArray, type Params, type Primitive } from "../core/primitive.ts";
import * as ir from "../kernel/expressions.ts";
import type { Expression } from "../kernel/ir.ts";
import { invariant } from "../syntax/diagnostic.ts";
import { linearUnary } from "./linear-unary.ts";
import { reduceSum } from "./reduce-sum.ts";
import { moves, padPrimitive, reversePrimitive, slice, slicePrimitive } from "./slicing.ts";
import { copyView } from "./strides.ts";

export { pad, reverse, slice, sliceAxis } from "./slicing.ts";

type ShapeParams = { readonly shape: readonly Dim[] };

type BroadcastParams = { readonly shape: readonly Dim[]; readonly axes: readonly number[] };

type PermutationParams = { readonly permutation: readonly number[] };

type AxisParams = { readonly axis: number };

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

/** The permutation that undoes the given one. */
function inversePermutation(permutation: readonly number[]): number[] {
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

export const shapePrimitives: readonly Primitive<Params>[] = [
  broadcastPrimitive,
  reshapePrimitive,
  transposePrimitive,
  concatPrimitive,
  padPrimitive,
  slicePrimitive,
  reversePrimitive,
] as readonly Primitive[];
