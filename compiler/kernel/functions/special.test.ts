/** erf, erfc, erfinv and the gamma functions in both precisions, against true values or the reference's numerics. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as numerics from "../../primitives/special-functions.ts";
import type { Expression, Precision } from "../ir.ts";
import { randomNumbers } from "../testing-comparison.ts";
import { functionErrors } from "./errors.ts";
import * as functions from "./index.ts";
import { type CompiledFunction, compileFunction } from "./testing.ts";
import * as reference from "./testing-reference.ts";

const ours = { ...functions };
const truths = { ...reference };
const meanings = { ...numerics };
const precisions = ["f64", "f32"] as const;
const epsilon = { f64: 2 ** -52, f32: 2 ** -23 } as const;
const roundTo = (precision: Precision) => (precision === "f64" ? (x: number) => x : Math.fround);
const compiled = (f: (x: Expression, precision: Precision) => Expression, precision: Precision): CompiledFunction =>
  compileFunction((x) => f(x, precision), precision);

/** Numbers from `low` to `high`, rounded to the precision. */
function* points(count: number, low: number, high: number, precision: Precision): Generator<number> {
  const random = randomNumbers(count + Math.round(1000 * high));
  for (let i = 0; i < count; i++) yield roundTo(precision)(low + ((high - low) * (random() + 1)) / 2);
}

for (const precision of precisions)
  test(`erf, erfc and erfinv are as exact as stated in ${precision}`, (t) => {
    const names = ["erf", "erfc", "erfinv"] as const;
    const ranges = {
      erf: [
        [-3, 3],
        [-1e-5, 1e-5],
        [-7, 7],
      ],
      erfc: [
        [-3, 3],
        [-1, 8],
      ],
      erfinv: [
        [-1, 1],
        [-1e-3, 1e-3],
        [0.99, 1],
      ],
    } as const;
    for (const name of names) {
      const f = compiled(ours[name], precision);
      let [error, where] = [0, 0];
      for (const [low, high] of ranges[name])
        for (const x of points(precision === "f64" ? 500 : 1000, low, high, precision)) {
          const exact =
            name === "erfinv" ? reference.erfinv(reference.big(x), numerics.erfinv(x)) : truths[name](reference.big(x));
          const off = reference.errorInUnits(f(x), exact, precision);
          if (!(off <= error)) [error, where] = [off, x];
        }
      t.diagnostic(`${name}: ${error.toFixed(2)} at ${where}`);
      assert.ok(error <= functionErrors[name][precision], `${name}(${where}) is off by ${error}`);
    }
  });

/** Exactly where the reference is not finite or is zero, and near it elsewhere. The largest error, relative to the size. */
function assertAgrees(
  what: string,
  f: CompiledFunction,
  meaning: (x: number) => number,
  xs: Iterable<number>,
  bound: number,
  size: (expected: number) => number,
): number {
  let most = 0;
  for (const x of xs) {
    const [found, expected] = [f(x), meaning(x)];
    if (Object.is(found, expected) || (found === 0 && expected === 0)) continue;
    const off = Math.abs(found - expected) / size(expected);
    assert.ok(off <= bound, `${what}(${x}) is ${found}, not ${expected}`);
    most = Math.max(most, off);
  }
  return most;
}

const { POSITIVE_INFINITY: infinity, NaN: nan } = Number;
const edges = [0, -0, 1, -1, 2, -2, 0.5, -0.5, -3, 1.5, infinity, -infinity, nan];

