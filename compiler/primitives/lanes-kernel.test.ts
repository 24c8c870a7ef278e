/** The loops of sorting, scans, scatters and windows against the reference evaluator. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type NdArray, ndArray, sizeOf } from "../core/array.ts";
import { evaluationContext } from "../core/evaluate.ts";
import { assertLowering, assertSameArray, randomArray, randomNumbers } from "../kernel/testing-comparison.ts";
import { evaluated, interpreted } from "../kernel/testing-plans.ts";
import { cumargPrimitive, cumprodPrimitive, cumsumPrimitive } from "./cumulative.ts";
import { gatherPrimitive, scatterAdd, scatterAddPrimitive, scatterSetPrimitive } from "./gather.ts";
import { linearRecurrencePrimitive } from "./recurrence.ts";
import { scatterAddReduction } from "./scatter-kernel.ts";
import { argsortPrimitive } from "./sort.ts";
import { traceFunction } from "./testing.ts";
import { foldPrimitive, unfoldPrimitive, windowCount } from "./unfold.ts";

/** Sums of a few numbers: exact in f64 (the same order as the reference), rounded each time in f32. */
const tolerances = { f64: 0, f32: 16 * 2 ** -23 };
const exact = { f64: 0, f32: 0 };

const shapes: readonly (readonly number[])[] = [[1], [7], [0], [3, 4], [2, 0], [0, 3], [2, 3, 5], [2, 1, 4]];

function overAxes(run: (shape: readonly number[], axis: number, seed: number) => void): void {
  for (const shape of shapes) for (let axis = 0; axis < shape.length; axis++) run(shape, axis, sizeOf(shape) + axis);
}

/** Ints from -spread to spread, of any dtype. */
function whole(dtype: NdArray["dtype"], shape: readonly number[], seed: number, spread: number): NdArray {
  const next = randomNumbers(seed);
  return ndArray(
    dtype,
    shape,
    Array.from({ length: sizeOf(shape) }, () => {
      const v = Math.round(next() * spread);
      return dtype === "bool" ? v & 1 : v;
    }),
  );
}

/** Reals with ties, zeros of both signs, infinities and NaNs. */
function special(shape: readonly number[], seed: number): NdArray {
  const next = randomNumbers(seed);
  const values = [Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 0, -0, 1, 1, -1];
  return ndArray(
    "real",
    shape,
    Array.from({ length: sizeOf(shape) }, () => values[Math.floor((next() + 1) * 4)]!),
  );
}

test("running sums and products, forwards and backwards", () => {
  overAxes((shape, axis, seed) => {
    for (const reverse of [false, true])
      for (const primitive of [cumsumPrimitive, cumprodPrimitive]) {
        assertLowering(primitive, [randomArray(shape, seed)], { axis, reverse }, tolerances);
        // Large ints wrap.
        assertLowering(primitive, [whole("int", shape, seed, 2 ** 31 - 1)], { axis, reverse }, exact);
      }
  });
});

test("running extrema keep the lowest index of ties, and NaN", () => {
  overAxes((shape, axis, seed) => {
    for (const reverse of [false, true])
      for (const which of ["max", "min"] as const)
        for (const x of [
          randomArray(shape, seed),
          special(shape, seed),
          whole("real", shape, seed, 2),
          whole("int", shape, seed, 2),
        ])
          assertLowering(cumargPrimitive, [x], { axis, reverse, which }, exact);
  });
});

test("linear recurrences, whose first factor counts for nothing", () => {
  overAxes((shape, axis, seed) => {
    const terms = randomArray(shape, seed + 100);
    for (const reverse of [false, true]) {
      assertLowering(linearRecurrencePrimitive, [randomArray(shape, seed), terms], { axis, reverse }, tolerances);
      const infinite = ndArray(
        "real",
        shape,
        Array.from(terms.data, () => Number.POSITIVE_INFINITY),
      );
      assertLowering(linearRecurrencePrimitive, [infinite, terms], { axis, reverse }, exact);
    }
  });
});

test("argsort is stable, with NaN after all numbers, or before them when descending", () => {
  for (const descending of [false, true]) {
    overAxes((shape, axis, seed) => {
      for (const x of [
        randomArray(shape, seed),
        special(shape, seed),
        whole("real", shape, seed, 2),
        whole("int", shape, seed, 2),
        whole("bool", shape, seed, 2),
      ])
        assertLowering(argsortPrimitive, [x], { axis, descending }, exact);
    });
    for (const n of [2, 3, 4, 8, 9, 31, 32, 33, 100]) {
      for (const x of [randomArray([n], n), special([n], n), whole("int", [n], n, 5)])
        assertLowering(argsortPrimitive, [x], { axis: 0, descending }, exact);
    }
    const nothing = ndArray("real", [5], new Array(5).fill(Number.NaN));
    assertLowering(argsortPrimitive, [nothing], { axis: 0, descending }, exact);
    const ends = ndArray("int", [4], [2147483647, -2147483648, 0, -1]);
    assertLowering(argsortPrimitive, [ends], { axis: 0, descending }, exact);
  }
});

