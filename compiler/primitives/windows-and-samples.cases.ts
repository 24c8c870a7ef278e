/** Property-test cases of sorting, windows, convolutions, pooling and random numbers. */
import fc from "fast-check";
import { type NdArray, ndArray } from "../core/array.ts";
import { type Atom, intLiteral } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { conv } from "./convolution.ts";
import { maxPool, meanPool, patches, resize } from "./pooling.ts";
import * as random from "./random.ts";
import { gammaSampleDerivative, randomGamma } from "./random-gamma.ts";
import { argsort, sort, sortWithIndices, topK } from "./sort.ts";
import { bools, type Instance, type InstanceCase, ints, type PrimitiveCase, reals, shapes } from "./testing.ts";
import { bitsToUniform, type UniformKind } from "./threefry.ts";
import { fold, unfold } from "./unfold.ts";

const distinct = (shape: readonly number[]) => reals(shape, { distinct: true });

/** An array with an axis to work along. */
function alongAxis(
  make: (shape: readonly number[]) => fc.Arbitrary<NdArray>,
  build: (axis: number, descending: boolean) => Instance["build"],
): fc.Arbitrary<Instance> {
  return shapes({ minRank: 1 }).chain((shape) =>
    fc
      .tuple(make(shape), fc.integer({ min: 0, max: shape.length - 1 }), fc.boolean())
      .map(([x, axis, descending]) => ({ operands: [x], build: build(axis, descending) })),
  );
}

const sorting: readonly InstanceCase[] = [
  {
    name: "sort",
    instances: alongAxis(distinct, (axis) => (b, [x]) => [sort(b, x!, axis)]),
    differentiable: [true],
  },
  {
    name: "sortWithIndices",
    instances: alongAxis(
      distinct,
      (axis, descending) =>
        (b, [x]) =>
          sortWithIndices(b, x!, axis, descending),
    ),
    differentiable: [true],
  },
  {
    name: "argsort of ints and bools, with ties",
    instances: alongAxis(
      (shape) => fc.oneof(ints(shape, -1, 1), bools(shape)),
      (axis, descending) =>
        (b, [x]) => [argsort(b, x!, axis, descending)],
    ),
    differentiable: [],
  },
  {
    name: "topK",
    instances: shapes({ minRank: 1 }).chain((shape) =>
      fc.tuple(distinct(shape), fc.integer({ min: 0, max: shape.at(-1)! })).map(([x, k]) => ({
        operands: [x],
        build: (b: Emitter, [a]: readonly Atom[]) => topK(b, a!, k),
      })),
    ),
    differentiable: [true],
  },
];

const small = (min: number, max: number) => fc.integer({ min, max });

interface NumericWindows {
  readonly kernel: number[];
  readonly stride: number[];
  readonly low: number[];
  readonly high: number[];
  readonly dilation: number[];
}

/** Windows over one or two axes. */
export const windowsArbitrary: fc.Arbitrary<NumericWindows> = small(1, 2).chain((axes) => {
  const numbers = (min: number, max: number) => fc.array(small(min, max), { minLength: axes, maxLength: axes });
  return fc.record({
    kernel: numbers(1, 3),
    stride: numbers(1, 3),
    low: numbers(0, 2),
    high: numbers(0, 2),
    dilation: numbers(1, 2),
  });
});

/** Windows, and the sizes of the axes before them and of their own. */
const windowed = fc
  .tuple(windowsArbitrary, shapes({ maxRank: 2, maxSize: 2 }))
  .chain(([windows, outer]) =>
    fc
      .array(small(1, 6), { minLength: windows.kernel.length, maxLength: windows.kernel.length })
      .map((size) => ({ windows, outer, size })),
  );

