/** Random arrays for property tests: small, including empty and one-element dimensions, and easy to shrink. */
import fc from "fast-check";
import { type NdArray, ndArray, sizeOf } from "../core/array.ts";

export interface ShapeOptions {
  readonly minRank?: number;
  readonly maxRank?: number;
  readonly minSize?: number;
  readonly maxSize?: number;
}

/** Shapes up to rank 3 with sizes 0 to 3 unless said otherwise. */
export function shapes(options: ShapeOptions = {}): fc.Arbitrary<number[]> {
  const { minRank = 0, maxRank = 3, minSize = 0, maxSize = 3 } = options;
  const size = fc.integer({ min: minSize, max: maxSize });
  return fc.array(size, { minLength: minRank, maxLength: maxRank });
}

export interface RealOptions {
  readonly min?: number;
  readonly max?: number;
  /** No two elements are closer than a quarter of an even spacing: for functions with kinks at ties. */
  readonly distinct?: boolean;
  /** Elements keep away from these points. */
  readonly avoid?: readonly number[];
}

/** A real array of the given shape with elements in [-2, 2] unless said otherwise. */
export function reals(shape: readonly number[], options: RealOptions = {}): fc.Arbitrary<NdArray> {
  const { min = -2, max = 2, distinct = false, avoid = [] } = options;
  const n = sizeOf(shape);
  const grid = 1 << 12;
  const fractions = fc.array(fc.integer({ min: 0, max: grid }), { minLength: n, maxLength: n });
  const order = distinct ? fc.shuffledSubarray([...Array(n).keys()], { minLength: n, maxLength: n }) : fc.constant([]);
  return fc.tuple(fractions, order).map(([parts, places]) => {
    const values = parts.map((k, i) => {
      const part = distinct ? (places[i]! + 0.125 + (0.75 * k) / grid) / n : k / grid;
      return awayFrom(min + (max - min) * part, avoid, (max - min) / 16);
    });
    return ndArray("real", shape, values);
  });
}

function awayFrom(x: number, points: readonly number[], margin: number): number {
  for (const p of points) if (Math.abs(x - p) < margin) return p + (x < p ? -1 : 1) * (margin + Math.abs(x - p) / 2);
  return x;
}

/** An int array with elements from `min` to `max`. */
export function ints(shape: readonly number[], min = -5, max = 5): fc.Arbitrary<NdArray> {
  const n = sizeOf(shape);
  return fc.array(fc.integer({ min, max }), { minLength: n, maxLength: n }).map((v) => ndArray("int", shape, v));
}

export function bools(shape: readonly number[]): fc.Arbitrary<NdArray> {
  const n = sizeOf(shape);
  return fc.array(fc.integer({ min: 0, max: 1 }), { minLength: n, maxLength: n }).map((v) => ndArray("bool", shape, v));
}

/** Any of the axes of a shape, in order; none of a scalar. */
export function axesOf(rank: number): fc.Arbitrary<number[]> {
  return fc.subarray([...Array(rank).keys()]);
}

export function permutationOf(rank: number): fc.Arbitrary<number[]> {
  return fc.shuffledSubarray([...Array(rank).keys()], { minLength: rank, maxLength: rank });
}

/** Operands for an elementwise function: of one shape, some of them scalars instead. */
export function elementwiseOperands(
  makers: readonly ((shape: readonly number[]) => fc.Arbitrary<NdArray>)[],
): fc.Arbitrary<NdArray[]> {
  const flags = makers.map(() => fc.integer({ min: 0, max: 3 }));
  return fc
    .tuple(shapes({ maxRank: 2 }), fc.tuple(...flags))
    .chain(([shape, scalar]) => fc.tuple(...makers.map((make, i) => make(scalar[i] === 0 ? [] : shape))));
}
