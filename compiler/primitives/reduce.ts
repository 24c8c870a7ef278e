/** Reductions over axes. Sums are in reduce-sum.ts; here are products, extrema and the logical ones. */
import type { DType, NdArray } from "../core/array.ts";
import { productOfDims } from "../core/dimension.ts";
import { type Atom, showType } from "../core/graph.ts";
import { type Emitter, type EvaluationContext, makeArray, type Params, type Primitive } from "../core/primitive.ts";
import * as ir from "../kernel/expressions.ts";
import { isNaN as isNaNReal } from "../kernel/functions/classify.ts";
import type { Accumulator, Expression } from "../kernel/ir.ts";
import type { Lowering } from "../kernel/lowering.ts";
import { invariant } from "../syntax/diagnostic.ts";
import { mul } from "./arithmetic.ts";
import { cumprod } from "./cumulative.ts";
import { notLinear, zeroJvp } from "./elementwise.ts";
import { gather } from "./gather.ts";
import { previous } from "./recurrence.ts";
import { type AxesParams, reducedType, reduceSum, reduceSumPrimitive, reductionSteps } from "./reduce-sum.ts";
import { reshape, transpose } from "./shape.ts";
import { aroundAxis, otherAxes } from "./strides.ts";

export { reduceSum, reduceSumPrimitive };

interface Reduction {
  readonly name: string;
  readonly dtypes: readonly DType[];
  /** The result over nothing. */
  readonly empty: (dtype: DType) => number;
  readonly step: (dtype: DType) => (accumulated: number, element: number) => number;
  readonly operator: Accumulator["operator"];
  readonly jvp: (primitive: () => Primitive<AxesParams>) => Primitive<AxesParams>["jvp"];
}

function reductionPrimitive(definition: Reduction): Primitive<AxesParams> {
  const primitive: Primitive<AxesParams> = {
    name: definition.name,
    infer: ([x], { axes }) => {
      invariant(definition.dtypes.includes(x!.dtype), () => `${definition.name} of ${showType(x!)}`);
      return [reducedType(definition.name, x!, axes)];
    },
    lower: {
      kind: "reduce",
      reduction: ({ params: { axes }, inputs }) => ({
        shape: inputs[0]!.shape,
        axes,
        initial: [constantOf(inputs[0]!.dtype, definition.empty(inputs[0]!.dtype))],
        operator: definition.operator,
        cost: 1,
        element: (read, at) => read(0, at),
        finish: ([s]) => s!,
      }),
    },
    evaluate: ([x], { axes }, context) => [reduceBy(definition, x!, axes, context)],
    jvp: (b, call, tangents) => definition.jvp(() => primitive)(b, call, tangents),
    transpose: notLinear(definition.name),
    batch: (b, { inputs, params: { axes } }) => ({
      outputs: b.emit(primitive, inputs, { axes: axes.map((a) => a + 1) }),
      batched: [true],
    }),
  };
  return primitive;
}

const constantOf = (dtype: DType, value: number): Expression =>
  dtype === "real" ? ir.real(value) : dtype === "int" ? ir.int(value) : ir.bool(value !== 0);

function reduceBy(definition: Reduction, x: NdArray, axes: readonly number[], context: EvaluationContext): NdArray {
  const kept = otherAxes(x.shape.length, axes).map((i) => x.shape[i]!);
  const result = makeArray(context, x.dtype, kept);
  const [step, empty] = [definition.step(x.dtype), definition.empty(x.dtype)];
  let data = x.data;
  for (const { outer, n, inner } of reductionSteps(x.shape, axes)) {
    const size = outer * inner;
    const next =
      x.dtype === "real" ? new Float64Array(size) : x.dtype === "int" ? new Int32Array(size) : new Uint8Array(size);
    next.fill(empty);
    for (let o = 0; o < outer; o++)
      for (let i = 0; i < n; i++) {
        const row = (o * n + i) * inner;
        for (let j = 0; j < inner; j++) next[o * inner + j] = step(next[o * inner + j]!, data[row + j]!);
      }
    data = next;
  }
  result.data.set(data);
  return result;
}

