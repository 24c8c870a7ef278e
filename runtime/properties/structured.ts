/**
 * Arrays whose entries hang together: points of the simplex, permutations, orthogonal and positive definite matrices.
 * They are drawn, simplified and cut to another size as a whole, block by block of their last axes.
 */
import { sizeOf } from "../../compiler/core/array.ts";
import type { ArrayValue, PropertyVariable } from "../../compiler/program.ts";
import { orthogonalized, orthogonalMatrix, symmetricMatrix } from "./random-matrices.ts";

type Distribution = PropertyVariable["generator"];

export interface Structure {
  /** How many of the last axes a block has. */
  readonly axes: 1 | 2;
  /** A random block of n entries, or n x n. */
  draw(n: number, uniform: () => number): ArrayLike<number>;
  simplest(n: number): ArrayLike<number>;
  /** The first n rows, and columns, of an old block, mended. */
  cut(old: (i: number, j: number) => number, n: number): ArrayLike<number>;
}

const normalized = (x: readonly number[]) => {
  const sum = x.reduce((s, t) => s + t, 0);
  return x.map((t) => (sum > 0 ? t / sum : 1 / x.length));
};
const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const identity = (n: number) => Array.from({ length: n * n }, (_, k) => (k % (n + 1) === 0 ? 1 : 0));
const leadingBlock = (old: (i: number, j: number) => number, n: number) =>
  Float64Array.from({ length: n * n }, (_, k) => old(Math.floor(k / n), k % n));

const simplex: Structure = {
  axes: 1,
  draw: (n, uniform) => normalized(range(n).map(() => -Math.log(1 - uniform()))),
  simplest: (n) => normalized(range(n).map(() => 1)),
  cut: (old, n) => normalized(range(n).map((i) => old(0, i))),
};

const permutation: Structure = {
  axes: 1,
  draw: (n, uniform) => {
    const p = range(n);
    for (let i = n - 1; i > 0; i--) {
      const j = Math.floor(uniform() * (i + 1));
      [p[i], p[j]] = [p[j]!, p[i]!];
    }
    return p;
  },
  simplest: range,
  // The order among the entries that are left.
  cut: (old, n) => {
    const left = range(n).map((i) => old(0, i));
    return left.map((x) => left.filter((y) => y < x).length);
  },
};

const orthogonal: Structure = {
  axes: 2,
  draw: orthogonalMatrix,
  simplest: identity,
  cut: (old, n) => orthogonalized(leadingBlock(old, n), n),
};

const positiveDefinite = (condition: number): Structure => ({
  axes: 2,
  draw: (n, uniform) => symmetricMatrix(n, condition, uniform),
  simplest: identity,
  // A leading block of a positive definite matrix is one, and no worse conditioned (Cauchy's interlacing).
  cut: (old, n) => leadingBlock(old, n),
});

/** The structure of what a generator makes; undefined where entries are drawn one by one. */
export function structureOf(leaf: ArrayValue, distribution: Distribution): Structure | undefined {
  if (distribution.kind === "permutation") return leaf.type === "int" ? permutation : undefined;
  if (leaf.type !== "real" || leaf.array.shape.length === 0) return undefined;
  switch (distribution.kind) {
    case "simplex":
      return simplex;
    case "orthogonal":
      return orthogonal;
    case "spd":
      return positiveDefinite(distribution.condition);
    default:
      return undefined;
  }
}

/** An array like `leaf` whose blocks are what `make` gives for their number and size. */
export function inBlocks(
  leaf: ArrayValue,
  { axes }: Structure,
  make: (block: number, n: number) => ArrayLike<number>,
): ArrayValue {
  const data = leaf.array.data.slice();
  const n = leaf.array.shape.at(-1) ?? 0;
  const size = n ** axes;
  for (let block = 0; block < sizeOf(leaf.array.shape.slice(0, -axes)); block++) data.set(make(block, n), block * size);
  return { ...leaf, array: { ...leaf.array, data } };
}
