/**
 * Gaussian elimination with partial pivoting as loops: `luInPlace` of matrix-numerics.ts. Four columns at a time are
 * factored, and then taken out of all others at once, which reads and writes these a quarter as often.
 */
import { abs, and, bool, div, eq, gt, int, lt, max, min, mul, ne, neg, not, real, sub } from "../kernel/expressions.ts";
import type { Expression, Local } from "../kernel/ir.ts";
import { type Code, type MatrixView, minus, plus, times, type VectorView } from "../kernel/statements.ts";
import { fillVector, swapRows } from "./matrix-kernel.ts";

/** How many columns are factored before the others follow. */
const panelWidth = 4;

/** What is needed to judge whether a matrix is regular, as `luInPlace` does. */
export interface RegularityTest {
  /** Room for n reals each. */
  readonly rowScale: VectorView;
  readonly columnScale: VectorView;
  /** n ints: the permutation, which is left here. */
  readonly permutation: VectorView;
  /** In units of the scales. */
  readonly threshold: number;
}

export interface Elimination {
  /** 1 or -1, a real: the sign of the permutation. */
  readonly sign: Local;
  /** Only with a test. */
  readonly regular: Local | undefined;
}

/**
 * Replaces the n x n matrix `a` by its factors as `luInPlace` does, in the same order of operations. Without a test
 * there is no verdict, and the permutation is known by its sign alone.
 */
export function writeElimination(code: Code, a: MatrixView, n: number, test?: RegularityTest): Elimination {
  if (test) writeScales(code, a, n, test);
  const sign = code.variable("sign", real(1));
  const regular = test && code.variable("regular", bool(true));
  code.loop("panel", Math.ceil(n / panelWidth), (panel) => {
    const start = code.let("start", times(panel, panelWidth));
    const end = code.let("end", min(plus(start, panelWidth), int(n)));
    code.loop("column", sub(end, start), (column) => {
      const k = code.let("k", plus(start, column));
      const { row, size } = writePivotSearch(code, a, n, k);
      code.when(ne(row, k), () => {
        swapRows(code, a, k, row, n);
        code.assign(sign, neg(sign));
        if (test) swapElements(code, test.permutation, k, row);
      });
      if (test && regular) {
        const scale = mul(test.rowScale.at(test.permutation.at(k)), test.columnScale.at(k));
        // Written so that a NaN counts as singular.
        const good = and(gt(size, mul(real(test.threshold), scale)), lt(size, real(Number.POSITIVE_INFINITY)));
        code.assign(regular, and(regular, good));
      }
      code.when(not(eq(size, real(0))), () => writePanelColumn(code, a, n, k, end));
    });
    code.when(lt(end, int(n)), () => writeTrailing(code, a, n, start));
  });
  return { sign, regular };
}

function swapElements(code: Code, vector: VectorView, i: Expression, j: Expression): void {
  const kept = code.let("kept", vector.at(i));
  code.set(vector, i, vector.at(j));
  code.set(vector, j, kept);
}

/** The multipliers of column k, and their effect on what is left of the panel, which ends at `end`. */
function writePanelColumn(code: Code, a: MatrixView, n: number, k: Expression, end: Expression): void {
  const next = code.let("next", plus(k, 1));
  const pivot = code.let("pivot", a.at(k, k));
  code.independent("below", minus(n, next), (below) => {
    const own = a.row(code.let("i", plus(next, below)));
    const factor = code.let("factor", div(own.at(k), pivot));
    code.set(own, k, factor);
    code.when(not(eq(factor, real(0))), () => {
      code.independent("j", sub(end, next), (j) => {
        const at = plus(next, j);
        code.set(own, at, sub(own.at(at), mul(factor, a.at(k, at))));
      });
    });
  });
}

/** Takes a full panel that begins at `start` out of the columns after it; there are some. */
function writeTrailing(code: Code, a: MatrixView, n: number, start: Expression): void {
  const end = code.let("next", plus(start, panelWidth));
  const count = code.let("trailing", minus(n, end));
  const numbers = Array.from({ length: panelWidth }, (_, c) => c);
  const rows = numbers.map((c) => a.row(plus(start, c)));
  // The rows of U: a triangular solve.
  const multipliers = numbers.map((r) => numbers.slice(0, r).map((c) => code.let("l", rows[r]!.at(plus(start, c)))));
  code.vector("j", count, (j) => {
    const at = plus(end, j);
    const known: Expression[] = [];
    for (const r of numbers) {
      const value = multipliers[r]!.reduce((x, l, c) => sub(x, mul(l, known[c]!)), rows[r]!.at(at));
      known.push(code.let("u", value));
      if (r > 0) code.set(rows[r]!, at, known[r]!);
    }
  });
  code.independent("below", count, (below) => {
    const own = a.row(code.let("i", plus(end, below)));
    const factors = numbers.map((c) => code.let("l", own.at(plus(start, c))));
    code.vector("j", count, (j) => {
      const at = plus(end, j);
      code.set(
        own,
        at,
        factors.reduce((x, l, c) => sub(x, mul(l, rows[c]!.at(at))), own.at(at)),
      );
    });
  });
}

/** The row of the largest entry of column k on or below the diagonal, the first of equals, and its size. */
function writePivotSearch(code: Code, a: MatrixView, n: number, k: Expression): { row: Local; size: Local } {
  const row = code.variable("pivotRow", k);
  const size = code.variable("largest", abs(a.at(k, k)));
  code.loop("below", minus(n - 1, k), (below) => {
    const i = code.let("i", plus(plus(k, 1), below));
    const candidate = code.let("candidate", abs(a.at(i, k)));
    code.when(gt(candidate, size), () => {
      code.assign(size, candidate);
      code.assign(row, i);
    });
  });
  return { row, size };
}

function writeScales(code: Code, a: MatrixView, n: number, test: RegularityTest): void {
  fillVector(code, test.columnScale, n, real(0));
  code.loop("i", n, (i) => {
    code.set(test.permutation, i, i);
    const largest = code.largest("rowLargest", n, real(0), (j) => abs(a.at(i, j)));
    code.set(test.rowScale, i, largest);
    code.when(gt(largest, real(0)), () => {
      code.vector("j", n, (j) => {
        code.set(test.columnScale, j, max(test.columnScale.at(j), div(abs(a.at(i, j)), largest)));
      });
    });
  });
}
