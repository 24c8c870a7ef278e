/** Values as karush source, in full: a counterexample can be pasted into a script. */
import { sizeOf } from "../../compiler/core/array.ts";
import type { ArrayValue, Value } from "../../compiler/program.ts";
import { statusName, userShape } from "../show/values.ts";

export function literal(value: Value): string {
  if (value.kind === "array") return arrayLiteral(value, userShape(value), 0);
  const items = value.items.map((item, i) => (value.names ? `${value.names[i]}: ` : "") + literal(item));
  return `(${items.join(", ")})`;
}

function arrayLiteral(value: ArrayValue, shape: readonly number[], offset: number): string {
  if (shape.length === 0) return scalarLiteral(value, offset);
  const [n = 0, ...rest] = shape;
  const stride = sizeOf(rest);
  return `[${Array.from({ length: n }, (_, i) => arrayLiteral(value, rest, offset + i * stride)).join(", ")}]`;
}

function scalarLiteral(value: ArrayValue, index: number): string {
  const x = value.array.data[index]!;
  switch (value.type) {
    case "bool":
      return x === 0 ? "false" : "true";
    case "status":
      return statusName(x);
    case "key":
      // Keys have no literal; the words tell two of them apart.
      return `key(${value.array.data[2 * index]! >>> 0}, ${value.array.data[2 * index + 1]! >>> 0})`;
    case "int":
      return String(x);
    case "real":
      // The language writes 1e21, not 1e+21, and inf.
      return Number.isFinite(x) ? String(x).replace("e+", "e") : x > 0 ? "inf" : Number.isNaN(x) ? "nan" : "-inf";
  }
  return value.type satisfies never;
}
