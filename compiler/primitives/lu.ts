/** The factors of Gaussian elimination, for users; systems are solved through linear-solve.ts. */
import type { Atom } from "../core/graph.ts";
import { type Emitter, makeArray, type Primitive } from "../core/primitive.ts";
import { notLinear } from "./elementwise.ts";
import { gather } from "./gather.ts";
import { batchLeading } from "./leading-axes.ts";
import { luLowering } from "./lu-kernel.ts";
import { epsilonOf } from "./machine.ts";
import {
  batchedMatmul,
  identityLike,
  keep,
  lowerPart,
  matrixTranspose,
  matrixType,
  perMatrix,
  stackSizes,
  upperPart,
} from "./matrix.ts";
import { copyMatrix, luInPlace } from "./matrix-numerics.ts";
import { select } from "./select.ts";
import { triangularSolve } from "./triangular-solve.ts";

export const luPrimitive: Primitive<Record<string, never>> = {
  name: "lu",
  lower: luLowering,
  infer: ([a]) => {
    const { batch, rows } = matrixType("lu", a!, "square");
    return [{ dtype: "int", shape: [...batch, rows] }, a!, a!, { dtype: "bool", shape: batch }];
  },
  evaluate: ([a], _params, context) => {
    const { batch, count, rows: n } = stackSizes(a!);
    const permutation = makeArray(context, "int", [...batch, n]);
    const lower = makeArray(context, "real", a!.shape);
    const upper = makeArray(context, "real", a!.shape);
    const ok = makeArray(context, "bool", batch);
    for (let k = 0; k < count; k++) {
      const matrix = copyMatrix(a!.data, k, n * n);
      const lu = luInPlace(matrix, n, n * epsilonOf(context.precision));
      permutation.data.set(lu.permutation, k * n);
      ok.data[k] = lu.regular ? 1 : 0;
      for (let i = 0; i < n; i++) {
        const row = k * n * n + i * n;
        for (let j = 0; j < i; j++) lower.data[row + j] = matrix[i * n + j]!;
        lower.data[row + i] = 1;
        for (let j = i; j < n; j++) upper.data[row + j] = matrix[i * n + j]!;
      }
    }
    return [permutation, lower, upper, ok];
  },
  // With M = L^-1 P dA U^-1: dL = L below(M), dU = upper(M) U
  jvp: (b, { inputs }, [da]) => {
    const [permutation, lower, upper, ok] = lu(b, inputs[0]!);
    const outputs = [permutation, lower, upper, ok];
    if (!da) return { outputs, tangents: [undefined, undefined, undefined, undefined] };
    const lanes = da.type.shape.length - 2;
    const regular = perMatrix(b, ok, upper);
    const safe = select(b, regular, upper, identityLike(b, upper));
    const rows = gather(b, da, permutation, lanes, lanes);
    const left = triangularSolve(b, lower, rows, { lower: true, transposed: false, unitDiagonal: true });
    const both = triangularSolve(b, safe, matrixTranspose(b, left), {
      lower: false,
      transposed: true,
      unitDiagonal: false,
    });
    const m = keep(b, regular, matrixTranspose(b, both));
    const tangents = [batchedMatmul(b, lower, lowerPart(b, m, "below")), batchedMatmul(b, upperPart(b, m), upper)];
    return { outputs, tangents: [undefined, ...tangents, undefined] };
  },
  transpose: notLinear("lu"),
  batch: batchLeading(() => luPrimitive),
};

/**
 * For a square stack A `[..., n, n]`: a permutation p `int[..., n]`, L unit lower and U upper triangular with
 * A[p] = L U (partial pivoting: |L| <= 1), and whether A is regular (as `linearSolve` judges; the factors exist
 * anyway). The derivative is that at the fixed permutation; it is given as zero where A is singular.
 */
export function lu(b: Emitter, a: Atom): readonly [permutation: Atom, lower: Atom, upper: Atom, ok: Atom] {
  const [permutation, lower, upper, ok] = b.emit(luPrimitive, [a], {});
  return [permutation!, lower!, upper!, ok!];
}

export const luPrimitives: readonly Primitive[] = [luPrimitive];
