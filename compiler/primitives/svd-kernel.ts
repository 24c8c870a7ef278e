/** The loops of the singular value decomposition of stacks. */
import { int, mul } from "../kernel/expressions.ts";
import type { Lowering } from "../kernel/lowering.ts";
import { Code, vectorView, workspace } from "../kernel/statements.ts";
import { boundStack, copyMatrixTo, matrixAt, transposeTo } from "./matrix-kernel.ts";
import { jacobiLengths, jacobiPlace, writeJacobi } from "./svd-jacobi-kernel.ts";

export const svdLowering: Lowering<Record<string, never>> = {
  kind: "routine",
  routine: ({ inputs, precision }) => {
    const { count, rows, columns } = boundStack(inputs[0]!);
    // A matrix that is wider than tall is decomposed as its transpose.
    const tall = rows >= columns;
    const [long, short] = tall ? [rows, columns] : [columns, rows];
    const reals = workspace("reals", "real", count, jacobiLengths(long, short));
    return {
      grid: short === 0 ? 0 : count,
      scratch: [reals.scratch, { name: "order", kind: "int", length: count * short }],
      body: (lane, { inputs: [input], outputs: [first, singular, second], scratch }) =>
        Code.write((code) => {
          const a = matrixAt(input!, lane, rows, columns);
          const u = matrixAt(first!, lane, rows, short);
          const v = matrixAt(second!, lane, columns, short);
          const place = jacobiPlace(scratch[0]!, reals.starts(lane), long, short, {
            values: vectorView(singular!, mul(lane, int(short))),
            order: vectorView(scratch[1]!, mul(lane, int(short))),
          });
          if (tall) transposeTo(code, place.w, a, rows, columns);
          else copyMatrixTo(code, place.w, a, rows, columns);
          writeJacobi(code, place, long, short, precision);
          transposeTo(code, tall ? u : v, place.left, short, long);
          transposeTo(code, tall ? v : u, place.right, short, short);
        }),
    };
  },
};
