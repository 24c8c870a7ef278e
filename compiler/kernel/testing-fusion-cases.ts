/** Graphs for every style of fusion, shared by the tests of plans and of back ends. */
import { type NdArray, ndArray } from "../core/array.ts";
import { type Atom, boolLiteral, intLiteral, realLiteral } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { add, div, mul, sub } from "../primitives/arithmetic.ts";
import { greater, less, not } from "../primitives/comparison.ts";
import { convert } from "../primitives/convert.ts";
import { dotGeneral, matmul } from "../primitives/dot.ts";
import { gather, scatterAdd } from "../primitives/gather.ts";
import { iota } from "../primitives/iota.ts";
import { exp, log, sin, tanh } from "../primitives/math.ts";
import { argmax, argmin, reduceAll, reduceAny, reduceMax, reduceMin, reduceProd } from "../primitives/reduce.ts";
import { reduceSum } from "../primitives/reduce-sum.ts";
import { select } from "../primitives/select.ts";
import { broadcast, concat, fill, pad, reshape, reverse, slice, transpose } from "../primitives/shape.ts";
import type { Build } from "../primitives/testing.ts";
import { randomArray } from "./testing-comparison.ts";
import { logSumExp, onlineCases, rowsOfAllKinds } from "./testing-online-cases.ts";
import { productCases } from "./testing-product-cases.ts";

export interface FusionCase {
  readonly name: string;
  readonly operands: readonly NdArray[];
  readonly build: Build;
  /** The steps of the plan of vectors. */
  readonly steps?: readonly string[];
}

const arrays = (...shapes: readonly (readonly number[])[]) => shapes.map((s, i) => randomArray(s, 100 + i));

const softmax = (b: Emitter, x: Atom): Atom => {
  const [rows, columns] = x.type.shape as readonly [number, number];
  const most = reduceMax(b, x, [1]);
  const e = exp(b, sub(b, x, broadcast(b, most, [rows, columns], [0])));
  return div(b, e, broadcast(b, reduceSum(b, e, [1]), [rows, columns], [0]));
};

