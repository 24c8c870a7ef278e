/** Property-test cases of the linear-algebra primitives, at matrices where all factors are smooth. */
import fc from "fast-check";
import { type NdArray, ndArray } from "../core/array.ts";
import { mul } from "./arithmetic.ts";
import { cholesky } from "./cholesky.ts";
import { cofactors, determinant, logDeterminant } from "./determinant.ts";
import { eigh } from "./eigh.ts";
import { inverse, linearSolve } from "./linear-solve.ts";
import { lu } from "./lu.ts";
import { machineEpsilon } from "./machine.ts";
import { qr } from "./qr.ts";
import { svd } from "./svd.ts";
import { type Instance, type InstanceCase, ints, type PrimitiveCase, reals } from "./testing.ts";
import { triangularSolve } from "./triangular-solve.ts";

/** Leading axes: none, one, or two; now and then an empty one. */
const stacks = fc.constantFrom<readonly number[]>([], [], [], [1], [2], [0], [2, 2]);
const sizes = fc.integer({ min: 0, max: 4 });

/** A stack whose entries beside the diagonal are at most `spread`, and whose diagonal is moved by `diagonal(i)`. */
export function matrices(shape: readonly number[], diagonal: (i: number) => number, spread = 1): fc.Arbitrary<NdArray> {
  const [n, m] = shape.slice(-2) as [number, number];
  return reals(shape, { min: -spread, max: spread }).map((x) =>
    ndArray(
      "real",
      shape,
      Array.from(x.data, (v, k) => {
        const [i, j] = [Math.floor(k / m) % n, k % m];
        return i === j ? v + diagonal(i) : v;
      }),
    ),
  );
}

const regular = (n: number) => (i: number) => (i % 2 === 0 ? n + 0.5 : -n - 0.5);

/** A function of a stack of square matrices. */
function onSquare(
  make: (shape: readonly number[], n: number) => fc.Arbitrary<NdArray>,
  build: Instance["build"],
): fc.Arbitrary<Instance> {
  return fc
    .tuple(stacks, sizes)
    .chain(([stack, n]) => make([...stack, n, n], n))
    .map((a) => ({ operands: [a], build }));
}

/** Systems: a square stack and right-hand sides. */
function systems(build: (flags: readonly boolean[]) => Instance["build"]): fc.Arbitrary<Instance> {
  return fc
    .tuple(stacks, sizes, fc.integer({ min: 0, max: 3 }), fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()))
    .chain(([stack, n, m, flags]) =>
      fc
        .tuple(matrices([...stack, n, n], regular(n)), reals([...stack, n, m]))
        .map(([a, rhs]) => ({ operands: [a, rhs], build: build(flags) })),
    );
}

const triangular: InstanceCase = {
  name: "triangularSolve",
  instances: systems(([lower, transposed, unitDiagonal]) => (b, [a, rhs]) => [
    triangularSolve(b, a!, rhs!, { lower: lower!, transposed: transposed!, unitDiagonal: unitDiagonal! }),
  ]),
  differentiable: [true, true],
};

const general: InstanceCase = {
  name: "linearSolve",
  instances: systems(
    ([transposed]) =>
      (b, [a, rhs]) =>
        linearSolve(b, a!, rhs!, { transposed: transposed! }),
  ),
  differentiable: [true, true],
};

const inverting: InstanceCase = {
  name: "inverse",
  instances: onSquare(
    (shape, n) => matrices(shape, regular(n)),
    (b, [a]) => inverse(b, a!),
  ),
  differentiable: [true],
};

const factoring: InstanceCase = {
  name: "cholesky",
  instances: onSquare(
    (shape, n) => matrices(shape, () => n + 0.5),
    (b, [a]) => cholesky(b, a!),
  ),
  differentiable: [true],
};

const eliminating: InstanceCase = {
  name: "lu",
  // Rows of a dominant matrix in the reverse order, so that pivoting has work to do but nothing is close.
  instances: onSquare(
    (shape, n) =>
      matrices(shape, regular(n)).map((a) => {
        const rows = Array.from({ length: n === 0 ? 0 : a.data.length / n }, (_, r) => r);
        const reversed = rows.flatMap((r) => {
          const from = r - (r % n) + (n - 1 - (r % n));
          return Array.from(a.data.slice(from * n, (from + 1) * n));
        });
        return ndArray("real", a.shape, reversed);
      }),
    (b, [a]) => lu(b, a!),
  ),
  differentiable: [true],
};

/** Stacks of m x n matrices, taller than wide unless `any`. */
function rectangular(kind: "tall" | "any", diagonal: (i: number) => number, spread: number, build: Instance["build"]) {
  return fc
    .tuple(stacks, sizes, fc.integer({ min: kind === "tall" ? 0 : -2, max: 2 }))
    .chain(([stack, n, more]) => matrices([...stack, Math.max(n + more, 0), n], diagonal, spread))
    .map((a) => ({ operands: [a], build }));
}

const orthogonal: InstanceCase = {
  name: "qr",
  instances: rectangular(
    "tall",
    () => 3.5,
    1,
    (b, [a]) => qr(b, a!),
  ),
  differentiable: [true],
};

const symmetric: InstanceCase = {
  name: "eigh",
  instances: onSquare(
    (shape) => matrices(shape, (i) => 3 * ((2 * i) % 5), 0.5),
    (b, [a]) => eigh(b, a!),
  ),
  differentiable: [true],
};

const singular: InstanceCase = {
  name: "svd",
  instances: rectangular(
    "any",
    (i) => 2.5 + 3 * ((2 * i) % 5),
    0.5,
    (b, [a]) => svd(b, a!),
  ),
  differentiable: [true],
};

/** Small integers: often singular, and of rank one. */
const integral = (shape: readonly number[]) => ints(shape, -1, 1).map((x) => ndArray("real", shape, x.data));

const determinants: InstanceCase = {
  name: "determinant",
  instances: onSquare(
    (shape) => fc.oneof(reals(shape), integral(shape)),
    (b, [a]) => [determinant(b, a!)],
  ),
  differentiable: [true],
  runs: 60,
};

const cofactorMatrices: InstanceCase = {
  name: "cofactors",
  instances: fc
    .tuple(fc.constantFrom<readonly number[]>([], [2]), sizes, fc.integer({ min: 0, max: 2 }))
    .chain(([stack, n, count]) => {
      const shape = [...stack, n, n];
      const directions = fc.array(reals(shape), { minLength: count, maxLength: count });
      return fc.tuple(fc.oneof(reals(shape), integral(shape)), directions);
    })
    .map(([a, directions]) => ({
      operands: [a, ...directions],
      build: (b, [matrix, ...others]) => [cofactors(b, matrix!, others)],
    })),
  differentiable: [true, true, true],
};

const logarithms: InstanceCase = {
  name: "logDeterminant",
  instances: onSquare(
    (shape, n) => matrices(shape, () => n + 0.5),
    (b, [a]) => logDeterminant(b, a!),
  ),
  differentiable: [true],
};

const epsilons: PrimitiveCase = {
  name: "machineEpsilon",
  operands: reals([2]).map((x) => [x]),
  build: (b, [x]) => [mul(b, machineEpsilon(b), x!)],
  differentiable: [true],
};

export const linearAlgebraCases: readonly (PrimitiveCase | InstanceCase)[] = [
  triangular,
  general,
  inverting,
  factoring,
  eliminating,
  orthogonal,
  symmetric,
  singular,
  determinants,
  cofactorMatrices,
  logarithms,
  epsilons,
];
