/** The reduced singular value decomposition. */
import { applyOperation, equalDims } from "../core/dimension.ts";
import type { Atom } from "../core/graph.ts";
import { type Emitter, makeArray, type Primitive } from "../core/primitive.ts";
import { add, mul, sub } from "./arithmetic.ts";
import { inverseWhereApart } from "./eigh.ts";
import { notLinear } from "./elementwise.ts";
import { batchLeading } from "./leading-axes.ts";
import {
  alongColumns,
  alongRows,
  batchedMatmul,
  diagonalOf,
  matrixTranspose,
  matrixType,
  scaleColumns,
  stackSizes,
  symmetricPart,
} from "./matrix.ts";
import { copyMatrix, transposed } from "./matrix-numerics.ts";
import { svdLowering } from "./svd-kernel.ts";
import { jacobiSvd } from "./svd-numerics.ts";

export const svdPrimitive: Primitive<Record<string, never>> = {
  name: "svd",
  lower: svdLowering,
  infer: ([a]) => {
    const { batch, rows, columns } = matrixType("svd", a!, "any");
    const k = applyOperation("min", rows, columns);
    return [
      { dtype: "real", shape: [...batch, rows, k] },
      { dtype: "real", shape: [...batch, k] },
      { dtype: "real", shape: [...batch, columns, k] },
    ];
  },
  evaluate: ([a], _params, context) => {
    const { batch, count, rows, columns } = stackSizes(a!);
    const k = Math.min(rows, columns);
    const u = makeArray(context, "real", [...batch, rows, k]);
    const s = makeArray(context, "real", [...batch, k]);
    const v = makeArray(context, "real", [...batch, columns, k]);
    for (let index = 0; index < count; index++) {
      const matrix = copyMatrix(a!.data, index, rows * columns);
      const tall = rows >= columns;
      const svd = tall ? jacobiSvd(transposed(matrix, rows, columns), rows, columns) : jacobiSvd(matrix, columns, rows);
      const [left, right] = tall ? [svd.left, svd.right] : [svd.right, svd.left];
      u.data.set(transposed(left, k, rows), index * rows * k);
      s.data.set(svd.values, index * k);
      v.data.set(transposed(right, k, columns), index * columns * k);
    }
    return [u, s, v];
  },
  // With P = U' dA V, Y and Z its symmetric and antisymmetric parts: ds = diag(P),
  // dU = U (Y / (s_j - s_i) + Z / (s_i + s_j)) + (I - U U') dA V / s_j,
  // dV = V (Y / (s_j - s_i) - Z / (s_i + s_j)) + (I - V V') dA' U / s_j, a quotient by zero being zero.
  // (The usual 1 / (s_j^2 - s_i^2) taken apart, so that Z, which U V' depends on, survives equal values.)
  jvp: (b, { inputs }, [da]) => {
    const [u, s, v] = svd(b, inputs[0]!);
    if (!da) return { outputs: [u, s, v], tangents: [undefined, undefined, undefined] };
    const dav = batchedMatmul(b, da, v);
    const p = batchedMatmul(b, matrixTranspose(b, u), dav);
    const [byColumn, byRow] = [alongColumns(b, s, p), alongRows(b, s, p)];
    const gaps = sub(b, byColumn, byRow);
    const sums = add(b, byColumn, byRow);
    const symmetric = symmetricPart(b, p);
    const turn = mul(b, inverseWhereApart(b, gaps, gaps, s, "off the diagonal"), symmetric);
    const twist = mul(b, inverseWhereApart(b, sums, sums, s, "off the diagonal"), sub(b, p, symmetric));
    let du = batchedMatmul(b, u, add(b, turn, twist));
    let dv = batchedMatmul(b, v, sub(b, turn, twist));
    const [rows, columns] = inputs[0]!.type.shape.slice(-2);
    const k = s.type.shape.at(-1)!;
    // The vectors of a singular value that is zero have no derivative outside the span: zero is given.
    const inverses = inverseWhereApart(b, byColumn, byColumn, s, "anywhere");
    const divide = (x: Atom) => scaleColumns(b, x, diagonalOf(b, inverses));
    if (!equalDims(rows!, k)) du = add(b, du, divide(sub(b, dav, batchedMatmul(b, u, p))));
    if (!equalDims(columns!, k)) {
      const dau = batchedMatmul(b, matrixTranspose(b, da), u);
      dv = add(b, dv, divide(sub(b, dau, batchedMatmul(b, v, matrixTranspose(b, p)))));
    }
    return { outputs: [u, s, v], tangents: [du, diagonalOf(b, p), dv] };
  },
  transpose: notLinear("svd"),
  batch: batchLeading(() => svdPrimitive),
};

/**
 * [U, s, V] with A = U diag(s) V', A `[..., m, n]`, k = min(m, n): U `[..., m, k]` and V `[..., n, k]` with
 * orthonormal columns, s `[..., k]` descending. Of each pair of vectors, the one on the longer side has its
 * largest component positive. Accurate to a small multiple of epsilon |A|, often for small s too. Derivatives
 * treat singular values nearer than k epsilon max(s) as equal, as `eigh` does, and smaller ones than that as
 * zero.
 */
export function svd(b: Emitter, a: Atom): readonly [u: Atom, s: Atom, v: Atom] {
  const [u, s, v] = b.emit(svdPrimitive, [a], {});
  return [u!, s!, v!];
}

export const svdPrimitives: readonly Primitive[] = [svdPrimitive];