export const fusionCases: readonly FusionCase[] = [
  {
    name: "maps in one kernel, through broadcasts, reshapes, transposes, slices and gathers",
    operands: arrays([6, 5], [5], [30]),
    build: (b, [x, row, flat]) => {
      const t = transpose(b, reshape(b, flat!, [5, 6]), [1, 0]);
      const rows = broadcast(b, row!, [6, 5], [1]);
      const taken = gather(b, x!, backwards(b, 6), 0);
      const back = reverse(b, x!, [0, 1]);
      return [add(b, mul(b, taken, sin(b, t)), sub(b, rows, back)), slice(b, x!, [1, 0], [6, 5], [2, 3])];
    },
  },
  {
    name: "maps that share work write both results from one kernel",
    operands: arrays([40]),
    build: (b, [x]) => {
      const y = exp(b, x!);
      return [y, mul(b, y, y), tanh(b, y)];
    },
    steps: ["exp_mul_tanh"],
  },
  {
    name: "concat and pad choose inside the kernel",
    operands: arrays([4, 3], [2, 3]),
    build: (b, [x, y]) => [mul(b, concat(b, [x!, y!, x!], 0), realLiteral(2)), pad(b, y!, [1, 0], [0, 2], [2, 1], 0.5)],
  },
  {
    name: "a sum takes in what it sums, and maps after it join",
    operands: arrays([20, 30]),
    build: (b, [x]) => [sin(b, reduceSum(b, mul(b, x!, x!), [1]))],
    steps: ["reduceSum_sin"],
  },
  {
    name: "softmax is one kernel of several loops",
    operands: arrays([9, 33]),
    build: (b, [x]) => [softmax(b, x!)],
    steps: ["reduceMax_exp_reduceSum"],
  },
  {
    name: "sums over the first axis run along memory",
    operands: arrays([12, 20]),
    build: (b, [x]) => [reduceSum(b, x!, [0]), reduceMax(b, x!, [0])],
  },
  {
    name: "tall sums over the first axis are cut, with their columns innermost",
    operands: arrays([9000, 8]),
    build: (b, [x]) => [reduceSum(b, exp(b, x!), [0]), reduceMin(b, x!, [0])],
  },
  {
    name: "few long sums are cut into chunks that a second kernel joins",
    operands: arrays([3, 70_001]),
    build: (b, [x]) => {
      const s = reduceSum(b, x!, [1]);
      return [s, exp(b, mul(b, s, realLiteral(0.01))), reduceMax(b, x!, [1])];
    },
  },
  {
    name: "a sum longer than a block",
    operands: arrays([9, 5003]),
    build: (b, [x]) => [reduceSum(b, x!, [1]), reduceSum(b, mul(b, x!, x!), [0, 1])],
  },
  {
    name: "sums over several axes, inner, outer and both, of three",
    operands: arrays([4, 5, 6]),
    build: (b, [x]) => [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]].map((axes) => reduceSum(b, x!, axes)),
  },
  {
    name: "places of extrema, products, all and any",
    operands: [...arrays([7, 11]), ndArray("real", [6], [1, 3, 3, -2, -2, 0])],
    build: (b, [x, ties]) => [
      argmax(b, x!, 0),
      argmax(b, x!, 1),
      argmin(b, x!, 1),
      argmax(b, ties!, 0),
      argmin(b, ties!, 0),
      reduceProd(b, x!, [1]),
      reduceAll(b, less(b, x!, realLiteral(0.9)), [1]),
      reduceAny(b, greater(b, x!, realLiteral(0.9)), [0]),
    ],
  },
  {
    name: "a place of an extremum beside a sum that is cut into blocks",
    operands: arrays([5, 301]),
    build: (b, [x]) => [argmax(b, x!, 1), reduceSum(b, x!, [1]), argmin(b, x!, 1)],
  },
  {
    name: "small products are sums inside kernels",
    operands: arrays([5, 6], [6, 7]),
    build: (b, [x, y]) => [tanh(b, matmul(b, x!, y!))],
    steps: ["dotGeneral_tanh"],
  },
  {
    name: "large products are steps, transposed operands as they lie and others laid out",
    operands: arrays([40, 50], [45, 50], [40, 50]),
    build: (b, [x, y, z]) => [
      matmul(b, x!, transpose(b, y!, [1, 0])),
      matmul(b, transpose(b, x!, [1, 0]), slice(b, z!, [0, 3], [40, 48], [1, 1])),
      matmul(b, pad(b, x!, [1, 0], [0, 0], [0, 0], 0.5), transpose(b, y!, [1, 0])),
    ],
  },
  {
    name: "batched products, large and small",
    operands: arrays([3, 40, 36], [3, 36, 33], [3, 4, 5], [3, 5]),
    build: (b, [x, y, u, v]) => [
      dotGeneral(b, x!, y!, { contract: [[2], [1]], batch: [[0], [0]] }),
      dotGeneral(b, u!, v!, { contract: [[2], [1]], batch: [[0], [0]] }),
    ],
  },
  {
    name: "products over two batch axes and two contracted ones, whose operand is laid out",
    operands: arrays([2, 3, 6, 40, 6], [2, 3, 6, 6, 33]),
    build: (b, [x, y]) => {
      const axes = [
        [0, 1],
        [0, 1],
      ] as const;
      const contract = [
        [2, 4],
        [2, 3],
      ] as const;
      return [dotGeneral(b, x!, y!, { contract, batch: axes })];
    },
    steps: ["operand", "product"],
  },
  {
    name: "scatters and what is read after them",
    operands: arrays([6, 4], [3, 4]),
    build: (b, [x, u]) => {
      const places = mul(b, iota(b, 3), intLiteral(2));
      const y = scatterAdd(b, x!, places, u!, 0);
      return [y, reduceSum(b, y, [0])];
    },
  },
  {
    name: "outputs that are inputs, literals, and each other",
    operands: arrays([3, 2], []),
    build: (b, [x, s]) => {
      const y = mul(b, x!, s!);
      return [x!, y, y, realLiteral(2.5), intLiteral(-3), boolLiteral(true), s!, x!, transpose(b, x!, [1, 0])];
    },
  },
  {
    name: "empty arrays, and sums over them",
    operands: arrays([0, 3], [3, 0], [0]),
    build: (b, [x, y, z]) => [
      exp(b, x!),
      reduceSum(b, x!, [0]),
      reduceSum(b, x!, [1]),
      reduceProd(b, z!, [0]),
      reduceAll(b, greater(b, z!, realLiteral(0)), [0]),
      matmul(b, y!, x!),
      matmul(b, x!, y!),
      concat(b, [x!, fill(b, realLiteral(1), [2, 3])], 0),
    ],
  },
  {
    name: "scalars only",
    operands: arrays([], []),
    build: (b, [x, y]) => {
      const positive = greater(b, x!, y!);
      return [
        add(b, sin(b, x!), y!),
        positive,
        not(b, positive),
        select(b, positive, x!, y!),
        convert(b, positive, "int"),
      ];
    },
  },
  {
    name: "ints and bools, with sums that wrap",
    operands: [ndArray("int", [4], [2_000_000_000, 2_000_000_000, -7, 3]), ndArray("bool", [4], [1, 0, 1, 1])],
    build: (b, [n, p]) => [
      reduceSum(b, n!, [0]),
      mul(b, n!, n!),
      select(b, p!, n!, intLiteral(0)),
      reduceSum(b, convert(b, p!, "int"), [0]),
      convert(b, n!, "real"),
      reduceMax(b, n!, [0]),
    ],
  },
  {
    name: "numbers that are none, and infinite ones",
    operands: [ndArray("real", [5], [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1])],
    build: (b, [x]) => [
      reduceMax(b, x!, [0]),
      argmax(b, x!, 0),
      greater(b, x!, realLiteral(0)),
      log(b, x!),
      div(b, realLiteral(1), x!),
    ],
  },
  ...productCases,
  ...onlineCases,
  {
    name: "log-sum-exp of rows of all kinds",
    operands: [rowsOfAllKinds(130, 1)],
    build: (b, [x]) => [logSumExp(b, x!, [1])[1]!],
  },
];

/** Rows from the last to the first, as indices. */
function backwards(b: Emitter, n: number): Atom {
  return sub(b, intLiteral(n - 1), iota(b, n));
}
