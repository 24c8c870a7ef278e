/** Factored systems of the implicit rule: how ill-conditioned they are said to be, what counts as singular, pseudo-inverses. */
import assert from "node:assert/strict";
import test from "node:test";
import { type NdArray, ndArray } from "../../core/array.ts";
import { Builder } from "../../core/builder.ts";
import { evaluate } from "../../core/evaluate.ts";
import {
  applyJvp,
  applyVjp,
  assertDot,
  assertNear,
  type Build,
  numericDerivative,
  run,
  traceFunction,
} from "../../primitives/testing.ts";
import { conditionEstimate, type Factorisation, factor } from "./dense.ts";
import { pseudoInverse } from "./pseudo-inverse.ts";

const seed = 7919;
let state = seed;
const uniform = () => {
  state = (state * 48271) % 0x7fffffff;
  return (2 * state) / 0x7fffffff - 1;
};
const random = (n: number) => ndArray("real", [n, n], Array.from({ length: n * n }, uniform));
const epsilon = 2 ** -52;

/** The estimate, whether the matrix counts as regular, and the solution of A x = e_1 and A' x = e_1. */
function factored(a: NdArray, how: Factorisation) {
  const n = a.shape[0]!;
  const b = new Builder();
  const [matrix, right] = [b.input({ dtype: "real", shape: [n, n] }), b.input({ dtype: "real", shape: [n] })];
  const f = factor(b, matrix, how, epsilon);
  const outputs = [conditionEstimate(b, matrix, f), f.regular, f.solve(b, right), f.solveTransposed(b, right)];
  const unit = ndArray(
    "real",
    [n],
    Array.from({ length: n }, (_, i) => (i === 0 ? 1 : 0)),
  );
  const [condition, regular, x, y] = evaluate(b.close("test", outputs).graph, [a, unit]);
  return { condition: condition!.data[0]!, regular: regular!.data[0] === 1, x: [...x!.data], y: [...y!.data] };
}

const norm1 = (a: NdArray) => {
  const n = a.shape[0]!;
  return Math.max(
    ...Array.from({ length: n }, (_, j) =>
      Array.from({ length: n }, (_, i) => Math.abs(a.data[i * n + j]!)).reduce((s, t) => s + t, 0),
    ),
  );
};

/** By Gauss and Jordan's method with pivots. */
function inverse(a: NdArray): NdArray {
  const n = a.shape[0]!;
  const rows = Array.from({ length: n }, (_, i) => [
    ...a.data.slice(i * n, (i + 1) * n),
    ...Array.from({ length: n }, (_, j) => (i === j ? 1 : 0)),
  ]);
  for (let k = 0; k < n; k++) {
    let best = k;
    for (let i = k; i < n; i++) if (Math.abs(rows[i]![k]!) > Math.abs(rows[best]![k]!)) best = i;
    [rows[k], rows[best]] = [rows[best]!, rows[k]!];
    const pivot = rows[k]![k]!;
    rows[k] = rows[k]!.map((x) => x / pivot);
    for (let i = 0; i < n; i++) {
      const along = rows[i]![k]!;
      if (i !== k) rows[i] = rows[i]!.map((x, j) => x - along * rows[k]![j]!);
    }
  }
  return ndArray(
    "real",
    [n, n],
    rows.flatMap((r) => r.slice(n)),
  );
}

/** The 1-norm condition number after rows, then columns, are scaled to entries of at most 1. */
function scaledCondition(a: NdArray): number {
  const n = a.shape[0]!;
  const entries = Array.from(a.data);
  const largest = (pick: (k: number) => boolean) => Math.max(...entries.map((x, k) => (pick(k) ? Math.abs(x) : 0)));
  const rows = Array.from({ length: n }, (_, i) => largest((k) => Math.floor(k / n) === i));
  entries.forEach((x, k) => {
    entries[k] = x / rows[Math.floor(k / n)]!;
  });
  const columns = Array.from({ length: n }, (_, j) => largest((k) => k % n === j));
  const scaled = ndArray(
    "real",
    [n, n],
    entries.map((x, k) => x / columns[k % n]!),
  );
  return norm1(scaled) * norm1(inverse(scaled));
}

test(`the condition estimate is a bound from below, near what it estimates (seed ${seed})`, () => {
  let exact = 0;
  for (let round = 0; round < 60; round++) {
    const n = 2 + (round % 5);
    const a = random(n);
    const [found, truth] = [factored(a, round % 2 === 0 ? "lu" : "qr").condition, scaledCondition(a)];
    assert.ok(found <= truth * (1 + 1e-9) && found >= truth / 4, `${found} for ${truth}`);
    if (found > 0.999 * truth) exact += 1;
  }
  assert.ok(exact > 30, `exact for ${exact} of 60`);
});

test("the units of rows and columns make no condition worse", () => {
  const a = random(4);
  const scaled = ndArray(
    "real",
    [4, 4],
    Array.from(a.data, (x, k) => x * 2 ** (40 * (Math.floor(k / 4) - 1)) * 2 ** (-30 * (k % 4))),
  );
  const [plain, other] = [factored(a, "lu").condition, factored(scaled, "lu").condition];
  assert.ok(other > 1 && other < 100 * plain, `${plain}, then ${other}`);
  const diagonal = ndArray("real", [3, 3], [1e12, 0, 0, 0, 1, 0, 0, 0, 1e-12]);
  assert.ok(Math.abs(factored(diagonal, "lu").condition - 1) < 1e-12);
});

