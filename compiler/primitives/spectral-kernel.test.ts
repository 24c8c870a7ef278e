/** The loops of QR, eigenvalues, singular values and determinants against the reference evaluator. */
import { test } from "node:test";
import { type NdArray, ndArray } from "../core/array.ts";
import { assertLowering, randomArray } from "../kernel/testing-comparison.ts";
import { cofactorsPrimitive, determinantPrimitive, logDeterminantPrimitive } from "./determinant.ts";
import { eighPrimitive } from "./eigh.ts";
import { qrPrimitive } from "./qr.ts";
import { svdPrimitive } from "./svd.ts";

/** The matrices here have condition numbers, and inverse gaps, of up to about a hundred. */
const tolerances = { f64: 1e-12, f32: 300 * 2 ** -23 };
/** Single eigenvectors of random matrices, whose gaps may be small. */
const vectors = { f64: 1e-11, f32: 3e-3 };

const stacks: readonly (readonly number[])[] = [[], [1], [3], [0], [2, 2]];
const sizes = [0, 1, 2, 3, 5, 8];

/** Random entries, and a diagonal that is far from them and from one entry to the next. */
function apart(shape: readonly number[], seed: number, spread: number): NdArray {
  const [rows, columns] = shape.slice(-2) as [number, number];
  const x = randomArray(shape, seed);
  return ndArray(
    "real",
    shape,
    Array.from(x.data, (v, k) => {
      const [i, j] = [Math.floor(k / columns) % rows, k % columns];
      return i === j ? v * spread + 2.5 + 3 * ((2 * i) % 9) : v * spread;
    }),
  );
}

const matrix = (rows: number, columns: number, values: readonly number[]) => ndArray("real", [rows, columns], values);

test("QR of tall and square stacks", () => {
  for (const stack of stacks)
    for (const n of sizes)
      for (const more of [0, 1, 4]) {
        const shape = [...stack, n + more, n];
        assertLowering(qrPrimitive, [apart(shape, 3 * n + more, 1)], {}, tolerances);
      }
  for (const values of [
    [0, 0, 0, 0, 0, 0],
    [0, 1, 0, 2, 0, 3],
    [1e200, 0, 0, 1e-200, 0, 0],
    [-1, 2, 0, -3, 0, 0],
  ])
    assertLowering(qrPrimitive, [matrix(3, 2, values)], {}, { f64: 1e-14 });
  assertLowering(qrPrimitive, [matrix(3, 2, [1, 2, Number.NaN, 4, 5, 6])], {}, tolerances);
});

test("eigenvalues and vectors, in order and with their signs", () => {
  for (const stack of stacks)
    for (const n of sizes) {
      assertLowering(eighPrimitive, [apart([...stack, n, n], 5 * n + 1, 0.5)], {}, tolerances);
      assertLowering(eighPrimitive, [randomArray([...stack, n, n], 5 * n + 2)], {}, vectors);
    }
  for (const values of [
    [0, 0, 0, 0, 0, 0, 0, 0, 0],
    [1, 0, 0, 0, 1, 0, 0, 0, 1],
    [3, 0, 0, 0, 1, 0, 0, 0, 2],
    [0, 1, 0, 1, 0, 0, 0, 0, 0],
    [1, 2, 0, 2, -1, 0, 0, 0, 5],
    [1, Number.NaN, 0, 0, 1, 0, 0, 0, 1],
    [1, 0, 0, 0, Number.POSITIVE_INFINITY, 0, 0, 0, 1],
  ])
    assertLowering(eighPrimitive, [matrix(3, 3, values)], {}, tolerances);
  // Second differences: each vector has pairs of components that differ in nothing but sign and rounding.
  for (const n of [4, 6, 9]) {
    const entry = (k: number) => [2, -1][Math.abs(Math.floor(k / n) - (k % n))] ?? 0;
    const differences = matrix(
      n,
      n,
      Array.from({ length: n * n }, (_, k) => entry(k)),
    );
    assertLowering(eighPrimitive, [differences], {}, tolerances);
    assertLowering(svdPrimitive, [differences], {}, tolerances);
  }
  assertLowering(eighPrimitive, [randomArray([30, 30], 9)], {}, { f64: 1e-10, f32: 1e-2 });
});

test("singular values and vectors of tall, square and wide stacks", () => {
  for (const stack of stacks)
    for (const n of sizes)
      for (const more of [-2, 0, 3]) {
        const shape = [...stack, Math.max(n + more, 0), n];
        assertLowering(svdPrimitive, [apart(shape, 7 * n + more, 0.5)], {}, tolerances);
      }
  assertLowering(svdPrimitive, [randomArray([20, 12], 9)], {}, { f64: 1e-11, f32: 3e-3 });
  for (const values of [
    [0, 0, 0, 0, 0, 0],
    [1, 0, 0, 1, 0, 0],
    [3, 0, 0, 0, 0, 0],
    [1, 2, 2, 4, 3, 6],
    [1e-3, 0, 0, 1e3, 0, 0],
    [1, Number.NaN, 0, 1, 0, 0],
    [1, Number.NEGATIVE_INFINITY, 0, 1, 0, 0],
  ]) {
    assertLowering(svdPrimitive, [matrix(3, 2, values)], {}, tolerances);
    assertLowering(svdPrimitive, [matrix(2, 3, values)], {}, tolerances);
  }
  for (const scale of [2 ** -1030, 1e-160, 1e160, 1e305])
    assertLowering(svdPrimitive, [matrix(2, 2, [3 * scale, scale, 0, 2 * scale])], {}, { f64: 1e-14 });
});

/** Small integers: often singular, and of rank one. */
const integral = (shape: readonly number[], seed: number) =>
  ndArray("real", shape, Array.from(randomArray(shape, seed).data, Math.round));

test("determinants, and zero at singular matrices", () => {
  for (const stack of stacks)
    for (const n of sizes) {
      assertLowering(determinantPrimitive, [randomArray([...stack, n, n], n + 1)], {}, { f64: 1e-12, f32: 1e-3 });
      assertLowering(determinantPrimitive, [apart([...stack, n, n], n + 2, 1)], {}, tolerances);
    }
  for (const values of [
    [0, 1, 1, 0],
    [1, 2, 2, 4],
    [0, 0, 0, 0],
    [0, 1, 0, 2],
  ])
    assertLowering(determinantPrimitive, [matrix(2, 2, values)], {}, tolerances);
});

test("logarithms of determinants: NaN for negative ones, -inf for zero", () => {
  for (const stack of stacks)
    for (const n of sizes) assertLowering(logDeterminantPrimitive, [apart([...stack, n, n], n + 2, 1)], {}, tolerances);
  for (const values of [
    [0, 1, 1, 0],
    [0, -1, 1, 0],
    [1, 2, 2, 4],
    [0, 0, 0, 0],
    [-1, 0, 0, -1],
    [1e-100, 0, 0, 1e-150],
    [1, 0, 0, Number.NaN],
  ])
    assertLowering(logDeterminantPrimitive, [matrix(2, 2, values)], {}, tolerances);
});

test("cofactors and their derivatives in up to three directions", () => {
  for (const stack of [[], [2], [0]])
    for (const n of [0, 1, 2, 3, 4])
      for (let count = 0; count <= 3; count++) {
        const shape = [...stack, n, n];
        const directions = Array.from({ length: count }, (_, i) => randomArray(shape, 10 * n + i));
        for (const a of [randomArray(shape, 50 + n), integral(shape, 60 + n)])
          assertLowering(cofactorsPrimitive, [a, ...directions], {}, { f64: 1e-11, f32: 1e-3 });
      }
});
