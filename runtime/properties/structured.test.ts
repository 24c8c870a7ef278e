/** Arrays whose entries hang together stay what they are: when drawn, made simpler, and cut to another size. */
import assert from "node:assert/strict";
import test from "node:test";
import { ndArray } from "../../compiler/core/array.ts";
import type { ArrayValue, PropertyVariable, Value } from "../../compiler/program.ts";
import { largestDifferences } from "./differences.ts";
import { draw, resized, simpler } from "./draw.ts";
import { orthogonalized } from "./random-matrices.ts";

type Generator = PropertyVariable["generator"];

const zeros = (shape: readonly number[], type: "real" | "int" = "real"): ArrayValue => ({
  kind: "array",
  type,
  array: ndArray(type, shape, new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(0)),
});
const real = (shape: readonly number[], data: readonly number[]): ArrayValue => ({
  kind: "array",
  type: "real",
  array: ndArray("real", shape, [...data]),
});

const seed = 48271;
let state = seed;
const uniform = () => {
  state = (state * 48271) % 0x7fffffff;
  return state / 0x7fffffff;
};

/** The blocks of a stack of vectors or square matrices. */
function blocksOf(value: Value, axes: 1 | 2): { readonly n: number; readonly block: readonly number[] }[] {
  assert.equal(value.kind, "array");
  const { shape, data } = (value as ArrayValue).array;
  const n = shape.at(-1)!;
  const size = n ** axes;
  return Array.from({ length: data.length / size }, (_, k) => ({
    n,
    block: [...data.slice(k * size, (k + 1) * size)],
  }));
}

const gap = (
  block: readonly number[],
  n: number,
  of: (i: number, j: number) => number,
  target: (i: number, j: number) => number,
) => Math.max(...block.map((_, k) => Math.abs(of(Math.floor(k / n), k % n) - target(Math.floor(k / n), k % n))));

const isOrthogonal = (block: readonly number[], n: number) => {
  const gram = (i: number, j: number) =>
    Array.from({ length: n }, (_, k) => block[i * n + k]! * block[j * n + k]!).reduce((a, b) => a + b, 0);
  return gap(block, n, gram, (i, j) => (i === j ? 1 : 0)) < 1e-12;
};
/** By its Cholesky factor. */
const isPositiveDefinite = (block: readonly number[], n: number) => {
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      if (block[i * n + j] !== block[j * n + i]) return false;
      let rest = block[i * n + j]!;
      for (let k = 0; k < j; k++) rest -= l[i * n + k]! * l[j * n + k]!;
      if (i === j && !(rest > 0)) return false;
      l[i * n + j] = i === j ? Math.sqrt(rest) : rest / l[j * n + j]!;
    }
  return true;
};
const isPermutation = (block: readonly number[]) => [...block].sort((a, b) => a - b).every((x, i) => x === i);
const isOnSimplex = (block: readonly number[]) =>
  block.every((x) => x > 0) && Math.abs(block.reduce((a, b) => a + b, 0) - 1) < 1e-12;

const kinds: readonly {
  readonly generator: Generator;
  readonly axes: 1 | 2;
  readonly type?: "int";
  readonly holds: (block: readonly number[], n: number) => boolean;
}[] = [
  { generator: { kind: "orthogonal" }, axes: 2, holds: isOrthogonal },
  { generator: { kind: "spd", condition: 100 }, axes: 2, holds: isPositiveDefinite },
  { generator: { kind: "permutation" }, axes: 1, type: "int", holds: isPermutation },
  { generator: { kind: "simplex" }, axes: 1, holds: isOnSimplex },
];

for (const { generator, axes, type = "real", holds } of kinds)
  test(`${generator.kind}: drawn, simplified, cut and grown (seed ${seed})`, () => {
    const shape = (n: number) => [2, ...Array<number>(axes).fill(n)];
    const all = (value: Value) => blocksOf(value, axes).every(({ block, n }) => holds(block, n));
    for (let round = 0; round < 20; round++) {
      const drawn = draw(zeros(shape(5), type), generator, uniform);
      assert.ok(all(drawn), "drawn");
      for (const value of simpler(drawn, generator)) assert.ok(all(value), "simpler");
      for (const n of [1, 3, 5, 7]) {
        const other = resized(drawn, zeros(shape(n), type), generator);
        assert.deepEqual((other as ArrayValue).array.shape, shape(n));
        assert.ok(all(other), `cut to ${n}`);
      }
      assert.ok(
        largestDifferences(resized(drawn, zeros(shape(5), type), generator), drawn, 1)!.every(
          (d) => Math.abs(d.left - d.right) < 1e-12,
        ),
      );
    }
    const [simplest] = simpler(draw(zeros(shape(3), type), generator, uniform), generator);
    assert.deepEqual([...simpler(simplest!, generator)], [], "the simplest is simple");
  });

test("the condition number of spd() is what was asked for", () => {
  // By the power method on the matrix and on what is left of it below its largest eigenvalue, which is 1.
  const power = (times: (x: readonly number[]) => number[]) => {
    let x = [1, 0.7, 0.3, 0.1];
    let value = 0;
    for (let i = 0; i < 5000; i++) {
      const y = times(x);
      value = Math.hypot(...y);
      x = y.map((t) => t / value);
    }
    return value;
  };
  const a = (draw(zeros([4, 4]), { kind: "spd", condition: 50 }, uniform) as ArrayValue).array.data;
  const times = (x: readonly number[]) => x.map((_, i) => x.reduce((s, t, j) => s + a[4 * i + j]! * t, 0));
  assert.ok(Math.abs(power(times) - 1) < 1e-9);
  const least = 1 - power((x) => times(x).map((t, i) => x[i]! - t));
  assert.ok(Math.abs(least - 1 / 50) < 1e-9, String(least));
});

test("rows that depend on each other become orthonormal ones all the same", () => {
  assert.ok(isOrthogonal([...orthogonalized(new Float64Array(16), 4)], 4));
  assert.ok(isOrthogonal([...orthogonalized(new Float64Array(9).fill(1), 3)], 3));
});

test("positive numbers are positive, and shrink to 1", () => {
  const drawn = draw(zeros([200]), { kind: "positive" }, uniform) as ArrayValue;
  assert.ok(drawn.array.data.every((x) => x > 0));
  for (const value of simpler(drawn, { kind: "positive" }))
    assert.ok((value as ArrayValue).array.data.every((x) => x > 0));
  const [simplest] = simpler(drawn, { kind: "positive" });
  assert.ok((simplest as ArrayValue).array.data.every((x) => x === 1));
});

test("differences are told by place, the largest first to be kept, relative to the numbers", () => {
  const pair = (w: readonly number[], b: number): Value => ({
    kind: "tuple",
    names: ["w", "b"],
    items: [real([2, 2], w), real([], [b])],
  });
  assert.deepEqual(largestDifferences(pair([1, 2, 3, 4], 5), pair([1, 2.5, 3, 4.125], 7), 2), [
    { place: ".w[0, 1]", left: 2, right: 2.5 },
    { place: ".b", left: 5, right: 7 },
  ]);
  assert.deepEqual(largestDifferences(real([2], [1e9, 1]), real([2], [1e9 + 1, 1.01]), 1), [
    { place: "[1]", left: 1, right: 1.01 },
  ]);
  assert.deepEqual(largestDifferences(real([2], [Number.NaN, 1]), real([2], [0, 2]), 1), [
    { place: "[0]", left: Number.NaN, right: 0 },
  ]);
  assert.equal(largestDifferences(real([2], [1, 2]), real([1], [1]), 1), undefined);
});
