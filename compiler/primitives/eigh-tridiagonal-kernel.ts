/** Householder reduction of a symmetric matrix to tridiagonal form: `tridiagonalize` of eigh-numerics.ts. */
import { abs, add, div, eq, gt, int, mul, ne, neg, real, select, sqrt, sub } from "../kernel/expressions.ts";
import type { Expression } from "../kernel/ir.ts";
import { type Code, type MatrixView, minus, plus, type VectorView } from "../kernel/statements.ts";
import { fillVector } from "./matrix-kernel.ts";

/**
 * Leaves the diagonal in d, the subdiagonal in e[1..] and the transposed transformation in v, which holds the n x n
 * matrix before (n >= 1). Row j of v is column j of the matrix.
 */
export function writeTridiagonal(code: Code, v: MatrixView, d: VectorView, e: VectorView, n: number): void {
  code.independent("j", n, (j) => code.set(d, j, v.at(j, n - 1)));
  code.loop("step", n - 1, (step) => {
    const i = code.let("i", minus(n - 1, step));
    const scale = code.sum("scale", i, (k) => abs(d.at(k)));
    const h = code.variable("h", real(0));
    code.when(
      eq(scale, real(0)),
      () => {
        code.set(e, i, d.at(minus(i, 1)));
        code.loop("j", i, (j) => {
          code.set(d, j, v.at(j, minus(i, 1)));
          code.put(v, j, i, real(0));
          code.put(v, i, j, real(0));
        });
      },
      () => {
        code.assign(h, writeStep(code, v, d, e, i, scale));
      },
    );
    code.set(d, i, h);
  });
  writeAccumulation(code, v, d, n);
  code.independent("j", n, (j) => {
    code.set(d, j, v.at(j, n - 1));
    code.put(v, j, n - 1, real(0));
  });
  code.put(v, n - 1, n - 1, real(1));
  code.set(e, 0, real(0));
}

/** Eliminates row i by a reflection, whose vector is left in d and in row i of v; returns half its square. */
function writeStep(
  code: Code,
  v: MatrixView,
  d: VectorView,
  e: VectorView,
  i: Expression,
  scale: Expression,
): Expression {
  const squares = code.variable("squares", real(0));
  code.reduction("k", i, [{ local: squares, operator: "add" }], (k) => {
    const scaled = code.let("scaled", div(d.at(k), scale));
    code.set(d, k, scaled);
    code.assign(squares, add(squares, mul(scaled, scaled)));
  });
  const last = code.let("last", minus(i, 1));
  const head = code.let("head", d.at(last));
  const root = sqrt(squares);
  const g = code.let("g", select(gt(head, real(0)), neg(root), root));
  code.set(e, i, mul(scale, g));
  const h = code.let("h", sub(squares, mul(head, g)));
  code.set(d, last, sub(head, g));

  // e = A u, A given by its lower triangle.
  fillVector(code, e, i, real(0));
  code.loop("j", i, (j) => {
    const row = v.row(j);
    const f = code.let("f", d.at(j));
    code.put(v, i, j, f);
    const sum = code.variable("sum", add(e.at(j), mul(row.at(j), f)));
    code.reduction("k", minus(last, j), [{ local: sum, operator: "add" }], (k) => {
      const at = plus(plus(j, 1), k);
      const entry = code.let("entry", row.at(at));
      code.assign(sum, add(sum, mul(entry, d.at(at))));
      code.set(e, at, add(e.at(at), mul(entry, f)));
    });
    code.set(e, j, sum);
  });
  const inner = code.variable("inner", real(0));
  code.reduction("j", i, [{ local: inner, operator: "add" }], (j) => {
    const scaled = code.let("scaled", div(e.at(j), h));
    code.set(e, j, scaled);
    code.assign(inner, add(inner, mul(scaled, d.at(j))));
  });
  const half = code.let("half", div(inner, add(h, h)));
  code.vector("j", i, (j) => code.set(e, j, sub(e.at(j), mul(half, d.at(j)))));

  // A -= u e' + e u'
  code.loop("j", i, (j) => {
    const row = v.row(j);
    const [f, g] = [code.let("f", d.at(j)), code.let("g", e.at(j))];
    code.vector("k", minus(i, j), (k) => {
      const at = plus(j, k);
      code.set(row, at, sub(row.at(at), add(mul(f, e.at(at)), mul(g, d.at(at)))));
    });
    code.set(d, j, row.at(last));
    code.set(row, i, real(0));
  });
  return h;
}

/** Multiplies the reflections together. */
function writeAccumulation(code: Code, v: MatrixView, d: VectorView, n: number): void {
  code.loop("i", n - 1, (i) => {
    code.put(v, i, n - 1, v.at(i, i));
    code.put(v, i, i, real(1));
    const size = code.let("size", add(i, int(1)));
    const next = v.row(size);
    const h = code.let("h", d.at(size));
    code.when(ne(h, real(0)), () => {
      code.vector("k", size, (k) => code.set(d, k, div(next.at(k), h)));
      code.blocks("j", 0, size, rowsTogether, (indices) => {
        const rows = indices.map((j) => v.row(j));
        const products = code.sums("inner", size, rows.length, (k) => rows.map((row) => mul(next.at(k), row.at(k))));
        code.vector("k", size, (k) => {
          rows.forEach((row, p) => {
            code.set(row, k, sub(row.at(k), mul(products[p]!, d.at(k))));
          });
        });
      });
    });
    fillVector(code, next, size, real(0));
  });
}

/** How many rows a reflection is applied to at once: each shares its loads of the reflection's vector. */
const rowsTogether = 4;
