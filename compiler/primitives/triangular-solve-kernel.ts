/** Substitution: one lane a right-hand side. */
import { add, div, eq, int, mul, real, rem, select, sub } from "../kernel/expressions.ts";
import type { Expression, KernelArray, Local } from "../kernel/ir.ts";
import type { Lowering } from "../kernel/lowering.ts";
import { Code, type MatrixView, minus, plus, type VectorView, vectorView } from "../kernel/statements.ts";
import { boundStack, matrixAt } from "./matrix-kernel.ts";
import type { TriangularOptions } from "./matrix-numerics.ts";

/**
 * factor * x, and nothing for a factor of zero: an x that is not finite must reach only the unknowns that depend on it.
 */
const productUnlessZero = (factor: Expression, x: Expression): Expression =>
  select(eq(factor, real(0)), real(0), mul(factor, x));

/** How many unknowns are found at once: what they have in common with the rest is read once. */
const unknownsTogether = 4;

/**
 * Solves T x = b or T' x = b in place of x, whose elements are neighbours, as `solveTriangularInPlace` does. Rows of T
 * are read along: by inner products, or, for T', by taking multiples of rows out of what is still to come.
 */
export function writeTriangularSolve(
  code: Code,
  t: MatrixView,
  n: number,
  x: VectorView,
  { lower, transposed, unitDiagonal }: TriangularOptions,
): void {
  const forward = lower !== transposed;
  const solveBlock = (steps: readonly Expression[]) => {
    const unknowns = steps.map((step) => code.let("i", forward ? step : minus(n - 1, step)));
    const rows = unknowns.map((i) => t.row(i));
    const before = steps[0]!;
    const after = minus(n, plus(before, steps.length));
    // Where the unknowns begin that were found before this block, and those that are still to come.
    const known = forward ? int(0) : plus(unknowns[0]!, 1);
    const open = forward ? plus(unknowns.at(-1)!, 1) : int(0);
    const sums = transposed
      ? undefined
      : code.sums("known", before, rows.length, (j) => {
          const at = add(known, j);
          return rows.map((row) => productUnlessZero(row.at(at), x.at(at)));
        });
    const solved: Expression[] = [];
    unknowns.forEach((i, r) => {
      let rest = sums ? sub(x.at(i), sums[r]!) : x.at(i);
      solved.forEach((value, c) => {
        const factor = transposed ? t.at(unknowns[c]!, i) : t.at(i, unknowns[c]!);
        rest = sub(rest, productUnlessZero(factor, value));
      });
      solved.push(code.let("solved", unitDiagonal ? rest : div(rest, t.at(i, i))));
      code.set(x, i, solved[r]!);
    });
    if (!transposed) return;
    code.vector("j", after, (j) => {
      const at = plus(open, j);
      const rest = rows.reduce((e, row, r) => sub(e, productUnlessZero(row.at(at), solved[r]!)), x.at(at));
      code.set(x, at, rest);
    });
  };
  code.blocks("step", 0, n, unknownsTogether, solveBlock, "serial");
}

/** One right-hand side of a stack `[..., n, m]`: the number of its matrix, and its column of an array of that shape. */
export function rightHandSide(lane: Local, n: number, m: number) {
  const matrix = div(lane, int(m));
  const column = rem(lane, int(m));
  return {
    matrix,
    columnOf: (array: KernelArray): VectorView => vectorView(array, add(mul(matrix, int(n * m)), column), m),
  };
}

export const triangularSolveLowering: Lowering<TriangularOptions> = {
  kind: "routine",
  routine: ({ inputs, params }) => {
    const { count, rows: n, columns: m } = boundStack(inputs[1]!);
    // A single column is contiguous as it stands; others are solved in a copy that is.
    const direct = m === 1;
    return {
      grid: count * m,
      scratch: direct ? [] : [{ name: "columns", kind: "real", length: count * m * n }],
      body: (lane, { inputs: [a, rhs], outputs: [result], scratch }) =>
        Code.write((code) => {
          const { matrix, columnOf } = rightHandSide(lane, n, m);
          const [from, to] = [columnOf(rhs!), columnOf(result!)];
          const x = direct ? to : vectorView(scratch[0]!, mul(lane, int(n)));
          code.along("i", n, [from], (i) => code.set(x, i, from.at(i)));
          writeTriangularSolve(code, matrixAt(a!, matrix, n, n), n, x, params);
          if (!direct) code.independent("i", n, (i) => code.set(to, i, x.at(i)));
        }),
    };
  },
};
