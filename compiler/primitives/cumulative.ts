/** Running sums, products, maxima and minima along an axis; from the far end with `reverse`. */
import type { DType, NdArray } from "../core/array.ts";
import { type Atom, showType } from "../core/graph.ts";
import { type Emitter, makeArray, type Params, type Primitive } from "../core/primitive.ts";
import * as ir from "../kernel/expressions.ts";
import { invariant } from "../syntax/diagnostic.ts";
import { mul } from "./arithmetic.ts";
import { cumargLowering, scanLowering } from "./cumulative-kernel.ts";
import { notLinear } from "./elementwise.ts";
import { takeAlongAxis } from "./gather.ts";
import { linearUnary } from "./linear-unary.ts";
import { linearRecurrence, linearRecurrencePrimitive, previous, type ScanParams } from "./recurrence.ts";
import { aroundAxis } from "./strides.ts";

type Context = Parameters<Primitive["evaluate"]>[2];

/** Runs `step(accumulated, element)` along the axis, the first element being the first result. */
function scan(
  x: NdArray,
  { axis, reverse }: ScanParams,
  context: Context,
  step: (accumulated: number, element: number) => number,
): NdArray {
  const result = makeArray(context, x.dtype, x.shape);
  const { outer, n, inner } = aroundAxis(x.shape, axis);
  const [from, to] = [x.data, result.data];
  if (n === 0) return result;
  const stride = reverse ? -inner : inner;
  for (let o = 0; o < outer; o++)
    for (let j = 0; j < inner; j++) {
      let p = o * n * inner + j + (reverse ? (n - 1) * inner : 0);
      let accumulated = from[p]!;
      to[p] = accumulated;
      for (let i = 1; i < n; i++) {
        p += stride;
        accumulated = step(accumulated, from[p]!);
        to[p] = accumulated;
      }
    }
  return result;
}

const checkAxis = (name: string, x: { readonly dtype: DType; readonly shape: readonly unknown[] }, axis: number) =>
  invariant(x.dtype !== "bool" && axis >= 0 && axis < x.shape.length, () => `${name} along axis ${axis}`);

export const cumsumPrimitive: Primitive<ScanParams> = linearUnary<ScanParams>({
  name: "cumsum",
  lower: scanLowering(ir.add, ["real", "int"]),
  infer: (x, { axis }) => {
    checkAxis("cumsum", x, axis);
    return x;
  },
  evaluate: (x, params, context) =>
    scan(x, params, context, x.dtype === "int" ? (s, v) => (s + v) | 0 : (s, v) => s + v),
  // x[i] is in all sums from i on, so its cotangent is theirs summed from the other end.
  transpose: (b, _x, { axis, reverse }, ct) => cumsum(b, ct, axis, !reverse),
  batchParams: ({ axis, reverse }) => ({ axis: axis + 1, reverse }),
});

export const cumprodPrimitive: Primitive<ScanParams> = {
  name: "cumprod",
  lower: scanLowering(ir.mul, ["int"]),
  infer: ([x], { axis }) => {
    checkAxis("cumprod", x!, axis);
    return [x!];
  },
  evaluate: ([x], params, context) => [
    scan(x!, params, context, x!.dtype === "int" ? Math.imul : (product, v) => product * v),
  ],
  // dy[i] = x[i] dy[i-1] + y[i-1] dx[i]: no division, so zeros among the factors are right.
  jvp: (b, call, [dx]) => {
    const outputs = b.emit(cumprodPrimitive, call.inputs, call.params);
    if (!dx) return { outputs, tangents: [undefined] };
    const { axis, reverse } = call.params;
    const terms = mul(b, dx, previous(b, outputs[0]!, axis, reverse, 1));
    return { outputs, tangents: [linearRecurrence(b, call.inputs[0]!, terms, axis, reverse)] };
  },
  transpose: notLinear("cumprod"),
  batch: (b, { inputs, params: { axis, reverse } }) => ({
    outputs: [cumprod(b, inputs[0]!, axis + 1, reverse)],
    batched: [true],
  }),
};

