/** The loops of triangular factorisations and solves against the reference evaluator. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type NdArray, ndArray, sizeOf } from "../core/array.ts";
import { evaluationContext } from "../core/evaluate.ts";
import { lowerAndInterpret } from "../kernel/testing.ts";
import { assertLowering, randomArray, rounded } from "../kernel/testing-comparison.ts";
import { choleskyPrimitive } from "./cholesky.ts";
import { factoredSolvePrimitive, luFactorsPrimitive } from "./linear-solve.ts";
import { luPrimitive } from "./lu.ts";
import { triangularSolvePrimitive } from "./triangular-solve.ts";

/** The f32 kernels round every step; the matrices here have condition numbers up to about a hundred. */
const tolerances = { f64: 1e-12, f32: 300 * 2 ** -23 };

const stacks: readonly (readonly number[])[] = [[], [1], [3], [0], [2, 2]];
const sizes = [0, 1, 2, 3, 5, 8, 13];

/** A stack with `diagonal` added on the diagonals. */
function shifted(shape: readonly number[], seed: number, diagonal: number): NdArray {
  const n = shape.at(-1)!;
  const x = randomArray(shape, seed);
  const onDiagonal = (k: number) => Math.floor(k / n) % n === k % n;
  return ndArray(
    "real",
    shape,
    Array.from(x.data, (v, k) => (onDiagonal(k) ? v + diagonal : v)),
  );
}

const square = (n: number, values: readonly number[]) => ndArray("real", [n, n], values);

test("cholesky factors stacks, and gives zero where there is no factor", () => {
  for (const stack of stacks)
    for (const n of sizes) {
      assertLowering(choleskyPrimitive, [shifted([...stack, n, n], 7 * n + 1, n + 0.5)], {}, tolerances);
      // Hardly ever positive definite.
      assertLowering(choleskyPrimitive, [randomArray([...stack, n, n], 7 * n + 2)], {}, tolerances);
    }
  const cases: readonly (readonly [number, readonly number[]])[] = [
    [2, [1, 1, 1, 1]],
    [2, [1, 2, 2, 1]],
    [2, [0, 0, 0, 0]],
    [2, [4, 1, 3, 5]],
    [3, [1, 0, 0, 0, Number.NaN, 0, 0, 0, 1]],
    [3, [1, 0, 0, 0, Number.POSITIVE_INFINITY, 0, 0, 0, 1]],
    [2, [1, Number.NaN, 0, 1]],
    [1, [-1]],
    [1, [1e-300]],
    // One epsilon from singular, in f64 and in f32.
    [2, [1, 1, 1, 1 + 2 ** -52]],
    [2, [1, 1, 1, 1 + 2 ** -23]],
  ];
  for (const [n, values] of cases) assertLowering(choleskyPrimitive, [square(n, values)], {}, tolerances);
});

test("triangular solves of both triangles, transposed or not, with and without a unit diagonal", () => {
  for (const stack of stacks)
    for (const n of [0, 1, 2, 4, 5, 11])
      for (const m of [0, 1, 3])
        for (let flags = 0; flags < 8; flags++) {
          const params = { lower: (flags & 1) > 0, transposed: (flags & 2) > 0, unitDiagonal: (flags & 4) > 0 };
          const a = shifted([...stack, n, n], 11 * n + m, n + 0.5);
          const rhs = randomArray([...stack, n, m], 13 * n + m);
          // Unit triangles of random numbers grow like 2^n.
          const f32 = params.unitDiagonal ? 2e4 * 2 ** -23 : tolerances.f32;
          assertLowering(triangularSolvePrimitive, [a, rhs], params, { f64: 1e-11, f32 });
        }
});

test("a triangle with a zero on its diagonal spoils only what depends on it", () => {
  const a = square(3, [2, 0, 0, 1, 0, 0, 4, 0, 5]);
  const rhs = ndArray("real", [3, 2], [2, 4, 1, 0, 6, 7]);
  for (const lower of [true, false])
    for (const transposed of [true, false])
      assertLowering(triangularSolvePrimitive, [a, rhs], { lower, transposed, unitDiagonal: false }, tolerances);
});

