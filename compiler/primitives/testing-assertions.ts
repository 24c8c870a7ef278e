/** Numeric derivatives and comparisons for the property tests. */
import assert from "node:assert/strict";
import type { ArrayData, NdArray } from "../core/array.ts";

export interface NumericDerivative {
  readonly values: number[];
  readonly errors: number[];
}

/** Derivatives at 0 by central differences and Richardson's extrapolation (Ridders 1982), with error estimates. */
export function numericDerivative(f: (t: number) => number[]): NumericDerivative {
  const values: number[] = [];
  const errors: number[] = [];
  let last: number[][] = [];
  for (let i = 0, h = 2 ** -5; i < 9; i++, h /= 2) {
    const [high, low] = [f(h), f(-h)];
    // Equal values, infinite ones too, have not moved.
    const rows = [high.map((y, k) => (y === low[k] ? 0 : (y - low[k]!) / (2 * h)))];
    for (let j = 1, factor = 4; j <= Math.min(i, 5); j++, factor *= 4)
      rows.push(rows[j - 1]!.map((d, k) => (factor * d - last[j - 1]![k]!) / (factor - 1)));
    rows.forEach((row, j) => {
      row.forEach((d, k) => {
        if (i === 0) values[k] = d;
        if (j === 0) errors[k] ??= Number.POSITIVE_INFINITY;
        if (j === 0) return;
        const error = Math.max(Math.abs(d - rows[j - 1]![k]!), Math.abs(d - last[j - 1]![k]!));
        if (!(error < errors[k]!)) return;
        values[k] = d;
        errors[k] = error;
      });
    });
    last = rows;
  }
  return { values, errors };
}

/** Equal to a numeric derivative within its own error estimate and the tolerance. */
export function assertNear(
  what: string,
  found: readonly number[],
  numeric: NumericDerivative,
  tolerance: number,
): void {
  assert.equal(found.length, numeric.values.length, what);
  const scale = numeric.values.reduce((m, v) => Math.max(m, Math.abs(v)), 1);
  found.forEach((x, i) => {
    const allowed = tolerance * scale + 4 * numeric.errors[i]!;
    const text = `${what}: [${i}] is ${x}, not ${numeric.values[i]} (+- ${numeric.errors[i]})`;
    // An estimate that says nothing must not pass anything.
    assert.ok(numeric.errors[i]! <= 1e-4 * scale && Math.abs(x - numeric.values[i]!) <= allowed, text);
  });
}

/** Equal to the given relative tolerance of the largest element; NaNs and infinities must be the same. */
export function assertClose(
  what: string,
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): void {
  assert.equal(found.length, expected.length, what);
  let scale = 1;
  for (let i = 0; i < expected.length; i++)
    if (Number.isFinite(expected[i]!)) scale = Math.max(scale, Math.abs(expected[i]!));
  for (let i = 0; i < expected.length; i++) {
    if (Object.is(found[i], expected[i])) continue;
    const text = `${what}: [${i}] is ${found[i]}, not ${expected[i]}`;
    assert.ok(Math.abs(found[i]! - expected[i]!) <= tolerance * scale, text);
  }
}

/** <a, b> = <c, d>: the dot-product test, which needs no step size. */
export function assertDot(
  what: string,
  a: readonly NdArray[],
  b: readonly NdArray[],
  c: readonly NdArray[],
  d: readonly NdArray[],
): void {
  const [left, leftSize] = innerProduct(a, b);
  const [right, rightSize] = innerProduct(c, d);
  const allowed = 1e-10 * Math.max(1, leftSize, rightSize);
  assert.ok(Math.abs(left - right) <= allowed, `${what}: ${left} and ${right}`);
}

/** The inner product over all arrays, and that of the absolute values. */
function innerProduct(
  xs: readonly { readonly data: ArrayData }[],
  ys: readonly { readonly data: ArrayData }[],
): [number, number] {
  let [sum, size] = [0, 0];
  assert.equal(xs.length, ys.length);
  xs.forEach((x, i) => {
    assert.equal(x.data.length, ys[i]!.data.length);
    x.data.forEach((v, k) => {
      sum += v * ys[i]!.data[k]!;
      size += Math.abs(v * ys[i]!.data[k]!);
    });
  });
  return [sum, size];
}
