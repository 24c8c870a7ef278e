/** Graphs whose rows are computed in blocks by threads with vectors, shared by the tests of plans and of the CPU target. */
import type { NdArray } from "../core/array.ts";
import { type Atom, realLiteral } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { add, div, mul, neg, sub } from "../primitives/arithmetic.ts";
import { matmul } from "../primitives/dot.ts";
import { exp, log, tanh } from "../primitives/math.ts";
import { reduceMax, reduceMin } from "../primitives/reduce.ts";
import { reduceSum } from "../primitives/reduce-sum.ts";
import { broadcast, transpose } from "../primitives/shape.ts";
import type { Build } from "../primitives/testing.ts";
import { randomArray } from "./testing-comparison.ts";

export interface RowBlockCase {
  readonly name: string;
  readonly operands: readonly NdArray[];
  readonly build: Build;
  /** For each kernel of rows in blocks how many sums over the rows it adds up too. */
  readonly sums: readonly number[];
}

const arrays = (...shapes: readonly (readonly number[])[]) => shapes.map((s, i) => randomArray(s, 700 + i));

/** X' r. */
const columns = (b: Emitter, x: Atom, r: Atom): Atom => matmul(b, transpose(b, x, [1, 0]), r);
/** Numbers that stay near one. */
const scaled = (b: Emitter, x: Atom, n: number): Atom => div(b, x, realLiteral(Math.sqrt(n)));

/** The gradient of a logistic loss, of n rows of d numbers. */
const logistic = (n: number, d: number): Pick<RowBlockCase, "operands" | "build"> => ({
  operands: arrays([n, d], [d], [n]),
  build: (b, [x, w, y]) => {
    const e = exp(b, neg(b, mul(b, y!, scaled(b, matmul(b, x!, w!), d))));
    return [scaled(b, columns(b, x!, mul(b, y!, div(b, e, add(b, realLiteral(1), e)))), n)];
  },
});

export const rowBlockCases: readonly RowBlockCase[] = [
  { name: "blocks of whole rows", ...logistic(256, 100), sums: [1] },
  { name: "a last block of fewer rows, some of them alone", ...logistic(303, 71), sums: [1] },
  { name: "one block and few rows more", ...logistic(130, 140), sums: [1] },
  { name: "rows of which the cache holds 16", ...logistic(150, 1999), sums: [1] },
  {
    name: "rows that the cache does not hold: two kernels",
    ...logistic(128, 2100),
    sums: [0],
  },
  {
    name: "two products with a row, and then three",
    operands: arrays([517, 41], [41], [41], [41], [517]),
    build: (b, [x, u, v, w, y]) => {
      const [p, q, r] = [u!, v!, w!].map((a) => scaled(b, matmul(b, x!, a), 41)) as [Atom, Atom, Atom];
      return [scaled(b, columns(b, x!, mul(b, mul(b, p, q), y!)), 517), tanh(b, mul(b, r, sub(b, p, q)))];
    },
    sums: [1],
  },
  {
    name: "rows whose results are wanted too",
    operands: arrays([402, 50], [50], [402]),
    build: (b, [x, w, y]) => {
      const r = tanh(b, mul(b, scaled(b, matmul(b, x!, w!), 50), y!));
      return [r, scaled(b, columns(b, x!, r), 402), exp(b, r)];
    },
    sums: [1],
  },
  {
    name: "extrema of columns",
    operands: arrays([2001, 9], [9]),
    build: (b, [x, w]) => {
      const r = tanh(b, matmul(b, x!, w!));
      return [reduceMax(b, mul(b, x!, broadcast(b, r, [2001, 9], [0])), [0])];
    },
    sums: [1],
  },
  {
    name: "sums that have axes before the last one",
    operands: arrays([700, 24], [700, 3, 8], [24]),
    build: (b, [x, z, w]) => {
      const r = tanh(b, matmul(b, x!, w!));
      const weighted = mul(b, z!, broadcast(b, r, [700, 3, 8], [0]));
      const other = mul(b, x!, broadcast(b, r, [700, 24], [0]));
      return [scaled(b, reduceSum(b, weighted, [0]), 700), scaled(b, reduceSum(b, other, [0]), 700)];
    },
    sums: [2],
  },
  {
    name: "extrema of rows together",
    operands: arrays([203, 30], [30]),
    build: (b, [x, w]) => {
      const y = mul(b, x!, broadcast(b, w!, [203, 30], [1]));
      return [sub(b, reduceMax(b, y, [1]), exp(b, reduceMin(b, y, [1])))];
    },
    sums: [0],
  },
  {
    name: "rows of several loops each, and what is made of them",
    operands: arrays([150, 37]),
    build: (b, [x]) => {
      const most = reduceMax(b, x!, [1]);
      const e = exp(b, sub(b, x!, broadcast(b, most, [150, 37], [0])));
      return [add(b, log(b, reduceSum(b, e, [1])), most)];
    },
    sums: [0],
  },
  {
    name: "rows that have two axes",
    operands: arrays([20, 13, 44], [44]),
    build: (b, [x, w]) => [tanh(b, matmul(b, x!, w!))],
    sums: [0],
  },
];