const awkward: readonly (readonly [number, readonly number[]])[] = [
  [2, [0, 1, 1, 0]],
  [2, [1, 2, 2, 4]],
  [2, [0, 0, 0, 0]],
  [2, [0, 1, 0, 2]],
  [3, [1, 2, 3, 4, 5, 6, 7, 8, 9]],
  [3, [1e-3, 1, 0, 1, 1, 1, 0, 1, 2]],
  [2, [1e-30, 0, 0, 1e30]],
  [2, [1, 1e-20, 1, -1e-20]],
  [2, [1e-20, 1e-20, 1, -1]],
  [2, [1, 1, -1, 1]],
  [3, [0, 2, 1, 0, 0, 3, 4, 0, 0]],
  [1, [0]],
];

test("LU factors with their permutations and verdicts", () => {
  for (const stack of stacks)
    for (const n of sizes) {
      const a = randomArray([...stack, n, n], 17 * n + 3);
      assertLowering(luPrimitive, [a], {}, tolerances);
      assertLowering(luFactorsPrimitive, [a], {}, tolerances);
    }
  for (const [n, values] of awkward) {
    assertLowering(luPrimitive, [square(n, values)], {}, tolerances);
    assertLowering(luFactorsPrimitive, [square(n, values)], {}, tolerances);
  }
});

test("LU of a larger matrix, whose rows and columns are scaled badly", () => {
  const n = 37;
  const x = randomArray([n, n], 5);
  const scaled = Array.from(x.data, (v, k) => v * 2 ** ((Math.floor(k / n) % 7) * 3 - (k % 5) * 4));
  assertLowering(luPrimitive, [ndArray("real", [n, n], scaled)], {}, { f64: 1e-11, f32: 1e-3 });
});

test("entries that are not finite make a matrix singular", () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY])
    for (let place = 0; place < 9; place++) {
      const values = [4, 1, 0, 1, 5, 2, 0, 2, 6].with(place, bad);
      for (const precision of ["f64", "f32"] as const) {
        const a = rounded(square(3, values), precision);
        const [packed, , ok] = lowerAndInterpret(luFactorsPrimitive, [a], {}, precision);
        const [, , expected] = luFactorsPrimitive.evaluate([a], {}, evaluationContext({ precision }));
        assert.equal(ok!.data[0], expected!.data[0]);
        assert.equal(ok!.data[0], 0);
        assert.ok(packed!.data.every((v) => v === 0));
      }
    }
});

test("systems solved by their factors, transposed or not", () => {
  for (const stack of stacks)
    for (const n of sizes)
      for (const m of [0, 1, 4])
        for (const transposed of [false, true]) {
          const a = shifted([...stack, n, n], 19 * n + m, n % 2 === 0 ? 1 : -2);
          const rhs = randomArray([...stack, n, m], 23 * n + m);
          const context = evaluationContext({ precision: "f64" });
          const [packed, permutation] = luFactorsPrimitive.evaluate([a], {}, context);
          const operands = [a, packed!, permutation!, rhs];
          // Some of these matrices have condition numbers above a thousand.
          assertLowering(factoredSolvePrimitive, operands, { transposed }, { f64: 1e-11, f32: 1e-2 });
        }
});

test("the factors of a singular matrix solve to zero", () => {
  const shape = [2, 3, 3];
  const zeros = ndArray("real", shape, new Array(sizeOf(shape)).fill(0));
  const permutation = ndArray("int", [2, 3], [0, 1, 2, 0, 1, 2]);
  const rhs = randomArray([2, 3, 2], 3);
  for (const transposed of [false, true])
    assertLowering(factoredSolvePrimitive, [zeros, zeros, permutation, rhs], { transposed }, tolerances);
});
