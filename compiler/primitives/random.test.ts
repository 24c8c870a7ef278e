/** Samples against their distributions. Seeds are fixed, so a bound that holds once holds always. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type NdArray, ndArray } from "../core/array.ts";
import { type Atom, intLiteral } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import * as random from "./random.ts";
import { erf } from "./special-functions.ts";
import { apply } from "./testing.ts";
import { chiSquared, kolmogorov } from "./testing-statistics.ts";
import { keyOfSeed } from "./threefry.ts";

const count = 40_000;

function draw(
  sample: (b: Emitter, key: Atom) => Atom,
  key: NdArray = keyOfSeed(1),
  precision: "f64" | "f32" = "f64",
): number[] {
  return Array.from(apply((b, [k]) => [sample(b, k!)], [key], precision)[0]!.data);
}

const tally = (values: readonly number[], n: number) => {
  const counts = new Array<number>(n).fill(0);
  for (const v of values) counts[v] = counts[v]! + 1;
  return counts;
};

const continuous = [
  { name: "uniform", sample: random.uniform, distribution: (x: number) => x, mean: 0.5, variance: 1 / 12 },
  {
    name: "normal",
    sample: random.normal,
    distribution: (x: number) => (1 + erf(x / Math.SQRT2)) / 2,
    mean: 0,
    variance: 1,
  },
  {
    name: "exponential",
    sample: random.exponential,
    distribution: (x: number) => 1 - Math.exp(-x),
    mean: 1,
    variance: 1,
  },
  {
    name: "gumbel",
    sample: random.gumbel,
    distribution: (x: number) => Math.exp(-Math.exp(-x)),
    mean: 0.5772156649015329,
    variance: Math.PI ** 2 / 6,
  },
  {
    name: "laplace",
    sample: random.laplace,
    distribution: (x: number) => (x < 0 ? Math.exp(x) / 2 : 1 - Math.exp(-x) / 2),
    mean: 0,
    variance: 2,
  },
];

for (const { name, sample, distribution, mean, variance } of continuous)
  test(`${name}: moments and distribution`, () => {
    for (const precision of ["f64", "f32"] as const) {
      const samples = draw((b, key) => sample(b, key, [count]), keyOfSeed(3), precision);
      assert.ok(samples.every(Number.isFinite));
      const m = samples.reduce((s, x) => s + x, 0) / count;
      const v = samples.reduce((s, x) => s + (x - m) ** 2, 0) / count;
      assert.ok(Math.abs(m - mean) < 4 * Math.sqrt(variance / count), `mean ${m}`);
      assert.ok(Math.abs(v / variance - 1) < 0.05, `variance ${v}`);
      assert.ok(kolmogorov(samples, distribution) < 1.95);
      const serial = samples.slice(1).reduce((s, x, i) => s + (x - m) * (samples[i]! - m), 0) / (count * v);
      assert.ok(Math.abs(serial) < 4 / Math.sqrt(count), `correlation ${serial}`);
    }
  });

test("streams of split and folded keys are unrelated", () => {
  const streams = (make: (b: Emitter, key: Atom) => Atom) => {
    const keys = apply((b, [k]) => [make(b, k!)], [keyOfSeed(5)])[0]!;
    return draw((b, k) => random.normal(b, k, [20_000]), keys);
  };
  const folded = apply((b, [k]) => [0, 1].map((i) => random.foldIn(b, k!, intLiteral(i))), [keyOfSeed(5)]);
  const byFolding = folded.flatMap((key) => draw((b, k) => random.normal(b, k, [20_000]), key));
  for (const both of [streams((b, k) => random.splitKey(b, k, 2)), byFolding]) {
    const [x, y] = [both.slice(0, 20_000), both.slice(20_000)];
    const correlation = x.reduce((s, v, i) => s + v * y[i]!, 0) / 20_000;
    assert.ok(Math.abs(correlation) < 4 / Math.sqrt(20_000));
    assert.equal(new Set(both).size, 40_000);
  }
});

test("the key is used up to its last bit, and shapes only arrange the numbers", () => {
  const a = draw((b, k) => random.uniform(b, k, [6]), keyOfSeed(1));
  assert.notDeepEqual(
    a,
    draw((b, k) => random.uniform(b, k, [6]), keyOfSeed(2)),
  );
  assert.deepEqual(
    a,
    draw((b, k) => random.uniform(b, k, [2, 3]), keyOfSeed(1)),
  );
});

test("randint: uniform over its range, from the least to the largest int", () => {
  const range = (lo: number, hi: number, n = count) =>
    draw((b, k) => random.randint(b, k, [n], intLiteral(lo), intLiteral(hi)));
  const values = range(-3, 47);
  assert.ok(
    Math.abs(
      chiSquared(
        tally(
          values.map((v) => v + 3),
          50,
        ),
        Array(50).fill(1 / 50),
      ),
    ) < 4,
  );
  const wide = range(-(2 ** 31), 2 ** 31 - 1);
  assert.ok(kolmogorov(wide, (x) => (x + 2 ** 31) / 2 ** 32) < 1.95);
  assert.deepEqual(range(5, 6, 3), [5, 5, 5]);
  assert.deepEqual(range(5, 5, 3), [5, 5, 5]);
});

test("permutation: each is one, and all are equally likely; the same bits in both precisions", () => {
  const keys = apply((b, [k]) => [random.splitKey(b, k!, 24_000)], [keyOfSeed(11)])[0]!;
  const all = draw((b, k) => random.permutation(b, k, 4), keys);
  const ids = Array.from({ length: 24_000 }, (_, i) => all.slice(4 * i, 4 * i + 4).join(""));
  const kinds = [...new Set(ids)].sort();
  assert.equal(kinds.length, 24);
  assert.ok(kinds.every((id) => [...id].sort().join("") === "0123"));
  assert.ok(
    Math.abs(
      chiSquared(
        tally(
          ids.map((id) => kinds.indexOf(id)),
          24,
        ),
        Array(24).fill(1 / 24),
      ),
    ) < 4,
  );
  const long = (precision: "f64" | "f32") => draw((b, k) => random.permutation(b, k, 5000), keyOfSeed(1), precision);
  assert.deepEqual(long("f32"), long("f64"));
  assert.deepEqual(
    [...new Set(long("f64"))].sort((x, y) => x - y),
    [...Array(5000).keys()],
  );
  assert.deepEqual(
    draw((b, k) => random.permutation(b, k, 0)),
    [],
  );
});

test("choose: different ones, the start of the permutation", () => {
  const chosen = draw((b, k) => random.choose(b, k, 10, 100), keyOfSeed(4));
  assert.equal(new Set(chosen).size, 10);
  assert.deepEqual(chosen, draw((b, k) => random.permutation(b, k, 100), keyOfSeed(4)).slice(0, 10));
});

test("bernoulli: the right share, never at 0, always at 1", () => {
  const p = ndArray(
    "real",
    [3, count],
    Float64Array.from({ length: 3 * count }, (_, i) => [0, 0.3, 1][Math.floor(i / count)]!),
  );
  const flags = Array.from(apply((b, [k, q]) => [random.bernoulli(b, k!, q!)], [keyOfSeed(6), p])[0]!.data);
  const share = (i: number) => flags.slice(i * count, (i + 1) * count).reduce((s, x) => s + x, 0) / count;
  assert.deepEqual([share(0), share(2)], [0, 1]);
  assert.ok(Math.abs(share(1) - 0.3) < 4 * Math.sqrt(0.21 / count));
});

test("categorical: in proportion to weights, never of weight zero", () => {
  const weights = [0, 3, 0, 1, 4, 0, 0];
  const p = ndArray(
    "real",
    [count, 7],
    Float64Array.from({ length: 7 * count }, (_, i) => weights[i % 7]!),
  );
  for (const precision of ["f64", "f32"] as const) {
    const operand = precision === "f64" ? p : { ...p, data: Float32Array.from(p.data) };
    const chosen = Array.from(
      apply((b, [k, q]) => [random.categorical(b, k!, q!)], [keyOfSeed(8), operand], precision)[0]!.data,
    );
    const counts = tally(chosen, 7);
    assert.deepEqual(
      [0, 2, 5, 6].map((i) => counts[i]),
      [0, 0, 0, 0],
    );
    assert.ok(
      Math.abs(
        chiSquared(
          [1, 3, 4].map((i) => counts[i]!),
          [3 / 8, 1 / 8, 1 / 2],
        ),
      ) < 4,
    );
  }
  const index = (w: number[]) =>
    apply((b, [k, q]) => [random.categorical(b, k!, q!)], [keyOfSeed(8), ndArray("real", [w.length], w)])[0]!.data[0];
  assert.equal(index([0, 0, 1e-300, 0]), 2);
  assert.equal(index([5]), 0);
  // No weight at all gives some index in range.
  assert.equal(index([0, 0, 0]), 2);
});
