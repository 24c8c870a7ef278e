/** Reductions and running reductions: accuracy, empties, NaN, and products with zeros to third order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type NdArray, ndArray } from "../core/array.ts";
import { evaluationContext, plainContext } from "../core/evaluate.ts";
import type { Atom } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { add } from "./arithmetic.ts";
import { cumprod, cumsum } from "./cumulative.ts";
import * as reduce from "./reduce.ts";
import { reshape, sliceAxis } from "./shape.ts";
import { apply, assertClose, differentiated } from "./testing.ts";

const vector = (...values: number[]) => ndArray("real", [values.length], values);
type Reduction = (b: Emitter, x: Atom, axes: readonly number[]) => Atom;
const reduced = (f: Reduction, x: NdArray, axes: readonly number[] = x.shape.map((_, i) => i)) =>
  Array.from(apply((b, [a]) => [f(b, a!, axes)], [x])[0]!.data);

test("the sum of ten million reals has a relative error below 1e-14, and the same bits again", () => {
  const n = 10_000_000;
  const data = new Float64Array(n);
  // Tenths: each rounds, and a plain running sum is off by 1e-10 or so.
  for (let i = 0; i < n; i++) data[i] = 0.1 * ((i % 7) + 1);
  let units = 0;
  for (let i = 0; i < n; i++) units += (i % 7) + 1;
  const x: NdArray = { dtype: "real", shape: [n], data };
  const sum = () => reduce.reduceSumPrimitive.evaluate([x], { axes: [0] }, plainContext)[0]!.data[0]!;
  const first = sum();
  assert.ok(Math.abs(first / (units / 10) - 1) < 1e-14, `${first}`);
  assert.equal(sum(), first);
  const columns: NdArray = { dtype: "real", shape: [n / 10, 10], data };
  const [byColumn] = reduce.reduceSumPrimitive.evaluate([columns], { axes: [0] }, plainContext);
  const total = Array.from(byColumn!.data).reduce((s, v) => s + v, 0);
  assert.ok(Math.abs(total / (units / 10) - 1) < 1e-14, `${total}`);
});

test("sums in f32 are formed in f64", () => {
  const n = 1 << 20;
  const data = new Float32Array(n).fill(0.1);
  const x: NdArray = { dtype: "real", shape: [n], data };
  const context = evaluationContext({ precision: "f32" });
  const [sum] = reduce.reduceSumPrimitive.evaluate([x], { axes: [0] }, context);
  assert.equal(sum!.data[0], Math.fround(n * Math.fround(0.1)));
});

test("what a reduction of nothing is", () => {
  const nothing = ndArray("real", [2, 0], []);
  assert.deepEqual(reduced(reduce.reduceSum, nothing, [1]), [0, 0]);
  assert.deepEqual(reduced(reduce.reduceProd, nothing, [1]), [1, 1]);
  assert.deepEqual(reduced(reduce.reduceMax, nothing, [1]), [-Infinity, -Infinity]);
  assert.deepEqual(reduced(reduce.reduceMin, nothing, [1]), [Infinity, Infinity]);
  assert.deepEqual(reduced(reduce.reduceMax, nothing, [0]), []);
  const noInts = ndArray("int", [0], []);
  assert.deepEqual(reduced(reduce.reduceMax, noInts), [-2147483648]);
  assert.deepEqual(reduced(reduce.reduceMin, noInts), [2147483647]);
  const noBools = ndArray("bool", [0], []);
  assert.deepEqual(reduced(reduce.reduceAny, noBools), [0]);
  assert.deepEqual(reduced(reduce.reduceAll, noBools), [1]);
});

test("NaN propagates and the first is the extremum", () => {
  const x = vector(1, Number.NaN, 3, Number.NaN);
  assert.deepEqual(reduced(reduce.reduceMax, x), [Number.NaN]);
  assert.deepEqual(reduced(reduce.reduceMin, x), [Number.NaN]);
  for (const f of [reduce.argmax, reduce.argmin])
    assert.deepEqual([...apply((b, [a]) => [f(b, a!, 0)], [x])[0]!.data], [1]);
});

test("the index of an extremum is the lowest of equals", () => {
  const x = ndArray("int", [2, 4], [1, 3, 3, 1, 0, 0, 5, 5]);
  assert.deepEqual([...apply((b, [a]) => [reduce.argmax(b, a!, 1)], [x])[0]!.data], [1, 2]);
  assert.deepEqual([...apply((b, [a]) => [reduce.argmin(b, a!, 1)], [x])[0]!.data], [0, 0]);
  assert.deepEqual([...apply((b, [a]) => [reduce.argmax(b, a!, 0)], [x])[0]!.data], [0, 0, 1, 1]);
});

test("sums and products of ints wrap", () => {
  const x = ndArray("int", [3], [2147483647, 1, 5]);
  assert.deepEqual(reduced(reduce.reduceSum, x), [(2147483647 + 1 + 5) | 0]);
  assert.deepEqual(reduced(reduce.reduceProd, x), [Math.imul(2147483647, 5)]);
  assert.deepEqual([...apply((b, [a]) => [cumsum(b, a!, 0)], [x])[0]!.data], [2147483647, -2147483648, -2147483643]);
});

/** The derivatives up to order 3 at t = 0 of a product of c[i] + t, taken as the last element of `f`. */
function derivativesOfProduct(f: (b: Emitter, factors: Atom) => Atom, c: readonly number[]): number[] {
  return [0, 1, 2, 3].map((order) => {
    const build = (b: Emitter, [row, at]: readonly Atom[]) => {
      let g = (e: Emitter, t: Atom) => f(e, add(e, row!, t));
      for (let k = 0; k < order; k++) g = differentiated(g);
      return [g(b, at!)];
    };
    return apply(build, [vector(...c), ndArray("real", [], [0])])[0]!.data[0]!;
  });
}

test("derivatives of products are right with no, one, two and three zeros, to third order", () => {
  const scalarOf = (b: Emitter, x: Atom) => reshape(b, x, []);
  const products: Readonly<Record<string, (b: Emitter, x: Atom) => Atom>> = {
    reduceProd: (b, x) => reduce.reduceProd(b, x, [0]),
    cumprod: (b, x) => scalarOf(b, sliceAxis(b, cumprod(b, x, 0), 0, 3, 4)),
    "cumprod backwards": (b, x) => scalarOf(b, sliceAxis(b, cumprod(b, x, 0, true), 0, 0, 1)),
  };
  for (const c of [
    [2, 3, 5, 7],
    [0, 3, 5, 7],
    [2, 0, 5, 0],
    [0, 0, 0, 7],
    [2, 3, 5, 0],
  ]) {
    // The coefficients of the polynomial in t, times k!.
    let coefficients = [1];
    for (const v of c)
      coefficients = [...coefficients, 0].map((_, k) => v * (coefficients[k] ?? 0) + (coefficients[k - 1] ?? 0));
    const expected = [0, 1, 2, 3].map((k) => coefficients[k]! * [1, 1, 2, 6][k]!);
    for (const [name, f] of Object.entries(products))
      assertClose(`${name} of ${c}`, derivativesOfProduct(f, c), expected, 1e-13);
  }
});
