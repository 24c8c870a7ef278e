/** The series that the reference shares with the compiled functions, against what neither has a part in. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as numerics from "../../primitives/special-functions.ts";
import * as functions from "./index.ts";
import { bernoulli, lgammaAtTwo } from "./series.ts";
import { compileFunction } from "./testing.ts";

/** B(0), B(1), ... as fractions, by their recurrence: the sum over k <= m of C(m + 1, k) B(k) is 0. */
function exactBernoulli(count: number): number[] {
  const found: { readonly p: bigint; readonly q: bigint }[] = [{ p: 1n, q: 1n }];
  for (let m = 1; m < count; m++) {
    let [p, q, binomial] = [0n, 1n, 1n];
    for (let k = 0; k < m; k++) {
      const b = found[k]!;
      [p, q] = [p * b.q + binomial * b.p * q, q * b.q];
      binomial = (binomial * BigInt(m + 1 - k)) / BigInt(k + 1);
    }
    found.push({ p: -p, q: q * BigInt(m + 1) });
  }
  return found.map(({ p, q }) => Number((p * 10n ** 40n) / q) / 1e40);
}

/** The sum over k >= 0 of (x + k)^-s, s > 1: terms, then Euler and Maclaurin's integral, half term and two corrections. */
function hurwitzZeta(s: number, x: number): number {
  const n = 4000;
  const y = x + n;
  let sum =
    y ** (1 - s) / (s - 1) + y ** -s / 2 + (s / 12) * y ** (-s - 1) - ((s * (s + 1) * (s + 2)) / 720) * y ** (-s - 3);
  for (let k = n - 1; k >= 0; k--) sum += (x + k) ** -s;
  return sum;
}

const near = (what: string, found: number, expected: number, relative: number) =>
  assert.ok(Math.abs(found - expected) <= relative * Math.abs(expected), `${what}: ${found}, not ${expected}`);

test("Bernoulli numbers are those of their recurrence", () => {
  const exact = exactBernoulli(2 * bernoulli.length + 1);
  bernoulli.forEach((b, i) => {
    near(`B(${2 * i + 2})`, b, exact[2 * i + 2]!, 1e-15);
  });
});

test("the coefficients of log Gamma at 2 are zeta values over whole numbers", () => {
  lgammaAtTwo.slice(2).forEach((c, i) => {
    const k = i + 2;
    near(`of z^${k}`, c, ((-1) ** k * hurwitzZeta(k, 2)) / k, 1e-14);
  });
});

test("polygamma of high orders is a sum of powers, also near 0", () => {
  let factorial = 1;
  for (let n = 1; n <= 12; n++) {
    factorial *= n;
    const compiled = compileFunction((x) => functions.polygamma(n, x, "f64"), "f64");
    for (const x of [0.3, 1, 2, 4.5, 9.75, 15, 40]) {
      const expected = (-1) ** (n + 1) * factorial * hurwitzZeta(n + 1, x);
      near(`polygamma ${n} of ${x}`, compiled(x), expected, 4e-15 * (n + 4));
      near(`the reference's polygamma ${n} of ${x}`, numerics.polygamma(n, x), expected, 4e-15 * (n + 4));
    }
  }
});

test("log Gamma of whole numbers is the logarithm of a factorial, on both sides of where Stirling's series begins", () => {
  const compiled = compileFunction((x) => functions.lgamma(x, "f64"), "f64");
  let sum = 0;
  for (let n = 3; n <= 40; n++) {
    sum += Math.log(n - 1);
    near(`lgamma ${n}`, compiled(n), sum, 2e-15);
    near(`the reference's lgamma ${n}`, numerics.lgamma(n), sum, 2e-15);
  }
});
