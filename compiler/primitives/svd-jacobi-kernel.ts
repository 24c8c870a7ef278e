/** One-sided Jacobi: `jacobiSvd` of svd-numerics.ts as loops. */
import {
  abs,
  add,
  and,
  bits,
  bool,
  div,
  eq,
  gt,
  int,
  le,
  lt,
  max,
  mul,
  not,
  real,
  select,
  sqrt,
  sub,
  unary,
} from "../kernel/expressions.ts";
import type { Expression, KernelArray, Local, Precision } from "../kernel/ir.ts";
import {
  type Code,
  type MatrixView,
  matrixView,
  minus,
  negateIf,
  plus,
  type VectorView,
  vectorView,
} from "../kernel/statements.ts";
import { isLedByNegative, writeOrder } from "./eigh-kernel.ts";
import { writeRotation } from "./eigh-ql-kernel.ts";
import { epsilonOf } from "./machine.ts";
import { fillMatrix, fillVector, isFiniteMatrix, setRowsOfIdentity } from "./matrix-kernel.ts";
import { maxSweeps } from "./svd-numerics.ts";

/** After scaling the largest entry to about one, singular values below this have squares that underflow. */
const negligible = { f64: 1e-150, f32: 1e-18 } as const;

/** Where one matrix is decomposed. */
export interface JacobiPlace {
  /** columns x rows: the matrix transposed, rows >= columns. Destroyed. */
  readonly w: MatrixView;
  /** columns x columns, to work in. */
  readonly v: MatrixView;
  /** columns x rows: becomes the left vectors, as rows. */
  readonly left: MatrixView;
  /** Becomes the singular values, descending. */
  readonly values: VectorView;
  /** columns x columns: becomes the right vectors, as rows. */
  readonly right: MatrixView;
  /** Room for a real and an int a column. */
  readonly norms: VectorView;
  readonly order: VectorView;
}

/** The lengths of what a place needs in an array of reals, beside the values. */
export const jacobiLengths = (rows: number, columns: number) => ({
  rotated: rows * columns,
  rotations: columns * columns,
  left: rows * columns,
  right: columns * columns,
  norms: columns,
});

/** A place in an array of reals, cut as `jacobiLengths` says. */
export function jacobiPlace(
  reals: KernelArray,
  starts: Readonly<Record<keyof ReturnType<typeof jacobiLengths>, Expression>>,
  rows: number,
  columns: number,
  rest: Pick<JacobiPlace, "values" | "order">,
): JacobiPlace {
  return {
    w: matrixView(reals, starts.rotated, rows),
    v: matrixView(reals, starts.rotations, columns),
    left: matrixView(reals, starts.left, rows),
    right: matrixView(reals, starts.right, columns),
    norms: vectorView(reals, starts.norms),
    ...rest,
  };
}

/** The reduced SVD of the matrix in `place.w`; all NaN if it is not finite. */
export function writeJacobi(code: Code, place: JacobiPlace, rows: number, columns: number, precision: Precision): void {
  const { w, v, left, right, values } = place;
  code.when(
    isFiniteMatrix(code, w, columns, rows, precision),
    () => {
      const scale = writeScaling(code, w, rows, columns, precision);
      setRowsOfIdentity(code, v, columns, columns);
      const tolerance = epsilonOf(precision) * Math.sqrt(Math.max(rows, 1));
      const rotated = code.variable("rotated", bool(true));
      const sweep = code.variable("sweep", int(0));
      code.while(and(rotated, lt(sweep, int(maxSweeps))), () => {
        code.assign(rotated, bool(false));
        writePairs(code, place, rows, columns, tolerance, rotated);
        code.assign(sweep, plus(sweep, 1));
      });
      writeResults(code, place, rows, columns, scale, negligible[precision]);
    },
    () => {
      fillVector(code, values, columns, real(Number.NaN));
      fillMatrix(code, left, columns, rows, real(Number.NaN));
      fillMatrix(code, right, columns, columns, real(Number.NaN));
    },
  );
}

/** Divides by the power of two at or below the largest entry, so that squares neither overflow nor vanish. */
function writeScaling(code: Code, w: MatrixView, rows: number, columns: number, precision: Precision): Expression {
  const largest = code.variable("largest", real(0));
  code.loop("j", columns, (j) => {
    const inRow = code.largest("rowLargest", rows, real(0), (k) => abs(w.at(j, k)));
    code.assign(largest, max(largest, inRow));
  });
  const exponent = bits(precision === "f64" ? 0x7ff0_0000_0000_0000n : 0x7f80_0000n);
  const smallest = real(precision === "f64" ? 2 ** -1022 : 2 ** -126);
  // A number with its fraction taken away is that power of two; below the normal numbers nothing remains.
  const power = max(unary("realOf", and(unary("bitsOf", largest), exponent)), smallest);
  const scale = code.let("scale", select(eq(largest, real(0)), real(1), power));
  code.independent("j", columns, (j) => {
    code.vector("k", rows, (k) => code.put(w, j, k, div(w.at(j, k), scale)));
  });
  return scale;
}

