/** Helpers that the linear-algebra primitives and their rules share: stacks of matrices `[..., n, m]`. */
import type { NdArray } from "../core/array.ts";
import { compareDims, type Dim } from "../core/dimension.ts";
import { type ArrayType, type Atom, realLiteral, showType } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { invariant } from "../syntax/diagnostic.ts";
import { add, mul } from "./arithmetic.ts";
import { equal, greater, greaterEqual } from "./comparison.ts";
import { dotGeneral } from "./dot.ts";
import { iota } from "./iota.ts";
import { reduceSum } from "./reduce.ts";
import { select } from "./select.ts";
import { broadcast, transpose } from "./shape.ts";

const mayBeEqual = (a: Dim, b: Dim) => compareDims(a, b) !== "different";

/** The type of a stack of matrices, checked: at least two axes, reals; square if asked. */
export function matrixType(
  name: string,
  x: ArrayType,
  kind: "square" | "any",
): { batch: readonly Dim[]; rows: Dim; columns: Dim } {
  const rank = x.shape.length;
  invariant(x.dtype === "real" && rank >= 2, () => `${name} of ${showType(x)}`);
  const [rows, columns] = [x.shape[rank - 2]!, x.shape[rank - 1]!];
  invariant(kind === "any" || mayBeEqual(rows, columns), () => `${name} of ${showType(x)}, which is not square`);
  return { batch: x.shape.slice(0, -2), rows, columns };
}

/** The types of a square stack A `[..., n, n]` and right-hand sides B `[..., n, m]`, checked to fit. */
export function systemType(name: string, a: ArrayType, rhs: ArrayType): ArrayType {
  const { batch, rows } = matrixType(name, a, "square");
  const other = matrixType(name, rhs, "any");
  invariant(
    mayBeEqual(rows, other.rows) &&
      batch.length === other.batch.length &&
      batch.every((d, i) => mayBeEqual(d, other.batch[i]!)),
    () => `${name} of ${showType(a)} and ${showType(rhs)}`,
  );
  return rhs;
}

/** The sizes of a concrete stack. */
export function stackSizes(x: NdArray): { batch: readonly number[]; count: number; rows: number; columns: number } {
  const batch = x.shape.slice(0, -2);
  return {
    batch,
    count: batch.reduce((p, d) => p * d, 1),
    rows: x.shape[x.shape.length - 2]!,
    columns: x.shape[x.shape.length - 1]!,
  };
}

/** The swap of the last two axes. */
export function matrixTranspose(b: Emitter, x: Atom): Atom {
  const axes = x.type.shape.map((_, i) => i);
  const r = axes.length;
  return transpose(b, x, [...axes.slice(0, -2), r - 1, r - 2]);
}

/** The product of two stacks `[..., n, k]` and `[..., k, m]` with the same leading axes. */
export function batchedMatmul(b: Emitter, x: Atom, y: Atom): Atom {
  const r = x.type.shape.length;
  const batch = x.type.shape.slice(0, -2).map((_, i) => i);
  return dotGeneral(b, x, y, { contract: [[r - 1], [r - 2]], batch: [batch, batch] });
}

/** True in places of the matrices of `x` whose row is `>`, `>=` or `==` their column; bool of the shape of `x`. */
export function placesWhere(b: Emitter, x: Atom, relation: "below" | "lower" | "diagonal"): Atom {
  const { shape } = x.type;
  const r = shape.length;
  const matrix = shape.slice(-2);
  const row = broadcast(b, iota(b, matrix[0]!), matrix, [0]);
  const column = broadcast(b, iota(b, matrix[1]!), matrix, [1]);
  const places =
    relation === "diagonal" ? equal(b, row, column) : (relation === "lower" ? greaterEqual : greater)(b, row, column);
  return broadcast(b, places, shape, [r - 2, r - 1]);
}

const zero = realLiteral(0);

/** A stack of identity matrices of the shape of the (square) `x`. */
export function identityLike(b: Emitter, x: Atom): Atom {
  return select(b, placesWhere(b, x, "diagonal"), realLiteral(1), zero);
}

/** `x` where `mask` holds, zero elsewhere. */
export function keep(b: Emitter, mask: Atom, x: Atom): Atom {
  return select(b, mask, x, zero);
}

/** The entries below the diagonal, or on and below it. */
export function lowerPart(b: Emitter, x: Atom, relation: "below" | "lower"): Atom {
  return keep(b, placesWhere(b, x, relation), x);
}

/** The entries on and above the diagonal. */
export function upperPart(b: Emitter, x: Atom): Atom {
  return select(b, placesWhere(b, x, "below"), zero, x);
}

/** (x + x') / 2. */
export function symmetricPart(b: Emitter, x: Atom): Atom {
  return mul(b, realLiteral(0.5), add(b, x, matrixTranspose(b, x)));
}

/** The diagonals `[..., n]` of square matrices `[..., n, n]`. */
export function diagonalOf(b: Emitter, x: Atom): Atom {
  return reduceSum(b, keep(b, placesWhere(b, x, "diagonal"), x), [x.type.shape.length - 1]);
}

/** `x` `[..., n, m]` with column j scaled by `v` `[..., m]`: x diag(v). */
export function scaleColumns(b: Emitter, x: Atom, v: Atom): Atom {
  return mul(b, x, alongColumns(b, v, x));
}

/** `v` `[..., m]` repeated for each row of `x` `[..., n, m]`. */
export function alongColumns(b: Emitter, v: Atom, x: Atom): Atom {
  const r = x.type.shape.length;
  return broadcast(
    b,
    v,
    x.type.shape,
    v.type.shape.map((_, i) => (i === r - 2 ? r - 1 : i)),
  );
}

/** `v` `[..., n]` repeated for each column of `x` `[..., n, m]`. */
export function alongRows(b: Emitter, v: Atom, x: Atom): Atom {
  return broadcast(
    b,
    v,
    x.type.shape,
    v.type.shape.map((_, i) => i),
  );
}

/** One flag or number a matrix, `[...]`, repeated over the entries of `x` `[..., n, m]`. */
export function perMatrix(b: Emitter, flag: Atom, x: Atom): Atom {
  return broadcast(
    b,
    flag,
    x.type.shape,
    flag.type.shape.map((_, i) => i),
  );
}

/** `x` with zeros on the diagonal. */
export function withoutDiagonal(b: Emitter, x: Atom): Atom {
  return select(b, placesWhere(b, x, "diagonal"), zero, x);
}
