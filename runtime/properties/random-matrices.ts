/** Random matrices of given kind, row after row. */

/** Box and Muller's method; 1 - u keeps the logarithm finite. */
export const gaussian = (uniform: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());

export function orthogonalMatrix(n: number, uniform: () => number): Float64Array {
  return orthogonalized(
    Float64Array.from({ length: n * n }, () => gaussian(uniform)),
    n,
  );
}

/**
 * The rows of a square matrix made orthonormal, in place, by Gram and Schmidt's method twice over ("twice is enough",
 * Giraud, Langou and Rozloznik 2005). A row that depends on those before it becomes a unit vector that does not.
 */
export function orthogonalized(matrix: Float64Array, n: number): Float64Array {
  const row = (i: number) => matrix.subarray(i * n, (i + 1) * n);
  const clear = (i: number) => {
    for (let pass = 0; pass < 2; pass++)
      for (let j = 0; j < i; j++) {
        const other = row(j);
        const along = row(i).reduce((s, x, k) => s + x * other[k]!, 0);
        for (let k = 0; k < n; k++) row(i)[k]! -= along * other[k]!;
      }
  };
  for (let i = 0; i < n; i++) {
    const before = Math.hypot(...row(i));
    clear(i);
    for (let unit = 0; unit < n && !(Math.hypot(...row(i)) > 1e-6 * Math.max(before, Number.MIN_VALUE)); unit++) {
      row(i).fill(0);
      row(i)[unit] = 1;
      clear(i);
      // Some unit vector is at least this far from the span of fewer than n rows.
      if (Math.hypot(...row(i)) >= 0.5 / Math.sqrt(n)) break;
    }
    const length = Math.hypot(...row(i));
    for (let k = 0; k < n; k++) row(i)[k]! /= length;
  }
  return matrix;
}

/** Q' diag(s) Q, exactly symmetric; s falls from 1 to 1 / condition, evenly in logarithm. */
export function symmetricMatrix(n: number, condition: number, uniform: () => number): Float64Array {
  const q = orthogonalMatrix(n, uniform);
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += q[k * n + i]! * q[k * n + j]! * condition ** (n === 1 ? 0 : -k / (n - 1));
      matrix[i * n + j] = sum;
      matrix[j * n + i] = sum;
    }
  return matrix;
}
