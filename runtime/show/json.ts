/** Values as programs read them: nested arrays, objects for named tuples, strings for what JSON numbers cannot say. */
import { sizeOf } from "../../compiler/core/array.ts";
import type { ArrayValue, Value } from "../../compiler/program.ts";
import { statusName, userShape } from "./values.ts";

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** A number, or "NaN", "Infinity", "-Infinity". */
export function jsonNumber(x: number): number | string {
  return Number.isFinite(x) ? x : String(x);
}

/** A value in full. Keys are pairs of words, statuses their names. */
export function jsonValue(value: Value): Json {
  if (value.kind === "array") return nested(value, userShape(value), 0);
  const items = value.items.map(jsonValue);
  if (!value.names) return items;
  return Object.fromEntries(value.names.map((name, i) => [name, items[i]!]));
}

/** The shape: a list for an array, in the structure of the value for a tuple. */
export function jsonShape(value: Value): Json {
  if (value.kind === "array") return [...userShape(value)];
  const items = value.items.map(jsonShape);
  return value.names ? Object.fromEntries(value.names.map((name, i) => [name, items[i]!])) : items;
}

function nested(value: ArrayValue, shape: readonly number[], offset: number): Json {
  const { data } = value.array;
  if (shape.length === 0) {
    if (value.type === "key") return [data[2 * offset]! >>> 0, data[2 * offset + 1]! >>> 0];
    if (value.type === "bool") return data[offset] !== 0;
    return value.type === "status" ? statusName(data[offset]!) : jsonNumber(data[offset]!);
  }
  const [n = 0, ...rest] = shape;
  const stride = sizeOf(rest);
  return Array.from({ length: n }, (_, i) => nested(value, rest, offset + i * stride));
}
