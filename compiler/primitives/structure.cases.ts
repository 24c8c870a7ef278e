/** Property-test cases of shapes, gathers, products and Einstein sums. */
import fc from "fast-check";
import type { NdArray } from "../core/array.ts";
import { mul } from "./arithmetic.ts";
import { dotGeneral, innerProduct, matmul } from "./dot.ts";
import { einsum } from "./einsum.ts";
import { gather, scatterAdd, scatterSet, takeAlongAxis } from "./gather.ts";
import { iota } from "./iota.ts";
import * as shape from "./shape.ts";
import {
  axesOf,
  bools,
  type Instance,
  type InstanceCase,
  ints,
  type PrimitiveCase,
  permutationOf,
  reals,
  shapes,
} from "./testing.ts";

const sizes = (rank: number, max: number) =>
  fc.array(fc.integer({ min: 0, max }), { minLength: rank, maxLength: rank });

/** An array and parameters that depend on its shape. */
function onArray<P>(
  parameters: (shape: number[]) => fc.Arbitrary<P>,
  build: (parameters: P, x: NdArray) => Instance["build"],
  options: Parameters<typeof shapes>[0] = {},
  make: (shape: number[]) => fc.Arbitrary<NdArray> = reals,
): fc.Arbitrary<Instance> {
  return shapes(options).chain((s) =>
    fc.tuple(make(s), parameters(s)).map(([x, p]) => ({ operands: [x], build: build(p, x) })),
  );
}

const broadcasting: InstanceCase = {
  name: "broadcast",
  instances: onArray(
    (s) => fc.tuple(sizes(s.length + 1, 3), sizes(s.length, 1)),
    ([news, stretch], x) => {
      // An axis of size `news` is inserted before each axis where that is not 0, and ones stretch.
      const target: number[] = [];
      const axes: number[] = [];
      x.shape.forEach((n, i) => {
        if (news[i]! > 0) target.push(news[i]! - 1);
        axes.push(target.length);
        target.push(n === 1 && stretch[i] === 1 ? 3 : n);
      });
      return (b, [a]) => [shape.broadcast(b, a!, target, axes)];
    },
    { maxRank: 2 },
  ),
  differentiable: [true],
};

const padding: InstanceCase = {
  name: "pad",
  instances: onArray(
    (s) => fc.tuple(sizes(s.length, 2), sizes(s.length, 2), sizes(s.length, 2), fc.constantFrom(0, 1.5)),
    ([low, high, interior, value]) =>
      (b, [x]) => [shape.pad(b, x!, low, high, interior, value)],
  ),
  differentiable: [true],
};

const slicing: InstanceCase = {
  name: "slice",
  instances: onArray(
    (s) => fc.tuple(sizes(s.length, 2), sizes(s.length, 2), sizes(s.length, 2)),
    ([low, high, step], x) => {
      const start = low.map((v, i) => Math.min(v, x.shape[i]!));
      const stop = x.shape.map((n, i) => Math.max(start[i]!, n - high[i]!));
      return (b, [a]) => [
        shape.slice(
          b,
          a!,
          start,
          stop,
          step.map((k) => k + 1),
        ),
      ];
    },
    { maxSize: 5 },
  ),
  differentiable: [true],
};

const concatenation: InstanceCase = {
  name: "concat",
  instances: fc
    .tuple(shapes({ minRank: 1, maxRank: 3 }), fc.nat(2), fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2)))
    .chain(([s, a, lengths]) => {
      const axis = a % s.length;
      return fc.tuple(...lengths.map((n) => reals(s.with(axis, n)))).map((operands) => ({
        operands,
        build: (b, xs) => [shape.concat(b, xs, axis)],
      }));
    }),
  differentiable: [true, true, true],
};

/** Shapes around a gathered axis; indices may be equal, and out of range by one. */
function gathers(
  build: (p: { axis: number; batchDims: number }) => Instance["build"],
  withUpdates: boolean,
): fc.Arbitrary<Instance> {
  const part = fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 2 });
  return fc
    .tuple(fc.array(fc.nat(2), { maxLength: 1 }), part, fc.nat(3), part, part)
    .chain(([batch, outer, n, inner, places]) => {
      const axis = batch.length + outer.length;
      const x = reals([...batch, ...outer, n, ...inner]);
      const indices = ints([...batch, ...places], -1, n);
      const updates = reals([...batch, ...outer, ...places, ...inner]);
      return fc
        .tuple(x, indices, ...(withUpdates ? [updates] : []))
        .map((operands) => ({ operands, build: build({ axis, batchDims: batch.length }) }));
    });
}

