/** Series that both the reference and the compiled special functions are made of. */

/** B(2), B(4), ..., B(24). */
export const bernoulli = [
  1 / 6,
  -1 / 30,
  1 / 42,
  -1 / 30,
  5 / 66,
  -691 / 2730,
  7 / 6,
  -3617 / 510,
  43867 / 798,
  -174611 / 330,
  854513 / 138,
  -236364091 / 2730,
];

/** zeta(k) - 1: the sum up to 20, and from there on by Euler and Maclaurin. */
function zetaMinusOne(k: number): number {
  const n = 20;
  let sum = n ** (1 - k) / (k - 1) + n ** -k / 2;
  // Rising factorial k ... (k + 2j - 2) over (2j)!.
  let weight = k / 2;
  for (let j = 1; j <= 8; j++) {
    if (j > 1) weight *= ((k + 2 * j - 3) * (k + 2 * j - 2)) / ((2 * j - 1) * (2 * j));
    sum += bernoulli[j - 1]! * weight * n ** (1 - k - 2 * j);
  }
  for (let i = n - 1; i >= 2; i--) sum += i ** -k;
  return sum;
}

const eulerGamma = 0.5772156649015329;
/** log Gamma(2 + z) = (1 - gamma) z + sum over k >= 2 of (-1)^k (zeta(k) - 1) z^k / k; Abramowitz and Stegun 6.1.33. */
export const lgammaAtTwo = [
  0,
  1 - eulerGamma,
  ...Array.from({ length: 28 }, (_, i) => ((i % 2 === 0 ? 1 : -1) * zetaMinusOne(i + 2)) / (i + 2)),
];

/** The n-th derivative of cot as a polynomial in c = cot: P' d = -(1 + c^2) dP/dc. */
export function cotangentPolynomial(n: number): readonly number[] {
  let p = [0, 1];
  for (let i = 0; i < n; i++) {
    const next = new Array<number>(p.length + 1).fill(0);
    for (let k = 1; k < p.length; k++) {
      next[k - 1] = next[k - 1]! - k * p[k]!;
      next[k + 1] = next[k + 1]! - k * p[k]!;
    }
    p = next;
  }
  return p;
}
