/**
 * Taking along an axis by an array of ints, and its adjoint. `x` is seen as `[batch, outer, n, inner]`,
 * the indices as `[batch, m]`, what is taken as `[batch, outer, m, inner]`. Indices are not wrapped; one
 * out of range reads 0 and writes nothing (a `check` beside it ends the run).
 */
import type { NdArray } from "../core/array.ts";
import { compareDims, type Dim, productOfDims } from "../core/dimension.ts";
import { type ArrayType, type Atom, showType } from "../core/graph.ts";
import { type Emitter, makeArray, type Params, type Primitive } from "../core/primitive.ts";
import * as ir from "../kernel/expressions.ts";
import type { Expression } from "../kernel/ir.ts";
import { invariant } from "../syntax/diagnostic.ts";
import { equal } from "./comparison.ts";
import { iota } from "./iota.ts";
import { scatterAddReduction, scatterLowering } from "./scatter-kernel.ts";
import { select } from "./select.ts";
import { broadcast, moveAxis, repeat, reshape, zeros } from "./shape.ts";

export type GatherParams = {
  readonly axis: number;
  readonly batchDims: number;
  /** True where the indices are known to be in range. */
  readonly inside?: boolean;
};

/** The shape of what `indices` take out of `x`. */
function takenShape(name: string, x: ArrayType, indices: ArrayType, { axis, batchDims }: GatherParams): Dim[] {
  invariant(
    indices.dtype === "int" &&
      axis >= batchDims &&
      axis < x.shape.length &&
      batchDims <= indices.shape.length &&
      x.shape.slice(0, batchDims).every((d, i) => compareDims(d, indices.shape[i]!) !== "different"),
    () => `${name} of ${showType(x)} by ${showType(indices)} along axis ${axis}, ${batchDims} axes shared`,
  );
  return [...x.shape.slice(0, axis), ...indices.shape.slice(batchDims), ...x.shape.slice(axis + 1)];
}

const product = (dims: readonly number[]) => dims.reduce((p, d) => p * d, 1);

/**
 * Where each run of `inner` numbers of what is taken starts in `x`, in order; -1 for those out of range.
 * Counted in runs, so both sides multiply by `inner`.
 */
function placesTaken(x: readonly number[], indices: NdArray, { axis, batchDims }: GatherParams): Int32Array {
  const batch = product(x.slice(0, batchDims));
  const outer = product(x.slice(batchDims, axis));
  const n = x[axis]!;
  const m = product(indices.shape.slice(batchDims));
  const at = indices.data;
  const places = new Int32Array(batch * outer * m);
  let taken = 0;
  for (let k = 0; k < batch; k++)
    for (let o = 0; o < outer; o++) {
      const start = (k * outer + o) * n;
      for (let i = 0; i < m; i++) {
        const index = at[k * m + i]!;
        places[taken++] = index >= 0 && index < n ? start + index : -1;
      }
    }
  return places;
}

export const gatherPrimitive: Primitive<GatherParams> = {
  name: "gather",
  infer: ([x, indices], params) => [{ dtype: x!.dtype, shape: takenShape("gather", x!, indices!, params) }],
  evaluate: ([x, indices], params, context) => {
    const { axis, batchDims } = params;
    const shape = [...x!.shape.slice(0, axis), ...indices!.shape.slice(batchDims), ...x!.shape.slice(axis + 1)];
    const result = makeArray(context, x!.dtype, shape);
    const [from, to] = [x!.data, result.data];
    const inner = product(x!.shape.slice(axis + 1));
    const places = placesTaken(x!.shape, indices!, params);
    for (let t = 0; t < places.length; t++) {
      const place = places[t]!;
      if (place >= 0) for (let j = 0; j < inner; j++) to[t * inner + j] = from[place * inner + j]!;
    }
    return [result];
  },
  lower: {
    kind: "map",
    cost: 0,
    element: ({ params: { axis, batchDims, inside }, inputs }, read, at) => {
      const [x, indices] = inputs as readonly [(typeof inputs)[number], (typeof inputs)[number]];
      const zero = x.dtype === "real" ? ir.real(0) : x.dtype === "int" ? ir.int(0) : ir.bool(false);
      const n = x.shape[axis]!;
      if (n === 0) return zero;
      const own = indices.shape.length - batchDims;
      const index = read(1, [...at.slice(0, batchDims), ...at.slice(axis, axis + own)]);
      const elementAt = (place: Expression) => read(0, [...at.slice(0, axis), place, ...at.slice(axis + own)]);
      if (inside) return elementAt(index);
      const clamped = ir.max(ir.min(index, ir.int(n - 1)), ir.int(0));
      const element = elementAt(clamped);
      return ir.select(ir.eq(index, clamped), element, zero);
    },
  },
  // d x[i] = dx[i]
  jvp: (b, call, [dx]) => ({
    outputs: b.emit(gatherPrimitive, call.inputs, call.params),
    tangents: [dx && b.emit(gatherPrimitive, [dx, call.inputs[1]!], call.params)[0]],
  }),
  // Numbers taken several times collect all their cotangents.
  transpose: (b, { inputs, params }, _linear, [ct]) => {
    const [x, indices] = inputs as readonly [Atom, Atom];
    if (!ct) return [undefined, undefined];
    return [scatterAdd(b, zeros(b, x.type), indices, ct, params.axis, params.batchDims, params.inside), undefined];
  },
  batch: (b, { inputs, params: { axis, batchDims } }, [xBatched, indicesBatched], size) => {
    const [x, indices] = inputs as readonly [Atom, Atom];
    if (xBatched) {
      if (!indicesBatched && batchDims === 0) return { outputs: [gather(b, x, indices, axis + 1, 0)], batched: [true] };
      const lanes = indicesBatched ? indices : repeat(b, indices, size);
      return { outputs: [gather(b, x, lanes, axis + 1, batchDims + 1)], batched: [true] };
    }
    // The lanes become the first axis of what is looked up, and so end at `axis` in the result.
    const taken = gather(b, x, moveAxis(b, indices, 0, batchDims), axis, batchDims);
    return { outputs: [moveAxis(b, taken, axis, 0)], batched: [true] };
  },
};

