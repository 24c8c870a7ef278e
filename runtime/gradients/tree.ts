/** Arguments as flat vectors of reals: what moves, how to move it, and how to say where an entry is. */
import type { Input, Output, Shaped } from "../values.ts";
import { Tensor } from "../values.ts";

/** One array among the arguments. */
export interface Leaf {
  /** `w`, `layer.bias`. */
  readonly path: readonly string[];
  readonly shape: readonly number[];
  readonly data: Float64Array;
  /** False for ints, keys and truth values: they stay as they are. */
  readonly real: boolean;
}

/** The arrays in a tree of inputs, in order. Nested lists become arrays; whole numbers in lists count as reals. */
export function leavesOf(tree: Input | Output, path: readonly string[] = []): Leaf[] {
  if (typeof tree === "number") return [{ path, shape: [], data: Float64Array.of(tree), real: true }];
  if (typeof tree === "boolean") return [{ path, shape: [], data: Float64Array.of(tree ? 1 : 0), real: false }];
  if (tree instanceof Tensor) {
    const { value } = tree;
    return [{ path, shape: tree.shape, data: Float64Array.from(value.array.data), real: value.type === "real" }];
  }
  if (ArrayBuffer.isView(tree)) {
    const real = tree instanceof Float64Array || tree instanceof Float32Array;
    return [{ path, shape: [tree.length], data: Float64Array.from(tree), real }];
  }
  if (Array.isArray(tree)) {
    const shape: number[] = [];
    for (let at: unknown = tree; Array.isArray(at); at = at[0]) shape.push(at.length);
    const flat = tree.flat(Number.POSITIVE_INFINITY) as (number | boolean)[];
    return [{ path, shape, data: Float64Array.from(flat, Number), real: !flat.some((x) => typeof x === "boolean") }];
  }
  if (isShaped(tree)) {
    const real = tree.data instanceof Float64Array || tree.data instanceof Float32Array;
    return [{ path, shape: tree.shape, data: Float64Array.from(tree.data), real }];
  }
  return Object.entries(tree as Readonly<Record<string, Input>>).flatMap(([k, v]) => leavesOf(v, [...path, k]));
}

function isShaped(tree: unknown): tree is Shaped {
  return (
    typeof tree === "object" && tree !== null && "data" in tree && "shape" in tree && ArrayBuffer.isView(tree.data)
  );
}

/** All real entries as one vector. */
export function flatten(leaves: readonly Leaf[]): Float64Array {
  const real = leaves.filter((l) => l.real);
  const out = new Float64Array(real.reduce((s, l) => s + l.data.length, 0));
  let at = 0;
  for (const l of real) {
    out.set(l.data, at);
    at += l.data.length;
  }
  return out;
}

/** The tree with its real entries replaced; `only` keeps the arguments named there, for tangents. */
export function rebuild(leaves: readonly Leaf[], vector: Float64Array, realOnly = false): Record<string, Input> {
  const tree: Record<string, Input> = {};
  let at = 0;
  for (const leaf of leaves) {
    let data: Shaped["data"];
    if (leaf.real) {
      data = vector.slice(at, at + leaf.data.length);
      at += leaf.data.length;
    } else if (realOnly) continue;
    else data = Int32Array.from(leaf.data);
    let node = tree as Record<string, unknown>;
    for (const key of leaf.path.slice(0, -1)) {
      node[key] ??= {};
      node = node[key] as Record<string, unknown>;
    }
    node[leaf.path.at(-1)!] = leaf.shape.length === 0 && leaf.real ? data[0]! : { data, shape: leaf.shape };
  }
  return tree;
}

/** Where a real entry is, as a script would say it: `w[3, 1]`, `layer.bias[2]`, `penalty`. */
export function placeOf(leaves: readonly Leaf[], index: number): string {
  let rest = index;
  for (const leaf of leaves.filter((l) => l.real)) {
    if (rest >= leaf.data.length) {
      rest -= leaf.data.length;
      continue;
    }
    const place: number[] = [];
    let at = rest;
    for (const n of [...leaf.shape].reverse()) {
      place.unshift(at % n);
      at = Math.floor(at / n);
    }
    return leaf.path.join(".") + (place.length > 0 ? `[${place.join(", ")}]` : "");
  }
  throw new RangeError(`There is no entry ${index}.`);
}
