/** The reduced QR factorisation of matrices with at least as many rows as columns. */
import { knownDim } from "../core/dimension.ts";
import { type Atom, showType } from "../core/graph.ts";
import { type Emitter, makeArray, type Primitive } from "../core/primitive.ts";
import { invariant } from "../syntax/diagnostic.ts";
import { sub } from "./arithmetic.ts";
import { notLinear } from "./elementwise.ts";
import { batchLeading } from "./leading-axes.ts";
import { batchedMatmul, lowerPart, matrixTranspose, matrixType, stackSizes } from "./matrix.ts";
import { copyMatrix } from "./matrix-numerics.ts";
import { qrLowering } from "./qr-kernel.ts";
import { householderQr } from "./qr-numerics.ts";
import { triangularSolve } from "./triangular-solve.ts";

export const qrPrimitive: Primitive<Record<string, never>> = {
  name: "qr",
  lower: qrLowering,
  infer: ([a]) => {
    const { batch, rows, columns } = matrixType("qr", a!, "any");
    const [m, n] = [knownDim(rows), knownDim(columns)];
    invariant(
      m === undefined || n === undefined || m >= n,
      () => `qr of ${showType(a!)}, which has fewer rows than columns`,
    );
    return [a!, { dtype: "real", shape: [...batch, columns, columns] }];
  },
  evaluate: ([a], _params, context) => {
    const { batch, count, rows, columns } = stackSizes(a!);
    const q = makeArray(context, "real", a!.shape);
    const r = makeArray(context, "real", [...batch, columns, columns]);
    for (let k = 0; k < count; k++) {
      const factors = householderQr(copyMatrix(a!.data, k, rows * columns), rows, columns);
      q.data.set(factors.q, k * rows * columns);
      r.data.set(factors.r, k * columns * columns);
    }
    return [q, r];
  },
  // With X = dA R^-1, C = Q' X, W = below(C) - below(C)': dQ = X - Q (C - W), dR = (C - W) R
  jvp: (b, { inputs }, [da]) => {
    const [q, r] = qr(b, inputs[0]!);
    if (!da) return { outputs: [q, r], tangents: [undefined, undefined] };
    const xt = triangularSolve(b, r, matrixTranspose(b, da), { lower: false, transposed: true, unitDiagonal: false });
    const x = matrixTranspose(b, xt);
    const c = batchedMatmul(b, matrixTranspose(b, q), x);
    const below = lowerPart(b, c, "below");
    const upper = sub(b, c, sub(b, below, matrixTranspose(b, below)));
    return { outputs: [q, r], tangents: [sub(b, x, batchedMatmul(b, q, upper)), batchedMatmul(b, upper, r)] };
  },
  transpose: notLinear("qr"),
  batch: batchLeading(() => qrPrimitive),
};

/**
 * [Q, R] of `[..., m, n]`, m >= n: Q `[..., m, n]` with orthonormal columns, R `[..., n, n]` upper triangular
 * with a diagonal that is not negative. By Householder reflections, backward error about n epsilon. The
 * derivative needs full rank.
 */
export function qr(b: Emitter, a: Atom): readonly [q: Atom, r: Atom] {
  const [q, r] = b.emit(qrPrimitive, [a], {});
  return [q!, r!];
}

export const qrPrimitives: readonly Primitive[] = [qrPrimitive];
