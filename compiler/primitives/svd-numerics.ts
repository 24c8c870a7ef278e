/**
 * Singular values by one-sided Jacobi (Hestenes): columns are rotated in pairs until all are orthogonal.
 * Accurate to a small multiple of epsilon, for small singular values too when the matrix is a well-conditioned
 * one with scaled columns (Demmel and Veselic, "Jacobi's method is more accurate than QR", 1992).
 */
import { leadingSign } from "./eigh-numerics.ts";

export const maxSweeps = 60;
/** After scaling the largest entry to about one, singular values below this have squares that underflow. */
const negligible = 1e-150;

export interface Svd {
  /** k x rows: left vectors as rows. */
  readonly left: Float64Array;
  /** Descending. */
  readonly values: Float64Array;
  /** k x columns: right vectors as rows. */
  readonly right: Float64Array;
}

/**
 * The reduced SVD of a matrix with rows >= columns, given as its transpose `at` (columns x rows, so that its
 * columns are contiguous; destroyed). All NaN if the matrix is not finite.
 */
export function jacobiSvd(at: Float64Array, rows: number, columns: number): Svd {
  const values = new Float64Array(columns);
  const right = new Float64Array(columns * columns);
  if (!at.every(Number.isFinite))
    return { left: at.fill(Number.NaN), values: values.fill(Number.NaN), right: right.fill(Number.NaN) };
  let largest = 0;
  for (const x of at) largest = Math.max(largest, Math.abs(x));
  const scale = largest === 0 ? 1 : 2 ** Math.max(Math.floor(Math.log2(largest)), -1022);
  for (let i = 0; i < at.length; i++) at[i] = at[i]! / scale;
  for (let j = 0; j < columns; j++) right[j * columns + j] = 1;
  const tolerance = 2 ** -52 * Math.sqrt(Math.max(rows, 1));
  for (let sweep = 0; sweep < maxSweeps; sweep++) if (!rotateAllPairs(at, rows, right, columns, tolerance)) break;
  return finish(at, rows, right, columns, values, scale);
}

/** One sweep; false if nothing had to be rotated. */
function rotateAllPairs(w: Float64Array, rows: number, v: Float64Array, columns: number, tolerance: number): boolean {
  let rotated = false;
  for (let p = 0; p < columns - 1; p++)
    for (let q = p + 1; q < columns; q++) {
      const [i, j] = [p * rows, q * rows];
      let [alpha, beta, gamma] = [0, 0, 0];
      for (let k = 0; k < rows; k++) {
        const x = w[i + k]!;
        const y = w[j + k]!;
        alpha += x * x;
        beta += y * y;
        gamma += x * y;
      }
      if (Math.abs(gamma) <= tolerance * Math.sqrt(alpha) * Math.sqrt(beta)) continue;
      rotated = true;
      const zeta = (beta - alpha) / (2 * gamma);
      const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
      const c = 1 / Math.sqrt(1 + t * t);
      rotate(w, i, j, rows, c, c * t);
      rotate(v, p * columns, q * columns, columns, c, c * t);
    }
  return rotated;
}

/** (x, y) becomes (c x - s y, s x + c y). */
function rotate(w: Float64Array, i: number, j: number, length: number, c: number, s: number): void {
  for (let k = 0; k < length; k++) {
    const x = w[i + k]!;
    const y = w[j + k]!;
    w[i + k] = c * x - s * y;
    w[j + k] = s * x + c * y;
  }
}

function finish(
  w: Float64Array,
  rows: number,
  v: Float64Array,
  columns: number,
  values: Float64Array,
  scale: number,
): Svd {
  const norms = new Float64Array(columns);
  for (let j = 0; j < columns; j++) {
    let squares = 0;
    for (let k = 0; k < rows; k++) squares += w[j * rows + k]! ** 2;
    norms[j] = Math.sqrt(squares);
    if (norms[j]! < negligible) norms[j] = 0;
  }
  const order = Array.from(norms.keys()).sort((i, j) => norms[j]! - norms[i]! || i - j);
  const left = new Float64Array(columns * rows);
  const right = new Float64Array(columns * columns);
  order.forEach((from, to) => {
    const norm = norms[from]!;
    values[to] = norm * scale;
    const u = left.subarray(to * rows, (to + 1) * rows);
    if (norm > 0) for (let k = 0; k < rows; k++) u[k] = w[from * rows + k]! / norm;
    else completeBasis(left, rows, to);
    const flip = leadingSign(u) < 0 ? -1 : 1;
    for (let k = 0; k < rows; k++) u[k] = flip * u[k]!;
    for (let k = 0; k < columns; k++) right[to * columns + k] = flip * v[from * columns + k]!;
  });
  return { left, values, right };
}

/**
 * Fills row `count` of `basis` with a unit vector orthogonal to the rows before it: of all axes, the one least
 * in their span.
 */
function completeBasis(basis: Float64Array, rows: number, count: number): void {
  let [axis, least] = [0, Infinity];
  for (let k = 0; k < rows; k++) {
    let inSpan = 0;
    for (let j = 0; j < count; j++) inSpan += basis[j * rows + k]! ** 2;
    if (inSpan < least) [axis, least] = [k, inSpan];
  }
  const own = count * rows;
  basis[own + axis] = 1;
  // Orthogonalising twice is enough (Kahan and Parlett).
  for (let pass = 0; pass < 2; pass++) {
    for (let j = 0; j < count; j++) {
      let inner = 0;
      for (let k = 0; k < rows; k++) inner += basis[j * rows + k]! * basis[own + k]!;
      for (let k = 0; k < rows; k++) basis[own + k] = basis[own + k]! - inner * basis[j * rows + k]!;
    }
    let squares = 0;
    for (let k = 0; k < rows; k++) squares += basis[own + k]! ** 2;
    const norm = Math.sqrt(squares);
    for (let k = 0; k < rows; k++) basis[own + k] = basis[own + k]! / norm;
  }
}
