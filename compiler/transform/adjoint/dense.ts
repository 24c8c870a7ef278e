/** Linear systems of the implicit rule with the matrix at hand: built column by column, factored once. */
import { Builder } from "../../core/builder.ts";
import { type Atom, type Graph, intLiteral, realLiteral } from "../../core/graph.ts";
import type { Emitter } from "../../core/primitive.ts";
import { add, div, mul, sub } from "../../primitives/arithmetic.ts";
import { cholesky } from "../../primitives/cholesky.ts";
import { and, equal, greater, isFinite as isFiniteAtom } from "../../primitives/comparison.ts";
import { convert } from "../../primitives/convert.ts";
import { matmul } from "../../primitives/dot.ts";
import { iota } from "../../primitives/iota.ts";
import { linearSolve } from "../../primitives/linear-solve.ts";
import { identityLike, matrixTranspose, placesWhere } from "../../primitives/matrix.ts";
import { qr } from "../../primitives/qr.ts";
import { argmax, reduceMax, reduceMin, reduceSum } from "../../primitives/reduce.ts";
import { abs, maximum, modFloor, sign } from "../../primitives/rounding.ts";
import { select } from "../../primitives/select.ts";
import { broadcast, concat, reshape, slice, transpose, zeros } from "../../primitives/shape.ts";
import { triangularSolve } from "../../primitives/triangular-solve.ts";
import { batchGraph, withLanes } from "../batch.ts";
import { cond } from "../control/cond.ts";
import { pseudoInverse } from "./pseudo-inverse.ts";

export type Factorisation = "lu" | "cholesky" | "qr";

/** All of some leaves as one vector `real[n]`, or `real[lanes, n]`. */
export function flatten(b: Emitter, atoms: readonly Atom[], sizes: readonly number[], lanes?: number): Atom {
  const parts = atoms.map((a, i) => reshape(b, a, lanes === undefined ? [sizes[i]!] : [lanes, sizes[i]!]));
  return parts.length === 1 ? parts[0]! : concat(b, parts, lanes === undefined ? 0 : 1);
}

/** The leaves a vector holds, in their own shapes. */
export function unflatten(b: Emitter, vector: Atom, types: readonly Atom["type"][], sizes: readonly number[]): Atom[] {
  let from = 0;
  return types.map((t, i) => {
    const part = slice(b, vector, [from], [from + sizes[i]!], [1]);
    from += sizes[i]!;
    return reshape(b, part, t.shape);
  });
}

/**
 * The matrix `real[n, n]` of a linear graph whose inputs are `constants`, then the leaves of a vector: one application
 * for each of the n unit vectors, all at once.
 */
export function matrixOf(
  b: Emitter,
  operator: Graph,
  constants: readonly Atom[],
  types: readonly Atom["type"][],
  sizes: readonly number[],
  resultSizes: readonly number[],
): Atom {
  const n = sizes.reduce((s, t) => s + t, 0);
  const places = iota(b, n);
  const eye = convert(b, equal(b, broadcast(b, places, [n, n], [0]), broadcast(b, places, [n, n], [1])), "real");
  let at = 0;
  const basis = types.map((t, i) => {
    const part = slice(b, eye, [0, at], [n, at + sizes[i]!], [1, 1]);
    at += sizes[i]!;
    return reshape(b, part, [n, ...t.shape]);
  });
  const marks = [...constants.map(() => false), ...basis.map(() => true)];
  const columns = batchGraph(b, operator, [...constants, ...basis], marks, n);
  const rows = flatten(
    b,
    columns.outputs.map((a, i) => withLanes(b, a, columns.batched[i]!, n)),
    resultSizes,
    n,
  );
  return transpose(b, rows, [1, 0]);
}

/** A matrix that was factored: solving with it, and whether its systems have one solution. */
export interface Factored {
  /** b `real[n]` => x; linear in b, also where the matrix is singular: then the solution of least squares and least norm. */
  readonly solve: (b: Emitter, right: Atom) => Atom;
  readonly solveTransposed: (b: Emitter, right: Atom) => Atom;
  readonly regular: Atom;
}

/** Factors a matrix; a singular one (relative to `epsilon`) gets its pseudo-inverse beside factors that are zero. */
export function factor(b: Emitter, matrix: Atom, how: Factorisation, epsilon: number): Factored {
  const n = matrix.type.shape[0] as number;
  const direct = { lu: byLu, cholesky: byCholesky, qr: byQr }[how](b, matrix, n * epsilon);
  const fallback = new Builder();
  const input = fallback.input(matrix.type);
  const inverse = fallback.close("fallback", [pseudoInverse(fallback, input, 10 * n * epsilon)]).graph;
  const nothing = new Builder();
  nothing.input(matrix.type);
  const none = nothing.close("factored", [zeros(nothing, matrix.type)]).graph;
  const [spare] = cond(b, direct.regular, none, inverse, [matrix]);
  const both = (emitter: Emitter, first: Atom, matrixOfSpare: Atom, right: Atom) =>
    add(emitter, first, reshape(emitter, matmul(emitter, matrixOfSpare, reshape(emitter, right, [n, 1])), [n]));
  return {
    regular: direct.regular,
    solve: (emitter, right) => both(emitter, direct.solve(emitter, right), spare!, right),
    solveTransposed: (emitter, right) =>
      both(emitter, direct.solveTransposed(emitter, right), matrixTranspose(emitter, spare!), right),
  };
}

