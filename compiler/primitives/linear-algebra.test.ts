/** What the factorisations mean: they multiply back, at easy, ill-conditioned, singular, tiny and empty matrices. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type NdArray, ndArray } from "../core/array.ts";
import type { Atom } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { cholesky } from "./cholesky.ts";
import { determinant, logDeterminant } from "./determinant.ts";
import { eigh } from "./eigh.ts";
import { inverse, linearSolve } from "./linear-solve.ts";
import { lu } from "./lu.ts";
import { qr } from "./qr.ts";
import { svd } from "./svd.ts";
import { apply, applyVjp, type Build, reals } from "./testing.ts";
import { triangularSolve } from "./triangular-solve.ts";

const seed = 20240611;
const epsilon = 2 ** -52;

type Matrix = readonly (readonly number[])[];

const toMatrix = ({ data, shape: [n, m] }: NdArray): Matrix =>
  Array.from({ length: n! }, (_, i) => Array.from(data.slice(i * m!, (i + 1) * m!)));
const toArray = (a: Matrix, columns = a[0]?.length ?? 0): NdArray => ndArray("real", [a.length, columns], a.flat());
const flip = (a: Matrix, columns = a[0]?.length ?? 0): Matrix =>
  Array.from({ length: columns }, (_, j) => a.map((row) => row[j]!));
const multiply = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => (b[0] ?? []).map((_, j) => row.reduce((sum, x, k) => sum + x * b[k]![j]!, 0)));
const scale = (a: Matrix, s: readonly number[]): Matrix => a.map((row) => row.map((x, j) => x * s[j]!));
const identity = (n: number): Matrix =>
  Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => +(i === j)));
const largest = (a: Matrix): number => a.flat().reduce((m, x) => Math.max(m, Math.abs(x)), 0);
const distance = (a: Matrix, b: Matrix): number => largest(a.map((row, i) => row.map((x, j) => x - b[i]![j]!)));

function assertMatrix(what: string, found: Matrix, expected: Matrix, tolerance: number): void {
  assert.equal(found.length, expected.length, what);
  const error = distance(found, expected);
  assert.ok(error <= tolerance, `${what}: off by ${error}, allowed ${tolerance}`);
}

const one =
  (build: (b: Emitter, x: Atom) => readonly Atom[]): Build =>
  (b, [x]) =>
    build(b, x!);

/** Random, of low rank, with graded rows and columns, near the identity, of integers, zero. */
function hardMatrices(rows: number, columns: number): fc.Arbitrary<Matrix> {
  const plain = reals([rows, columns]).map(toMatrix);
  const integers = reals([rows, columns], { min: -1.5, max: 1.5 }).map((a) =>
    toMatrix(a).map((row) => row.map((x) => Math.round(x) + 0)),
  );
  const grades = fc.array(fc.integer({ min: -12, max: 12 }), { minLength: columns, maxLength: columns });
  const graded = fc.tuple(plain, grades).map(([a, g]) =>
    scale(
      a,
      g.map((e) => 10 ** (e / 2)),
    ),
  );
  const rankOne = fc
    .tuple(reals([rows]), reals([columns]))
    .map(([x, y]) => Array.from(x.data, (s) => Array.from(y.data, (t) => s * t)));
  const near = plain.map((a) => a.map((row, i) => row.map((x, j) => 1e-9 * x + +(i === j))));
  const zero = plain.map((a) => a.map((row) => row.map(() => 0)));
  return fc.oneof(plain, integers, graded, rankOne, near, zero);
}

const sizes = fc.integer({ min: 0, max: 8 });

function forAll(arbitrary: fc.Arbitrary<Matrix>, check: (a: Matrix) => void, numRuns = 200): void {
  fc.assert(fc.property(arbitrary, check), { seed, numRuns });
}

const square = sizes.chain((n) => hardMatrices(n, n));
const shaped = fc.tuple(sizes, sizes).chain(([m, n]) => hardMatrices(m, n).map((a) => ({ a, m, n })));

