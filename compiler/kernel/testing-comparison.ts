/** Holds lowering rules to the reference evaluator: for tests, no part of the compiler. */
import assert from "node:assert/strict";
import { type NdArray, ndArray, sizeOf } from "../core/array.ts";
import { evaluationContext } from "../core/evaluate.ts";
import type { Params, Primitive } from "../core/primitive.ts";
import type { Precision } from "./ir.ts";
import { lowerAndInterpret } from "./testing.ts";

/**
 * Relative to the largest element of the result; ints and bools have to be the same. A precision that is missing is
 * not compared.
 */
export type Tolerances = Readonly<Partial<Record<Precision, number>>>;

/**
 * Compares the lowering with `evaluate` in both precisions. Both are given the same inputs, rounded to the precision;
 * the reference computes in f64 even then, so the f32 tolerance is about the rounding of the kernel. In f32, loops
 * whose order is free run backwards.
 */
export function assertLowering<P extends Params>(
  primitive: Primitive<P>,
  inputs: readonly NdArray[],
  params: P,
  tolerances: Tolerances,
  what = primitive.name,
): void {
  for (const precision of ["f64", "f32"] as const) {
    const tolerance = tolerances[precision];
    if (tolerance === undefined) continue;
    const given = inputs.map((x) => rounded(x, precision));
    const expected = primitive.evaluate(given, params, evaluationContext({ precision }));
    const found = lowerAndInterpret(primitive, given, params, precision, precision === "f64" ? "forward" : "backward");
    assert.equal(found.length, expected.length, what);
    found.forEach((y, i) => {
      assertSameArray(`${what} in ${precision}, result ${i}`, y, expected[i]!, tolerance);
    });
  }
}

export function rounded(x: NdArray, precision: Precision): NdArray {
  return x.dtype === "real" && precision === "f32" ? { ...x, data: Float32Array.from(x.data) } : x;
}

export function assertSameArray(what: string, found: NdArray, expected: NdArray, tolerance: number): void {
  assert.equal(found.dtype, expected.dtype, what);
  assert.deepEqual(found.shape, expected.shape, what);
  assert.equal(found.data.length, expected.data.length, what);
  const finite = Array.from(expected.data, Math.abs).filter(Number.isFinite);
  const allowed = expected.dtype === "real" ? tolerance * finite.reduce((m, v) => Math.max(m, v), 0) : 0;
  expected.data.forEach((v, i) => {
    const w = found.data[i]!;
    if (Object.is(v, w) || v === w) return;
    assert.ok(Math.abs(w - v) <= allowed, `${what}: [${i}] is ${w}, not ${v} (allowed ${allowed})`);
  });
}

/** Numbers from -1 to 1 that are the same in every run (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

export function randomArray(shape: readonly number[], seed: number): NdArray {
  const next = randomNumbers(seed);
  return ndArray("real", shape, Array.from({ length: sizeOf(shape) }, next));
}
