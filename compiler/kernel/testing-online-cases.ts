/** Graphs with the largest element of rows and sums of exponentials less it, shared by the tests of plans and of devices. */
import { type NdArray, ndArray } from "../core/array.ts";
import { type Atom, realLiteral } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { add, div, mul, sub } from "../primitives/arithmetic.ts";
import { isFinite as isFiniteAtom } from "../primitives/comparison.ts";
import { exp, log, tanh } from "../primitives/math.ts";
import { reduceMax } from "../primitives/reduce.ts";
import { reduceSum } from "../primitives/reduce-sum.ts";
import { select } from "../primitives/select.ts";
import { broadcast } from "../primitives/shape.ts";
import type { Build } from "../primitives/testing.ts";
import { randomArray, randomNumbers } from "./testing-comparison.ts";

export interface OnlineCase {
  readonly name: string;
  readonly operands: readonly NdArray[];
  readonly build: Build;
  /** Whether software adapters find the sums while they look for the largest element. */
  readonly isOnePass: boolean;
}

const kept = (x: Atom, axes: readonly number[]): number[] =>
  x.type.shape.map((_, i) => i).filter((i) => !axes.includes(i));

/** The largest element, the sum of exponentials less it (less 0 when it is infinite), and the logarithm of them all. */
export function logSumExp(b: Emitter, x: Atom, axes: readonly number[]): Atom[] {
  const most = reduceMax(b, x, axes);
  const shift = select(b, isFiniteAtom(b, most), most, realLiteral(0));
  const shape = x.type.shape as readonly number[];
  const sum = reduceSum(b, exp(b, sub(b, x, broadcast(b, shift, shape, kept(x, axes)))), axes);
  return [most, sum, add(b, log(b, sum), shift)];
}

const { NaN: none, POSITIVE_INFINITY: infinity } = Number;

/** Rows of numbers of all kinds: `kinds[i]` makes an element of row i of its place and a random number from -1 to 1. */
const kinds: readonly ((k: number, random: number, n: number) => number)[] = [
  (_, r) => r,
  (_, r) => 1000 * r,
  (_, r) => 40 * r,
  (k, r) => (k === 0 ? -infinity : r - 50),
  (k, r, n) => (k < n - 2 ? -infinity : 30 * r),
  (k, r, n) => (k < n / 2 ? -infinity : r - 300),
  (k, r, n) => (k < n / 2 ? -infinity : 200 * r),
  () => -infinity,
  (k, r, n) => (k === n - 1 ? infinity : r),
  (k, r) => (k === 0 ? infinity : 500 * r),
  (k, r) => (k % 7 === 0 ? infinity : k % 7 === 1 ? -infinity : r),
  (k, r, n) => (k === n - 1 ? none : r),
  (k, r) => (k === 0 ? none : r),
  (k, r, n) => (k === n - 1 ? none : k === 0 ? infinity : r),
  (k, _, n) => (k === 1 ? none : k === n - 1 ? infinity : -infinity),
  () => none,
  (k, _, n) => (300 * k) / n,
  (k, _, n) => (-300 * k) / n,
  (k, _, n) => (k % 2 === 0 ? 1 : -1) * ((150 * k) / n),
  () => 88.5,
  () => -104,
  (k) => (k % 3 === 0 ? 61 : 0),
  (k, r) => (k % 50 === 49 ? 3e38 : r),
  (k, r) => (k % 50 === 49 ? -3e38 : r),
];

/** A row of each kind. */
export function rowsOfAllKinds(n: number, seed: number): NdArray {
  const next = randomNumbers(seed);
  const data = kinds.flatMap((kind) => Array.from({ length: n }, (_, k) => Math.fround(kind(k, next(), n))));
  return ndArray("real", [kinds.length, n], data);
}

const softmax = (b: Emitter, x: Atom): Atom => {
  const shape = x.type.shape as readonly number[];
  const e = exp(b, sub(b, x, broadcast(b, reduceMax(b, x, [1]), shape, [0])));
  return div(b, e, broadcast(b, reduceSum(b, e, [1]), shape, [0]));
};

export const onlineCases: readonly OnlineCase[] = [
  {
    name: "log-sum-exp of what is computed from two arrays",
    operands: [randomArray([11, 130], 41), randomArray([130], 42)],
    build: (b, [x, y]) => {
      const rows = broadcast(b, y!, [11, 130], [1]);
      return [logSumExp(b, div(b, sub(b, rows, x!), realLiteral(0.05)), [1])[2]!];
    },
    isOnePass: true,
  },
  {
    name: "softmax",
    operands: [randomArray([300, 64], 43)],
    build: (b, [x]) => [softmax(b, mul(b, x!, realLiteral(30)))],
    isOnePass: true,
  },
  {
    name: "log-sum-exp of columns, and of several axes",
    operands: [randomArray([40, 7, 9], 44)],
    build: (b, [x]) => [...logSumExp(b, x!, [0]), ...logSumExp(b, x!, [0, 2])],
    isOnePass: true,
  },
  {
    name: "log-sum-exp of dear elements",
    operands: [randomArray([9, 150], 45)],
    build: (b, [x]) => logSumExp(b, tanh(b, x!), [1]),
    isOnePass: true,
  },
  {
    name: "log-sum-exp of dear elements that are wanted too",
    operands: [randomArray([9, 150], 50)],
    build: (b, [x]) => {
      const y = tanh(b, x!);
      return [...logSumExp(b, y, [1]), y];
    },
    isOnePass: false,
  },
  {
    name: "a sum of exponentials less the largest element of other rows",
    operands: [randomArray([9, 50], 46), randomArray([9, 50], 47)],
    build: (b, [x, y]) => {
      const most = broadcast(b, reduceMax(b, y!, [1]), [9, 50], [0]);
      return [reduceSum(b, exp(b, sub(b, x!, most)), [1])];
    },
    isOnePass: false,
  },
  {
    name: "a sum of exponentials, each less something else",
    operands: [randomArray([9, 50], 48)],
    build: (b, [x]) => {
      const most = broadcast(b, reduceMax(b, x!, [1]), [9, 50], [0]);
      return [reduceSum(b, exp(b, sub(b, x!, mul(b, most, x!))), [1])];
    },
    isOnePass: false,
  },
  {
    name: "exponentials that are wanted too",
    operands: [randomArray([9, 50], 49)],
    build: (b, [x]) => {
      const e = exp(b, sub(b, x!, broadcast(b, reduceMax(b, x!, [1]), [9, 50], [0])));
      return [reduceSum(b, e, [1]), e];
    },
    isOnePass: false,
  },
];