/** One sweep; sets `rotated` if something had to be. */
function writePairs(
  code: Code,
  { w, v }: JacobiPlace,
  rows: number,
  columns: number,
  tolerance: number,
  rotated: Local,
): void {
  code.loop("p", columns - 1, (p) => {
    code.loop("step", minus(columns - 1, p), (step) => {
      const q = code.let("q", plus(plus(p, 1), step));
      const [x, y] = [w.row(p), w.row(q)];
      const [alpha, beta, gamma] = code.sums("gram", rows, 3, (k) => {
        const [a, b] = [x.at(k), y.at(k)];
        return [mul(a, a), mul(b, b), mul(a, b)];
      }) as [Expression, Expression, Expression];
      const orthogonal = le(abs(gamma), mul(mul(real(tolerance), sqrt(alpha)), sqrt(beta)));
      code.when(not(orthogonal), () => {
        code.assign(rotated, bool(true));
        const zeta = code.let("zeta", div(sub(beta, alpha), mul(real(2), gamma)));
        const root = add(abs(zeta), sqrt(add(real(1), mul(zeta, zeta))));
        const t = code.let("t", div(negateIf(lt(zeta, real(0)), real(1)), root));
        const c = code.let("c", div(real(1), sqrt(add(real(1), mul(t, t)))));
        const s = code.let("s", mul(c, t));
        writeRotation(code, x, y, rows, c, s);
        writeRotation(code, v.row(p), v.row(q), columns, c, s);
      });
    });
  });
}

function writeResults(
  code: Code,
  { w, v, left, right, values, norms, order }: JacobiPlace,
  rows: number,
  columns: number,
  scale: Expression,
  smallest: number,
): void {
  code.loop("j", columns, (j) => {
    const norm = code.let("norm", sqrt(code.sum("squares", rows, (k) => mul(w.at(j, k), w.at(j, k)))));
    code.set(norms, j, select(lt(norm, real(smallest)), real(0), norm));
  });
  writeOrder(code, norms, order, columns, "descending");
  code.loop("to", columns, (to) => {
    const from = code.let("from", order.at(to));
    const norm = code.let("norm", norms.at(from));
    code.set(values, to, mul(norm, scale));
    const own = left.row(to);
    code.when(
      gt(norm, real(0)),
      () => code.vector("k", rows, (k) => code.set(own, k, div(w.at(from, k), norm))),
      () => writeCompletion(code, left, rows, to),
    );
    const flip = code.let("flip", isLedByNegative(code, own, rows));
    code.vector("k", rows, (k) => code.set(own, k, negateIf(flip, own.at(k))));
    code.vector("k", columns, (k) => code.put(right, to, k, negateIf(flip, v.at(from, k))));
  });
}

/** As `completeBasis`: row `count` becomes a unit vector orthogonal to the rows before it. */
function writeCompletion(code: Code, basis: MatrixView, rows: number, count: Expression): void {
  const axis = code.variable("axis", int(0));
  const least = code.variable("least", real(Number.POSITIVE_INFINITY));
  code.loop("k", rows, (k) => {
    const inSpan = code.variable("inSpan", real(0));
    code.loop("j", count, (j) => code.assign(inSpan, add(inSpan, mul(basis.at(j, k), basis.at(j, k)))));
    code.when(lt(inSpan, least), () => {
      code.assign(least, inSpan);
      code.assign(axis, k);
    });
  });
  const own = basis.row(count);
  fillVector(code, own, rows, real(0));
  code.set(own, axis, real(1));
  // Orthogonalising twice is enough (Kahan and Parlett).
  code.loop("pass", 2, () => {
    code.loop("j", count, (j) => {
      const other = basis.row(j);
      const inner = code.sum("inner", rows, (k) => mul(other.at(k), own.at(k)));
      code.vector("k", rows, (k) => code.set(own, k, sub(own.at(k), mul(inner, other.at(k)))));
    });
    const norm = code.let("norm", sqrt(code.sum("squares", rows, (k) => mul(own.at(k), own.at(k)))));
    code.vector("k", rows, (k) => code.set(own, k, div(own.at(k), norm)));
  });
}
