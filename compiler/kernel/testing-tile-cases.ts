/** Matrix products that devices compute in tiles, shared by the tests of plans and of back ends. */
import type { NdArray } from "../core/array.ts";
import { type Atom, realLiteral } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { add, div, mul, sub } from "../primitives/arithmetic.ts";
import { dotGeneral, matmul } from "../primitives/dot.ts";
import { exp, sin, tanh } from "../primitives/math.ts";
import { reduceMax } from "../primitives/reduce.ts";
import { reduceSum } from "../primitives/reduce-sum.ts";
import { broadcast, pad, reshape, slice, transpose } from "../primitives/shape.ts";
import type { Build } from "../primitives/testing.ts";
import { randomArray } from "./testing-comparison.ts";

export interface TileCase {
  readonly name: string;
  readonly operands: readonly NdArray[];
  readonly build: Build;
  /** The tiles of each product that is computed in them. */
  readonly tiles: readonly number[];
  /** Whether interpreting it would take long. */
  readonly isLarge?: boolean;
}

const arrays = (...shapes: readonly (readonly number[])[]) => shapes.map((s, i) => randomArray(s, 300 + i));
/** Sums of n terms that stay near one. */
const scaled = (b: Emitter, x: Atom, n: number): Atom => div(b, x, realLiteral(Math.sqrt(n)));

export const tileCases: readonly TileCase[] = [
  {
    name: "a product of whole tiles",
    operands: arrays([96, 32], [32, 96]),
    build: (b, [x, y]) => [matmul(b, x!, y!)],
    tiles: [36],
  },
  {
    name: "rows, columns and terms that no tile divides",
    operands: arrays([83, 19], [19, 93]),
    build: (b, [x, y]) => [matmul(b, x!, y!)],
    tiles: [36],
  },
  {
    name: "transposed operands, slices, and operands that are computed",
    operands: arrays([18, 90], [95, 20], [17, 85]),
    build: (b, [x, y, z]) => [
      matmul(b, transpose(b, x!, [1, 0]), transpose(b, slice(b, y!, [1, 2], [94, 20], [1, 1]), [1, 0])),
      matmul(b, transpose(b, exp(b, z!), [1, 0]), pad(b, z!, [0, 1], [0, 2], [0, 0], 0.5)),
    ],
    tiles: [36, 36],
  },
  {
    name: "batches, and several contracted axes",
    operands: arrays([4, 40, 23], [4, 23, 45], [3, 90, 6], [6, 3, 85]),
    build: (b, [x, y, u, v]) => [
      dotGeneral(b, x!, y!, { contract: [[2], [1]], batch: [[0], [0]] }),
      dotGeneral(b, u!, v!, {
        contract: [
          [0, 2],
          [1, 0],
        ],
        batch: [[], []],
      }),
    ],
    tiles: [36, 36],
  },
  {
    name: "what is made of a product, with rows, columns and numbers, and the product too",
    operands: arrays([85, 17], [17, 81], [81], [85], []),
    build: (b, [x, y, column, row, scale]) => {
      const p = matmul(b, x!, y!);
      const shape = [85, 81];
      const t = tanh(b, add(b, p, broadcast(b, column!, shape, [1])));
      return [p, mul(b, mul(b, t, t), broadcast(b, scale!, shape, [])), sub(b, t, broadcast(b, row!, shape, [0]))];
    },
    tiles: [36],
  },
  {
    name: "sums over all of what is made of a product",
    operands: arrays([90, 18], [18, 84], [90, 84]),
    build: (b, [x, y, z]) => {
      const r = sub(b, matmul(b, x!, y!), z!);
      const loss = scaled(b, reduceSum(b, mul(b, r, r), [0, 1]), 90 * 84);
      return [loss, reduceMax(b, sin(b, r), [0, 1]), r];
    },
    tiles: [36],
  },
  {
    name: "axes of operands that are reshaped",
    operands: arrays([1800], [18, 90], [100]),
    build: (b, [x, y, z]) => {
      const p = matmul(b, reshape(b, x!, [100, 18]), y!);
      return [add(b, reshape(b, p, [10, 10, 90]), broadcast(b, reshape(b, z!, [10, 10]), [10, 10, 90], [0, 1]))];
    },
    tiles: [42],
  },
  {
    name: "too few tiles for a device are a sum in each invocation",
    operands: arrays([40, 50], [50, 40]),
    build: (b, [x, y]) => [matmul(b, x!, y!)],
    tiles: [],
  },
  {
    name: "larger tiles",
    operands: arrays([390, 50], [50, 370]),
    build: (b, [x, y]) => [scaled(b, matmul(b, x!, y!), 50)],
    tiles: [156],
    isLarge: true,
  },
  {
    name: "the largest tiles",
    operands: arrays([1000, 40], [40, 400]),
    build: (b, [x, y]) => [scaled(b, matmul(b, x!, y!), 40)],
    tiles: [208],
    isLarge: true,
  },
  {
    name: "long sums, in parts",
    operands: arrays([96, 2100], [2100, 90]),
    build: (b, [x, y]) => [scaled(b, matmul(b, x!, y!), 2100)],
    tiles: [36],
    isLarge: true,
  },
];
