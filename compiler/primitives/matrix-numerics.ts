/** Factorisations and triangular solves on single dense matrices: row-major f64 storage, in place. */

/** The n x m matrix number `index` of a stack, as a copy in f64 (the stack may be f32). */
export function copyMatrix(data: ArrayLike<number>, index: number, size: number): Float64Array {
  const matrix = new Float64Array(size);
  const start = index * size;
  for (let i = 0; i < size; i++) matrix[i] = data[start + i]!;
  return matrix;
}

/** Replaces a square matrix by (a + a') / 2. */
export function symmetrize(a: Float64Array, n: number): void {
  for (let i = 0; i < n; i++)
    for (let j = 0; j < i; j++) {
      const mean = (a[i * n + j]! + a[j * n + i]!) / 2;
      a[i * n + j] = mean;
      a[j * n + i] = mean;
    }
}

/** The transpose of a rows x columns matrix. */
export function transposed(a: Float64Array, rows: number, columns: number): Float64Array {
  const t = new Float64Array(a.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) t[j * rows + i] = a[i * columns + j]!;
  return t;
}

/**
 * Cholesky by rows: the lower triangle of `a` becomes L, the rest zero. False, with `a` in pieces, if a
 * pivot is not above `threshold` times the diagonal entry it began as: to rounding, the matrix is then not
 * positive definite. (The test is relative to the diagonal because scaling by a diagonal matrix on both
 * sides changes neither the algorithm nor its relative errors.)
 */
export function choleskyInPlace(a: Float64Array, n: number, threshold: number): boolean {
  for (let i = 0; i < n; i++) {
    const row = i * n;
    const diagonal = a[row + i]!;
    for (let j = 0; j <= i; j++) {
      const other = j * n;
      let sum = a[row + j]!;
      for (let k = 0; k < j; k++) sum -= a[row + k]! * a[other + k]!;
      if (j < i) a[row + j] = sum / a[other + j]!;
      // Written so that a NaN fails.
      else if (sum > threshold * diagonal && sum < Infinity) a[row + i] = Math.sqrt(sum);
      else return false;
    }
    for (let j = i + 1; j < n; j++) a[row + j] = 0;
  }
  return true;
}

export interface Lu {
  /** Row i of the factored matrix is row `permutation[i]` of the original. */
  readonly permutation: Int32Array;
  /** The sign of the permutation. */
  readonly sign: number;
  /** False if a pivot is, to rounding, zero. */
  readonly regular: boolean;
}

/**
 * Gaussian elimination with partial pivoting (the largest entry of the column, the first of equals):
 * `a` becomes U on and above the diagonal, and the multipliers of the unit lower L below it.
 * `regular` is false if some pivot, measured in units of the largest entry of its original row, is at most
 * `threshold` times the largest entry of its original column in these units: scaling rows or columns, which
 * changes no solution, does not change this verdict. Entries that are not finite make it false too.
 */
export function luInPlace(a: Float64Array, n: number, threshold: number): Lu {
  const permutation = new Int32Array(n);
  const rowScale = new Float64Array(n);
  const columnScale = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    permutation[i] = i;
    let largest = 0;
    for (let j = 0; j < n; j++) largest = Math.max(largest, Math.abs(a[i * n + j]!));
    rowScale[i] = largest;
    if (largest > 0)
      for (let j = 0; j < n; j++) columnScale[j] = Math.max(columnScale[j]!, Math.abs(a[i * n + j]!) / largest);
  }
  let sign = 1;
  let regular = true;
  for (let k = 0; k < n; k++) {
    let pivotRow = k;
    let largest = Math.abs(a[k * n + k]!);
    for (let i = k + 1; i < n; i++) {
      const size = Math.abs(a[i * n + k]!);
      if (size > largest) {
        largest = size;
        pivotRow = i;
      }
    }
    if (pivotRow !== k) {
      swapRows(a, n, k, pivotRow);
      [permutation[k], permutation[pivotRow]] = [permutation[pivotRow]!, permutation[k]!];
      sign = -sign;
    }
    const scale = rowScale[permutation[k]!]!;
    // Written so that a NaN counts as singular.
    if (!(largest > threshold * scale * columnScale[k]! && largest < Infinity)) regular = false;
    if (largest === 0) continue;
    eliminate(a, n, k);
  }
  return { permutation, sign, regular };
}

function swapRows(a: Float64Array, n: number, i: number, j: number): void {
  for (let k = 0; k < n; k++) {
    const t = a[i * n + k]!;
    a[i * n + k] = a[j * n + k]!;
    a[j * n + k] = t;
  }
}

function eliminate(a: Float64Array, n: number, k: number): void {
  const pivotStart = k * n;
  const pivot = a[pivotStart + k]!;
  for (let i = k + 1; i < n; i++) {
    const row = i * n;
    const factor = a[row + k]! / pivot;
    a[row + k] = factor;
    if (factor === 0) continue;
    for (let j = k + 1; j < n; j++) a[row + j] = a[row + j]! - factor * a[pivotStart + j]!;
  }
}

export interface TriangularOptions {
  readonly lower: boolean;
  /** Solve with the transpose of the triangle. */
  readonly transposed: boolean;
  readonly unitDiagonal: boolean;
}

/**
 * Solves T X = B or T' X = B in place of B (n x m), T the chosen triangle of `a`. Divides by what is on the
 * diagonal.
 */
export function solveTriangularInPlace(
  a: Float64Array,
  n: number,
  x: Float64Array,
  m: number,
  { lower, transposed, unitDiagonal }: TriangularOptions,
): void {
  const forward = lower !== transposed;
  for (let step = 0; step < n; step++) {
    const i = forward ? step : n - 1 - step;
    const row = i * m;
    if (!unitDiagonal) {
      const pivot = a[i * n + i]!;
      for (let j = 0; j < m; j++) x[row + j] = x[row + j]! / pivot;
    }
    // Take what is now known, row i, out of the rows still to come.
    for (let rest = step + 1; rest < n; rest++) {
      const k = forward ? rest : n - 1 - rest;
      const factor = transposed ? a[i * n + k]! : a[k * n + i]!;
      if (factor === 0) continue;
      const target = k * m;
      for (let j = 0; j < m; j++) x[target + j] = x[target + j]! - factor * x[row + j]!;
    }
  }
}

/** Solves A X = B or A' X = B in place of B (n x m), given `lu` and `permutation` of A. */
export function solveLuInPlace(
  lu: Float64Array,
  permutation: ArrayLike<number>,
  n: number,
  x: Float64Array,
  m: number,
  transposedSystem: boolean,
): void {
  const lower = { lower: true, unitDiagonal: true, transposed: transposedSystem };
  const upper = { lower: false, unitDiagonal: false, transposed: transposedSystem };
  const copy = x.slice();
  if (!transposedSystem) {
    // P A = L U, so X = U \ (L \ (P B)).
    for (let i = 0; i < n; i++) x.set(copy.subarray(permutation[i]! * m, (permutation[i]! + 1) * m), i * m);
    solveTriangularInPlace(lu, n, x, m, lower);
    solveTriangularInPlace(lu, n, x, m, upper);
  } else {
    // A' = U' L' P, so X = P' (L' \ (U' \ B)).
    solveTriangularInPlace(lu, n, x, m, upper);
    solveTriangularInPlace(lu, n, x, m, lower);
    copy.set(x);
    for (let i = 0; i < n; i++) x.set(copy.subarray(i * m, (i + 1) * m), permutation[i]! * m);
  }
}