/** `x` with the reduced axes moved to the end and made one; the others keep their order. */
function flattenLast(b: Emitter, x: Atom, axes: readonly number[]): Atom {
  const others = otherAxes(x.type.shape.length, axes);
  const moved = transpose(b, x, [...others, ...axes]);
  const kept = others.map((i) => x.type.shape[i]!);
  return reshape(b, moved, [...kept, productOfDims(axes.map((i) => x.type.shape[i]!))]);
}

export const reduceProdPrimitive = reductionPrimitive({
  name: "reduceProd",
  operator: "mul",
  dtypes: ["real", "int"],
  empty: () => 1,
  step: (dtype) => (dtype === "int" ? Math.imul : (p, v) => p * v),
  // d prod x = sum over i of (prod of the others) dx[i]; the others by products from both ends, never by division
  jvp:
    (primitive) =>
    (b, call, [dx]) => {
      const outputs = b.emit(primitive(), call.inputs, call.params);
      if (!dx) return { outputs, tangents: [undefined] };
      const flat = flattenLast(b, call.inputs[0]!, call.params.axes);
      const last = flat.type.shape.length - 1;
      const before = cumprod(b, previous(b, flat, last, false, 1), last);
      const after = cumprod(b, previous(b, flat, last, true, 1), last, true);
      const change = mul(b, mul(b, before, after), flattenLast(b, dx, call.params.axes));
      return { outputs, tangents: [reduceSum(b, change, [last])] };
    },
});

const lowest = (dtype: DType) => (dtype === "int" ? -2147483648 : Number.NEGATIVE_INFINITY);
const highest = (dtype: DType) => (dtype === "int" ? 2147483647 : Number.POSITIVE_INFINITY);

/** d max x = dx[argmax x], the index being saved: the lowest of equals. */
const extremumJvp =
  (index: (b: Emitter, x: Atom, axis: number) => Atom): Reduction["jvp"] =>
  (primitive) =>
  (b, call, [dx]) => {
    const outputs = b.emit(primitive(), call.inputs, call.params);
    if (!dx) return { outputs, tangents: [undefined] };
    const flat = flattenLast(b, call.inputs[0]!, call.params.axes);
    const last = flat.type.shape.length - 1;
    const change = flattenLast(b, dx, call.params.axes);
    return { outputs, tangents: [gather(b, change, index(b, flat, last), last, last)] };
  };

export const reduceMaxPrimitive = reductionPrimitive({
  name: "reduceMax",
  operator: "max",
  dtypes: ["real", "int"],
  empty: lowest,
  step: () => Math.max,
  jvp: extremumJvp((b, x, axis) => argmax(b, x, axis)),
});

export const reduceMinPrimitive = reductionPrimitive({
  name: "reduceMin",
  operator: "min",
  dtypes: ["real", "int"],
  empty: highest,
  step: () => Math.min,
  jvp: extremumJvp((b, x, axis) => argmin(b, x, axis)),
});

export const reduceAnyPrimitive = reductionPrimitive({
  name: "reduceAny",
  operator: "or",
  dtypes: ["bool"],
  empty: () => 0,
  step: () => (a, c) => a | c,
  // Bools have no tangents.
  jvp: zeroJvp as Reduction["jvp"],
});

export const reduceAllPrimitive = reductionPrimitive({
  name: "reduceAll",
  operator: "and",
  dtypes: ["bool"],
  empty: () => 1,
  step: () => (a, c) => a & c,
  // Bools have no tangents.
  jvp: zeroJvp as Reduction["jvp"],
});

type ArgParams = { readonly axis: number };

/** Accumulators: the best value and its place; the first NaN stays. */
const argLowering = (compare: (candidate: Expression, best: Expression) => Expression): Lowering<ArgParams> => ({
  kind: "reduce",
  reduction: ({ params: { axis }, inputs, precision }) => {
    const { shape, dtype } = inputs[0]!;
    const isNaNElement = (x: Expression) => (dtype === "real" ? isNaNReal(x, precision) : ir.bool(false));
    return {
      shape,
      axes: [axis],
      initial: [constantOf(dtype, 0), ir.int(0)],
      operator: undefined,
      cost: 4,
      element: (read, at) => read(0, at),
      step: ([best, place], element, at) => {
        const wins = ir.or(
          ir.eq(at, ir.int(0)),
          ir.or(compare(element, best!), ir.and(isNaNElement(element), ir.not(isNaNElement(best!)))),
        );
        return [ir.select(wins, element, best!), ir.select(wins, at, place!)];
      },
      finish: ([, place]) => place!,
    };
  },
});

