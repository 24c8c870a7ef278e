/** What the loops of the factorisations share: stacks of matrices, one lane a matrix. */
import { sizeOf } from "../core/array.ts";
import { add, and, bool, div, int, mul, real } from "../kernel/expressions.ts";
import { isFinite as isFiniteReal } from "../kernel/functions/classify.ts";
import type { Expression, KernelArray, Precision } from "../kernel/ir.ts";
import type { BoundType } from "../kernel/lowering.ts";
import { type Code, type Index, type MatrixView, matrixView, type VectorView } from "../kernel/statements.ts";

/** The sizes of a stack of matrices `[..., rows, columns]`. */
export function boundStack({ shape }: BoundType): { count: number; rows: number; columns: number } {
  const [rows, columns] = shape.slice(-2) as [number, number];
  return { count: sizeOf(shape.slice(0, -2)), rows, columns };
}

/** Matrix number `index` of a stack of rows x columns matrices. */
export function matrixAt(array: KernelArray, index: Expression, rows: number, columns: number): MatrixView {
  return matrixView(array, mul(index, int(rows * columns)), columns);
}

/** Writes `value` to the first `count` places. */
export function fillVector(code: Code, vector: VectorView, count: Index, value: Expression): void {
  code.along("i", count, [vector], (i) => code.set(vector, i, value));
}

export function fillMatrix(code: Code, matrix: MatrixView, rows: number, columns: number, value: Expression): void {
  code.independent("i", rows, (i) => fillVector(code, matrix.row(i), columns, value));
}

/** The first rows of the identity; rows <= columns. */
export function setRowsOfIdentity(code: Code, matrix: MatrixView, rows: number, columns: number): void {
  fillMatrix(code, matrix, rows, columns, real(0));
  code.independent("i", rows, (i) => code.put(matrix, i, i, real(1)));
}

export function copyMatrixTo(code: Code, to: MatrixView, from: MatrixView, rows: number, columns: number): void {
  code.independent("i", rows, (i) => {
    code.vector("j", columns, (j) => code.put(to, i, j, from.at(i, j)));
  });
}

/** to = from', which is rows x columns. */
export function transposeTo(code: Code, to: MatrixView, from: MatrixView, rows: number, columns: number): void {
  code.independent("j", columns, (j) => {
    code.independent("i", rows, (i) => code.put(to, j, i, from.at(i, j)));
  });
}

/** The entry (i, j) of the symmetric part of a square matrix. */
export const symmetricEntry = (a: MatrixView, i: Index, j: Index): Expression =>
  div(add(a.at(i, j), a.at(j, i)), real(2));

/** Whether all entries are finite. */
export function isFiniteMatrix(
  code: Code,
  matrix: MatrixView,
  rows: number,
  columns: number,
  precision: Precision,
): Expression {
  const finite = code.variable("finite", bool(true));
  code.loop("i", rows, (i) => {
    const row = code.every("rowFinite", columns, (j) => isFiniteReal(matrix.at(i, j), precision));
    code.assign(finite, and(finite, row));
  });
  return finite;
}

/** Exchanges the first `count` elements of two rows that are not the same. */
export function swapRows(code: Code, matrix: MatrixView, i: Expression, j: Expression, count: number): void {
  code.vector("k", count, (k) => {
    const [x, y] = [code.let("x", matrix.at(i, k)), code.let("y", matrix.at(j, k))];
    code.put(matrix, i, k, y);
    code.put(matrix, j, k, x);
  });
}
