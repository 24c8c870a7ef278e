import assert from "node:assert/strict";
import { test } from "node:test";
import { ndArray } from "../core/array.ts";
import { DiagnosticError } from "../syntax/diagnostic.ts";
import { gammaSampleDerivative as derivativeOf } from "./gamma-numerics.ts";
import { gammaSampleDerivative, randomGamma } from "./random-gamma.ts";
import { lgamma } from "./special-functions.ts";
import { apply, applyJvp } from "./testing.ts";
import { kolmogorov } from "./testing-statistics.ts";
import { keyOfSeed } from "./threefry.ts";

const count = 40_000;
const filled = (n: number, value: number) => ndArray("real", [n], new Float64Array(n).fill(value));
const sample = (alpha: number, precision: "f64" | "f32" = "f64") =>
  Array.from(apply((b, [k, a]) => [randomGamma(b, k!, a!)], [keyOfSeed(21), filled(count, alpha)], precision)[0]!.data);

/** Tanh-sinh quadrature over (0, 1): exact to rounding for what is smooth inside, singular ends included. */
function integrate(f: (x: number) => number): number {
  let sum = 0;
  const h = 1 / 64;
  for (let k = -320; k <= 320; k++) {
    const t = Math.PI * Math.sinh(k * h);
    const x = 1 / (1 + Math.exp(-t));
    const weight = Math.PI * Math.cosh(k * h) * x * (1 / (1 + Math.exp(t)));
    if (weight > 0 && x > 0) sum += weight * f(x);
  }
  return sum * h;
}

/** P(a, z) = z^a / Gamma(a) times the integral of u^(a - 1) exp(-z u) over (0, 1). */
const distribution = (a: number) => (z: number) => {
  if (z <= 0) return 0;
  return Math.exp(a * Math.log(z) - lgamma(a)) * integrate((u) => u ** (a - 1) * Math.exp(-z * u));
};

/** psi(a) by central differences of lgamma, extrapolated three times. */
function slopeOfLgamma(a: number): number {
  const slope = (d: number) => (lgamma(a + d) - lgamma(a - d)) / (2 * d);
  let row = [1, 2, 4, 8].map((k) => slope(a / (256 * k)));
  for (let factor = 4; row.length > 1; factor *= 4)
    row = row.slice(1).map((s, i) => (factor * s - row[i]!) / (factor - 1));
  return row[0]!;
}

/** dz/da = -z times the integral of (log(z u) - psi(a)) u^(a - 1) exp(-z (u - 1)) over (0, 1), with v = u^a. */
function derivativeByQuadrature(a: number, z: number): number {
  const psi = slopeOfLgamma(a);
  const integrand = (v: number) => (Math.log(z) + Math.log(v) / a - psi) * Math.exp(-z * (v ** (1 / a) - 1));
  return (-z / a) * integrate(integrand);
}

test("the derivative of samples agrees with quadrature", () => {
  for (const a of [0.05, 0.3, 1, 2.5, 10, 40])
    for (const z of [1e-3 * a, 0.1 * a, 0.7 * a, a, a + 0.9, a + 1.1, a + 3 * Math.sqrt(a)]) {
      const [found, expected] = [derivativeOf(a, z), derivativeByQuadrature(a, z)];
      assert.ok(Math.abs(found / expected - 1) < 1e-10, `a = ${a}, z = ${z}: ${found}, not ${expected}`);
    }
});

test("series, fraction and expansion meet", () => {
  for (const a of [0.01, 0.5, 3, 50, 1000]) {
    const [left, right] = [1 - 1e-15, 1 + 1e-15].map((f) => derivativeOf(a, (a + 1) * f));
    assert.ok(Math.abs(left! / right! - 1) < 1e-13);
  }
  for (const y of [-6, -2, 0, 1, 6]) {
    const z = 1e5 + y * Math.sqrt(1e5);
    assert.ok(Math.abs(derivativeOf(1e5 * (1 - 1e-13), z) / derivativeOf(1e5, z) - 1) < 5e-12);
  }
});

