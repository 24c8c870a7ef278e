/**
 * log, log1p and the inverse hyperbolic functions: fdlibm's e_log.c and s_log1p.c (Sun Microsystems, 1993), in f32 with
 * the polynomial of its float version.
 */
import * as ir from "../expressions.ts";
import type { Expression, Precision } from "../ir.ts";
import { isFinite as isFiniteReal } from "./classify.ts";
import { bitsToReal, mantissaBits, polynomial, withSignOf } from "./polynomial.ts";

const { add, mul, sub, div, real, bits, abs, select, lt, eq, gt, unary, or, and, not } = ir;

const log2Parts = {
  f64: [0.6931471803691238, 1.9082149292705877e-10],
  f32: [6.9313812256e-1, 9.0580006145e-6],
} as const;

/** The polynomial of log((1 + s) / (1 - s)) / s - 2 in s^2, but for its factor s^2. */
const coefficients = {
  f64: [
    0.6666666666666735, 0.3999999999940942, 0.2857142874366239, 0.22222198432149784, 0.1818357216161805,
    0.15313837699209373, 0.14798198605116586,
  ],
  f32: [0.66666662693, 0.40000972152, 0.28498786688, 0.24279078841],
} as const;

/** x = 2^k m, m between the roots of 1/2 and 2, for normal positive x. */
function decomposed(x: Expression, precision: Precision): { readonly k: Expression; readonly m: Expression } {
  const rootOfHalf = bits(precision === "f64" ? 0x3fe6a09e667f3bcdn : 0x3f3504f3n);
  const pattern = unary("bitsOf", x);
  const shift = ir.int(mantissaBits(precision));
  const k = ir.sar(sub(pattern, rootOfHalf), shift);
  return { k: bitsToReal(k, precision), m: unary("realOf", sub(pattern, ir.shl(k, shift))) };
}

/** k log 2 + log(1 + f) + correction. */
function combined(k: Expression, f: Expression, correction: Expression, precision: Precision): Expression {
  const s = div(f, add(real(2), f));
  const z = mul(s, s);
  const r = mul(z, polynomial(z, coefficients[precision]));
  const half = mul(mul(real(0.5), f), f);
  const [high, low] = log2Parts[precision];
  const tail = add(mul(s, add(half, r)), add(mul(k, real(low)), correction));
  return sub(mul(k, real(high)), sub(sub(half, tail), f));
}

const smallestNormal = { f64: 2 ** -1022, f32: 2 ** -126 } as const;

/** The natural logarithm, -inf at 0, NaN below: within 1 ULP. */
export function log(x: Expression, precision: Precision): Expression {
  const lift = precision === "f64" ? 54 : 25;
  const subnormal = lt(x, real(smallestNormal[precision]));
  const { k, m } = decomposed(select(subnormal, mul(x, real(2 ** lift)), x), precision);
  const value = combined(sub(k, select(subnormal, real(lift), real(0))), sub(m, real(1)), real(0), precision);
  return outside(x, real(0), value, precision);
}

/**
 * The value for x > pole, -inf at the pole, NaN below; infinity and NaN are their own results. The value itself is made of
 * bits and finite even for a NaN, and a target's comparisons need not tell one: it is asked by bits.
 */
function outside(x: Expression, pole: Expression, value: Expression, precision: Precision): Expression {
  const special = select(eq(x, pole), real(Number.NEGATIVE_INFINITY), real(Number.NaN));
  return select(gt(x, pole), select(isFiniteReal(x, precision), value, x), special);
}

/** log(1 + x), accurate near 0: within 2 ULP. */
export function log1p(x: Expression, precision: Precision): Expression {
  const u = add(real(1), x);
  const { k, m } = decomposed(u, precision);
  // What the sum 1 + x lost.
  const lost = select(gt(k, real(1)), sub(real(1), sub(u, x)), sub(x, sub(u, real(1))));
  const plain = eq(k, real(0));
  const f = select(plain, x, sub(m, real(1)));
  const value = combined(k, f, select(plain, real(0), div(lost, u)), precision);
  const tiny = lt(abs(x), real(precision === "f64" ? 2 ** -54 : 2 ** -25));
  return select(tiny, x, outside(x, real(-1), value, precision));
}

/** asinh: within 2 ULP. */
export function asinh(x: Expression, precision: Precision): Expression {
  const a = abs(x);
  const square = mul(a, a);
  const near = log1p(add(a, div(square, add(real(1), ir.sqrt(add(square, real(1)))))), precision);
  const far = add(log(a, precision), real(Math.LN2));
  return withSignOf(select(gt(a, real(precision === "f64" ? 2 ** 28 : 2 ** 14)), far, near), x, precision);
}

/** acosh, NaN below 1: within 2 ULP. */
export function acosh(x: Expression, precision: Precision): Expression {
  const t = sub(x, real(1));
  const near = log1p(add(t, ir.sqrt(add(mul(real(2), t), mul(t, t)))), precision);
  const far = add(log(x, precision), real(Math.LN2));
  const value = select(gt(x, real(precision === "f64" ? 2 ** 28 : 2 ** 14)), far, near);
  return select(or(lt(x, real(1)), not(or(lt(x, real(1)), ir.ge(x, real(1))))), real(Number.NaN), value);
}

/** atanh: within 2 ULP. */
export function atanh(x: Expression, precision: Precision): Expression {
  const a = abs(x);
  const small = lt(a, real(0.5));
  // 2a + 2a a / (1 - a) loses less than 2a / (1 - a) where a is small.
  const twice = add(a, a);
  const quotient = select(small, add(twice, div(mul(twice, a), sub(real(1), a))), div(twice, sub(real(1), a)));
  const value = mul(real(0.5), log1p(quotient, precision));
  const inside = and(ir.le(a, real(1)), not(gt(a, real(1))));
  return select(inside, withSignOf(value, x, precision), real(Number.NaN));
}
