/** Where two values of the same structure differ most: what to show of two sides that should be equal. */
import { stridesOf } from "../../compiler/core/array.ts";
import type { Value } from "../../compiler/program.ts";
import { userShape } from "../show/values.ts";

export interface Difference {
  /** `[2, 0]`, `.w[3]`; empty for a number. */
  readonly place: string;
  readonly left: number;
  readonly right: number;
}

/**
 * The entries that differ most, at most `count`, in the order of their places; undefined where the two are of different
 * shapes, or are not numbers. Differences count relative to the larger of the two and 1, as `~=` takes them.
 */
export function largestDifferences(left: Value, right: Value, count: number): readonly Difference[] | undefined {
  const all = differences(left, right, "");
  if (!all) return undefined;
  const size = ({ left: a, right: b }: Difference) => {
    const gap = Math.abs(a - b) / Math.max(1, Math.abs(a), Math.abs(b));
    // A NaN is equal to nothing.
    return Number.isNaN(gap) ? (Object.is(a, b) || a === b ? 0 : Number.POSITIVE_INFINITY) : gap;
  };
  const ordered = all.map((d, index) => ({ d, index, size: size(d) })).filter((e) => e.size > 0);
  ordered.sort((a, b) => b.size - a.size || a.index - b.index);
  return ordered
    .slice(0, count)
    .sort((a, b) => a.index - b.index)
    .map((e) => e.d);
}

function differences(left: Value, right: Value, path: string): Difference[] | undefined {
  if (left.kind === "tuple" || right.kind === "tuple") {
    if (left.kind !== "tuple" || right.kind !== "tuple" || left.items.length !== right.items.length) return undefined;
    const parts = left.items.map((item, i) => differences(item, right.items[i]!, `${path}.${left.names?.[i] ?? i}`));
    return parts.every((p) => p !== undefined) ? parts.flat() : undefined;
  }
  if (![left, right].every((v) => v.type === "real" || v.type === "int")) return undefined;
  const [shape, other] = [userShape(left), userShape(right)];
  if (shape.length !== other.length || shape.some((n, axis) => n !== other[axis])) return undefined;
  const strides = stridesOf(shape);
  return Array.from(left.array.data, (x, i) => {
    const indices = shape.map((n, axis) => Math.floor(i / strides[axis]!) % n);
    return {
      place: path + (indices.length > 0 ? `[${indices.join(", ")}]` : ""),
      left: x,
      right: right.array.data[i]!,
    };
  });
}
