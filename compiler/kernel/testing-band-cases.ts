/** Graphs of rows and sums over them, shared by the tests of plans and of back ends. */
import type { NdArray } from "../core/array.ts";
import { type Atom, realLiteral } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { add, div, mul, neg, sub } from "../primitives/arithmetic.ts";
import { greater } from "../primitives/comparison.ts";
import { convert } from "../primitives/convert.ts";
import { innerProduct, matmul } from "../primitives/dot.ts";
import { exp, sin, tanh } from "../primitives/math.ts";
import { argmax, reduceAny, reduceMax, reduceMin } from "../primitives/reduce.ts";
import { reduceSum } from "../primitives/reduce-sum.ts";
import { broadcast, reshape, reverse, transpose } from "../primitives/shape.ts";
import type { Build } from "../primitives/testing.ts";
import { randomArray } from "./testing-comparison.ts";

export interface BandCase {
  readonly name: string;
  readonly operands: readonly NdArray[];
  readonly build: Build;
  /** For each pass over rows how many kernels join its parts. */
  readonly sums: readonly number[];
}

const arrays = (...shapes: readonly (readonly number[])[]) => shapes.map((s, i) => randomArray(s, 200 + i));

/** tanh(X w) y, a number for each row. */
const response = (b: Emitter, x: Atom, w: Atom, y: Atom): Atom => mul(b, tanh(b, matmul(b, x, w)), y);
/** X' r. */
const columns = (b: Emitter, x: Atom, r: Atom): Atom => matmul(b, transpose(b, x, [1, 0]), r);
/** Sums that stay near one. */
const mean = (b: Emitter, x: Atom, n: number): Atom => div(b, x, realLiteral(Math.sqrt(n)));

export const bandCases: readonly BandCase[] = [
  {
    name: "a product with each row, a loss, and the columns of what they give",
    operands: arrays([3001, 5], [5], [3001]),
    build: (b, [x, w, y]) => {
      const e = exp(b, neg(b, mul(b, matmul(b, x!, w!), y!)));
      const loss = reduceSum(b, e, [0]);
      return [mean(b, loss, 3001), mean(b, columns(b, x!, mul(b, e, y!)), 3001)];
    },
    sums: [2],
  },
  {
    name: "two products with each row",
    operands: arrays([2500, 7], [7], [7], [2500]),
    build: (b, [x, w, v, y]) => {
      const d = exp(b, mul(b, matmul(b, x!, w!), y!));
      return [mean(b, columns(b, x!, mul(b, d, matmul(b, x!, v!))), 2500)];
    },
    sums: [1],
  },
  {
    name: "what is made of the sums comes after they are joined",
    operands: arrays([2048, 6], [6], [2048]),
    build: (b, [x, w, y]) => {
      const g = mean(b, columns(b, x!, response(b, x!, w!, y!)), 2048);
      return [sub(b, w!, mul(b, sin(b, g), realLiteral(0.5)))];
    },
    sums: [1],
  },
  {
    name: "more rows than a pass has workgroups for, which take several parts each",
    operands: arrays([140_001, 2], [2], [140_001]),
    build: (b, [x, w, y]) => {
      const r = response(b, x!, w!, y!);
      const most = reduceMax(b, r, [0]);
      return [mean(b, columns(b, x!, r), 140_001), mean(b, reduceSum(b, mul(b, r, r), [0]), 140_001), most];
    },
    sums: [3],
  },
  {
    name: "rows that a cache holds few of",
    operands: arrays([2050, 300], [300], [2050]),
    build: (b, [x, w, y]) => [mean(b, columns(b, x!, response(b, x!, mean(b, w!, 300), y!)), 2050)],
    sums: [1],
  },
  {
    name: "rows that others read too, and sums over other places of them, which are no part of the pass",
    operands: arrays([2600, 4], [4], [2600]),
    build: (b, [x, w, y]) => {
      const r = response(b, x!, w!, y!);
      const backward = reduceSum(b, mul(b, r, reverse(b, r, [0])), [0]);
      return [r, mean(b, columns(b, x!, r), 2600), mean(b, backward, 2600)];
    },
    sums: [1],
  },
  {
    name: "a sum that needs another one's result has a pass of its own",
    operands: arrays([2304, 5], [5], [2304]),
    build: (b, [x, w, y]) => {
      const r = response(b, x!, w!, y!);
      const g = mean(b, columns(b, x!, r), 2304);
      const again = response(b, x!, g, y!);
      return [g, mean(b, columns(b, x!, mul(b, again, r)), 2304)];
    },
    sums: [1, 1],
  },
  {
    name: "sums of pairs of columns, weighted by rows",
    operands: arrays([2200, 4], [2200, 3], [4], [2200]),
    build: (b, [x, z, w, y]) => {
      const all = [2200, 4, 3];
      const weights = broadcast(b, response(b, x!, w!, y!), all, [0]);
      const pairs = mul(b, broadcast(b, x!, all, [0, 1]), broadcast(b, z!, all, [0, 2]));
      return [mean(b, reduceSum(b, mul(b, weights, pairs), [0]), 2200)];
    },
    sums: [1],
  },
  {
    name: "places that have two axes",
    operands: arrays([64, 7], [7, 41], [64, 41]),
    build: (b, [x, w, y]) => {
      const r = sub(b, matmul(b, x!, w!), y!);
      return [mean(b, reduceSum(b, mul(b, r, r), [0, 1]), 64), matmul(b, transpose(b, x!, [1, 0]), r)];
    },
    sums: [1],
  },
  {
    name: "places of extrema, ints and bools",
    operands: arrays([2111, 5], [5], [2111]),
    build: (b, [x, w, y]) => {
      const place = argmax(b, x!, 1);
      const large = greater(b, tanh(b, matmul(b, x!, w!)), y!);
      return [
        reduceSum(b, place, [0]),
        reduceAny(b, large, [0]),
        reduceSum(b, convert(b, large, "int"), [0]),
        reduceMin(b, add(b, convert(b, place, "real"), reduceMax(b, x!, [1])), [0]),
      ];
    },
    sums: [4],
  },
  {
    name: "rows that read back what they stored",
    operands: arrays([2070, 6], [2070]),
    build: (b, [x, y]) => {
      const rows = [2070, 6];
      const e = exp(b, sub(b, x!, broadcast(b, reduceMax(b, x!, [1]), rows, [0])));
      const sums = reduceSum(b, e, [1]);
      const loss = reduceSum(b, mul(b, tanh(b, sums), y!), [0]);
      return [e, mean(b, loss, 2070), div(b, e, broadcast(b, sums, rows, [0]))];
    },
    sums: [1],
  },
  {
    name: "rows of an array that is laid out otherwise",
    operands: arrays([12, 2300], [6]),
    build: (b, [x, w]) => {
      const rows = transpose(b, reshape(b, x!, [6, 4600]), [1, 0]);
      const r = tanh(b, matmul(b, rows, w!));
      return [mean(b, columns(b, rows, r), 4600), mean(b, innerProduct(b, r, r), 4600)];
    },
    sums: [2],
  },
];