test("the expansion for large shapes meets the others far out in the tails, where its last terms count", () => {
  for (const y of [-12, 12]) {
    const z = 1e5 + y * Math.sqrt(1e5);
    const [below, at] = [derivativeOf(1e5 * (1 - 1e-13), z), derivativeOf(1e5, z)];
    assert.ok(Math.abs(below / at - 1) < 2e-12, `y = ${y}: ${below / at - 1}`);
  }
});

test("shape 1: dz/da = log z + gamma + e^z E1(z)", () => {
  const exponentialIntegral = [
    [0.1, 1.8229239584193906],
    [1, 0.21938393439552029],
    [5, 0.001148295591275326],
  ] as const;
  for (const [z, e1] of exponentialIntegral) {
    const expected = Math.log(z) + 0.5772156649015329 + Math.exp(z) * e1;
    assert.ok(Math.abs(derivativeOf(1, z) / expected - 1) < 1e-14, `z = ${z}`);
  }
});

test("at the ends and outside", () => {
  assert.equal(derivativeOf(1, 0), 0);
  for (const [a, z] of [
    [-1, 1],
    [0, 1],
    [1, -1],
    [Number.NaN, 1],
    [1, Number.NaN],
  ] as const)
    assert.ok(Number.isNaN(derivativeOf(a, z)));
  assert.ok(Math.abs(derivativeOf(1e10, 1e10) - 1) < 1e-9);
});

for (const alpha of [0.2, 0.9, 1, 3.7, 60])
  test(`samples of shape ${alpha}: moments, distribution, and the mean of the derivative`, () => {
    for (const precision of ["f64", "f32"] as const) {
      const samples = sample(alpha, precision);
      const mean = samples.reduce((s, x) => s + x, 0) / count;
      const variance = samples.reduce((s, x) => s + (x - mean) ** 2, 0) / count;
      assert.ok(Math.abs(mean - alpha) < 4 * Math.sqrt(alpha / count), `mean ${mean}`);
      // The variance of z^2 brings in the fourth moment, 3 alpha^2 + 6 alpha.
      assert.ok(
        Math.abs(variance - alpha) < 4 * Math.sqrt((2 * alpha ** 2 + 6 * alpha) / count),
        `variance ${variance}`,
      );
      const statistic = kolmogorov(samples.slice(0, 1500), distribution(alpha));
      assert.ok(statistic < 1.95, `Kolmogorov-Smirnov ${statistic}`);
    }
    const { values, tangents } = applyJvp(
      (b, [k, a]) => [randomGamma(b, k!, a!)],
      [keyOfSeed(21), filled(count, alpha)],
      [undefined, filled(count, 1)],
    );
    const [z, dz] = [values[0]!.data, tangents[0]!.data];
    // E dz/dalpha = d E z / dalpha = 1, and E 2 z dz/dalpha = d (alpha^2 + alpha) / dalpha.
    const average = (f: (i: number) => number) => Array.from(z, (_, i) => f(i)).reduce((s, x) => s + x, 0) / count;
    assert.ok(Math.abs(average((i) => dz[i]!) - 1) < 0.05);
    assert.ok(Math.abs(average((i) => 2 * z[i]! * dz[i]!) / (2 * alpha + 1) - 1) < 0.1);
  });

test("elements of a lane have keys of their own; equal keys give equal lanes", () => {
  const keys = ndArray("int", [2, 2], [0, 21, 0, 21]);
  const z = apply((b, [k, a]) => [randomGamma(b, k!, a!)], [keys, ndArray("real", [2, 3], Array(6).fill(2))])[0]!;
  assert.deepEqual(z.data.slice(0, 3), z.data.slice(3));
  assert.equal(new Set(z.data).size, 3);
  assert.deepEqual(Array.from(z.data.slice(0, 3)), sample(2).slice(0, 3));
});

test("outside the domain: NaN", () => {
  const z = apply(
    (b, [k, a]) => [randomGamma(b, k!, a!)],
    [keyOfSeed(1), ndArray("real", [3], [0, -1, Number.NaN])],
  )[0]!;
  assert.ok(z.data.every(Number.isNaN));
});

test("there is no second derivative", () => {
  const ones = filled(1, 1);
  assert.throws(
    () => applyJvp((b, [a, z]) => [gammaSampleDerivative(b, a!, z!)], [ones, ones], [ones, undefined]),
    (error) => error instanceof DiagnosticError && error.diagnostic.code === "K0608",
  );
});