test("Higham's alternating vector finds what Hager's two steps miss", () => {
  // Nearly singular along alternating signs, to which the uniform vector is orthogonal.
  const n = 4;
  const signs = [1, -1, 1, -1];
  const worst = ndArray(
    "real",
    [n, n],
    Array.from(
      { length: n * n },
      (_, k) => (k % (n + 1) === 0 ? 1 : 0) - signs[Math.floor(k / n)]! * signs[k % n]! * 0.2499,
    ),
  );
  const [found, truth] = [factored(worst, "lu").condition, scaledCondition(worst)];
  assert.ok(found >= 0.3 * truth && found <= truth * (1 + 1e-9), `${found} for ${truth}`);
});

for (const how of ["lu", "qr", "cholesky"] as const)
  test(`${how}: what is singular depends on no unit; a singular system gets its solution of least norm`, () => {
    const base = [4, 1, 0, 1, 3, 1, 0, 1, 2];
    for (const unit of [1e-30, 1, 1e30]) {
      const scaled = ndArray(
        "real",
        [3, 3],
        base.map((x) => x * unit),
      );
      const { regular, x, y } = factored(scaled, how);
      assert.equal(regular, true, `unit ${unit}`);
      const expected = inverse(scaled);
      [0, 3, 6].forEach((k, i) => {
        assert.ok(Math.abs(x[i]! - expected.data[k]!) < 1e-12 / unit, "solve");
        assert.ok(Math.abs(y[i]! - expected.data[k]!) < 1e-12 / unit, "solve, transposed: the matrix is symmetric");
      });
      const singular = ndArray(
        "real",
        [3, 3],
        [2, 0, 0, 0, 1, 0, 0, 0, 0].map((t) => t * unit),
      );
      const least = factored(singular, how);
      assert.equal(least.regular, false, `unit ${unit}`);
      assert.equal(least.condition, Number.POSITIVE_INFINITY);
      assert.ok(Math.abs(least.x[0]! * unit - 0.5) < 1e-12 && Math.abs(least.x[2]!) === 0);
    }
    const almost = ndArray("real", [3, 3], [1, 0, 0, 0, 1, 0, 0, 0, 1e-6]);
    assert.equal(factored(almost, how).regular, true);
  });

test("what the factors call singular, the pseudo-inverse drops", () => {
  // Between the rounding of one number and the limit of the factors, 3 of it.
  const barely = ndArray("real", [3, 3], [2 * epsilon, 0, 0, 0, 1, 0, 0, 0, 1]);
  const { regular, x, y } = factored(barely, "qr");
  assert.equal(regular, false);
  assert.deepEqual([...x, ...y].map(Math.abs), [0, 0, 0, 0, 0, 0]);
});

test("lu and qr solve with the transpose of a matrix that is not symmetric", () => {
  for (const how of ["lu", "qr"] as const) {
    const a = ndArray("real", [2, 2], [1, 2, 3, 5]);
    const { x, y } = factored(a, how);
    [-5, 3].forEach((v, i) => {
      assert.ok(Math.abs(x[i]! - v) < 1e-12);
    });
    [-5, 2].forEach((v, i) => {
      assert.ok(Math.abs(y[i]! - v) < 1e-12);
    });
  }
});

test("the derivative of a pseudo-inverse is right as long as the rank stays (Golub and Pereyra)", () => {
  for (const rank of [1, 2, 3]) {
    const n = 3;
    const [left, right] = [random(n), random(n)];
    const product = (x: readonly number[], y: readonly number[]) =>
      Array.from({ length: n * n }, (_, k) =>
        Array.from({ length: n }, (_, l) => x[Math.floor(k / n) * n + l]! * y[l * n + (k % n)]!).reduce(
          (s, t) => s + t,
          0,
        ),
      );
    const middle = [3, 0, 0, 0, 2, 0, 0, 0, 1].map((x, k) => (k % 4 === 0 && k / 4 < rank ? x : 0));
    const [dl, dr] = [random(n), random(n)];
    const moved = (t: number) => {
      const shift = (x: NdArray, d: NdArray) => Array.from(x.data, (v, i) => v + t * d.data[i]!);
      return ndArray("real", [n, n], product(product(shift(left, dl), middle), shift(right, dr)));
    };
    const h = 1e-3;
    // The path is a quadratic in t, so its slope is exact.
    const direction = ndArray(
      "real",
      [n, n],
      Array.from(moved(h).data, (v, i) => (v - moved(-h).data[i]!) / (2 * h)),
    );
    const build: Build = (b, [a]) => [pseudoInverse(b, a!, 1e-10)];
    const f = traceFunction(build, [moved(0)]);
    const { tangents } = applyJvp(build, [moved(0)], [direction]);
    const numeric = numericDerivative((t) => [...run(f, [moved(t / 8)])[0]!.data]);
    assertNear(
      `rank ${rank}`,
      Array.from(tangents[0]!.data, (x) => x / 8),
      numeric,
      1e-6,
    );
    const u = random(n);
    const [pulled] = applyVjp(build, [moved(0)], [true], [u]);
    assertDot(`rank ${rank}: transposed`, [u], tangents, [pulled!], [direction]);
  }
});
