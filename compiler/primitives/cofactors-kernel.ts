/** Cofactors and their derivatives: `cofactorDerivative` of determinant-numerics.ts as loops. */
import { add, and, div, eq, int, lt, mul, ne, neg, not, real, toReal } from "../kernel/expressions.ts";
import type { Expression, KernelArray } from "../kernel/ir.ts";
import type { Lowering } from "../kernel/lowering.ts";
import {
  Code,
  type MatrixView,
  matrixView,
  minus,
  plus,
  times,
  type VectorView,
  vectorView,
  workspace,
} from "../kernel/statements.ts";
import { writeElimination } from "./elimination-kernel.ts";
import { boundStack, copyMatrixTo, fillMatrix, matrixAt, transposeTo } from "./matrix-kernel.ts";
import { jacobiLengths, jacobiPlace, writeJacobi } from "./svd-jacobi-kernel.ts";

export const cofactorsLowering: Lowering<Record<string, never>> = {
  kind: "routine",
  routine: ({ inputs, precision }) => {
    const { count, rows: n } = boundStack(inputs[0]!);
    const directions = inputs.length - 1;
    const sets = 2 ** directions;
    const reals = workspace("reals", "real", count, {
      ...jacobiLengths(n, n),
      values: n,
      others: n,
      temporary: n * n,
      seen: directions * n * n,
      polynomials: directions < 2 ? 0 : 2 * sets * n * n,
    });
    return {
      grid: n === 0 ? 0 : count,
      scratch: [reals.scratch, { name: "order", kind: "int", length: count * n }],
      body: (lane, { inputs: [a, ...tangents], outputs: [output], scratch }) =>
        Code.write((code) => {
          const [work, indices] = scratch as [KernelArray, KernelArray];
          const starts = reals.starts(lane);
          const [values, others] = [vectorView(work, starts.values), vectorView(work, starts.others)];
          const temporary = matrixView(work, starts.temporary, n);
          const result = matrixAt(output!, lane, n, n);
          const place = jacobiPlace(work, starts, n, n, {
            values,
            order: vectorView(indices, mul(lane, int(n))),
          });
          transposeTo(code, place.w, matrixAt(a!, lane, n, n), n, n);
          writeJacobi(code, place, n, n, precision);
          const { left, right } = place;
          const sign = code.let(
            "sign",
            mul(writeOrthogonalSign(code, left, temporary, n), writeOrthogonalSign(code, right, temporary, n)),
          );
          // cof(U X V') = det(U) det(V) U cof(X) V', and X is diagonal.
          const inner = tangents.map((tangent, i) => {
            const target = matrixView(work, plus(starts.seen, i * n * n), n);
            writeProductWithTransposed(code, temporary, matrixAt(tangent, lane, n, n), right, n);
            writeProduct(code, target, left, temporary, n, "plain");
            return target;
          });
          const w = place.w;
          if (directions === 0) writeCofactorsOfDiagonal(code, w, values, others, n);
          else if (directions === 1) writeFirstDerivative(code, w, values, others, inner[0]!, n);
          else {
            const polynomial = (parity: Expression, set: number) =>
              matrixView(work, plus(starts.polynomials, times(plus(times(parity, sets), set), n * n)), n);
            writeHigherDerivative(code, w, values, inner, polynomial, n);
          }
          writeProduct(code, temporary, w, right, n, "plain");
          writeProduct(code, result, left, temporary, n, "transposed");
          code.independent("i", n, (i) => {
            code.vector("j", n, (j) => code.put(result, i, j, mul(sign, result.at(i, j))));
          });
        }),
    };
  },
};

/** The determinant of an orthogonal matrix; `work` is overwritten. */
function writeOrthogonalSign(code: Code, q: MatrixView, work: MatrixView, n: number): Expression {
  copyMatrixTo(code, work, q, n, n);
  const { sign } = writeElimination(code, work, n);
  code.loop("i", n, (i) => {
    code.when(lt(work.at(i, i), real(0)), () => code.assign(sign, neg(sign)));
  });
  return sign;
}

/** z = x y, or x' y. */
function writeProduct(
  code: Code,
  z: MatrixView,
  x: MatrixView,
  y: MatrixView,
  n: number,
  kind: "plain" | "transposed",
): void {
  fillMatrix(code, z, n, n, real(0));
  code.independent("i", n, (i) => {
    code.loop("k", n, (k) => {
      const factor = code.let("factor", kind === "plain" ? x.at(i, k) : x.at(k, i));
      code.when(not(eq(factor, real(0))), () => writeMultipleAdded(code, z.row(i), factor, y.row(k), n));
    });
  });
}

