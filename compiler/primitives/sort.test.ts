import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type NdArray, ndArray } from "../core/array.ts";
import { argsort, sort, sortWithIndices, topK } from "./sort.ts";
import { apply, applyVjp, bools, ints, reals, shapes } from "./testing.ts";

const seed = 20240613;

const orderOf = (x: NdArray, descending = false, precision: "f64" | "f32" = "f64") =>
  Array.from(apply((b, [a]) => [argsort(b, a!, x.shape.length - 1, descending)], [x], precision)[0]!.data);
const vector = (...values: number[]) => ndArray("real", [values.length], values);

test("argsort agrees with a stable comparison sort, for every dtype, axis and direction", () => {
  const arrays = shapes({ minRank: 1, maxSize: 7 }).chain((shape) =>
    fc.tuple(
      fc.oneof(reals(shape), ints(shape, -2, 2), bools(shape)),
      fc.integer({ min: 0, max: shape.length - 1 }),
      fc.boolean(),
    ),
  );
  fc.assert(
    fc.property(arrays, ([x, axis, descending]) => {
      const order = apply((b, [a]) => [argsort(b, a!, axis, descending)], [x])[0]!;
      const inner = x.shape.slice(axis + 1).reduce((p, d) => p * d, 1);
      const n = x.shape[axis]!;
      for (let start = 0; start < x.data.length; start++) {
        if (Math.floor(start / inner) % n !== 0) continue;
        const lane = Array.from({ length: n }, (_, i) => x.data[start + i * inner]!);
        const expected = [...lane.keys()].sort(
          (i, j) => (descending ? lane[j]! - lane[i]! : lane[i]! - lane[j]!) || i - j,
        );
        assert.deepEqual(
          expected,
          Array.from({ length: n }, (_, i) => order.data[start + i * inner]!),
        );
      }
    }),
    { seed, numRuns: 300 },
  );
});

test("ties to the lowest index, zeros of both signs equal, NaN after every number, or before when descending", () => {
  const x = vector(Number.NaN, 1, -0, 0, Number.NaN, -Infinity, 1, Infinity);
  assert.deepEqual(orderOf(x), [5, 2, 3, 1, 6, 7, 0, 4]);
  assert.deepEqual(orderOf(x, true), [0, 4, 7, 1, 6, 2, 3, 5]);
  assert.deepEqual(orderOf(vector(Number.NaN, Number.NaN), true), [0, 1]);
  assert.deepEqual(orderOf(ndArray("int", [3], [0, -(2 ** 31), 2 ** 31 - 1]), true), [2, 0, 1]);
});

test("the derivative of sorted values at a tie goes by the saved order", () => {
  const [cotangent] = applyVjp((b, [x]) => [sort(b, x!, 0)], [vector(2, 1, 2)], [true], [vector(10, 20, 30)]);
  assert.deepEqual(Array.from(cotangent!.data), [20, 10, 30]);
});

test("topK: largest first, ties to the lowest index", () => {
  const x = ndArray("real", [2, 4], [1, 3, 3, 2, 5, 5, 5, 0]);
  const [values, indices] = apply((b, [a]) => topK(b, a!, 2), [x]);
  assert.deepEqual(Array.from(values!.data), [3, 3, 5, 5]);
  assert.deepEqual(Array.from(indices!.data), [1, 2, 0, 1]);
  const [cotangent] = applyVjp((b, [a]) => [topK(b, a!, 2)[0]], [x], [true], [ndArray("real", [2, 2], [1, 2, 3, 4])]);
  assert.deepEqual(Array.from(cotangent!.data), [0, 1, 2, 0, 3, 4, 0, 0]);
});

test("a NaN is not lost among the largest", () => {
  const [values, indices] = apply((b, [a]) => topK(b, a!, 2), [vector(1, Infinity, Number.NaN)]);
  assert.deepEqual(Array.from(values!.data), [Number.NaN, Infinity]);
  assert.deepEqual(Array.from(indices!.data), [2, 1]);
});

test("sorting half a million numbers", () => {
  const n = 500_000;
  let state = 1;
  const values = Float64Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state % 1000;
  });
  const [sorted, indices] = apply((b, [x]) => sortWithIndices(b, x!, 0), [{ dtype: "real", shape: [n], data: values }]);
  for (let i = 1; i < n; i++) {
    assert.ok(sorted!.data[i - 1]! <= sorted!.data[i]!);
    if (sorted!.data[i - 1] === sorted!.data[i]) assert.ok(indices!.data[i - 1]! < indices!.data[i]!);
  }
});