function inferScatter(name: string, inputs: readonly ArrayType[], params: GatherParams): readonly ArrayType[] {
  const [x, indices, updates] = inputs as readonly [ArrayType, ArrayType, ArrayType];
  const shape = takenShape(name, x, indices, params);
  invariant(
    x.dtype === updates.dtype &&
      shape.length === updates.shape.length &&
      shape.every((d, i) => compareDims(d, updates.shape[i]!) !== "different"),
    () => `${name} of ${inputs.map(showType).join(", ")} along axis ${params.axis}, ${params.batchDims} axes shared`,
  );
  return [x];
}

/** All operands get the lanes as a first shared axis; only common indices may stay as they are. */
function batchScatter(primitive: () => Primitive<GatherParams>): Primitive<GatherParams>["batch"] {
  return (b, { inputs, params: { axis, batchDims } }, batched, size) => {
    const [x, indices, updates] = inputs.map((a, i) => (batched[i] ? a : repeat(b, a, size)));
    const common = !batched[1] && batchDims === 0;
    const outputs = b.emit(primitive(), [x!, common ? inputs[1]! : indices!, updates!], {
      axis: axis + 1,
      batchDims: common ? 0 : batchDims + 1,
    });
    return { outputs, batched: [true] };
  };
}

/** d scatter(x, i, u) = scatter(dx, i, du): which update wins depends on the indices alone. */
function scatterJvp(primitive: () => Primitive<GatherParams>): Primitive<GatherParams>["jvp"] {
  return (b, call, [dx, , du]) => {
    const outputs = b.emit(primitive(), call.inputs, call.params);
    if (!dx && !du) return { outputs, tangents: [undefined] };
    const [x, indices, updates] = call.inputs as readonly [Atom, Atom, Atom];
    const operands = [dx ?? zeros(b, x.type), indices, du ?? zeros(b, updates.type)];
    return { outputs, tangents: b.emit(primitive(), operands, call.params) };
  };
}

export const scatterAddPrimitive: Primitive<GatherParams> = {
  name: "scatterAdd",
  lower: { ...scatterLowering({ join: ir.add, isCommutative: true }), reduction: scatterAddReduction },
  infer: (inputs, params) => {
    invariant(inputs[0]!.dtype !== "bool", () => "scatterAdd of bools");
    return inferScatter("scatterAdd", inputs, params);
  },
  evaluate: ([x, indices, updates], params, context) => {
    const result = makeArray(context, x!.dtype, x!.shape);
    // Sums are formed in f64 whatever the run's precision, one update after the other.
    const sums = x!.dtype === "real" ? Float64Array.from(x!.data) : Int32Array.from(x!.data);
    const from = updates!.data;
    const inner = product(x!.shape.slice(params.axis + 1));
    const places = placesTaken(x!.shape, indices!, params);
    for (let t = 0; t < places.length; t++) {
      const to = places[t]! * inner;
      if (to >= 0) for (let j = 0; j < inner; j++) sums[to + j] = sums[to + j]! + from[t * inner + j]!;
    }
    result.data.set(sums);
    return [result];
  },
  jvp: scatterJvp(() => scatterAddPrimitive),
  // <ct, x + S u> = <ct, x> + <S' ct, u>
  transpose: (b, { inputs, params }, linear, [ct]) => {
    if (!ct) return [undefined, undefined, undefined];
    const { axis, batchDims, inside } = params;
    const taken = linear[2] ? gather(b, ct, inputs[1]!, axis, batchDims, inside) : undefined;
    return [linear[0] ? ct : undefined, undefined, taken];
  },
  batch: batchScatter(() => scatterAddPrimitive),
};

