/** The loops of Householder QR. */
import { abs, add, div, gt, lt, mul, neg, real, select, sqrt, sub } from "../kernel/expressions.ts";
import type { Expression } from "../kernel/ir.ts";
import type { Lowering } from "../kernel/lowering.ts";
import {
  Code,
  type Index,
  type MatrixView,
  matrixView,
  minus,
  negateIf,
  plus,
  type VectorView,
  vectorView,
  workspace,
} from "../kernel/statements.ts";
import { boundStack, fillVector, matrixAt, setRowsOfIdentity, transposeTo } from "./matrix-kernel.ts";

/** How many rows a reflection is applied to at once: each shares its loads of the reflection's vector. */
const rowsTogether = 4;

/**
 * As `householderQr`: works on the transpose, whose rows are contiguous; reflection k is I - beta v v', v stored in
 * row k from place k on.
 */
export const qrLowering: Lowering<Record<string, never>> = {
  kind: "routine",
  routine: ({ inputs }) => {
    const { count, rows, columns } = boundStack(inputs[0]!);
    const size = rows * columns;
    const reals = workspace("reals", "real", count, { reflections: size, orthogonal: size, betas: columns });
    return {
      grid: count,
      scratch: [reals.scratch],
      body: (lane, { inputs: [input], outputs: [first, second], scratch }) =>
        Code.write((code) => {
          const a = matrixAt(input!, lane, rows, columns);
          const q = matrixAt(first!, lane, rows, columns);
          const r = matrixAt(second!, lane, columns, columns);
          const starts = reals.starts(lane);
          const t = matrixView(scratch[0]!, starts.reflections, rows);
          const qt = matrixView(scratch[0]!, starts.orthogonal, rows);
          const betas = vectorView(scratch[0]!, starts.betas);
          transposeTo(code, t, a, rows, columns);
          code.loop("column", columns, (k) => writeReflection(code, t, r, betas, k, rows, columns));
          setRowsOfIdentity(code, qt, columns, rows);
          code.loop("step", columns, (step) => {
            const k = code.let("k", minus(columns - 1, step));
            writeReflected(code, t.row(k), betas.at(k), qt, k, rows, k, plus(step, 1));
          });
          writePositiveDiagonal(code, q, r, qt, rows, columns);
        }),
    };
  },
};

/** Makes the reflection that takes column k to its place in R, and applies it to the columns after it. */
function writeReflection(
  code: Code,
  t: MatrixView,
  r: MatrixView,
  betas: VectorView,
  k: Expression,
  rows: number,
  columns: number,
): void {
  const own = t.row(k);
  code.independent("i", k, (i) => code.put(r, i, k, own.at(i)));
  fillVector(code, r.row(k), k, real(0));
  const below = code.let("below", minus(rows, k));
  const scale = code.largest("scale", below, real(0), (i) => abs(own.at(plus(k, i))));
  code.when(
    gt(scale, real(0)),
    () => {
      const squares = code.sum("squares", below, (i) => {
        const scaled = div(own.at(plus(k, i)), scale);
        return mul(scaled, scaled);
      });
      const norm = code.let("norm", mul(scale, sqrt(squares)));
      const head = code.let("head", own.at(k));
      // The sign that avoids cancellation in v; R gets its positive diagonal at the end.
      const diagonal = code.let("diagonal", select(gt(head, real(0)), neg(norm), norm));
      code.put(r, k, k, diagonal);
      const first = code.let("first", sub(head, diagonal));
      code.set(own, k, real(1));
      code.vector("i", minus(below, 1), (i) => {
        const at = plus(plus(k, 1), i);
        code.set(own, at, div(own.at(at), first));
      });
      const beta = code.let("beta", neg(div(first, diagonal)));
      code.set(betas, k, beta);
      writeReflected(code, own, beta, t, k, rows, plus(k, 1), minus(columns - 1, k));
    },
    () => {
      // A column of zeros needs no reflection; NaN is passed on.
      code.put(r, k, k, own.at(k));
      code.set(own, k, real(1));
      code.set(betas, k, real(0));
    },
  );
}

/** Applies I - beta v v' to rows `first`, ..., `first + count - 1` of x, from place `from` on. */
function writeReflected(
  code: Code,
  v: VectorView,
  beta: Expression,
  x: MatrixView,
  from: Expression,
  rows: number,
  first: Index,
  count: Index,
): void {
  const length = minus(rows, from);
  code.blocks("j", first, count, rowsTogether, (indices) => {
    const places = indices.map((j) => x.row(j));
    const products = code.sums("inner", length, indices.length, (i) => {
      const at = plus(from, i);
      return places.map((row) => mul(v.at(at), row.at(at)));
    });
    const factors = products.map((product) => code.let("factor", mul(beta, product)));
    code.vector("i", length, (i) => {
      const at = plus(from, i);
      places.forEach((row, p) => {
        code.set(row, at, sub(row.at(at), mul(factors[p]!, v.at(at))));
      });
    });
  });
}

/** Q from its transpose, and both factors with the signs that make the diagonal of R positive. */
function writePositiveDiagonal(
  code: Code,
  q: MatrixView,
  r: MatrixView,
  qt: MatrixView,
  rows: number,
  columns: number,
): void {
  code.independent("k", columns, (k) => {
    const flip = code.let("flip", lt(r.at(k, k), real(0)));
    code.independent("i", rows, (i) => code.put(q, i, k, negateIf(flip, qt.at(k, i))));
    code.when(flip, () => {
      code.vector("j", minus(columns, k), (j) => {
        const at = add(k, j);
        code.put(r, k, at, neg(r.at(k, at)));
      });
    });
  });
}
