/** The numerical core of `dotGeneral`: row-major matrix products of plain storage. */
import { type ArrayData, type NdArray, stridesOf } from "../core/array.ts";
import { copyView } from "./strides.ts";

/** Batches of matrices in storage; `transposed` when a matrix is stored by columns. */
export interface Matrices {
  readonly data: ArrayData;
  readonly transposed: boolean;
}

/**
 * `x` as `[batch, rows, columns]`, each given as a list of axes. Nothing is copied when the storage
 * already has that order, or that of `[batch, columns, rows]` where the caller can take it.
 */
export function asMatrices(
  x: NdArray,
  batch: readonly number[],
  rows: readonly number[],
  columns: readonly number[],
  mayBeTransposed: boolean,
): Matrices {
  if (isStored(x, [...batch, ...rows, ...columns])) return { data: x.data, transposed: false };
  if (mayBeTransposed && isStored(x, [...batch, ...columns, ...rows])) return { data: x.data, transposed: true };
  const order = [...batch, ...rows, ...columns];
  const shape = order.map((a) => x.shape[a]!);
  const own = stridesOf(x.shape);
  const data = x.dtype === "int" ? new Int32Array(x.data.length) : new Float64Array(x.data.length);
  const to = { data, offset: 0, strides: stridesOf(shape) };
  copyView(shape, to, { data: x.data, offset: 0, strides: order.map((a) => own[a]!) });
  return { data, transposed: false };
}

/** Whether the axes in this order are the order of storage, axes of size one aside. */
function isStored(x: NdArray, order: readonly number[]): boolean {
  let last = -1;
  for (const a of order) {
    if (x.shape[a] === 1) continue;
    if (a < last) return false;
    last = a;
  }
  return true;
}

const panelRows = 128;
const panelColumns = 256;

/**
 * z += x y for one matrix pair: x is m by k, y is k by n and both by rows. A panel of y stays in cache
 * while all rows of x pass over it; four of its rows are added at a time.
 */
function multiplyByRows(
  z: Float64Array,
  x: ArrayData,
  y: ArrayData,
  at: { readonly x: number; readonly y: number; readonly z: number },
  m: number,
  k: number,
  n: number,
): void {
  for (let l0 = 0; l0 < k; l0 += panelRows) {
    const l1 = Math.min(k, l0 + panelRows);
    for (let j0 = 0; j0 < n; j0 += panelColumns) {
      const width = Math.min(n, j0 + panelColumns) - j0;
      let i = 0;
      // Two rows of x at once share what is read of y; each entry is summed in the same order as alone.
      for (; i + 1 < m; i += 2) {
        const zi = at.z + i * n + j0;
        const zn = zi + n;
        const xi = at.x + i * k;
        const xn = xi + k;
        let l = l0;
        for (; l + 3 < l1; l += 4) {
          const a0 = x[xi + l]!;
          const a1 = x[xi + l + 1]!;
          const a2 = x[xi + l + 2]!;
          const a3 = x[xi + l + 3]!;
          const b0 = x[xn + l]!;
          const b1 = x[xn + l + 1]!;
          const b2 = x[xn + l + 2]!;
          const b3 = x[xn + l + 3]!;
          const y0 = at.y + l * n + j0;
          const y1 = y0 + n;
          const y2 = y1 + n;
          const y3 = y2 + n;
          for (let j = 0; j < width; j++) {
            const c0 = y[y0 + j]!;
            const c1 = y[y1 + j]!;
            const c2 = y[y2 + j]!;
            const c3 = y[y3 + j]!;
            z[zi + j] = z[zi + j]! + (a0 * c0 + a1 * c1 + (a2 * c2 + a3 * c3));
            z[zn + j] = z[zn + j]! + (b0 * c0 + b1 * c1 + (b2 * c2 + b3 * c3));
          }
        }
        for (; l < l1; l++) {
          const a = x[xi + l]!;
          const b = x[xn + l]!;
          const yl = at.y + l * n + j0;
          for (let j = 0; j < width; j++) {
            z[zi + j] = z[zi + j]! + a * y[yl + j]!;
            z[zn + j] = z[zn + j]! + b * y[yl + j]!;
          }
        }
      }
      for (; i < m; i++) {
        const zi = at.z + i * n + j0;
        const xi = at.x + i * k;
        let l = l0;
        for (; l + 3 < l1; l += 4) {
          const [a0, a1, a2, a3] = [x[xi + l]!, x[xi + l + 1]!, x[xi + l + 2]!, x[xi + l + 3]!];
          const y0 = at.y + l * n + j0;
          const y1 = y0 + n;
          const y2 = y1 + n;
          const y3 = y2 + n;
          for (let j = 0; j < width; j++)
            z[zi + j] = z[zi + j]! + (a0 * y[y0 + j]! + a1 * y[y1 + j]! + (a2 * y[y2 + j]! + a3 * y[y3 + j]!));
        }
        for (; l < l1; l++) {
          const a = x[xi + l]!;
          const yl = at.y + l * n + j0;
          for (let j = 0; j < width; j++) z[zi + j] = z[zi + j]! + a * y[yl + j]!;
        }
      }
    }
  }
}

/** Sum of products of two runs: four partial sums in chunks, so that long runs stay accurate. */
function dotRun(x: ArrayData, xi: number, y: ArrayData, yi: number, n: number): number {
  let total = 0;
  for (let start = 0; start < n; start += 2048) {
    const end = Math.min(n, start + 2048);
    let [a, b, c, d] = [0, 0, 0, 0];
    let i = start;
    for (; i + 3 < end; i += 4) {
      a += x[xi + i]! * y[yi + i]!;
      b += x[xi + i + 1]! * y[yi + i + 1]!;
      c += x[xi + i + 2]! * y[yi + i + 2]!;
      d += x[xi + i + 3]! * y[yi + i + 3]!;
    }
    for (; i < end; i++) a += x[xi + i]! * y[yi + i]!;
    total += a + b + (c + d);
  }
  return total;
}

/** `[batch, m, n]` from `[batch, m, k]` by rows and `[batch, k, n]` by rows or (transposed) by columns. */
export function multiplyReals(x: ArrayData, y: Matrices, batch: number, m: number, k: number, n: number): Float64Array {
  const z = new Float64Array(batch * m * n);
  for (let t = 0; t < batch; t++) {
    const at = { x: t * m * k, y: t * k * n, z: t * m * n };
    if (!y.transposed && n > 1) multiplyByRows(z, x, y.data, at, m, k, n);
    else
      for (let i = 0; i < m; i++)
        for (let j = 0; j < n; j++) z[at.z + i * n + j] = dotRun(x, at.x + i * k, y.data, at.y + j * k, k);
  }
  return z;
}

/** The same for ints, wrapping. */
export function multiplyInts(x: ArrayData, y: Matrices, batch: number, m: number, k: number, n: number): Int32Array {
  const z = new Int32Array(batch * m * n);
  const [byRow, byColumn] = y.transposed ? [1, k] : [n, 1];
  for (let t = 0; t < batch; t++)
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let l = 0; l < k; l++)
          sum = (sum + Math.imul(x[(t * m + i) * k + l]!, y.data[t * k * n + l * byRow + j * byColumn]!)) | 0;
        z[(t * m + i) * n + j] = sum;
      }
  return z;
}