function argPrimitive(
  name: string,
  compare: (candidate: Expression, best: Expression) => Expression,
  beats: (candidate: number, best: number) => boolean,
): Primitive<ArgParams> {
  const primitive: Primitive<ArgParams> = {
    name,
    lower: argLowering(compare),
    infer: ([x], { axis }) => {
      invariant(axis >= 0 && axis < x!.shape.length, () => `${name} of ${showType(x!)} along axis ${axis}`);
      return [{ dtype: "int", shape: x!.shape.filter((_, i) => i !== axis) }];
    },
    evaluate: ([x], { axis }, context) => {
      const result = makeArray(
        context,
        "int",
        x!.shape.filter((_, i) => i !== axis),
      );
      const { outer, n, inner } = aroundAxis(x!.shape, axis);
      const [from, to] = [x!.data, result.data];
      for (let o = 0; o < outer; o++)
        for (let j = 0; j < inner; j++) {
          const start = o * n * inner + j;
          let best = 0;
          let value = n > 0 ? from[start]! : 0;
          for (let i = 1; i < n; i++) {
            const v = from[start + i * inner]!;
            // The first NaN is the extremum, as it is the value of the reduction.
            if (beats(v, value) || (Number.isNaN(v) && !Number.isNaN(value))) {
              best = i;
              value = v;
            }
          }
          to[o * inner + j] = best;
        }
      return [result];
    },
    // An index has no tangent.
    jvp: (b, call) => ({ outputs: b.emit(primitive, call.inputs, call.params), tangents: [undefined] }),
    transpose: notLinear(name),
    batch: (b, { inputs, params: { axis } }) => ({
      outputs: b.emit(primitive, inputs, { axis: axis + 1 }),
      batched: [true],
    }),
  };
  return primitive;
}

export const argmaxPrimitive = argPrimitive("argmax", ir.gt, (candidate, best) => candidate > best);
export const argminPrimitive = argPrimitive("argmin", ir.lt, (candidate, best) => candidate < best);

const emitReduction = (primitive: Primitive<AxesParams>) => (b: Emitter, x: Atom, axes: readonly number[]) =>
  axes.length === 0 ? x : b.emit(primitive, [x], { axes: [...axes].sort((i, j) => i - j) })[0]!;

/** Product over `axes`; its derivatives of any order are right with zeros among the factors. */
export const reduceProd = emitReduction(reduceProdPrimitive);
/** Largest element over `axes`: of nothing -inf (the smallest int). NaN propagates; the derivative goes to the lowest index. */
export const reduceMax = emitReduction(reduceMaxPrimitive);
/** Smallest element over `axes`: of nothing inf (the largest int). NaN propagates; the derivative goes to the lowest index. */
export const reduceMin = emitReduction(reduceMinPrimitive);
/** Whether any is true; of nothing false. */
export const reduceAny = emitReduction(reduceAnyPrimitive);
/** Whether all are true; of nothing true. */
export const reduceAll = emitReduction(reduceAllPrimitive);

/** Index of the largest element (the first NaN if there is one), the lowest of equals; 0 for an empty axis. */
export function argmax(b: Emitter, x: Atom, axis: number): Atom {
  return b.emit(argmaxPrimitive, [x], { axis })[0]!;
}

/** Index of the smallest element (the first NaN if there is one), the lowest of equals; 0 for an empty axis. */
export function argmin(b: Emitter, x: Atom, axis: number): Atom {
  return b.emit(argminPrimitive, [x], { axis })[0]!;
}

export const reducePrimitives: readonly Primitive<Params>[] = [
  reduceSumPrimitive,
  reduceProdPrimitive,
  reduceMaxPrimitive,
  reduceMinPrimitive,
  reduceAnyPrimitive,
  reduceAllPrimitive,
  argmaxPrimitive,
  argminPrimitive,
] as readonly Primitive[];