test("lu: A[p] = L U, L unit lower with entries at most one", () => {
  forAll(square, (a) => {
    const n = a.length;
    const [p, l, u] = apply(one(lu), [toArray(a)]);
    const permuted = Array.from(p!.data, (i) => a[i]!);
    assert.deepEqual(Array.from(p!.data).sort(), [...Array(n).keys()]);
    const [lower, upper] = [toMatrix(l!), toMatrix(u!)];
    lower.forEach((row, i) => {
      row.forEach((x, j) => {
        assert.ok(j > i ? x === 0 : j === i ? x === 1 : Math.abs(x) <= 1);
      });
    });
    upper.forEach((row, i) => {
      row.slice(0, i).forEach((x) => {
        assert.equal(x, 0);
      });
    });
    assertMatrix("L U", multiply(lower, upper), permuted, 8 * (n + 1) * epsilon * largest(a));
  });
});

test("cholesky: L L' is the symmetric part, and only of positive definite matrices", () => {
  forAll(square, (a) => {
    const n = a.length;
    const gram = multiply(flip(a, n), a);
    const size = largest(gram);
    const shifted = gram.map((row, i) => row.map((x, j) => x + (i === j ? 1e-6 * size + 1e-300 : 0)));
    const lopsided = shifted.map((row, i) => row.map((x, j) => x + (i === j ? 0 : i < j ? 0.1 : -0.1)));
    for (const matrix of [shifted, lopsided]) {
      const [l, ok] = apply(one(cholesky), [toArray(matrix)]);
      if (matrix === shifted || size > 1e-3) assert.equal(ok!.data[0], 1);
      assertMatrix(
        "L L'",
        multiply(toMatrix(l!), flip(toMatrix(l!), n)),
        shifted,
        20 * (n + 1) * epsilon * (size + 0.1),
      );
    }
  });
  for (const a of [
    [[0]],
    [[-1]],
    [[Number.NaN]],
    [
      [1, 2],
      [2, 1],
    ],
    [
      [1, 1],
      [1, 1],
    ],
    [
      [1, 0],
      [0, Infinity],
    ],
  ]) {
    const [l, ok] = apply(one(cholesky), [toArray(a)]);
    assert.equal(ok!.data[0], 0);
    assert.ok(l!.data.every((x) => x === 0));
  }
});

test("a failed factor poisons no cotangent", () => {
  const bad = toArray([
    [1, 2],
    [2, 1],
  ]);
  const ones = toArray([
    [1, 1],
    [1, 1],
  ]);
  for (const build of [one(cholesky), one((b, x) => [lu(b, x)[1]]), one((b, x) => inverse(b, x))]) {
    const singular = toArray([
      [1, 2],
      [2, 4],
    ]);
    for (const a of [bad, singular]) {
      const [cotangent] = applyVjp(build, [a], [true], [ones]);
      assert.ok(cotangent!.data.every(Number.isFinite));
    }
  }
});

test("linearSolve: small residuals, ok unless singular to rounding", () => {
  forAll(square, (a) => {
    const n = a.length;
    const rhs = a.map((_, i) => [1 + i, (-1) ** i]);
    for (const transposed of [false, true]) {
      const [x, ok] = apply((b, [m, r]) => linearSolve(b, m!, r!, { transposed }), [toArray(a), toArray(rhs, 2)]);
      if (!ok!.data[0]) {
        assert.ok(x!.data.every((v) => v === 0));
        continue;
      }
      const solution = toMatrix(x!);
      const matrix = transposed ? flip(a, n) : a;
      matrix.forEach((row, i) => {
        for (const j of [0, 1]) {
          const residual = row.reduce((sum, v, k) => sum + v * solution[k]![j]!, -rhs[i]![j]!);
          // Backward stable: the residual is small beside |A| |x| (with all rows, since pivoting mixes them).
          const bound = matrix.reduce(
            (m, other) =>
              Math.max(
                m,
                other.reduce((s, v, k) => s + Math.abs(v * solution[k]![j]!), 0),
              ),
            Math.abs(rhs[i]![j]!),
          );
          const scaleOfRows = transposed ? largest(solution) * largest(a) : bound;
          assert.ok(Math.abs(residual) <= 50 * (n + 1) * epsilon * Math.max(bound, scaleOfRows));
        }
      });
    }
  });
});

