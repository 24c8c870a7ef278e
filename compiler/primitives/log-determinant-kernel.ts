/** The loops of logarithms of determinants, by LU. */
import { abs, add, and, gt, int, lt, mul, neg, real, select } from "../kernel/expressions.ts";
import { log } from "../kernel/functions/logarithm.ts";
import type { KernelArray } from "../kernel/ir.ts";
import type { Lowering } from "../kernel/lowering.ts";
import { Code, matrixView, vectorView, workspace } from "../kernel/statements.ts";
import { writeElimination } from "./elimination-kernel.ts";
import { epsilonOf } from "./machine.ts";
import { boundStack, copyMatrixTo, matrixAt } from "./matrix-kernel.ts";

/** The logarithm of the determinant and whether it exists: NaN where that is negative, -inf where A is singular. */
export const logDeterminantLowering: Lowering<Record<string, never>> = {
  kind: "routine",
  routine: ({ inputs, precision }) => {
    const { count, rows: n } = boundStack(inputs[0]!);
    const reals = workspace("reals", "real", count, { factors: n * n, rowScale: n, columnScale: n });
    return {
      grid: count,
      scratch: [reals.scratch, { name: "permutation", kind: "int", length: count * n }],
      body: (lane, { inputs: [a], outputs: [value, ok], scratch }) =>
        Code.write((code) => {
          const [numbers, permutation] = scratch as [KernelArray, KernelArray];
          const starts = reals.starts(lane);
          const lu = matrixView(numbers, starts.factors, n);
          copyMatrixTo(code, lu, matrixAt(a!, lane, n, n), n, n);
          const { sign, regular } = writeElimination(code, lu, n, {
            rowScale: vectorView(numbers, starts.rowScale),
            columnScale: vectorView(numbers, starts.columnScale),
            permutation: vectorView(permutation, mul(lane, int(n))),
            threshold: n * epsilonOf(precision),
          });
          const sum = code.variable("sum", real(0));
          code.when(regular!, () => {
            code.loop("i", n, (i) => {
              const pivot = code.let("pivot", lu.at(i, i));
              code.when(lt(pivot, real(0)), () => code.assign(sign, neg(sign)));
              code.assign(sum, add(sum, log(abs(pivot), precision)));
            });
          });
          const positive = code.let("positive", gt(sign, real(0)));
          const logarithm = select(positive, sum, real(Number.NaN));
          code.store(value!, lane, select(regular!, logarithm, real(Number.NEGATIVE_INFINITY)));
          code.store(ok!, lane, and(regular!, positive));
        }),
    };
  },
};
