/**
 * Powers: fdlibm's e_pow.c (Sun Microsystems, 1993), which carries the logarithm in two reals. In f32 the same steps with
 * halves of 12 digits.
 */
import * as ir from "../expressions.ts";
import type { Expression, Precision } from "../ir.ts";
import { isFinite as isFiniteReal, isNaN as isNaNReal } from "./classify.ts";
import { bitsToReal, isNegative, mantissaBits, polynomial, scaled, splitConstant, upperHalf } from "./polynomial.ts";

const { add, mul, sub, div, real, bits, abs, select, lt, gt, ge, eq, ne, and, or, not, neg, unary } = ir;

const logCoefficients = [
  0.5999999999999946, 0.4285714285785502, 0.33333332981837743, 0.272728123808534, 0.23066074577556175,
  0.20697501780033842,
];
const expCoefficients = [
  0.16666666666666602, -0.0027777777777015593, 6.613756321437934e-5, -1.6533902205465252e-6, 4.1381367970572385e-8,
];
const log2OfThreeHalves = 0.5849625007211561;
const twoThirds = 2 / (3 * Math.LN2);

/** |x|^y for finite positive |x| and finite y. */
function positivePower(a: Expression, y: Expression, precision: Precision): Expression {
  const half = (e: Expression) => upperHalf(e, precision);
  const lift = precision === "f64" ? 53 : 24;
  const subnormal = lt(a, real(precision === "f64" ? 2 ** -1022 : 2 ** -126));
  const normal = select(subnormal, mul(a, real(2 ** lift)), a);
  // a = 2^n m, m in [1, 2); then m near 1, 1.5 or 2.
  const pattern = unary("bitsOf", normal);
  const shift = ir.int(mantissaBits(precision));
  const one = bits(precision === "f64" ? 0x3ff0000000000000n : 0x3f800000n);
  const exponent = ir.sar(sub(pattern, one), shift);
  const m0 = unary("realOf", sub(pattern, ir.shl(exponent, shift)));
  const high = ge(m0, real(Math.sqrt(3)));
  const middle = and(ge(m0, real(Math.sqrt(1.5))), not(high));
  const m = select(high, mul(m0, real(0.5)), m0);
  const n = add(
    sub(bitsToReal(exponent, precision), select(subnormal, real(lift), real(0))),
    select(high, real(1), real(0)),
  );
  const base = select(middle, real(1.5), real(1));
  const u = sub(m, base);
  const v = div(real(1), add(m, base));
  const ss = mul(u, v);
  const sh = half(ss);
  const th = half(add(m, base));
  const tl = sub(m, sub(th, base));
  const sl = mul(v, sub(sub(u, mul(sh, th)), mul(sh, tl)));
  const s2 = mul(ss, ss);
  const r = add(mul(mul(s2, s2), polynomial(s2, logCoefficients)), mul(sl, add(sh, ss)));
  const square = mul(sh, sh);
  const th2 = half(add(add(real(3), square), r));
  const tl2 = sub(r, sub(sub(th2, real(3)), square));
  const product = mul(sh, th2);
  const rest = add(mul(sl, th2), mul(tl2, ss));
  const ph = half(add(product, rest));
  const pl = sub(rest, sub(ph, product));
  const [ch, cl] = splitConstant(twoThirds, precision);
  const zh = mul(real(ch), ph);
  const [dh, dl] = splitConstant(log2OfThreeHalves, precision);
  const zl = add(
    add(mul(real(cl + lacking.twoThirds), ph), mul(pl, real(twoThirds))),
    select(middle, real(dl + lacking.log2), real(0)),
  );
  const d = select(middle, real(dh), real(0));
  const t1 = half(add(add(add(zh, zl), d), n));
  const t2 = sub(zl, sub(sub(sub(t1, n), d), zh));
  // y log2 x in two reals, then 2 to it.
  const y1 = half(y);
  const ql = add(mul(sub(y, y1), t1), mul(y, t2));
  const qh = mul(y1, t1);
  const most = precision === "f64" ? 1100 : 160;
  const z = add(ql, qh);
  const k = unary("nearest", ir.max(ir.min(z, real(most)), real(-most)));
  const inRange = lt(abs(z), real(most));
  const qk = select(inRange, sub(qh, k), real(0));
  const lowPart = select(inRange, ql, real(0));
  const t = half(add(lowPart, qk));
  const [lh, ll] = splitConstant(Math.LN2, precision);
  const w1 = mul(t, real(lh));
  const w2 = add(mul(sub(lowPart, sub(t, qk)), real(Math.LN2)), mul(t, real(ll)));
  const e = add(w1, w2);
  const w = sub(w2, sub(e, w1));
  const e2 = mul(e, e);
  const c = sub(e, mul(e2, polynomial(e2, expCoefficients)));
  const tail = sub(div(mul(e, c), sub(c, real(2))), add(w, mul(e, w)));
  return scaled(sub(real(1), sub(tail, e)), k, precision);
}