test("linearSolve: the verdict does not depend on the units of rows and columns", () => {
  const solve: Build = (b, [a, r]) => linearSolve(b, a!, r!);
  const rhs = toArray([[1], [2]]);
  const verdict = (a: Matrix) => apply(solve, [toArray(a), rhs])[1]!.data[0];
  assert.equal(
    verdict([
      [1, 0],
      [0, 1e-20],
    ]),
    1,
  );
  assert.equal(
    verdict([
      [1, 1],
      [1e-20, 2e-20],
    ]),
    1,
  );
  assert.equal(
    verdict([
      [1, 1e-20],
      [1, 2e-20],
    ]),
    1,
  );
  assert.equal(
    verdict([
      [0, 1],
      [1, 0],
    ]),
    1,
  );
  assert.equal(
    verdict([
      [1, 2],
      [2, 4],
    ]),
    0,
  );
  assert.equal(
    verdict([
      [0.1, 0.3],
      [0.2, 0.6],
    ]),
    0,
  );
  assert.equal(
    verdict([
      [1, 2],
      [0, 0],
    ]),
    0,
  );
  assert.equal(
    verdict([
      [Number.NaN, 1],
      [1, 1],
    ]),
    0,
  );
  assert.equal(
    verdict([
      [1, Infinity],
      [0, 1],
    ]),
    0,
  );
  const close: Matrix = [
    [1, 1],
    [1, 1 + 1e-9],
  ];
  assert.equal(verdict(close), 1);
  assert.equal(apply(solve, [toArray(close), rhs], "f32")[1]!.data[0], 0);
});

test("triangularSolve reads its triangle only", () => {
  const a = toArray([
    [2, Number.NaN],
    [1, 4],
  ]);
  const rhs = toArray([[2], [9]]);
  const solve = (options: { transposed: boolean; unitDiagonal: boolean }) =>
    Array.from(apply((b, [t, r]) => [triangularSolve(b, t!, r!, { lower: true, ...options })], [a, rhs])[0]!.data);
  assert.deepEqual(solve({ transposed: false, unitDiagonal: false }), [1, 2]);
  assert.deepEqual(solve({ transposed: true, unitDiagonal: false }), [-0.125, 2.25]);
  assert.deepEqual(solve({ transposed: false, unitDiagonal: true }), [2, 7]);
});

test("qr: Q R = A, Q orthonormal, R upper with a diagonal that is not negative", () => {
  fc.assert(
    fc.property(shaped, ({ a: given, m, n }) => {
      const [a, rows, columns] = m >= n ? [given, m, n] : [flip(given, n), n, m];
      const [q, r] = apply(one(qr), [toArray(a, columns)]).map(toMatrix);
      assertMatrix("Q R", multiply(q!, r!), a, 8 * (rows + 1) * epsilon * largest(a));
      assertMatrix("Q' Q", multiply(flip(q!, columns), q!), identity(columns), 8 * (rows + 1) * epsilon);
      r!.forEach((row, i) => {
        assert.ok(row[i]! >= 0 && row.slice(0, i).every((x) => x === 0));
      });
    }),
    { seed, numRuns: 200 },
  );
});

test("eigh: Q diag(w) Q' is the symmetric part, w ascending, the leading component of each column positive", () => {
  forAll(square, (given) => {
    const n = given.length;
    const a = given.map((row, i) => row.map((x, j) => (x + given[j]![i]!) / 2));
    const [w, q] = apply(one(eigh), [toArray(given)]);
    const [values, vectors] = [Array.from(w!.data), toMatrix(q!)];
    const size = largest(a);
    assertMatrix("A", multiply(scale(vectors, values), flip(vectors, n)), a, 20 * (n + 1) * epsilon * size);
    assertMatrix("Q' Q", multiply(flip(vectors, n), vectors), identity(n), 10 * (n + 1) * epsilon);
    values.forEach((x, i) => {
      assert.ok(i === 0 || values[i - 1]! <= x);
    });
    for (const column of flip(vectors, n)) {
      const top = Math.max(...column.map(Math.abs));
      assert.ok(column.find((x) => Math.abs(x) >= 0.999 * top)! > 0);
    }
  });
});