const column = (b: Emitter, x: Atom) => reshape(b, x, [x.type.shape[0]!, 1]);
const vector = (b: Emitter, x: Atom) => reshape(b, x, [x.type.shape[0]!]);

function byLu(b: Emitter, matrix: Atom): Factored {
  const solve = (transposed: boolean) => (emitter: Emitter, right: Atom) =>
    vector(emitter, linearSolve(emitter, matrix, column(emitter, right), { transposed })[0]);
  const [, regular] = linearSolve(b, matrix, column(b, zeros(b, { dtype: "real", shape: [matrix.type.shape[0]!] })));
  return { regular, solve: solve(false), solveTransposed: solve(true) };
}

/** A = L L'. A matrix that is not positive definite counts as singular. */
function byCholesky(b: Emitter, matrix: Atom): Factored {
  const [lower, regular] = cholesky(b, matrix);
  const safe = select(b, regular, lower, identityLike(b, matrix));
  const solve = (emitter: Emitter, right: Atom) => {
    const options = { lower: true, unitDiagonal: false };
    const half = triangularSolve(emitter, safe, column(emitter, right), { ...options, transposed: false });
    const whole = vector(emitter, triangularSolve(emitter, safe, half, { ...options, transposed: true }));
    return select(emitter, regular, whole, realLiteral(0));
  };
  return { regular, solve, solveTransposed: solve };
}

/** A = Q R. */
function byQr(b: Emitter, matrix: Atom, cutoff: number): Factored {
  const n = matrix.type.shape[0] as number;
  const [q, r] = qr(b, matrix);
  const diagonal = reduceSum(b, mul(b, r, convert(b, placesWhere(b, r, "diagonal"), "real")), [1]);
  const sizes = abs(b, diagonal);
  const regular = greater(b, reduceMin(b, sizes, [0]), mul(b, reduceMax(b, sizes, [0]), realLiteral(cutoff)));
  const safe = select(b, regular, r, identityLike(b, matrix));
  const options = { lower: false, unitDiagonal: false };
  const masked = (emitter: Emitter, x: Atom) => select(emitter, regular, reshape(emitter, x, [n]), realLiteral(0));
  return {
    regular,
    solve: (emitter, right) => {
      const turned = matmul(emitter, matrixTranspose(emitter, q), column(emitter, right));
      return masked(emitter, triangularSolve(emitter, safe, turned, { ...options, transposed: false }));
    },
    solveTransposed: (emitter, right) => {
      const half = triangularSolve(emitter, safe, column(emitter, right), { ...options, transposed: true });
      return masked(emitter, matmul(emitter, q, half));
    },
  };
}

/**
 * An estimate of the condition number of a factored matrix in the 1-norm, from below, after its rows and columns are
 * scaled to entries of at most 1: a system is not ill-conditioned for the units its user chose. Two steps of Hager's
 * method and Higham's alternating vector (Higham, Accuracy and Stability, algorithm 15.1).
 */
export function conditionEstimate(b: Emitter, matrix: Atom, factored: Factored): Atom {
  const n = matrix.type.shape[0] as number;
  const one = realLiteral(1);
  const sizes = abs(b, matrix);
  const positive = (x: Atom) => select(b, greater(b, x, realLiteral(0)), x, one);
  const rows = positive(reduceMax(b, sizes, [1]));
  const byRows = div(b, sizes, broadcast(b, rows, [n, n], [0]));
  const columns = positive(reduceMax(b, byRows, [0]));
  const scaled = div(b, byRows, broadcast(b, columns, [n, n], [1]));
  const size = reduceMax(b, reduceSum(b, scaled, [0]), [0]);
  const solve = (y: Atom) => mul(b, columns, factored.solve(b, mul(b, rows, y)));
  const solveTransposed = (y: Atom) => mul(b, rows, factored.solveTransposed(b, mul(b, columns, y)));
  const total = (x: Atom) => reduceSum(b, abs(b, x), [0]);
  const places = iota(b, n);
  const first = solve(broadcast(b, realLiteral(1 / n), [n], []));
  const dual = solveTransposed(sign(b, first));
  const steepest = argmax(b, abs(b, dual), 0);
  const second = solve(convert(b, equal(b, places, broadcast(b, steepest, [n], [])), "real"));
  const parity = sub(b, one, mul(b, realLiteral(2), convert(b, modFloor(b, places, intLiteral(2)), "real")));
  const growth = add(b, one, div(b, convert(b, places, "real"), realLiteral(Math.max(1, n - 1))));
  const third = mul(b, total(solve(mul(b, parity, growth))), realLiteral(2 / (3 * n)));
  const estimate = mul(b, maximum(b, third, maximum(b, total(first), total(second))), size);
  return select(
    b,
    and(b, factored.regular, isFiniteAtom(b, estimate)),
    estimate,
    realLiteral(Number.POSITIVE_INFINITY),
  );
}
