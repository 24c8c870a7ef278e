/**
 * exp, expm1 and what is made of them. The reduction and the rational functions are those of fdlibm's e_exp.c and
 * s_expm1.c (Sun Microsystems, 1993), in f32 of its float versions; Cephes' polynomial for exp in f32.
 */
import * as ir from "../expressions.ts";
import type { Expression, Precision } from "../ir.ts";
import { log1p } from "./logarithm.ts";
import { polynomial, scaled, withSignOf } from "./polynomial.ts";

const { add, mul, sub, div, real, min, max, abs, select, neg, lt, ge, gt, unary } = ir;

interface Reduction {
  readonly k: Expression;
  /** x - k log 2 = high - low. */
  readonly high: Expression;
  readonly low: Expression;
}

/** Log 2 in two parts, the first with trailing zeros so that its multiples are exact. */
const log2Parts = {
  f64: [6.93147180369123816490e-1, 1.90821492927058770002e-10],
  f32: [0.693359375, -2.12194440e-4],
} as const;

function reduced(x: Expression, precision: Precision): Reduction {
  const k = unary("nearest", mul(x, real(Math.LOG2E)));
  const [high, low] = log2Parts[precision];
  return { k, high: sub(x, mul(k, real(high))), low: mul(k, real(low)) };
}

/** Beyond these the result is 0 or infinity in either precision, and exponents stay in range. */
const limit = { f64: [-760, 720], f32: [-110, 95] } as const;

/** e^x: within 1 ULP in f64, 1 ULP in f32, subnormal results included. */
export function exp(x: Expression, precision: Precision): Expression {
  const [low, high] = limit[precision];
  // max and min keep a NaN.
  const clamped = min(max(x, real(low)), real(high));
  const r = reduced(clamped, precision);
  const y = precision === "f64" ? expSmall64(r) : expSmall32(r);
  return scaled(y, r.k, precision);
}

function expSmall64({ high, low }: Reduction): Expression {
  const r = sub(high, low);
  const t = mul(r, r);
  const c = sub(
    r,
    mul(
      t,
      polynomial(t, [
        1.66666666666666019037e-1, -2.77777777770155933842e-3, 6.61375632143793436117e-5, -1.65339022054652515390e-6,
        4.13813679705723846039e-8,
      ]),
    ),
  );
  const fraction = div(mul(r, c), sub(real(2), c));
  return sub(real(1), sub(sub(low, fraction), high));
}

function expSmall32({ high, low }: Reduction): Expression {
  const r = sub(high, low);
  const p = polynomial(r, [
    5.0000001201e-1, 1.6666665459e-1, 4.1665795894e-2, 8.3334519073e-3, 1.3981999507e-3, 1.987569150e-4,
  ]);
  // What the reduction's last subtraction rounded away.
  const lost = sub(sub(high, r), low);
  return add(add(add(mul(mul(r, r), p), lost), r), real(1));
}

const expm1Coefficients = {
  f64: [
    -3.33333333333331316428e-2, 1.58730158725481460165e-3, -7.93650757867487942473e-5, 4.00821782732936239552e-6,
    -2.01099218183624371326e-7,
  ],
  f32: [-3.3333212137e-2, 1.5807170421e-3],
} as const;

/** e^x - 1: within 2 ULP. */
export function expm1(x: Expression, precision: Precision): Expression {
  const clamped = min(max(x, real(precision === "f64" ? -60 : -30)), real(limit[precision][1]));
  const { k, high, low } = reduced(clamped, precision);
  const r = sub(high, low);
  const c = sub(sub(high, r), low);
  const half = mul(r, real(0.5));
  const square = mul(r, half);
  const r1 = add(real(1), mul(square, polynomial(square, expm1Coefficients[precision])));
  const t = sub(real(3), mul(r1, half));
  const e = mul(square, div(sub(r1, t), sub(real(6), mul(r, t))));
  const small = sub(r, sub(sub(mul(r, sub(e, c)), c), square));
  // 2^k (small + (1 - 2^-k)); at k = 0 the parenthesis is 0. Halving keeps 2^k finite up to the largest result.
  const most = real(precision === "f64" ? 60 : 30);
  const unit = sub(real(1), scaled(real(1), neg(min(k, most)), precision));
  const result = scaled(add(small, unit), k, precision);
  // Tiny arguments are their own result; so are zeros, with their sign.
  return select(lt(abs(x), real(precision === "f64" ? 2 ** -54 : 2 ** -25)), x, result);
}

/** tanh: within 2 ULP. */
export function tanh(x: Expression, precision: Precision): Expression {
  const a = abs(x);
  const t = expm1(add(a, a), precision);
  const small = lt(a, real(0.55));
  // t / (t + 2), as t / 2 less a correction: the error of the quotient hardly counts.
  const quotient = div(select(small, t, real(2)), add(t, real(2)));
  const half = mul(real(0.5), t);
  const value = select(small, sub(half, mul(half, quotient)), sub(real(1), quotient));
  return withSignOf(value, x, precision);
}

/** 1 / (1 + e^-x), with full relative accuracy in both tails: within 2 ULP. */
export function sigmoid(x: Expression, precision: Precision): Expression {
  const e = exp(neg(abs(x)), precision);
  return div(select(ge(x, real(0)), real(1), e), add(real(1), e));
}

/** log(1 + e^x): within 2 ULP. */
export function softplus(x: Expression, precision: Precision): Expression {
  return add(max(x, real(0)), log1p(exp(neg(abs(x)), precision), precision));
}

/** sinh: within 2 ULP. */
export function sinh(x: Expression, precision: Precision): Expression {
  const a = abs(x);
  const t = expm1(a, precision);
  const root = exp(mul(a, real(0.5)), precision);
  const large = mul(mul(real(0.5), root), root);
  const quotient = div(t, add(t, real(1)));
  const doubled = select(lt(a, real(1)), sub(add(t, t), mul(t, quotient)), add(t, quotient));
  const small = mul(real(0.5), doubled);
  return withSignOf(select(gt(a, real(precision === "f64" ? 700 : 85)), large, small), x, precision);
}

/** cosh: within 2 ULP. */
export function cosh(x: Expression, precision: Precision): Expression {
  const a = abs(x);
  const e = exp(a, precision);
  const root = exp(mul(a, real(0.5)), precision);
  const large = mul(mul(real(0.5), root), root);
  const small = add(mul(real(0.5), e), div(real(0.5), e));
  return select(gt(a, real(precision === "f64" ? 700 : 85)), large, small);
}
