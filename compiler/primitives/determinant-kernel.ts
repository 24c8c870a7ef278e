/** The loops of determinants, by LU. */
import { mul } from "../kernel/expressions.ts";
import type { Lowering } from "../kernel/lowering.ts";
import { Code } from "../kernel/statements.ts";
import { writeElimination } from "./elimination-kernel.ts";
import { boundStack, copyMatrixTo, matrixAt } from "./matrix-kernel.ts";

export const determinantLowering: Lowering<Record<string, never>> = {
  kind: "routine",
  routine: ({ inputs }) => {
    const { count, rows: n } = boundStack(inputs[0]!);
    return {
      grid: count,
      scratch: [{ name: "factors", kind: "real", length: count * n * n }],
      body: (lane, { inputs: [a], outputs: [result], scratch }) =>
        Code.write((code) => {
          const lu = matrixAt(scratch[0]!, lane, n, n);
          copyMatrixTo(code, lu, matrixAt(a!, lane, n, n), n, n);
          const { sign } = writeElimination(code, lu, n);
          const product = code.variable("product", sign);
          code.loop("i", n, (i) => code.assign(product, mul(product, lu.at(i, i))));
          code.store(result!, lane, product);
        }),
    };
  },
};