function writeMultipleAdded(code: Code, z: VectorView, factor: Expression, y: VectorView, n: number): void {
  code.vector("j", n, (j) => code.set(z, j, add(z.at(j), mul(factor, y.at(j)))));
}

/** z = x y' */
function writeProductWithTransposed(code: Code, z: MatrixView, x: MatrixView, y: MatrixView, n: number): void {
  code.independent("i", n, (i) => {
    code.independent("j", n, (j) => {
      code.put(
        z,
        i,
        j,
        code.sum("inner", n, (k) => mul(x.at(i, k), y.at(j, k))),
      );
    });
  });
}

/** products[i] = the product of all values but those at `i` and, if given, at `without` (itself left alone). */
function writeExclusiveProducts(
  code: Code,
  products: VectorView,
  values: VectorView,
  n: number,
  without?: Expression,
): void {
  const visit = (i: Expression, body: () => void) => (without ? code.when(ne(i, without), body) : body());
  const running = code.variable("running", real(1));
  code.loop("i", n, (i) =>
    visit(i, () => {
      code.set(products, i, running);
      code.assign(running, mul(running, values.at(i)));
    }),
  );
  code.assign(running, real(1));
  code.loop("step", n, (step) => {
    const i = code.let("i", minus(n - 1, step));
    visit(i, () => {
      code.set(products, i, mul(products.at(i), running));
      code.assign(running, mul(running, values.at(i)));
    });
  });
}

function writeCofactorsOfDiagonal(code: Code, w: MatrixView, values: VectorView, others: VectorView, n: number): void {
  fillMatrix(code, w, n, n, real(0));
  writeExclusiveProducts(code, others, values, n);
  code.independent("i", n, (i) => code.put(w, i, i, others.at(i)));
}

/** d cof(S)[P]: sum_j G_ij P_jj on the diagonal and -G_ij P_ji beside it. */
function writeFirstDerivative(
  code: Code,
  w: MatrixView,
  values: VectorView,
  others: VectorView,
  p: MatrixView,
  n: number,
): void {
  code.loop("i", n, (i) => {
    writeExclusiveProducts(code, others, values, n, i);
    const sum = code.variable("sum", real(0));
    code.loop("j", n, (j) => {
      code.when(ne(j, i), () => {
        const g = code.let("g", others.at(j));
        code.assign(sum, add(sum, mul(g, p.at(j, j))));
        code.put(w, i, j, mul(neg(g), p.at(j, i)));
      });
    });
    code.put(w, i, i, sum);
  });
}

/**
 * Several directions, by the recursion of Faddeev and LeVerrier over polynomials in which t_i^2 = 0: of the factor
 * S + sum t_i P_i only the sets of none and of one t are not zero.
 */
function writeHigherDerivative(
  code: Code,
  w: MatrixView,
  values: VectorView,
  p: readonly MatrixView[],
  polynomial: (parity: Expression, set: number) => MatrixView,
  n: number,
): void {
  const sets = 2 ** p.length;
  for (let set = 0; set < sets; set++) {
    const first = polynomial(int(0), set);
    fillMatrix(code, first, n, n, real(0));
    if (set === 0) code.independent("i", n, (i) => code.put(first, i, i, real(1)));
  }
  code.loop("m", n - 1, (m) => {
    const [from, to] = [code.let("from", and(m, int(1))), code.let("to", and(plus(m, 1), int(1)))];
    for (let set = 0; set < sets; set++) {
      const [next, same] = [polynomial(to, set), polynomial(from, set)];
      code.independent("i", n, (i) => {
        code.vector("j", n, (j) => code.put(next, i, j, mul(values.at(i), same.at(i, j))));
        p.forEach((matrix, t) => {
          if ((set & (1 << t)) === 0) return;
          const rest = polynomial(from, set ^ (1 << t));
          code.loop("k", n, (k) =>
            writeMultipleAdded(code, next.row(i), code.let("x", matrix.at(i, k)), rest.row(k), n),
          );
        });
      });
      const trace = code.variable("trace", real(0));
      code.loop("i", n, (i) => code.assign(trace, add(trace, next.at(i, i))));
      const c = code.let("c", div(neg(trace), toReal(plus(m, 1))));
      code.independent("i", n, (i) => code.put(next, i, i, add(next.at(i, i), c)));
    }
  });
  // The adjugate up to its sign.
  const last = polynomial(int((n - 1) % 2), sets - 1);
  code.independent("j", n, (j) => {
    code.independent("i", n, (i) => code.put(w, j, i, n % 2 === 1 ? last.at(i, j) : neg(last.at(i, j))));
  });
}