/** What the doubles nearest to 2 / (3 log 2) and log2(1.5) lack: fdlibm has both as sums of two. */
const lacking = {
  twoThirds: 0.9617967009544373 - twoThirds - 7.028461650952758e-9,
  log2: 0.5849624872207642 - log2OfThreeHalves + 1.350039202129749e-8,
};

/**
 * x^y: within 2 ULP where it is finite. 0^0 and 1^y are 1, (-1)^inf is 1; a negative x with y not whole gives NaN.
 */
export function pow(x: Expression, y: Expression, precision: Precision): Expression {
  const a = abs(x);
  const infinity = real(Number.POSITIVE_INFINITY);
  const nan = real(Number.NaN);
  const limit = precision === "f64" ? 2 ** 53 : 2 ** 24;
  const whole = eq(ir.floor(y), y);
  const half = mul(y, real(0.5));
  const odd = and(and(whole, lt(abs(y), real(limit))), ne(ir.floor(half), half));
  const ordinary = and(and(gt(a, real(0)), isFiniteReal(a, precision)), isFiniteReal(y, precision));
  const plain = positivePower(select(ordinary, a, real(1)), select(ordinary, y, real(1)), precision);
  const up = gt(y, real(0));
  // |x| is 0 or infinite, or y is.
  const grows = select(eq(abs(y), infinity), eq(gt(a, real(1)), up), eq(eq(a, infinity), up));
  const extreme = select(and(eq(abs(y), infinity), eq(a, real(1))), real(1), select(grows, infinity, real(0)));
  const size = select(ordinary, plain, extreme);
  const signed = select(and(isNegative(x), odd), neg(size), size);
  const refused = and(and(lt(x, real(0)), isFiniteReal(x, precision)), and(not(whole), isFiniteReal(y, precision)));
  const either = or(isNaNReal(x, precision), isNaNReal(y, precision));
  const value = select(or(refused, either), nan, signed);
  return select(or(eq(y, real(0)), eq(x, real(1))), real(1), value);
}

/** x^n for a whole number n: by multiplication up to 4, as the reference has it, and `pow` beyond. */
export function integerPower(x: Expression, n: number, precision: Precision): Expression {
  if (n === 2) return mul(x, x);
  if (n === 3) return mul(mul(x, x), x);
  if (n === 4) return mul(mul(x, x), mul(x, x));
  if (n === -1) return div(real(1), x);
  return pow(x, real(n), precision);
}

/** sqrt(x^2 + y^2) without overflow: within 2 ULP. */
export function hypot(x: Expression, y: Expression, precision: Precision): Expression {
  const [a, b] = [abs(x), abs(y)];
  const [most, least] = [ir.max(a, b), ir.min(a, b)];
  const e = precision === "f64" ? 500 : 60;
  const large = gt(most, real(2 ** e));
  const small = lt(most, real(2 ** -e));
  // The square of the largest number does not overflow then, nor does that of the smallest subnormal one underflow.
  const lift = e + (precision === "f64" ? 100 : 30);
  const scale = select(large, real(2 ** -lift), select(small, real(2 ** lift), real(1)));
  const back = select(large, real(2 ** lift), select(small, real(2 ** -lift), real(1)));
  const [p, q] = [mul(most, scale), mul(least, scale)];
  const value = mul(ir.sqrt(add(mul(p, p), mul(q, q))), back);
  const infinity = real(Number.POSITIVE_INFINITY);
  return select(or(eq(a, infinity), eq(b, infinity)), infinity, value);
}