export const scatterSetPrimitive: Primitive<GatherParams> = {
  name: "scatterSet",
  lower: scatterLowering({ join: (_old, update) => update, isCommutative: false }),
  infer: (inputs, params) => inferScatter("scatterSet", inputs, params),
  evaluate: ([x, indices, updates], params, context) => {
    const result = makeArray(context, x!.dtype, x!.shape);
    result.data.set(x!.data);
    const [from, to] = [updates!.data, result.data];
    const inner = product(x!.shape.slice(params.axis + 1));
    const places = placesTaken(x!.shape, indices!, params);
    for (let t = 0; t < places.length; t++) {
      const place = places[t]!;
      if (place >= 0) for (let j = 0; j < inner; j++) to[place * inner + j] = from[t * inner + j]!;
    }
    return [result];
  },
  jvp: scatterJvp(() => scatterSetPrimitive),
  // x keeps the cotangents of the places left alone, each update gets that of its place if it was the last there.
  transpose: (b, { inputs, params }, linear, [ct]) => {
    if (!ct) return [undefined, undefined, undefined];
    const [x, indices, updates] = inputs as readonly [Atom, Atom, Atom];
    const { axis, batchDims } = params;
    const kept = () => scatterSet(b, ct, indices, zeros(b, updates.type), axis, batchDims);
    const won = () => {
      const taken = gather(b, ct, indices, axis, batchDims);
      const winners = winningUpdates(b, x.type, indices, params);
      // The mask has the axes [batch, indices...]; the update has x's axes before and after these too.
      const axes = indices.type.shape.map((_, i) => (i < batchDims ? i : i - batchDims + axis));
      const zero: Atom = { kind: "literal", value: 0, type: { dtype: ct.type.dtype, shape: [] } };
      return select(b, broadcast(b, winners, taken.type.shape, axes), taken, zero);
    };
    return [linear[0] ? kept() : undefined, undefined, linear[2] ? won() : undefined];
  },
  batch: batchScatter(() => scatterSetPrimitive),
};

/** bool[batch, indices...]: true for the update that ends up at its place. Found by setting numbers of updates. */
function winningUpdates(b: Emitter, x: ArrayType, indices: Atom, { axis, batchDims }: GatherParams): Atom {
  const { shape } = indices.type;
  const numbers = reshape(b, iota(b, productOfDims(shape)), shape);
  const board = zeros(b, { dtype: "int", shape: [...shape.slice(0, batchDims), x.shape[axis]!] });
  const last = scatterSet(b, board, indices, numbers, batchDims, batchDims);
  return equal(b, gather(b, last, indices, batchDims, batchDims), numbers);
}

/**
 * `x` taken along `axis` at `indices`: the first `batchDims` axes of both run together, and the result has
 * the shape `x.shape[:axis] + indices.shape[batchDims:] + x.shape[axis + 1:]`. Out of range reads 0; `inside` says that
 * none is.
 */
export function gather(b: Emitter, x: Atom, indices: Atom, axis: number, batchDims = 0, inside = false): Atom {
  return b.emit(gatherPrimitive, [x, indices], paramsOf(axis, batchDims, inside))[0]!;
}

/** `x` with `updates` (laid out as `gather`'s result) added at their places; equal indices all count. */
export function scatterAdd(
  b: Emitter,
  x: Atom,
  indices: Atom,
  updates: Atom,
  axis: number,
  batchDims = 0,
  inside = false,
): Atom {
  return b.emit(scatterAddPrimitive, [x, indices, updates], paramsOf(axis, batchDims, inside))[0]!;
}

const paramsOf = (axis: number, batchDims: number, inside: boolean): GatherParams => ({
  axis,
  batchDims,
  ...(inside && { inside }),
});

/** `x` with `updates` (laid out as `gather`'s result) put at their places; of equal indices the last wins. */
export function scatterSet(b: Emitter, x: Atom, indices: Atom, updates: Atom, axis: number, batchDims = 0): Atom {
  return b.emit(scatterSetPrimitive, [x, indices, updates], { axis, batchDims })[0]!;
}

/** NumPy's `take_along_axis`: `indices` has x's shape but for `axis`, and so has the result. */
export function takeAlongAxis(b: Emitter, x: Atom, indices: Atom, axis: number): Atom {
  const last = x.type.shape.length - 1;
  const taken = gather(b, moveAxis(b, x, axis, last), moveAxis(b, indices, axis, last), last, last);
  return moveAxis(b, taken, last, axis);
}

export const gatherPrimitives: readonly Primitive<Params>[] = [
  gatherPrimitive,
  scatterAddPrimitive,
  scatterSetPrimitive,
] as readonly Primitive[];
