/** Conversion between dtypes. */
import type { DType } from "../core/array.ts";
import type { Atom } from "../core/graph.ts";
import { type Emitter, makeArray, type Primitive } from "../core/primitive.ts";
import * as ir from "../kernel/expressions.ts";
import { elementwiseLowering } from "./elementwise.ts";
import { linearUnary } from "./linear-unary.ts";

type ConvertParams = { readonly to: DType };

/** Toward zero, saturating at the ends of 32 bits; NaN is 0. */
export function truncateToInt(x: number): number {
  if (Number.isNaN(x)) return 0;
  return Math.trunc(Math.min(Math.max(x, -2147483648), 2147483647));
}

const converted = (value: number, from: DType, to: DType): number => {
  if (to === "bool") return value !== 0 ? 1 : 0;
  if (to === "int" && from === "real") return truncateToInt(value);
  return value;
};

export const convertPrimitive: Primitive<ConvertParams> = {
  // A conversion of real to real is never emitted, so there is no derivative.
  ...linearUnary<ConvertParams>({
    name: "convert",
    infer: (x, { to }) => ({ dtype: to, shape: x.shape }),
    evaluate: (x, { to }, context) => {
      const result = makeArray(context, to, x.shape);
      const [source, target] = [x.data, result.data];
      for (let i = 0; i < target.length; i++) target[i] = converted(source[i]!, x.dtype, to);
      return result;
    },
    lower: elementwiseLowering(0.5, ([x], _precision, { to }) => {
      if (to === "bool") return x!.kind === "bool" ? x! : ir.ne(x!, x!.kind === "real" ? ir.real(0) : ir.int(0));
      return to === "int" ? ir.toInt(x!) : ir.toReal(x!);
    }),
    transpose: (_b, _x, _params, ct) => ct,
    batchParams: (params) => params,
  }),
  // Rounding is flat and ints have no tangents: zero.
  jvp: (b, call) => ({ outputs: b.emit(convertPrimitive, call.inputs, call.params), tangents: [undefined] }),
};

/**
 * `x` as another dtype: bool to int to real keeps the value; real to int goes toward zero, saturates at
 * the ends of 32 bits and takes NaN to 0; anything to bool is `!= 0`. The derivative is zero except
 * from real to real, where there is nothing to do.
 */
export function convert(b: Emitter, x: Atom, dtype: DType): Atom {
  if (x.type.dtype === dtype) return x;
  if (x.kind === "literal") {
    return { kind: "literal", value: converted(x.value, x.type.dtype, dtype), type: { dtype, shape: [] } };
  }
  return b.emit(convertPrimitive, [x], { to: dtype })[0]!;
}

export const convertPrimitives: readonly Primitive[] = [convertPrimitive] as readonly Primitive[];
