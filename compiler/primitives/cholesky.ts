/** The Cholesky factor. */
import { type Atom, realLiteral } from "../core/graph.ts";
import { type Emitter, makeArray, type Primitive } from "../core/primitive.ts";
import { mul } from "./arithmetic.ts";
import { choleskyLowering } from "./cholesky-kernel.ts";
import { notLinear } from "./elementwise.ts";
import { batchLeading } from "./leading-axes.ts";
import { epsilonOf } from "./machine.ts";
import {
  batchedMatmul,
  identityLike,
  keep,
  lowerPart,
  matrixTranspose,
  matrixType,
  perMatrix,
  placesWhere,
  stackSizes,
  symmetricPart,
} from "./matrix.ts";
import { choleskyInPlace, copyMatrix, symmetrize } from "./matrix-numerics.ts";
import { select } from "./select.ts";
import { triangularSolve } from "./triangular-solve.ts";

export const choleskyPrimitive: Primitive<Record<string, never>> = {
  name: "cholesky",
  lower: choleskyLowering,
  infer: ([a]) => {
    const { batch } = matrixType("cholesky", a!, "square");
    return [a!, { dtype: "bool", shape: batch }];
  },
  evaluate: ([a], _params, context) => {
    const { batch, count, rows: n } = stackSizes(a!);
    const factor = makeArray(context, "real", a!.shape);
    const ok = makeArray(context, "bool", batch);
    for (let k = 0; k < count; k++) {
      const matrix = copyMatrix(a!.data, k, n * n);
      symmetrize(matrix, n);
      if (!choleskyInPlace(matrix, n, n * epsilonOf(context.precision))) continue;
      factor.data.set(matrix, k * n * n);
      ok.data[k] = 1;
    }
    return [factor, ok];
  },
  // dL = L half(L^-1 sym(dA) L^-T), half: the lower triangle with half the diagonal (Murray 2016, section 3.1)
  jvp: (b, { inputs }, [da]) => {
    const [factor, ok] = cholesky(b, inputs[0]!);
    if (!da) return { outputs: [factor, ok], tangents: [undefined, undefined] };
    // A factor that does not exist is zero; the identity in its place keeps its lane free of NaN.
    const safe = select(b, perMatrix(b, ok, factor), factor, identityLike(b, factor));
    const solve = (x: Atom) => triangularSolve(b, safe, x, { lower: true, transposed: false, unitDiagonal: false });
    const inner = solve(matrixTranspose(b, solve(symmetricPart(b, da))));
    const halved = select(b, placesWhere(b, inner, "diagonal"), mul(b, realLiteral(0.5), inner), inner);
    const tangent = batchedMatmul(b, safe, lowerPart(b, halved, "lower"));
    return { outputs: [factor, ok], tangents: [keep(b, perMatrix(b, ok, tangent), tangent), undefined] };
  },
  transpose: notLinear("cholesky"),
  batch: batchLeading(() => choleskyPrimitive),
};

/**
 * L, lower, with L L' = (A + A') / 2, and whether it exists (bool, one a matrix): stacks `[..., n, n]`. False,
 * with L zero, if some pivot is at most n epsilon times its diagonal entry of A, which is as near to indefinite
 * as rounding can tell. Backward error about n epsilon relative to A (Higham, theorem 10.3). The derivative is
 * that of the factor of the symmetric part.
 */
export function cholesky(b: Emitter, a: Atom): readonly [factor: Atom, ok: Atom] {
  const [factor, ok] = b.emit(choleskyPrimitive, [a], {});
  return [factor!, ok!];
}

export const choleskyPrimitives: readonly Primitive[] = [choleskyPrimitive];
