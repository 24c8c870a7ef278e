/** The loops of LU factors, and of systems solved by them. */
import { eq, int, mul, not, real } from "../kernel/expressions.ts";
import type { Expression } from "../kernel/ir.ts";
import type { Lowering } from "../kernel/lowering.ts";
import { Code, clampIndex, vectorView, workspace } from "../kernel/statements.ts";
import { writeElimination } from "./elimination-kernel.ts";
import { epsilonOf } from "./machine.ts";
import { boundStack, copyMatrixTo, fillMatrix, fillVector, matrixAt } from "./matrix-kernel.ts";
import { rightHandSide, writeTriangularSolve } from "./triangular-solve-kernel.ts";

/** Room for the scales of a test, for `count` matrices. */
const scalesOf = (count: number, n: number) => workspace("scales", "real", count, { rowScale: n, columnScale: n });

export const luLowering: Lowering<Record<string, never>> = {
  kind: "routine",
  routine: ({ inputs, precision }) => {
    const { count, rows: n } = boundStack(inputs[0]!);
    const scales = scalesOf(count, n);
    return {
      grid: count,
      scratch: [scales.scratch],
      body: (lane, { inputs: [a], outputs: [permutation, lower, upper, ok], scratch }) =>
        Code.write((code) => {
          const { rowScale, columnScale } = scales.starts(lane);
          const [l, u] = [matrixAt(lower!, lane, n, n), matrixAt(upper!, lane, n, n)];
          copyMatrixTo(code, u, matrixAt(a!, lane, n, n), n, n);
          const { regular } = writeElimination(code, u, n, {
            rowScale: vectorView(scratch[0]!, rowScale),
            columnScale: vectorView(scratch[0]!, columnScale),
            permutation: vectorView(permutation!, mul(lane, int(n))),
            threshold: n * epsilonOf(precision),
          });
          fillMatrix(code, l, n, n, real(0));
          code.independent("i", n, (i) => {
            code.vector("j", i, (j) => {
              code.put(l, i, j, u.at(i, j));
              code.put(u, i, j, real(0));
            });
            code.put(l, i, i, real(1));
          });
          code.store(ok!, lane, regular!);
        }),
    };
  },
};

export const luFactorsLowering: Lowering<Record<string, never>> = {
  kind: "routine",
  routine: ({ inputs, precision }) => {
    const { count, rows: n } = boundStack(inputs[0]!);
    const scales = scalesOf(count, n);
    return {
      grid: count,
      scratch: [scales.scratch],
      body: (lane, { inputs: [a], outputs: [packed, permutation, ok], scratch }) =>
        Code.write((code) => {
          const { rowScale, columnScale } = scales.starts(lane);
          const lu = matrixAt(packed!, lane, n, n);
          copyMatrixTo(code, lu, matrixAt(a!, lane, n, n), n, n);
          const { regular } = writeElimination(code, lu, n, {
            rowScale: vectorView(scratch[0]!, rowScale),
            columnScale: vectorView(scratch[0]!, columnScale),
            permutation: vectorView(permutation!, mul(lane, int(n))),
            threshold: n * epsilonOf(precision),
          });
          code.when(not(regular!), () => fillMatrix(code, lu, n, n, real(0)));
          code.store(ok!, lane, regular!);
        }),
    };
  },
};

/** One lane a right-hand side, in a contiguous copy of it. */
export const factoredSolveLowering: Lowering<{ readonly transposed: boolean }> = {
  kind: "routine",
  routine: ({ inputs, params: { transposed } }) => {
    const { count, rows: n, columns: m } = boundStack(inputs[3]!);
    const lowerPart = { lower: true, unitDiagonal: true, transposed };
    const upperPart = { lower: false, unitDiagonal: false, transposed };
    return {
      grid: n === 0 ? 0 : count * m,
      scratch: [{ name: "columns", kind: "real", length: count * m * n }],
      body: (lane, { inputs: [, packed, permutation, rhs], outputs: [result], scratch }) =>
        Code.write((code) => {
          const { matrix, columnOf } = rightHandSide(lane, n, m);
          const [from, to] = [columnOf(rhs!), columnOf(result!)];
          const lu = matrixAt(packed!, matrix, n, n);
          const x = vectorView(scratch[0]!, mul(lane, int(n)));
          const row = (i: Expression) => clampIndex(vectorView(permutation!, mul(matrix, int(n))).at(i), n);
          code.when(
            eq(lu.at(0, 0), real(0)),
            () => fillVector(code, to, n, real(0)),
            () => {
              if (transposed) {
                // A' = U' L' P, so X = P' (L' \ (U' \ B)).
                code.independent("i", n, (i) => code.set(x, i, from.at(i)));
                writeTriangularSolve(code, lu, n, x, upperPart);
                writeTriangularSolve(code, lu, n, x, lowerPart);
                code.independent("i", n, (i) => code.set(to, row(i), x.at(i)));
              } else {
                // P A = L U, so X = U \ (L \ (P B)).
                code.independent("i", n, (i) => code.set(x, i, from.at(row(i))));
                writeTriangularSolve(code, lu, n, x, lowerPart);
                writeTriangularSolve(code, lu, n, x, upperPart);
                code.independent("i", n, (i) => code.set(to, i, x.at(i)));
              }
            },
          );
        }),
    };
  },
};