test("svd: U diag(s) V' = A, both orthonormal, s descending, of wide, tall, singular and empty matrices", () => {
  fc.assert(
    fc.property(shaped, ({ a, m, n }) => {
      const k = Math.min(m, n);
      const [u, s, v] = apply(one(svd), [toArray(a, n)]);
      const values = Array.from(s!.data);
      const [left, right] = [toMatrix(u!), toMatrix(v!)];
      if (k > 0)
        assertMatrix("A", multiply(scale(left, values), flip(right, k)), a, 20 * (m + n) * epsilon * largest(a));
      assertMatrix("U' U", multiply(flip(left, k), left), identity(k), 10 * (m + n) * epsilon);
      assertMatrix("V' V", multiply(flip(right, k), right), identity(k), 10 * (m + n) * epsilon);
      values.forEach((x, i) => {
        assert.ok(x >= 0 && (i === 0 || values[i - 1]! >= x));
      });
    }),
    { seed, numRuns: 200 },
  );
});

test("svd: small singular values to high relative accuracy", () => {
  // Orthogonal columns of lengths sqrt(2) and sqrt(2) 1e-30.
  const [, s] = apply(one(svd), [
    toArray([
      [1, 1e-30],
      [1, -1e-30],
    ]),
  ]);
  assert.ok(Math.abs(s!.data[1]! / (Math.SQRT2 * 1e-30) - 1) < 1e-15);
  const huge = apply(one(svd), [
    toArray([
      [3e300, 0],
      [0, 4e300],
    ]),
  ]);
  assert.deepEqual(Array.from(huge[1]!.data), [4e300, 3e300]);
});

test("what is not finite gives NaN and an end", () => {
  for (const build of [one(eigh), one(svd), one(qr)])
    for (const bad of [Number.NaN, Infinity]) {
      const results = apply(build, [
        toArray([
          [1, bad],
          [2, 3],
        ]),
      ]);
      assert.ok(results.some((r) => r.data.some((x) => !Number.isFinite(x))));
    }
});

test("ill-conditioned: the inverse of the Hilbert matrix of order 8", () => {
  const hilbert = Array.from({ length: 8 }, (_, i) => Array.from({ length: 8 }, (_, j) => 1 / (i + j + 1)));
  const [x, ok] = apply(one(inverse), [toArray(hilbert)]);
  assert.equal(ok!.data[0], 1);
  // The exact inverse has integer entries; the corners are 64 and 176679360. The condition number is 1.5e10.
  assert.ok(Math.abs(x!.data[0]! - 64) < 1e-4 && Math.abs(x!.data[63]! / 176679360 - 1) < 1e-5);
});

/** By expansion along the first row. */
function exactDeterminant(a: Matrix): number {
  if (a.length === 0) return 1;
  return a[0]!.reduce(
    (sum, x, j) => sum + (j % 2 === 0 ? 1 : -1) * x * exactDeterminant(a.slice(1).map((row) => row.toSpliced(j, 1))),
    0,
  );
}

test("determinant and logDeterminant of integer matrices", () => {
  forAll(
    fc.integer({ min: 0, max: 5 }).chain((n) => hardMatrices(n, n).map((a) => a.map((row) => row.map(Math.round)))),
    (a) => {
      const exact = exactDeterminant(a);
      const bound = 1e-13 * Math.max(1, largest(a)) ** a.length;
      assert.ok(Math.abs(apply((b, [x]) => [determinant(b, x!)], [toArray(a)])[0]!.data[0]! - exact) <= bound);
      const [value, ok] = apply(one(logDeterminant), [toArray(a)]);
      if (largest(a) > 1e3) return;
      assert.equal(ok!.data[0], exact > 0 ? 1 : 0);
      if (exact > 0) assert.ok(Math.abs(value!.data[0]! - Math.log(exact)) < 1e-10);
      else assert.ok(exact < 0 ? Number.isNaN(value!.data[0]!) : value!.data[0] === -Infinity);
    },
  );
});

test("logDeterminant does not overflow", () => {
  const n = 400;
  const a = identity(n).map((row) => row.map((x) => 10 * x));
  const [value, ok] = apply(one(logDeterminant), [toArray(a)]);
  assert.equal(ok!.data[0], 1);
  assert.ok(Math.abs(value!.data[0]! - n * Math.log(10)) < 1e-9);
});
