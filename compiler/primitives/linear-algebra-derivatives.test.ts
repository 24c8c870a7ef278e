/** Derivatives at the matrices where factors are not unique, and how often a matrix is factored for them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type NdArray, ndArray } from "../core/array.ts";
import { Builder } from "../core/builder.ts";
import { batchGraph } from "../transform/batch.ts";
import { vjp } from "../transform/transpose.ts";
import { mul } from "./arithmetic.ts";
import { cofactors, determinant, logDeterminant } from "./determinant.ts";
import { eigh } from "./eigh.ts";
import { inverse, linearSolve } from "./linear-solve.ts";
import { batchedMatmul, matrixTranspose } from "./matrix.ts";
import { reduceSum } from "./reduce.ts";
import { sliceAxis } from "./shape.ts";
import { svd } from "./svd.ts";
import { apply, applyJvp, applyVjp, assertClose, type Build, reals, traceFunction } from "./testing.ts";

const seed = 20240612;

const matrix = (n: number, values: readonly number[]) => ndArray("real", [n, n], values);
const diagonal = (values: readonly number[]) =>
  matrix(
    values.length,
    values.flatMap((x, i) => values.map((_, j) => (i === j ? x : 0))),
  );
const entry = (a: NdArray, i: number, j: number) => a.data[i * a.shape[1]! + j]!;

/** Some values of a function of a matrix, and its derivative in a direction. */
const derivative = (build: Build, a: NdArray, e: NdArray) => applyJvp(build, [a], [e]).tangents[0]!;

test("traces and projections have derivatives at repeated eigenvalues", () => {
  const a = diagonal([1, 1, 3]);
  const squares: Build = (b, [x]) => {
    const [w] = eigh(b, x!);
    return [reduceSum(b, mul(b, w, mul(b, w, w)), [0])];
  };
  const projection: Build = (b, [x]) => {
    const q = sliceAxis(b, eigh(b, x!)[1], 1, 0, 2);
    return [batchedMatmul(b, q, matrixTranspose(b, q))];
  };
  fc.assert(
    fc.property(reals([3, 3]), (e) => {
      // d tr A^3 = 3 <A^2, dA>
      const trace = 3 * (entry(e, 0, 0) + entry(e, 1, 1) + 9 * entry(e, 2, 2));
      assertClose("tr A^3", derivative(squares, a, e).data, [trace], 1e-13);
      // Between the spaces: sym(E)_ij / (1 - 3); nothing inside either.
      const d = (i: number, j: number) => (entry(e, i, j) + entry(e, j, i)) / 2 / -2;
      const expected = [0, 0, d(0, 2), 0, 0, d(1, 2), d(0, 2), d(1, 2), 0];
      assertClose("projection", derivative(projection, a, e).data, expected, 1e-13);
    }),
    { seed, numRuns: 20 },
  );
});

test("U V' and the sum of s have derivatives at repeated singular values", () => {
  const polar: Build = (b, [x]) => {
    const [u, , v] = svd(b, x!);
    return [batchedMatmul(b, u, matrixTranspose(b, v))];
  };
  const nuclear: Build = (b, [x]) => [reduceSum(b, svd(b, x!)[1], [0])];
  fc.assert(
    fc.property(reals([3, 3]), (e) => {
      const a = diagonal([2, 2, 2]);
      const turned = Array.from(e.data, (x, k) => (x - entry(e, k % 3, Math.floor(k / 3))) / 4);
      assertClose("U V'", derivative(polar, a, e).data, turned, 1e-13);
      assertClose(
        "sum of s",
        derivative(nuclear, a, e).data,
        [entry(e, 0, 0) + entry(e, 1, 1) + entry(e, 2, 2)],
        1e-13,
      );
    }),
    { seed, numRuns: 20 },
  );
});

test("derivatives in degenerate spaces are finite", () => {
  for (const a of [diagonal([1, 1, 1]), diagonal([0, 0, 0]), diagonal([2, 0, 0])]) {
    const ones = (shape: readonly number[]) =>
      ndArray("real", shape, new Float64Array(shape.reduce((p, d) => p * d, 1)).fill(1));
    const [x] = applyVjp((b, [m]) => eigh(b, m!), [a], [true], [ones([3]), ones([3, 3])]);
    const [y] = applyVjp((b, [m]) => svd(b, m!), [a], [true], [ones([3, 3]), ones([3]), ones([3, 3])]);
    assert.ok([...x!.data, ...y!.data].every(Number.isFinite));
  }
});

