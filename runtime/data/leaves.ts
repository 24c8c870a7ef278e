/** A value as named arrays, for formats that hold such: `(a: (b: x, c: y))` has the leaves `a.b` and `a.c`. */
import type { ArrayValue, Value } from "../../compiler/program.ts";

export interface Leaf {
  /** Fields joined with dots; plain tuples count from 0. Empty for a lone array. */
  readonly name: string;
  readonly value: ArrayValue;
}

export function leavesOf(value: Value, prefix = ""): readonly Leaf[] {
  if (value.kind === "array") return [{ name: prefix, value }];
  return value.items.flatMap((item, i) => {
    const name = value.names?.[i] ?? String(i);
    return leavesOf(item, prefix === "" ? name : `${prefix}.${name}`);
  });
}