/** Whether `candidate` takes over from `best` as an extremum: NaN beats all, and then stays. */
const beats = {
  max: (candidate: number, best: number) => candidate > best || (Number.isNaN(candidate) && !Number.isNaN(best)),
  min: (candidate: number, best: number) => candidate < best || (Number.isNaN(candidate) && !Number.isNaN(best)),
} as const;

type Extremum = keyof typeof beats;
type CumargParams = ScanParams & { readonly which: Extremum };

/** Index of the running maximum or minimum, ties to the lowest index. */
export const cumargPrimitive: Primitive<CumargParams> = {
  name: "cumarg",
  lower: cumargLowering,
  infer: ([x], { axis }) => {
    checkAxis("cumarg", x!, axis);
    return [{ dtype: "int", shape: x!.shape }];
  },
  evaluate: ([x], { axis, reverse, which }, context) => {
    const result = makeArray(context, "int", x!.shape);
    const { outer, n, inner } = aroundAxis(x!.shape, axis);
    const [from, to, wins] = [x!.data, result.data, beats[which]];
    for (let o = 0; o < outer; o++)
      for (let j = 0; j < inner; j++) {
        const start = o * n * inner + j;
        let best = reverse ? n - 1 : 0;
        for (let k = 0; k < n; k++) {
          const i = reverse ? n - 1 - k : k;
          const [v, old] = [from[start + i * inner]!, from[start + best * inner]!];
          // Travelling backwards an equal element has the lower index, and takes over.
          if (wins(v, old) || (reverse && (v === old || (Number.isNaN(v) && Number.isNaN(old))))) best = i;
          to[start + i * inner] = best;
        }
      }
    return [result];
  },
  // An index has no tangent.
  jvp: (b, call) => ({ outputs: b.emit(cumargPrimitive, call.inputs, call.params), tangents: [undefined] }),
  transpose: notLinear("cumarg"),
  batch: (b, { inputs, params }) => ({
    outputs: b.emit(cumargPrimitive, inputs, { ...params, axis: params.axis + 1 }),
    batched: [true],
  }),
};

/** Running sum along `axis`. */
export function cumsum(b: Emitter, x: Atom, axis: number, reverse = false): Atom {
  return b.emit(cumsumPrimitive, [x], { axis, reverse })[0]!;
}

/** Running product along `axis`; its derivatives of any order are right with zeros among the factors. */
export function cumprod(b: Emitter, x: Atom, axis: number, reverse = false): Atom {
  return b.emit(cumprodPrimitive, [x], { axis, reverse })[0]!;
}

function cumulativeExtremum(b: Emitter, x: Atom, axis: number, reverse: boolean, which: Extremum): Atom {
  invariant(x.type.dtype !== "bool", () => `cum${which} of ${showType(x.type)}`);
  const index = b.emit(cumargPrimitive, [x], { axis, reverse, which })[0]!;
  return takeAlongAxis(b, x, index, axis);
}

/** Running maximum along `axis`: a gather by saved indices, ties to the lowest; from a NaN on all is NaN. */
export function cummax(b: Emitter, x: Atom, axis: number, reverse = false): Atom {
  return cumulativeExtremum(b, x, axis, reverse, "max");
}

/** Running minimum along `axis`: a gather by saved indices, ties to the lowest; from a NaN on all is NaN. */
export function cummin(b: Emitter, x: Atom, axis: number, reverse = false): Atom {
  return cumulativeExtremum(b, x, axis, reverse, "min");
}

export const cumulativePrimitives: readonly Primitive<Params>[] = [
  cumsumPrimitive,
  cumprodPrimitive,
  cumargPrimitive,
  linearRecurrencePrimitive,
] as readonly Primitive[];