test("det is a polynomial: its third derivative at zero gives it back", () => {
  fc.assert(
    fc.property(reals([3, 3]), (e) => {
      const third: Build = (b, [zero, x]) => [reduceSum(b, mul(b, cofactors(b, zero!, [x!, x!]), x!), [0, 1])];
      const det: Build = (b, [x]) => [determinant(b, x!)];
      const zero = diagonal([0, 0, 0]);
      assertClose("6 det", apply(third, [zero, e])[0]!.data, [6 * apply(det, [e])[0]!.data[0]!], 1e-13);
    }),
    { seed, numRuns: 30 },
  );
});

test("cofactors of larger matrices: det(A) A^-T, and right at rank n - 1 and below", () => {
  const n = 20;
  const both: Build = (b, [a]) => [cofactors(b, a!), inverse(b, a!)[0], determinant(b, a!)];
  fc.assert(
    fc.property(reals([n, n], { min: -1, max: 1 }), (a) => {
      const regular = matrix(
        n,
        Array.from(a.data, (x, k) => x / 4 + (k % (n + 1) === 0 ? 1 : 0)),
      );
      const [c, inv, det] = apply(both, [regular]);
      const size = Math.max(...c!.data.map(Math.abs));
      const expected = Array.from(c!.data, (_, k) => (det!.data[0]! * entry(inv!, k % n, Math.floor(k / n))) / size);
      assertClose(
        "cofactors",
        c!.data.map((x) => x / size),
        expected,
        1e-11,
      );
      // With a row of zeros only the cofactors of that row are left; with two of them none.
      const lower = (rows: number) =>
        matrix(
          n,
          Array.from(regular.data, (x, k) => (k < rows * n ? 0 : x)),
        );
      const [one, two] = [1, 2].map((rows) => apply((b, [x]) => [cofactors(b, x!)], [lower(rows)])[0]!);
      assertClose(
        "a zero row",
        one!.data.map((x) => x / size),
        Array.from(c!.data, (x, k) => (k < n ? x / size : 0)),
        1e-11,
      );
      assertClose(
        "two zero rows",
        two!.data.map((x) => x / size),
        new Float64Array(n * n),
        1e-11,
      );
    }),
    { seed, numRuns: 5 },
  );
});

test("values, tangents and cotangents of systems with one matrix share its factors", () => {
  const type = { dtype: "real", shape: [4, 4] } as const;
  const solve = traceFunction((b, [a, r]) => linearSolve(b, a!, r!), [diagonal([1, 2, 3, 4]), diagonal([1, 1, 1, 1])]);
  const logdet = traceFunction(
    (b, [a]) => {
      const [x] = inverse(b, a!);
      return [logDeterminant(b, a!)[0], x];
    },
    [diagonal([1, 2, 3, 4])],
  );
  for (const graph of [solve, logdet]) {
    const b = new Builder();
    const primals = graph.inputs.map(() => b.input(type));
    const { outputs, pullback } = vjp(
      b,
      graph,
      primals,
      graph.inputs.map(() => true),
    );
    const cotangents = pullback(outputs.map((y) => (y.type.dtype === "real" ? b.input(y.type) : undefined)));
    const { graph: whole } = b.close("test", [...outputs, ...cotangents.flatMap((c) => (c ? [c] : []))]);
    assert.equal(whole.equations.filter((e) => e.primitive.name === "luFactors").length, 1);
  }
});

test("lanes that share a matrix are columns of one system", () => {
  const graph = traceFunction((b, [a, r]) => linearSolve(b, a!, r!), [diagonal([1, 2]), diagonal([1, 1])]);
  const b = new Builder();
  const a = b.input({ dtype: "real", shape: [2, 2] });
  const rhs = b.input({ dtype: "real", shape: [5, 2, 2] });
  batchGraph(b, graph, [a, rhs], [false, true], 5);
  const solves = b.equations.filter((e) => e.primitive.name === "factoredSolve");
  assert.deepEqual(
    solves.map((e) => e.outputs[0]!.type.shape),
    [[2, 10]],
  );
});