for (const precision of precisions) {
  const unit = epsilon[precision];
  test(`erfc falls to zero as the reference does in ${precision}`, () => {
    const f = compiled(functions.erfc, precision);
    const [normal, end] = precision === "f64" ? [26.5, 28.5] : [9.1, 10.5];
    // The square of x is only as exact as the reference's here: a few units more than below 8.
    assertAgrees("erfc", f, numerics.erfc, points(2000, 1, normal, precision), 5 * unit, (y) => y);
    assertAgrees("erfc", f, numerics.erfc, points(500, normal, end, precision), 8 * unit, () => numerics.erfc(normal));
    for (const x of [end, 100, infinity]) assert.equal(f(x), 0);
    for (const x of [-end, -100, -infinity]) assert.equal(f(x), 2);
  });

  test(`special values of erf, erfc and erfinv in ${precision}`, () => {
    for (const name of ["erf", "erfc", "erfinv"] as const) {
      const f = compiled(ours[name], precision);
      assertAgrees(
        name,
        f,
        (x) => roundTo(precision)(meanings[name](x)),
        edges,
        2 * unit,
        (y) => Math.abs(y),
      );
    }
    for (const name of ["erf", "erfinv"] as const) assert.ok(Object.is(compiled(ours[name], precision)(-0), -0));
  });

  test(`lgamma, digamma and polygamma agree with the reference in ${precision}`, (t) => {
    const lgamma = compiled(functions.lgamma, precision);
    const digamma = compiled(functions.digamma, precision);
    const positive = () => [
      ...points(2000, 1e-3, 4, precision),
      ...points(500, 4, 30, precision),
      ...points(200, 30, 1e6, precision),
      ...points(200, 0.99, 1.01, precision),
      ...points(200, 1.99, 2.01, precision),
    ];
    const negative = () => [...points(1000, -4, -0.001, precision), ...points(300, -30, 0, precision)];
    const note = (what: string, error: number) => t.diagnostic(`${what}: ${(error / unit).toFixed(1)} units`);
    note(
      "lgamma, x > 0",
      assertAgrees("lgamma", lgamma, numerics.lgamma, positive(), 3 * unit, (y) => Math.abs(y)),
    );
    note(
      "lgamma, x < 0, absolute",
      assertAgrees("lgamma", lgamma, numerics.lgamma, negative(), 8 * unit, (y) => Math.max(1, Math.abs(y))),
    );
    note(
      "digamma, x > 0, absolute",
      assertAgrees("digamma", digamma, numerics.digamma, positive(), 8 * unit, (y) => Math.max(1, Math.abs(y))),
    );
    // Near the poles the reflected part is as large as the result.
    note(
      "digamma, x < 0, absolute",
      assertAgrees("digamma", digamma, numerics.digamma, negative(), 8 * unit, (y) => Math.max(1, Math.abs(y))),
    );
    assertAgrees(
      "lgamma",
      lgamma,
      (x) => roundTo(precision)(numerics.lgamma(x)),
      edges,
      4 * unit,
      (y) => Math.max(1, Math.abs(y)),
    );
    assertAgrees(
      "digamma",
      digamma,
      (x) => roundTo(precision)(numerics.digamma(x)),
      edges,
      4 * unit,
      (y) => Math.max(1, Math.abs(y)),
    );
    for (const n of [1, 2, 3, 5]) {
      const meaning = (x: number) => numerics.polygamma(n, x);
      const f = compiled((x, p) => functions.polygamma(n, x, p), precision);
      // The terms of negative arguments may cancel; their size is that of the derivatives of the cotangent.
      const size = (y: number) => Math.max(Math.abs(y), Math.PI ** (n + 1));
      const [low, high] = [points(1000, 0.05, 5, precision), points(300, 5, 100, precision)];
      note(
        `polygamma ${n}, x > 0`,
        assertAgrees(`psi${n}`, f, meaning, [...low, ...high], 4 * unit, (y) => Math.abs(y)),
      );
      const below = points(500, -2.95, -0.05, precision);
      note(
        `polygamma ${n}, x < 0`,
        assertAgrees(`psi${n}`, f, meaning, below, 8 * unit, (y) => size(y)),
      );
      assertAgrees(
        `psi${n}`,
        f,
        (x) => roundTo(precision)(meaning(x)),
        edges,
        4 * unit,
        (y) => size(y),
      );
    }
  });
}

test("arguments that a function never sees are made harmless, not slow", () => {
  for (const precision of precisions) {
    const largest = precision === "f64" ? 1e300 : 1e36;
    assert.ok(Number.isFinite(compiled(functions.digamma, precision)(largest)));
    assert.ok(compiled(functions.lgamma, precision)(largest) > largest);
    assert.ok(Number.isNaN(compiled(functions.digamma, precision)(-largest)));
    assert.equal(compiled(functions.lgamma, precision)(-largest), infinity);
  }
});
