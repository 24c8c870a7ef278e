/** Between terms and the values a run produces. */
import type { NdArray } from "../core/array.ts";
import type { Builder } from "../core/builder.ts";
import type { Atom } from "../core/graph.ts";
import type { Value } from "../program.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Span } from "../syntax/tree.ts";
import type { Elaborator } from "./elaborator.ts";
import { type ArrayTerm, showTermType, type Term, tupleTerm } from "./terms.ts";

/** The array leaves of a term; functions have none. */
export function leafArrays(term: Term): ArrayTerm[] {
  if (term.kind === "array") return [term];
  return term.kind === "tuple" ? term.items.flatMap(leafArrays) : [];
}

/** The value of a term, given that of each atom. */
export function termValue(term: Term, value: (a: Atom) => NdArray): Value {
  return termValueFrom(term, (leaf) => value(leaf.atom));
}

export function termValueFrom(term: Term, next: (leaf: ArrayTerm) => NdArray): Value {
  if (term.kind === "array") return { kind: "array", type: term.type, array: next(term) };
  if (term.kind === "tuple")
    return { kind: "tuple", names: term.names, items: term.items.map((t) => termValueFrom(t, next)) };
  throw new Error(`internal error: ${showTermType(term)} has no value`);
}

export function literalValue(a: Atom, precision: "f64" | "f32"): NdArray | undefined {
  if (a.kind !== "literal") return undefined;
  const { dtype } = a.type;
  const data =
    dtype === "real"
      ? precision === "f64"
        ? Float64Array.of(a.value)
        : Float32Array.of(a.value)
      : dtype === "int"
        ? Int32Array.of(a.value)
        : Uint8Array.of(a.value);
  return { dtype, shape: [], data };
}

/** All arrays of a value, in order. */
export function valueArrays(value: Value): NdArray[] {
  return value.kind === "array" ? [value.array] : value.items.flatMap(valueArrays);
}

/** A value as a term of fresh inputs; single ints are constants, so that they may set sizes. */
export function valueTerm(e: Elaborator, builder: Builder, value: Value, arrays: NdArray[], span: Span): Term {
  if (value.kind === "tuple")
    return tupleTerm(
      value.items.map((v) => valueTerm(e, builder, v, arrays, span)),
      value.names,
    );
  const { array, type } = value;
  if (type === "int" && array.shape.length === 0) return e.dimensionTerm(array.data[0]!);
  if (array.shape.some((d) => !Number.isInteger(d))) fail("K0770", span, "A shape has a size that is no integer.");
  arrays.push(array);
  return { kind: "array", type, atom: builder.input({ dtype: array.dtype, shape: array.shape }) };
}
