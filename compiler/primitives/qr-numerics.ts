/** Householder QR of a single matrix. */

/**
 * The reduced QR factors of a rows x columns matrix, rows >= columns: `q` rows x columns with orthonormal
 * columns, `r` upper triangular with a diagonal that is not negative, which makes both unique at full rank.
 * Golub and Van Loan, Matrix Computations, algorithms 5.1.1 and 5.2.1; works on the transpose, whose rows
 * are contiguous.
 */
export function householderQr(a: Float64Array, rows: number, columns: number): { q: Float64Array; r: Float64Array } {
  const t = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) t[j * rows + i] = a[i * columns + j]!;
  const r = new Float64Array(columns * columns);
  // Reflection k is I - beta v v', v stored in row k of t from place k on.
  const betas = new Float64Array(columns);
  for (let k = 0; k < columns; k++) {
    const own = k * rows;
    for (let i = 0; i < k; i++) r[i * columns + k] = t[own + i]!;
    let scale = 0;
    for (let i = k; i < rows; i++) scale = Math.max(scale, Math.abs(t[own + i]!));
    if (!(scale > 0)) {
      // A column of zeros needs no reflection; NaN is passed on.
      r[k * columns + k] = t[own + k]!;
      t[own + k] = 1;
      continue;
    }
    let squares = 0;
    for (let i = k; i < rows; i++) squares += (t[own + i]! / scale) ** 2;
    const norm = scale * Math.sqrt(squares);
    const head = t[own + k]!;
    // The sign that avoids cancellation in v; R gets its positive diagonal at the end.
    const diagonal = head > 0 ? -norm : norm;
    r[k * columns + k] = diagonal;
    const first = head - diagonal;
    t[own + k] = 1;
    for (let i = k + 1; i < rows; i++) t[own + i] = t[own + i]! / first;
    betas[k] = -first / diagonal;
    for (let j = k + 1; j < columns; j++) reflect(t, own, betas[k]!, j * rows, k, rows);
  }
  const q = accumulate(t, betas, rows, columns);
  flipToPositive(q, r, rows, columns);
  return { q, r };
}

/** Applies I - beta v v' to a row of `t`, from place `from` on. */
function reflect(t: Float64Array, v: number, beta: number, row: number, from: number, rows: number, x = t): void {
  let inner = 0;
  for (let i = from; i < rows; i++) inner += t[v + i]! * x[row + i]!;
  inner *= beta;
  for (let i = from; i < rows; i++) x[row + i] = x[row + i]! - inner * t[v + i]!;
}

/** The first columns of the product of the reflections, last one first. */
function accumulate(t: Float64Array, betas: Float64Array, rows: number, columns: number): Float64Array {
  const qt = new Float64Array(rows * columns);
  for (let j = 0; j < columns; j++) qt[j * rows + j] = 1;
  for (let k = columns - 1; k >= 0; k--)
    for (let j = k; j < columns; j++) reflect(t, k * rows, betas[k]!, j * rows, k, rows, qt);
  const q = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) q[i * columns + j] = qt[j * rows + i]!;
  return q;
}

function flipToPositive(q: Float64Array, r: Float64Array, rows: number, columns: number): void {
  for (let k = 0; k < columns; k++) {
    if (!(r[k * columns + k]! < 0)) continue;
    for (let j = k; j < columns; j++) r[k * columns + j] = -r[k * columns + j]!;
    for (let i = 0; i < rows; i++) q[i * columns + k] = -q[i * columns + k]!;
  }
}
