/** The loops of the symmetric eigenvalue problem: `symmetricEigen` for each matrix of a stack. */
import { abs, and, bool, ge, gt, int, lt, mul, real, select } from "../kernel/expressions.ts";
import type { Expression, KernelArray } from "../kernel/ir.ts";
import type { Lowering } from "../kernel/lowering.ts";
import {
  Code,
  matrixView,
  minus,
  negateIf,
  plus,
  type VectorView,
  vectorView,
  workspace,
} from "../kernel/statements.ts";
import { writeQl } from "./eigh-ql-kernel.ts";
import { writeTridiagonal } from "./eigh-tridiagonal-kernel.ts";
import { epsilonOf } from "./machine.ts";
import { boundStack, fillMatrix, fillVector, isFiniteMatrix, matrixAt, symmetricEntry } from "./matrix-kernel.ts";

export const eighLowering: Lowering<Record<string, never>> = {
  kind: "routine",
  routine: ({ inputs, precision }) => {
    const { count, rows: n } = boundStack(inputs[0]!);
    const reals = workspace("reals", "real", count, { rows: n * n, diagonal: n, offDiagonal: n });
    return {
      grid: n === 0 ? 0 : count,
      scratch: [reals.scratch, { name: "order", kind: "int", length: count * n }],
      body: (lane, { inputs: [input], outputs: [first, second], scratch }) =>
        Code.write((code) => {
          const start = mul(lane, int(n));
          const a = matrixAt(input!, lane, n, n);
          const values = vectorView(first!, start);
          const vectors = matrixAt(second!, lane, n, n);
          const [work, indices] = scratch as [KernelArray, KernelArray];
          const starts = reals.starts(lane);
          const v = matrixView(work, starts.rows, n);
          const [d, e] = [vectorView(work, starts.diagonal), vectorView(work, starts.offDiagonal)];
          code.independent("i", n, (i) => {
            code.independent("j", n, (j) => code.put(v, i, j, symmetricEntry(a, i, j)));
          });
          code.when(
            isFiniteMatrix(code, v, n, n, precision),
            () => {
              writeTridiagonal(code, v, d, e, n);
              writeQl(code, v, d, e, n, epsilonOf(precision));
              const order = vectorView(indices, start);
              writeOrder(code, d, order, n, "ascending");
              code.independent("to", n, (to) => {
                const from = code.let("from", order.at(to));
                code.set(values, to, d.at(from));
                const flip = code.let("flip", isLedByNegative(code, v.row(from), n));
                code.independent("k", n, (k) => code.put(vectors, k, to, negateIf(flip, v.at(from, k))));
              });
            },
            () => {
              fillVector(code, values, n, real(Number.NaN));
              fillMatrix(code, vectors, n, n, real(Number.NaN));
            },
          );
        }),
    };
  },
};

/** The indices that sort `keys` (n of them, few), equal ones in order: by insertion. */
export function writeOrder(
  code: Code,
  keys: VectorView,
  order: VectorView,
  n: number,
  direction: "ascending" | "descending",
): void {
  const isBehind = direction === "ascending" ? gt : lt;
  code.loop("i", n, (i) => {
    const key = code.let("key", keys.at(i));
    const place = code.variable("place", i);
    // The index before `place`; for place 0 any will do.
    const before = () => order.at(select(gt(place, int(0)), plus(place, -1), int(0)));
    code.when(gt(i, int(0)), () => {
      const moves = code.variable("moves", isBehind(keys.at(before()), key));
      code.while(and(gt(place, int(0)), moves), () => {
        code.set(order, place, before());
        code.assign(place, plus(place, -1));
        code.assign(moves, isBehind(keys.at(before()), key));
      });
    });
    code.set(order, place, i);
  });
}

/** As `leadingSign`: whether the first component within a thousandth of the largest is negative. */
export function isLedByNegative(code: Code, vector: VectorView, n: number): Expression {
  const largest = code.largest("component", n, real(0), (k) => abs(vector.at(k)));
  const enough = code.let("enough", mul(real(0.999), largest));
  const negative = code.variable("negative", bool(false));
  // From the last to the first, so that the first decides.
  code.loop("step", n, (step) => {
    const x = code.let("x", vector.at(minus(n - 1, step)));
    code.assign(negative, select(ge(abs(x), enough), lt(x, real(0)), negative));
  });
  return negative;
}
