/**
 * Dense linear systems. The factors are a primitive of their own, so that all systems with one matrix (values,
 * tangents, cotangents) share one factorisation.
 */
import type { Atom } from "../core/graph.ts";
import { type Emitter, makeArray, type Primitive } from "../core/primitive.ts";
import { neg, sub } from "./arithmetic.ts";
import { notLinear, zeroJvp } from "./elementwise.ts";
import { batchLeading } from "./leading-axes.ts";
import { factoredSolveLowering, luFactorsLowering } from "./lu-kernel.ts";
import { epsilonOf } from "./machine.ts";
import { batchedMatmul, identityLike, matrixTranspose, matrixType, stackSizes, systemType } from "./matrix.ts";
import { copyMatrix, luInPlace, solveLuInPlace } from "./matrix-numerics.ts";
import { solveManyAtOnce } from "./triangular-solve.ts";

/**
 * [packed L and U, permutation, ok] of a square stack. The factors are for `factoredSolve` alone, which
 * differentiates through A itself: to a derivative they are constants. Those of a singular matrix are zero.
 */
export const luFactorsPrimitive: Primitive<Record<string, never>> = {
  name: "luFactors",
  lower: luFactorsLowering,
  infer: ([a]) => {
    const { batch, rows } = matrixType("luFactors", a!, "square");
    return [a!, { dtype: "int", shape: [...batch, rows] }, { dtype: "bool", shape: batch }];
  },
  evaluate: ([a], _params, context) => {
    const { batch, count, rows: n } = stackSizes(a!);
    const packed = makeArray(context, "real", a!.shape);
    const permutation = makeArray(context, "int", [...batch, n]);
    const ok = makeArray(context, "bool", batch);
    for (let k = 0; k < count; k++) {
      const matrix = copyMatrix(a!.data, k, n * n);
      const lu = luInPlace(matrix, n, n * epsilonOf(context.precision));
      permutation.data.set(lu.permutation, k * n);
      if (!lu.regular) continue;
      packed.data.set(matrix, k * n * n);
      ok.data[k] = 1;
    }
    return [packed, permutation, ok];
  },
  jvp: zeroJvp(() => luFactorsPrimitive),
  transpose: notLinear("luFactors"),
  batch: batchLeading(() => luFactorsPrimitive),
};

type SolveParams = { readonly transposed: boolean };

/**
 * Inputs A, its factors and permutation, B. A is not read: it is there for its tangent. Zero where the factors
 * are.
 */
export const factoredSolvePrimitive: Primitive<SolveParams> = {
  name: "factoredSolve",
  lower: factoredSolveLowering,
  infer: ([a, , , rhs]) => [systemType("factoredSolve", a!, rhs!)],
  evaluate: ([, packed, permutation, rhs], { transposed }, context) => {
    const { count, rows: n, columns: m } = stackSizes(rhs!);
    const result = makeArray(context, "real", rhs!.shape);
    for (let k = 0; k < count; k++) {
      if (packed!.data[k * n * n] === 0) continue;
      const x = copyMatrix(rhs!.data, k, n * m);
      solveLuInPlace(
        copyMatrix(packed!.data, k, n * n),
        permutation!.data.subarray(k * n, (k + 1) * n),
        n,
        x,
        m,
        transposed,
      );
      result.data.set(x, k * n * m);
    }
    return [result];
  },
  // dX = A \ (dB - dA X), with the transposes of A and dA where the system is transposed
  jvp: (b, { inputs, params }, [da, , , db]) => {
    const [a, packed, permutation, rhs] = inputs as readonly [Atom, Atom, Atom, Atom];
    const solve = (y: Atom) => b.emit(factoredSolvePrimitive, [a, packed, permutation, y], params)[0]!;
    const x = solve(rhs);
    if (!da) return { outputs: [x], tangents: [db && solve(db)] };
    const product = batchedMatmul(b, params.transposed ? matrixTranspose(b, da) : da, x);
    return { outputs: [x], tangents: [solve(db ? sub(b, db, product) : neg(b, product))] };
  },
  // <ct, A \ B> = <A' \ ct, B>
  transpose: (b, { inputs, params }, linear, [ct]) => {
    if (linear[0] || linear[1]) return notLinear("factoredSolve in its matrix")();
    if (!ct) return [undefined, undefined, undefined, undefined];
    const operands = [...inputs.slice(0, 3), ct];
    const cotangent = b.emit(factoredSolvePrimitive, operands, { transposed: !params.transposed })[0]!;
    return [undefined, undefined, undefined, cotangent];
  },
  batch: (b, call, batched, size, guard) => {
    if (batched[0] || batched[1] || batched[2])
      return batchLeading(() => factoredSolvePrimitive)(b, call, batched, size, guard);
    const solve = (columns: Atom) =>
      b.emit(factoredSolvePrimitive, [...call.inputs.slice(0, 3), columns], call.params)[0]!;
    return { outputs: [solveManyAtOnce(b, call.inputs[3]!, size, solve)], batched: [true] };
  },
};

/**
 * X with A X = B (A' X = B if `transposed`) for stacks `[..., n, n]` and `[..., n, m]`, and whether A is regular
 * (bool, one a matrix). By LU with partial pivoting; backward error about n epsilon, times the growth of
 * the factors (Higham, theorem 9.4). Not ok, with X zero, if a pivot is at most n epsilon relative to its row
 * and column of A; see `luInPlace`.
 */
export function linearSolve(
  b: Emitter,
  a: Atom,
  rhs: Atom,
  options: { readonly transposed?: boolean } = {},
): readonly [solution: Atom, ok: Atom] {
  const [packed, permutation, ok] = b.emit(luFactorsPrimitive, [a], {});
  const params = { transposed: options.transposed ?? false };
  return [b.emit(factoredSolvePrimitive, [a, packed!, permutation!, rhs], params)[0]!, ok!];
}

/** A^-1 `[..., n, n]`, and whether it exists (else zero). */
export function inverse(b: Emitter, a: Atom): readonly [inverse: Atom, ok: Atom] {
  return linearSolve(b, a, identityLike(b, a));
}

export const linearSolvePrimitives: readonly Primitive[] = [
  luFactorsPrimitive,
  factoredSolvePrimitive,
] as readonly Primitive[];
