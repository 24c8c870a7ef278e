/** Dense row-major arrays: what the evaluator computes with and what leaves the compiler as constants. */

export type DType = "real" | "int" | "bool";

/** Reals are f64, or f32 when the run's precision says so; ints are 32 bits; bools are 0 or 1. */
export type ArrayData = Float64Array | Float32Array | Int32Array | Uint8Array;

export interface NdArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: ArrayData;
}

export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const d of shape) size *= d;
  return size;
}

/** Row-major strides, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i]!;
  }
  return strides;
}

/** An f64, int or bool array from plain numbers: for tests and literals. */
export function ndArray(dtype: DType, shape: readonly number[], values: ArrayLike<number>): NdArray {
  const data =
    dtype === "real" ? Float64Array.from(values) : dtype === "int" ? Int32Array.from(values) : Uint8Array.from(values);
  return { dtype, shape, data };
}
