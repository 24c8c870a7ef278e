/**
 * Scalar numerics of the special functions, in f64. Each states its source and its accuracy, measured
 * against mpmath on some thousand random arguments; the tests pin a few of them.
 */
import {
  erfcTail,
  erfcUpper,
  erfinvCentre,
  erfinvTail,
  erfMiddle,
  erfOne,
  erfSmall,
} from "../kernel/functions/error-function-coefficients.ts";
import { bernoulli, cotangentPolynomial, lgammaAtTwo } from "../kernel/functions/series.ts";

function polynomial(x: number, coefficients: readonly number[]): number {
  let value = 0;
  for (let i = coefficients.length - 1; i >= 0; i--) value = value * x + coefficients[i]!;
  return value;
}

/** erfc for x >= 1.25: exp(-x^2 - 0.5625 + R) / x, the square formed in two parts so that it is exact. */
function erfcLarge(x: number): number {
  if (x > 28) return 0;
  const s = 1 / (x * x);
  const { p, q } = x < 1 / 0.35 ? erfcUpper : erfcTail;
  const rational = polynomial(s, p) / polynomial(s, q);
  const z = Math.fround(x);
  return (Math.exp(-z * z - 0.5625) * Math.exp((z - x) * (z + x) + rational)) / x;
}

/** The error function; relative error below 4e-16. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (Number.isNaN(x)) return x;
  if (a < 0.84375) return x + x * (polynomial(x * x, erfSmall.p) / polynomial(x * x, erfSmall.q));
  if (a < 1.25) return Math.sign(x) * (erfOne + polynomial(a - 1, erfMiddle.p) / polynomial(a - 1, erfMiddle.q));
  return Math.sign(x) * (a > 6 ? 1 : 1 - erfcLarge(a));
}

/** 1 - erf(x) without cancellation; relative error below 1e-15 until it becomes subnormal (x > 26.5). */
export function erfc(x: number): number {
  const a = Math.abs(x);
  if (Number.isNaN(x)) return x;
  if (a < 0.84375) {
    const y = polynomial(x * x, erfSmall.p) / polynomial(x * x, erfSmall.q);
    return x < 0.25 ? 1 - (x + x * y) : 0.5 - (x * y + (x - 0.5));
  }
  if (a < 1.25) {
    const y = polynomial(a - 1, erfMiddle.p) / polynomial(a - 1, erfMiddle.q);
    return x > 0 ? 1 - erfOne - y : 1 + (erfOne + y);
  }
  return x > 0 ? erfcLarge(a) : 2 - erfcLarge(a);
}

/** Where to start on erfinv(a) when q = 1 - a is tiny: solves q = exp(-y^2) (1 - 1 / (2 y^2)) / (y sqrt(pi)). */
function erfinvExtreme(q: number): number {
  let y = Math.sqrt(-Math.log(q));
  for (let i = 0; i < 4; i++) y = Math.sqrt(-Math.log((q * Math.sqrt(Math.PI) * y) / (1 - 0.5 / (y * y))));
  return y;
}

/**
 * The inverse of erf on (-1, 1), infinite at the ends, NaN beyond: Giles' start (the asymptotic series at
 * the very ends) and two Halley steps; relative error below 4e-16.
 */
export function erfinv(x: number): number {
  const a = Math.abs(x);
  if (!(a <= 1)) return Number.NaN;
  if (a === 1) return x * Number.POSITIVE_INFINITY;
  if (a < 1e-150) return x * (Math.sqrt(Math.PI) / 2);
  const w = -Math.log((1 - a) * (1 + a));
  let y: number;
  if (w < 5) y = a * polynomial(w - 2.5, erfinvCentre);
  else if (w < 16) y = a * polynomial(Math.sqrt(w) - 3, erfinvTail);
  else y = erfinvExtreme(1 - a);
  for (let step = 0; step < 2; step++) {
    // In the tail 1 - a is exact and erfc keeps all its digits.
    const excess = a < 0.5 ? erf(y) - a : 1 - a - erfc(y);
    const newton = excess * (Math.sqrt(Math.PI) / 2) * Math.exp(y * y);
    y -= newton / (1 + y * newton);
  }
  return Math.sign(x) * y;
}

/** sin(pi x) and cos(pi x), exact in the reduction. */
function sinCosPi(x: number): [number, number] {
  const half = Math.round(2 * x);
  const [s, c] = [Math.sin(Math.PI * (x - half / 2)), Math.cos(Math.PI * (x - half / 2))];
  const quarter = ((half % 4) + 4) % 4;
  if (quarter === 0) return [s, c];
  if (quarter === 1) return [c, -s];
  return quarter === 2 ? [-s, -c] : [-c, s];
}

