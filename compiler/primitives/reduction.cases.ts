/** Property-test cases of reductions and running reductions. */
import fc from "fast-check";
import type { NdArray } from "../core/array.ts";
import type { Atom } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import * as cumulative from "./cumulative.ts";
import { norm } from "./math.ts";
import { linearRecurrence } from "./recurrence.ts";
import * as reduce from "./reduce.ts";
import { axesOf, bools, type InstanceCase, ints, type RealOptions, reals, shapes } from "./testing.ts";

type Reduction = (b: Emitter, x: Atom, axes: readonly number[]) => Atom;
type Scan = (b: Emitter, x: Atom, axis: number, reverse?: boolean) => Atom;

function overAxes(
  name: string,
  f: Reduction,
  make: (shape: readonly number[]) => fc.Arbitrary<NdArray>,
  differentiable = [true],
): InstanceCase {
  return {
    name,
    instances: shapes().chain((s) =>
      fc.tuple(make(s), axesOf(s.length)).map(([x, axes]) => ({ operands: [x], build: (b, [a]) => [f(b, a!, axes)] })),
    ),
    differentiable,
  };
}

function alongAxis(
  name: string,
  f: Scan,
  make: (shape: readonly number[]) => fc.Arbitrary<NdArray>,
  differentiable = [true],
): InstanceCase {
  return {
    name,
    instances: shapes({ minRank: 1, maxSize: 4 }).chain((s) =>
      fc.tuple(make(s), fc.nat(s.length - 1), fc.boolean()).map(([x, axis, backwards]) => ({
        operands: [x],
        build: (b, [a]) => [f(b, a!, axis, backwards)],
      })),
    ),
    differentiable,
  };
}

const realsOf = (options: RealOptions) => (shape: readonly number[]) => reals(shape, options);
const distinct = realsOf({ distinct: true, min: -20, max: 20 });
const intsAround = (shape: readonly number[]) => ints(shape, -3, 3);

/** Reals of which about a third are zero. */
const withZeros = (shape: readonly number[]) =>
  fc.tuple(reals(shape), ints(shape, 0, 2)).map(([x, keep]): NdArray => {
    const data = Float64Array.from(x.data, (v, i) => (keep.data[i] === 0 ? 0 : v));
    return { ...x, data };
  });

export const reductionCases: readonly InstanceCase[] = [
  overAxes("reduceSum", reduce.reduceSum, reals),
  overAxes("reduceProd", reduce.reduceProd, withZeros),
  overAxes("reduceMax", reduce.reduceMax, distinct),
  overAxes("reduceMin", reduce.reduceMin, distinct),
  overAxes("reduceSum of ints", reduce.reduceSum, intsAround, []),
  overAxes("reduceProd of ints", reduce.reduceProd, intsAround, []),
  overAxes("reduceMax of ints", reduce.reduceMax, intsAround, []),
  overAxes("reduceMin of ints", reduce.reduceMin, intsAround, []),
  overAxes("reduceAny", reduce.reduceAny, bools, []),
  overAxes("reduceAll", reduce.reduceAll, bools, []),
  alongAxis("argmax", reduce.argmax, intsAround, []),
  alongAxis("argmin", reduce.argmin, intsAround, []),
  overAxes("norm", norm, realsOf({ min: 0.5, max: 2 })),
  alongAxis("cumsum", cumulative.cumsum, reals),
  alongAxis("cumprod", cumulative.cumprod, withZeros),
  alongAxis("cummax", cumulative.cummax, distinct),
  alongAxis("cummin", cumulative.cummin, distinct),
  alongAxis("cumsum of ints", cumulative.cumsum, intsAround, []),
  alongAxis("cumprod of ints", cumulative.cumprod, intsAround, []),
  alongAxis("cummax of ints", cumulative.cummax, intsAround, []),
  {
    name: "linearRecurrence",
    instances: shapes({ minRank: 1, maxSize: 4 }).chain((s) =>
      fc.tuple(withZeros(s), reals(s), fc.nat(s.length - 1), fc.boolean()).map(([a, c, axis, backwards]) => ({
        operands: [a, c],
        build: (b, [x, y]) => [linearRecurrence(b, x!, y!, axis, backwards)],
      })),
    ),
    differentiable: [true, true],
  },
];
