/** QL with implicit shifts on a symmetric tridiagonal matrix: `iterateQl` of eigh-numerics.ts. */
import {
  abs,
  add,
  and,
  bool,
  div,
  eq,
  gt,
  int,
  lt,
  max,
  min,
  mul,
  neg,
  not,
  real,
  select,
  sqrt,
  sub,
} from "../kernel/expressions.ts";
import type { Expression, Local } from "../kernel/ir.ts";
import { type Code, type MatrixView, minus, negateIf, plus, type VectorView } from "../kernel/statements.ts";
import { maxSweeps } from "./eigh-numerics.ts";

/**
 * Diagonal d, subdiagonal e[1..]: d becomes the eigenvalues, in no order, and the rotations are applied to the rows of
 * v. Entries of e below `epsilon` times the size of the matrix count as nothing.
 */
export function writeQl(code: Code, v: MatrixView, d: VectorView, e: VectorView, n: number, epsilon: number): void {
  code.loop("i", n - 1, (i) => code.set(e, i, e.at(plus(i, 1))));
  code.set(e, n - 1, real(0));
  const shift = code.variable("shift", real(0));
  const size = code.variable("size", real(0));
  code.loop("l", n, (l) => {
    code.assign(size, max(size, add(abs(d.at(l)), abs(e.at(l)))));
    const matters = (i: Expression) => gt(abs(e.at(i)), mul(real(epsilon), size));
    const m = code.variable("m", l);
    code.while(and(lt(m, int(n - 1)), matters(min(m, int(n - 1)))), () => code.assign(m, plus(m, 1)));
    const sweep = code.variable("sweep", int(0));
    const done = code.variable("done", bool(false));
    code.while(and(and(gt(m, l), lt(sweep, int(maxSweeps))), not(done)), () => {
      writeSweep(code, v, d, e, n, l, m, shift);
      code.assign(sweep, plus(sweep, 1));
      code.assign(done, not(matters(l)));
    });
    code.set(d, l, add(d.at(l), shift));
    code.set(e, l, real(0));
  });
}

/** One sweep from m down to l; l < m. */
function writeSweep(
  code: Code,
  v: MatrixView,
  d: VectorView,
  e: VectorView,
  n: number,
  l: Expression,
  m: Expression,
  shift: Local,
): void {
  const next = code.let("next", plus(l, 1));
  const corner = code.let("corner", d.at(l));
  const beside = code.let("beside", e.at(l));
  const ratio = code.let("ratio", div(sub(d.at(next), corner), mul(real(2), beside)));
  const length = hypotenuse(code, ratio, real(1));
  const root = code.let("root", add(ratio, negateIf(lt(ratio, real(0)), length)));
  const small = code.let("small", div(beside, root));
  const large = code.let("large", mul(beside, root));
  code.set(d, l, small);
  code.set(d, next, large);
  const h = code.let("h", sub(corner, small));
  code.vector("i", minus(n - 2, l), (i) => {
    const at = plus(plus(l, 2), i);
    code.set(d, at, sub(d.at(at), h));
  });
  code.assign(shift, add(shift, h));

  const p = code.variable("p", d.at(m));
  const first = code.let("first", e.at(next));
  const [c, c2, c3] = ["c", "c2", "c3"].map((name) => code.variable(name, real(1))) as [Local, Local, Local];
  const [s, s2] = ["s", "s2"].map((name) => code.variable(name, real(0))) as [Local, Local];
  code.loop("step", sub(m, l), (step) => {
    const i = code.let("i", minus(minus(m, 1), step));
    code.assign(c3, c2);
    code.assign(c2, c);
    code.assign(s2, s);
    const off = code.let("off", e.at(i));
    const g = code.let("g", mul(c, off));
    const t = code.let("t", mul(c, p));
    const r = hypotenuse(code, p, off);
    code.set(e, plus(i, 1), mul(s, r));
    // Any rotation will do for a vector that is zero.
    const isZero = code.let("isZero", eq(r, real(0)));
    const divisor = code.let("divisor", select(isZero, real(1), r));
    code.assign(s, select(isZero, real(0), div(off, divisor)));
    code.assign(c, select(isZero, real(1), div(p, divisor)));
    const own = code.let("own", d.at(i));
    code.assign(p, sub(mul(c, own), mul(s, g)));
    code.set(d, plus(i, 1), add(t, mul(s, add(mul(c, g), mul(s, own)))));
    writeRotation(code, v.row(i), v.row(plus(i, 1)), n, c, s);
  });
  const product = mul(mul(mul(mul(neg(s), s2), c3), first), e.at(l));
  const end = code.let("end", div(product, large));
  code.set(e, l, mul(s, end));
  code.set(d, l, mul(c, end));
}

/** sqrt(x^2 + y^2) without overflow. */
function hypotenuse(code: Code, x: Expression, y: Expression): Expression {
  const [s, t] = [abs(x), abs(y)];
  const high = code.let("high", max(s, t));
  const isZero = eq(high, real(0));
  const ratio = code.let("low", div(min(s, t), select(isZero, real(1), high)));
  return code.let("hypotenuse", mul(high, sqrt(add(real(1), mul(ratio, ratio)))));
}

/** (x, y) becomes (c x - s y, s x + c y). */
export function writeRotation(code: Code, x: VectorView, y: VectorView, n: number, c: Expression, s: Expression): void {
  const [cosine, sine] = [code.let("cosine", c), code.let("sine", s)];
  code.vector("k", n, (k) => {
    const [a, b] = [code.let("a", x.at(k)), code.let("b", y.at(k))];
    code.set(y, k, add(mul(sine, a), mul(cosine, b)));
    code.set(x, k, sub(mul(cosine, a), mul(sine, b)));
  });
}
