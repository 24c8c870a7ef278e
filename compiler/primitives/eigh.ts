/** Eigenvalues and eigenvectors of symmetric matrices. */
import { type Atom, concreteShape, realLiteral } from "../core/graph.ts";
import { type Emitter, makeArray, type Primitive } from "../core/primitive.ts";
import { div, mul, sub } from "./arithmetic.ts";
import { and, lessEqual, not } from "./comparison.ts";
import { eighLowering } from "./eigh-kernel.ts";
import { symmetricEigen } from "./eigh-numerics.ts";
import { notLinear } from "./elementwise.ts";
import { toldIfRead } from "./if-read.ts";
import { batchLeading } from "./leading-axes.ts";
import { machineEpsilon } from "./machine.ts";
import {
  alongColumns,
  alongRows,
  batchedMatmul,
  diagonalOf,
  matrixTranspose,
  matrixType,
  perMatrix,
  placesWhere,
  stackSizes,
  symmetricPart,
} from "./matrix.ts";
import { copyMatrix, symmetrize } from "./matrix-numerics.ts";
import { reduceAny, reduceMax } from "./reduce.ts";
import { abs } from "./rounding.ts";
import { select } from "./select.ts";

export const eighPrimitive: Primitive<Record<string, never>> = {
  name: "eigh",
  lower: eighLowering,
  infer: ([a]) => {
    const { batch, rows } = matrixType("eigh", a!, "square");
    return [{ dtype: "real", shape: [...batch, rows] }, a!];
  },
  evaluate: ([a], _params, context) => {
    const { batch, count, rows: n } = stackSizes(a!);
    const values = makeArray(context, "real", [...batch, n]);
    const vectors = makeArray(context, "real", a!.shape);
    for (let k = 0; k < count; k++) {
      const matrix = copyMatrix(a!.data, k, n * n);
      symmetrize(matrix, n);
      const eigen = symmetricEigen(matrix, n);
      values.data.set(eigen.values, k * n);
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) vectors.data[(k * n + i) * n + j] = eigen.vectors[j * n + i]!;
    }
    return [values, vectors];
  },
  // With M = Q' sym(dA) Q: dw = diag(M), dQ = Q (F o M), F_ij = 1 / (w_j - w_i), zero where the two agree
  jvp: (b, { inputs }, [da]) => {
    const [w, q] = eigh(b, inputs[0]!);
    if (!da) return { outputs: [w, q], tangents: [undefined, undefined] };
    const m = batchedMatmul(b, matrixTranspose(b, q), batchedMatmul(b, symmetricPart(b, da), q));
    const gaps = sub(b, alongColumns(b, w, m), alongRows(b, w, m));
    const f = inverseWhereApart(b, gaps, gaps, w, "off the diagonal");
    return { outputs: [w, q], tangents: [diagonalOf(b, m), batchedMatmul(b, q, mul(b, f, m))] };
  },
  transpose: notLinear("eigh"),
  batch: batchLeading(() => eighPrimitive),
};

/**
 * 1 / denominators `[..., n, n]`, and 0 where the gap of two spectral values is, to rounding, nothing: at most
 * n epsilon times the largest of `values` `[..., n]`. Whoever reads it where that leaves something out is told so;
 * on the diagonal of `gaps` nothing is left out, if they are those of values to each other.
 */
export function inverseWhereApart(
  b: Emitter,
  denominators: Atom,
  gaps: Atom,
  values: Atom,
  leftOut: "anywhere" | "off the diagonal",
): Atom {
  const last = values.type.shape.length - 1;
  const [n] = concreteShape(values.type.shape.slice(last));
  if (n === 0) return denominators;
  const largest = reduceMax(b, abs(b, values), [last]);
  const epsilon = mul(b, realLiteral(n!), machineEpsilon(b));
  const together = lessEqual(b, abs(b, gaps), perMatrix(b, mul(b, epsilon, largest), gaps));
  const safe = select(b, together, realLiteral(1), denominators);
  const inverses = select(b, together, realLiteral(0), div(b, realLiteral(1), safe));
  const all = gaps.type.shape.map((_, i) => i);
  const counted = leftOut === "anywhere" ? together : and(b, together, not(b, placesWhere(b, gaps, "diagonal")));
  return toldIfRead(b, inverses, reduceAny(b, counted, all));
}

/**
 * [w, Q] of the symmetric part of `[..., n, n]`: eigenvalues `[..., n]` ascending and orthonormal eigenvectors as the
 * columns of Q, A = Q diag(w) Q'. Errors of w a small multiple of epsilon |A|. Of each column the largest
 * component is positive (see `leadingSign`).
 *
 * Derivatives treat eigenvalues nearer than n epsilon max|w| as equal, and leave out the rotation inside
 * their common space, which is undefined: single eigenvectors there have no derivative. First derivatives of
 * what does not depend on the basis chosen there are still right: symmetric functions of the equal
 * eigenvalues (their sum, a trace of f(A)) and the projection onto their space. Those of Q diag(f(w)) Q' are not, nor
 * are second derivatives: a run that reads derivatives of Q there says so, with K0425.
 */
export function eigh(b: Emitter, a: Atom): readonly [values: Atom, vectors: Atom] {
  const [w, q] = b.emit(eighPrimitive, [a], {});
  return [w!, q!];
}

export const eighPrimitives: readonly Primitive[] = [eighPrimitive];