const windows: readonly (InstanceCase | PrimitiveCase)[] = [
  {
    name: "unfold",
    instances: windowed.chain(({ windows, outer, size }) =>
      reals([...outer, ...size]).map((x) => ({
        operands: [x],
        build: (b: Emitter, [a]: readonly Atom[]) => [unfold(b, a!, windows)],
      })),
    ),
    differentiable: [true],
  },
  {
    name: "fold",
    instances: windowed.chain(({ windows, outer, size }) => {
      const count = size.map((n, i) => {
        const reach = windows.dilation[i]! * (windows.kernel[i]! - 1) + 1;
        return Math.max(0, Math.floor((n + windows.low[i]! + windows.high[i]! - reach) / windows.stride[i]!) + 1);
      });
      return reals([...outer, ...windows.kernel, ...count]).map((x) => ({
        operands: [x],
        build: (b: Emitter, [a]: readonly Atom[]) => [fold(b, a!, windows, size)],
      }));
    }),
    differentiable: [true],
  },
  {
    name: "conv",
    instances: fc
      .tuple(windowsArbitrary, small(1, 2), small(1, 2), small(1, 2), small(0, 2))
      .chain(([w, groups, perGroup, outputs, n]) => {
        const x = reals([n, groups * perGroup, ...w.kernel.map((k) => k + 2)]);
        const weights = reals([groups * outputs, perGroup, ...w.kernel]);
        const padding = w.low.map((low, i) => [low, w.high[i]!] as const);
        return fc.tuple(x, weights).map((operands) => ({
          operands,
          build: (b: Emitter, [a, c]: readonly Atom[]) => [conv(b, a!, c!, { stride: w.stride, padding, groups })],
        }));
      }),
    differentiable: [true, true],
  },
  {
    name: "maxPool and meanPool",
    operands: distinct([2, 5, 6]).map((x) => [x]),
    build: (b, [x]) => [
      maxPool(b, x!, [2, 3]),
      meanPool(b, x!, [2, 2], [1, 3]),
      maxPool(b, x!, [3], [2]),
      patches(b, x!, [2, 2]),
    ],
    differentiable: [true],
    runs: 5,
  },
  {
    name: "resize",
    instances: fc
      .tuple(small(0, 2), small(1, 5), small(1, 5), small(1, 7), small(1, 7))
      .chain(([n, h, w, to, across]) =>
        reals([n, h, w]).map((x) => ({
          operands: [x],
          build: (b: Emitter, [a]: readonly Atom[]) => [resize(b, a!, [to, across])],
        })),
      ),
    differentiable: [true],
  },
];

const anyInt = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const keys = (...lanes: readonly number[]) => {
  const shape = [...lanes, 2];
  const n = shape.reduce((p, d) => p * d, 1);
  return fc.array(anyInt, { minLength: n, maxLength: n }).map((words) => ndArray("int", shape, words));
};

/** A sampler of an array of the given shape, on one key or several. */
function sampling(
  name: string,
  sample: (b: Emitter, key: Atom, shape: readonly number[]) => readonly Atom[],
  single: number | false = 1e-4,
): InstanceCase {
  return {
    name,
    instances: fc.tuple(fc.oneof(keys(), keys(2)), shapes({ maxRank: 2 })).map(([key, shape]) => ({
      operands: [key],
      build: (b, [k]) => sample(b, k!, shape),
    })),
    differentiable: [],
    single,
    runs: 20,
  };
}

const kinds: readonly UniformKind[] = ["unit", "open", "symmetric"];

const samplers: readonly (InstanceCase | PrimitiveCase)[] = [
  sampling("splitKey and randomBits", (b, key, shape) => [
    random.splitKey(b, key, 3),
    random.randomBits(b, key, shape),
  ]),
  sampling("uniform", (b, key, shape) => kinds.map((k) => bitsToUniform(b, random.randomBlocks(b, key, shape), k))),
  // Where the density is small, the grid of f32 shows.
  sampling(
    "normal and its kin",
    (b, key, shape) => [random.normal(b, key, shape), random.laplace(b, key, shape)],
    1e-2,
  ),
  sampling("exponential", (b, key, shape) => [random.exponential(b, key, shape), random.gumbel(b, key, shape)], 1e-2),
  sampling("permutation", (b, key, [n = 4]) => [
    random.permutation(b, key, n),
    random.choose(b, key, Math.min(n, 2), n),
  ]),
  {
    name: "foldIn",
    operands: fc.tuple(keys(), ints([], -3, 9)),
    build: (b, [key, i]) => [random.foldIn(b, key!, i!)],
    differentiable: [],
  },
  {
    name: "randint",
    operands: fc.tuple(keys(), ints([], -3, 3), ints([], 4, 99)),
    build: (b, [key, lo, hi]) => [
      random.randint(b, key!, [3], lo!, hi!),
      random.randint(b, key!, [], lo!, intLiteral(9)),
    ],
    differentiable: [],
  },
  {
    name: "bernoulli and categorical",
    operands: fc.tuple(keys(), reals([2, 3], { min: 0, max: 1 })),
    build: (b, [key, p]) => [random.bernoulli(b, key!, p!), random.categorical(b, key!, p!)],
    differentiable: [],
  },
  {
    name: "randomGamma",
    instances: fc
      .constantFrom<readonly number[]>([], [2])
      .chain((lanes) => fc.tuple(keys(...lanes), reals([...lanes, 3], { min: 0.1, max: 4 })))
      .map((operands) => ({
        operands,
        build: (b: Emitter, [key, alpha]: readonly Atom[]) => [randomGamma(b, key!, alpha!)],
      })),
    // No derivative at a fixed key: what is differentiated is a quantile; see random-gamma.test.ts.
    differentiable: [],
    single: false,
  },
  {
    name: "gammaSampleDerivative",
    operands: fc.tuple(reals([3], { min: 0.1, max: 9 }), reals([3], { min: 0.1, max: 9 })),
    build: (b, [alpha, z]) => [gammaSampleDerivative(b, alpha!, z!)],
    differentiable: [],
  },
];

export const windowsAndSamplesCases: readonly (PrimitiveCase | InstanceCase)[] = [...sorting, ...windows, ...samplers];
