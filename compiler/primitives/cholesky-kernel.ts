/** The loops of the Cholesky factorisation. */
import { add, and, bool, div, gt, int, lt, mul, not, real, sqrt, sub } from "../kernel/expressions.ts";
import type { Expression } from "../kernel/ir.ts";
import type { Lowering } from "../kernel/lowering.ts";
import { Code, minus, plus } from "../kernel/statements.ts";
import { epsilonOf } from "./machine.ts";
import { boundStack, fillVector, matrixAt, symmetricEntry } from "./matrix-kernel.ts";

/** How many rows of L are formed together: each shares its loads of row j. */
const rowsTogether = 4;

/**
 * Column after column, every entry by an inner product of two rows. The verdict and the zeros of a matrix that has no
 * factor are those of `choleskyInPlace`.
 */
export const choleskyLowering: Lowering<Record<string, never>> = {
  kind: "routine",
  routine: ({ inputs, precision }) => {
    const { count, rows: n } = boundStack(inputs[0]!);
    const threshold = real(n * epsilonOf(precision));
    return {
      grid: count,
      scratch: [],
      body: (lane, { inputs: [input], outputs: [factor, verdict] }) =>
        Code.write((code) => {
          const a = matrixAt(input!, lane, n, n);
          const l = matrixAt(factor!, lane, n, n);
          code.independent("i", n, (i) => {
            code.independent("j", plus(i, 1), (j) => code.put(l, i, j, symmetricEntry(a, i, j)));
            code.vector("j", minus(n - 1, i), (j) => code.put(l, i, plus(plus(i, 1), j), real(0)));
          });
          const ok = code.variable("ok", bool(true));
          code.loop("j", n, (j) => {
            code.when(ok, () => {
              const own = l.row(j);
              const diagonal = code.let("diagonal", l.at(j, j));
              const squares = code.sum("squares", j, (k) => mul(own.at(k), own.at(k)));
              const rest = code.let("rest", sub(diagonal, squares));
              // Written so that a NaN fails.
              code.assign(ok, and(gt(rest, mul(threshold, diagonal)), lt(rest, real(Number.POSITIVE_INFINITY))));
              const pivot = code.let("pivot", sqrt(rest));
              code.put(l, j, j, pivot);
              code.blocks("i", add(j, int(1)), minus(n - 1, j), rowsTogether, (rows) => {
                const products = code.sums("inner", j, rows.length, (k) => {
                  const common = own.at(k);
                  return rows.map((i) => mul(l.at(i, k), common));
                });
                rows.forEach((i, r) => {
                  code.put(l, i, j, quotient(l.at(i, j), products[r]!, pivot));
                });
              });
            });
          });
          code.when(not(ok), () => {
            code.independent("i", n, (i) => fillVector(code, l.row(i), plus(i, 1), real(0)));
          });
          code.store(verdict!, lane, ok);
        }),
    };
  },
};

const quotient = (entry: Expression, product: Expression, pivot: Expression): Expression =>
  div(sub(entry, product), pivot);
