/** Goodness of fit of samples, for the tests of random numbers. */

/** The Kolmogorov-Smirnov statistic times sqrt(n): above 1.95 with probability 0.001. */
export function kolmogorov(samples: readonly number[], distribution: (x: number) => number): number {
  const sorted = [...samples].sort((x, y) => x - y);
  const n = sorted.length;
  let largest = 0;
  sorted.forEach((x, i) => {
    const p = distribution(x);
    largest = Math.max(largest, p - i / n, (i + 1) / n - p);
  });
  return largest * Math.sqrt(n);
}

/** Chi squared of counts against probabilities, as (nearly) a standard normal deviate. */
export function chiSquared(counts: readonly number[], probabilities: readonly number[]): number {
  const n = counts.reduce((s, c) => s + c, 0);
  const cells = counts.map((c, i) => (c - n * probabilities[i]!) ** 2 / (n * probabilities[i]!));
  const freedom = counts.length - 1;
  return (cells.reduce((s, c) => s + c, 0) - freedom) / Math.sqrt(2 * freedom);
}