/**
 * log |Gamma(x)|, infinite at 0, -1, -2, ...: the series about 2, recurrence to it, Stirling's series from
 * 10 on, reflection below 0. Relative error below 2e-15 for x > 0, also about the zeros 1 and 2; for x < 0
 * the absolute error is of that size, near the zeros between the poles too.
 */
export function lgamma(x: number): number {
  if (Number.isNaN(x)) return x;
  if (!Number.isFinite(x)) return Number.POSITIVE_INFINITY;
  if (x <= 0) {
    if (x === Math.floor(x)) return Number.POSITIVE_INFINITY;
    return Math.log(Math.PI / Math.abs(sinCosPi(x)[0])) - lgamma(1 - x);
  }
  if (x < 0.5) return lgamma(1 + x) - Math.log(x);
  if (x < 1.5) return polynomial(x - 1, lgammaAtTwo) - Math.log1p(x - 1);
  if (x < 10) {
    let product = 1;
    let y = x;
    while (y > 2.5) {
      y -= 1;
      product *= y;
    }
    return Math.log(product) + polynomial(y - 2, lgammaAtTwo);
  }
  const s = 1 / (x * x);
  let correction = 0;
  for (let k = 8; k >= 1; k--) correction = correction * s + bernoulli[k - 1]! / (2 * k * (2 * k - 1));
  return (x - 0.5) * (Math.log(x) - 1) + (0.5 * Math.log(2 * Math.PI) - 0.5) + correction / x;
}

/**
 * The derivative of log Gamma: recurrence up to 10, then the asymptotic series; reflection below 0. NaN at
 * the poles 0, -1, .... Absolute error below 1e-15 max(1, |psi|).
 */
export function digamma(x: number): number {
  if (Number.isNaN(x) || x === Number.POSITIVE_INFINITY) return x;
  if (x === Number.NEGATIVE_INFINITY) return Number.NaN;
  if (x <= 0) {
    if (x === Math.floor(x)) return Number.NaN;
    const [s, c] = sinCosPi(x);
    return digamma(1 - x) - (Math.PI * c) / s;
  }
  let below = 0;
  let y = x;
  for (; y < 10; y++) below += 1 / y;
  const t = 1 / (y * y);
  let correction = 0;
  for (let k = 8; k >= 1; k--) correction = correction * t + bernoulli[k - 1]! / (2 * k);
  return Math.log(y) - 0.5 / y - correction * t - below;
}

/**
 * The derivative of digamma of order n >= 1: all terms of the recurrence and of the asymptotic series that
 * matter have one sign, so the relative error is below 5e-15 for x > 0. Reflection below 0. At the poles
 * inf for odd n, NaN for even n.
 */
export function polygamma(n: number, x: number): number {
  if (n === 0) return digamma(x);
  if (Number.isNaN(x) || x === Number.NEGATIVE_INFINITY) return Number.NaN;
  if (x === Number.POSITIVE_INFINITY) return 0;
  const sign = n % 2 === 1 ? 1 : -1;
  if (x <= 0) {
    if (x === Math.floor(x)) return n % 2 === 1 ? Number.POSITIVE_INFINITY : Number.NaN;
    const [s, c] = sinCosPi(x);
    return -sign * polygamma(n, 1 - x) - Math.PI ** (n + 1) * polynomial(c / s, cotangentPolynomial(n));
  }
  // |psi_n(x)| / n! = sum over i of (x + i)^-(n+1), the tail from y on by Euler and Maclaurin.
  let sum = 0;
  let y = x;
  for (; y < 10 + n; y++) sum += y ** -(n + 1);
  const power = y ** -n;
  let tail = power / n + power / (2 * y);
  // Rising factorial (n + 1) ... (n + 2k - 1) over (2k)!.
  let weight = 1 / 2;
  for (let k = 1; k <= bernoulli.length; k++) {
    if (k === 1) weight = (n + 1) / 2;
    else weight *= ((n + 2 * k - 2) * (n + 2 * k - 1)) / ((2 * k - 1) * (2 * k));
    tail += bernoulli[k - 1]! * weight * power * y ** -(2 * k);
  }
  let factorial = 1;
  for (let i = 2; i <= n; i++) factorial *= i;
  return sign * factorial * (sum + tail);
}

/** 1 / (1 + exp(-x)), with full relative accuracy for large negative x. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/** log(1 + exp(x)), accurate and finite for all finite x. */
export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}