test("scatters take equal indices in order and leave out those out of range", () => {
  for (const [shape, axis, batchDims, own] of [
    [[5], 0, 0, [9]],
    [[5], 0, 0, []],
    [[5], 0, 0, [0]],
    [[0], 0, 0, [3]],
    [[4, 3], 0, 0, [6]],
    [[4, 3], 1, 0, [2, 2]],
    [[2, 4, 3], 1, 1, [5]],
    [[2, 3, 4, 2], 2, 1, [3]],
    [[2, 3, 4], 2, 2, [2, 2]],
    [[2, 0, 4], 2, 1, [2]],
    [[0, 4], 1, 1, [2]],
  ] as const) {
    const indices = whole("int", [...shape.slice(0, batchDims), ...own], 3, 6);
    const taken = [...shape.slice(0, axis), ...own, ...shape.slice(axis + 1)];
    const params = { axis, batchDims };
    for (const dtype of ["real", "int", "bool"] as const) {
      const operands = [whole(dtype, shape, 1, 9), indices, whole(dtype, taken, 2, 9)];
      assertLowering(scatterSetPrimitive, operands, params, exact);
      if (dtype !== "bool") assertLowering(scatterAddPrimitive, operands, params, exact);
    }
    const fractions = [randomArray(shape, 4), indices, randomArray(taken, 5)];
    assertLowering(scatterAddPrimitive, fractions, params, tolerances);
  }
});

test("many updates, in whatever order their sums are formed", () => {
  for (const [shape, axis, batchDims, m] of [
    [[7], 0, 0, 127],
    [[7], 0, 0, 128],
    [[1], 0, 0, 131],
    [[200], 0, 0, 1003],
    [[3, 5], 1, 0, 150],
    [[4, 3], 0, 0, 130],
    [[2, 4, 3], 1, 1, 129],
  ] as const) {
    const n = shape[axis]!;
    const taken = [...shape.slice(0, axis), m, ...shape.slice(axis + 1)];
    const places = whole("int", [...shape.slice(0, batchDims), m], m, n + 2);
    const sorted = ndArray("int", places.shape, Int32Array.from(places.data).sort());
    // Known to be in range.
    const inside = ndArray(
      "int",
      places.shape,
      Array.from(sorted.data, (i) => Math.min(Math.max(i, 0), n - 1)),
    );
    for (const [indices, params] of [
      [places, { axis, batchDims }],
      [sorted, { axis, batchDims }],
      [inside, { axis, batchDims, inside: true }],
    ] as const) {
      const [x, u] = [whole("int", shape, 1, 9), whole("int", taken, 2, 9)];
      assertLowering(scatterAddPrimitive, [x, indices, u], params, exact);
      assertLowering(scatterSetPrimitive, [x, indices, u], params, exact);
      const reals = [randomArray(shape, 4), indices, randomArray(taken, 5)];
      assertLowering(scatterAddPrimitive, reals, params, { f64: 200 * 2 ** -52, f32: 200 * 2 ** -23 });
      assertLowering(gatherPrimitive, [randomArray(shape, 4), indices], params, exact);
    }
  }
});

test("on devices many updates of few numbers are a reduction", () => {
  for (const [shape, axis, batchDims, own, isReduction] of [
    [[7], 0, 0, [200], true],
    [[7], 0, 0, [20, 10], true],
    [[3, 7], 1, 0, [150], true],
    [[2, 7, 3], 1, 1, [140], true],
    [[1], 0, 0, [130], true],
    [[7], 0, 0, [20], false],
    [[7, 40], 0, 0, [200], false],
    [[2 ** 17], 0, 0, [200], false],
    [[0], 0, 0, [200], true],
  ] as const) {
    const places = whole("int", [...shape.slice(0, batchDims), ...own], 3, shape[axis]! + 2);
    const taken = [...shape.slice(0, axis), ...own, ...shape.slice(axis + 1)];
    for (const dtype of ["real", "int"] as const) {
      const operands = [whole(dtype, shape, 1, 9), places, whole(dtype, taken, 2, 9)];
      const inputs = operands.map((x) => ({ dtype: x.dtype, shape: x.shape }));
      const found = scatterAddReduction({
        params: { axis, batchDims },
        precision: "f64",
        inputs,
        outputs: [inputs[0]!],
      });
      assert.equal(found !== undefined, isReduction);
      const graph = traceFunction((b, [x, i, u]) => [scatterAdd(b, x!, i!, u!, axis, batchDims)], operands);
      const context = evaluationContext();
      const results = interpreted("invocations")(graph, operands, context);
      assertSameArray("scatterAdd", results[0]!, evaluated(graph, operands, context)[0]!, 0);
    }
  }
});

test("windows of images and lines, and their adjoints", () => {
  const one = { kernel: [3], stride: [2], low: [1], high: [2], dilation: [1] };
  const two = { kernel: [2, 3], stride: [1, 2], low: [1, 0], high: [0, 3], dilation: [2, 1] };
  const apart = { kernel: [2], stride: [5], low: [0], high: [0], dilation: [1] };
  const shrinking = { kernel: [2], stride: [1], low: [-1], high: [-1], dilation: [1] };
  for (const [windows, outer, size] of [
    [one, [], [7]],
    [one, [2, 2], [4]],
    [one, [2], [0]],
    [one, [], [1]],
    [{ ...one, dilation: [3] }, [], [1]],
    [two, [], [5, 6]],
    [two, [3], [4, 4]],
    [two, [0], [4, 4]],
    [two, [], [0, 4]],
    [apart, [2], [13]],
    [shrinking, [], [8]],
  ] as const) {
    const counts = size.map((n, i) => windowCount(n, windows, i) as number);
    const shape = [...outer, ...windows.kernel, ...counts];
    for (const dtype of ["real", "int"] as const) {
      assertLowering(unfoldPrimitive, [whole(dtype, [...outer, ...size], 1, 9)], windows, exact);
      assertLowering(foldPrimitive, [whole(dtype, shape, 2, 9)], { ...windows, size }, exact);
    }
    assertLowering(unfoldPrimitive, [whole("bool", [...outer, ...size], 1, 9)], windows, exact);
    assertLowering(foldPrimitive, [randomArray(shape, 3)], { ...windows, size }, tolerances);
  }
});