const products: fc.Arbitrary<Instance> = fc
  .tuple(
    fc.array(fc.nat(2), { maxLength: 2 }),
    fc.array(fc.nat(3), { maxLength: 2 }),
    shapes({ maxRank: 2 }),
    shapes({ maxRank: 2 }),
  )
  .chain(([batch, contract, left, right]) => {
    const operand = (free: number[]) => {
      const roles = [
        ...batch.map((n, i) => ({ n, list: "batch", i })),
        ...contract.map((n, i) => ({ n, list: "contract", i })),
        ...free.map((n, i) => ({ n, list: "free", i })),
      ];
      return permutationOf(roles.length).map((order) => order.map((k) => roles[k]!));
    };
    return fc.tuple(operand(left), operand(right)).chain(([xs, ys]) =>
      fc.tuple(reals(xs.map((r) => r.n)), reals(ys.map((r) => r.n))).map((operands): Instance => {
        const places = (roles: typeof xs, list: string, count: number) =>
          Array.from({ length: count }, (_, i) => roles.findIndex((r) => r.list === list && r.i === i));
        const params = {
          contract: [places(xs, "contract", contract.length), places(ys, "contract", contract.length)],
          batch: [places(xs, "batch", batch.length), places(ys, "batch", batch.length)],
        } as const;
        return { operands, build: (b, [x, y]) => [dotGeneral(b, x!, y!, params)] };
      }),
    );
  });

const einsumSpecs: readonly (readonly [string, ...(readonly number[])[]])[] = [
  ["ij,jk->ik", [2, 3], [3, 2]],
  ["ij,ik,ij->j", [2, 3], [2, 2], [2, 3]],
  ["ii->i", [3, 3]],
  ["iji", [2, 3, 2]],
  ["ij->", [2, 3]],
  ["i,j", [2], [3]],
  ["bij,bjk->bik", [2, 2, 3], [2, 3, 1]],
  ["ab,b,cb->ca", [2, 0], [0], [3, 0]],
  ["ij,ji->ij", [2, 2], [2, 2]],
  ["a,ab,abc->abc", [2], [2, 2], [2, 2, 2]],
];

export const structureCases: readonly (PrimitiveCase | InstanceCase)[] = [
  broadcasting,
  padding,
  slicing,
  concatenation,
  {
    name: "reshape",
    instances: onArray(
      (s) => permutationOf(s.length),
      (order, x) =>
        (b, [a]) => [
          shape.reshape(
            b,
            a!,
            order.map((i) => x.shape[i]!),
          ),
        ],
    ),
    differentiable: [true],
  },
  {
    name: "transpose",
    instances: onArray(
      (s) => permutationOf(s.length),
      (order) =>
        (b, [x]) => [shape.transpose(b, x!, order)],
    ),
    differentiable: [true],
  },
  {
    name: "transpose of bools",
    instances: onArray(
      (s) => permutationOf(s.length),
      (order) =>
        (b, [x]) => [shape.transpose(b, x!, order)],
      {},
      bools,
    ),
    differentiable: [],
  },
  {
    name: "reverse",
    instances: onArray(
      (s) => axesOf(s.length),
      (axes) =>
        (b, [x]) => [shape.reverse(b, x!, axes)],
    ),
    differentiable: [true],
  },
  {
    name: "iota beside data",
    operands: ints([3]).map((x) => [x]),
    build: (b, [x]) => [mul(b, x!, iota(b, 3))],
    differentiable: [],
  },
  {
    name: "gather",
    instances: gathers(
      ({ axis, batchDims }) =>
        (b, [x, i]) => [gather(b, x!, i!, axis, batchDims)],
      false,
    ),
    differentiable: [true],
    runs: 80,
  },
  {
    name: "scatterAdd",
    instances: gathers(
      ({ axis, batchDims }) =>
        (b, [x, i, u]) => [scatterAdd(b, x!, i!, u!, axis, batchDims)],
      true,
    ),
    differentiable: [true, false, true],
    runs: 80,
  },
  {
    name: "scatterSet",
    instances: gathers(
      ({ axis, batchDims }) =>
        (b, [x, i, u]) => [scatterSet(b, x!, i!, u!, axis, batchDims)],
      true,
    ),
    differentiable: [true, false, true],
    runs: 80,
  },
  {
    name: "square of a gather",
    operands: fc.tuple(reals([3, 2]), ints([4], 0, 2)),
    build: (b, [x, i]) => {
      const taken = gather(b, x!, i!, 0);
      return [mul(b, taken, taken)];
    },
    differentiable: [true],
  },
  {
    name: "takeAlongAxis",
    operands: fc.tuple(reals([2, 3, 2]), ints([2, 4, 2], 0, 2)),
    build: (b, [x, i]) => [takeAlongAxis(b, x!, i!, 1)],
    differentiable: [true],
  },
  { name: "dotGeneral", instances: products, differentiable: [true, true], runs: 80 },
  {
    name: "dotGeneral of ints",
    operands: fc.tuple(ints([2, 3]), ints([3, 2])),
    build: (b, [x, y]) => [matmul(b, x!, y!)],
    differentiable: [],
  },
  {
    name: "matmul of a matrix and a vector",
    operands: fc.tuple(reals([3, 2]), reals([2])),
    build: (b, [x, y]) => [matmul(b, x!, y!)],
    differentiable: [true, true],
  },
  {
    name: "innerProduct of a value with itself",
    operands: shapes().chain((s) => fc.tuple(reals(s))),
    build: (b, [x]) => [innerProduct(b, x!, x!)],
    differentiable: [true],
  },
  ...einsumSpecs.map(
    ([spec, ...dims]): PrimitiveCase => ({
      name: `einsum ${spec}`,
      operands: fc.tuple(...dims.map((s) => reals(s))),
      build: (b, xs) => [einsum(b, spec, xs)],
      differentiable: dims.map(() => true),
      runs: 10,
    }),
  ),
];
