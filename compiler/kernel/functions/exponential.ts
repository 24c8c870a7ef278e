/**
 * exp, expm1 and what is made of them. The reduction and the rational functions are those of fdlibm's e_exp.c and
 * s_expm1.c (Sun Microsystems, 1993), in f32 of its float versions; exp's polynomial in
 * f32 is a minimax fit by Lawson's iteration. From Moshier's Cephes library: tanh and sinh of small arguments.
 */
import * as ir from "../expressions.ts";
import type { Expression, Precision } from "../ir.ts";
import { log1p } from "./logarithm.ts";
import { polynomial, powerOfTwo, scaled, scaledDown, withSignOf } from "./polynomial.ts";

const { add, mul, sub, div, real, min, max, abs, select, neg, lt, ge, unary } = ir;

interface Reduction {
  readonly k: Expression;
  /** x - k log 2 = high - low. */
  readonly high: Expression;
  readonly low: Expression;
}

/** Log 2 in two parts, the first with trailing zeros so that its multiples are exact. */
const log2Parts = {
  f64: [0.6931471803691238, 1.9082149292705877e-10],
  f32: [0.693359375, -2.1219444e-4],
} as const;

function reduced(x: Expression, precision: Precision): Reduction {
  const k = unary("nearest", mul(x, real(Math.LOG2E)));
  const [high, low] = log2Parts[precision];
  return { k, high: sub(x, mul(k, real(high))), low: mul(k, real(low)) };
}

/** Beyond these the result is 0 or infinity in either precision, and exponents stay in range. */
const limit = { f64: [-760, 720], f32: [-110, 95] } as const;

/** e^x: within 1 ULP, subnormal results included. */
export function exp(x: Expression, precision: Precision): Expression {
  const { k, y } = exponential(x, precision);
  return scaled(y, k, precision);
}

/**
 * e^x for x from -86 to 88, and beyond these what it is there: within 1 ULP, in f32. Where comparisons with NaN are false a
 * NaN stays one; compared with `exp` it saves a third of the operations.
 */
export function expWithin(x: Expression): Expression {
  const above = select(lt(x, real(-86)), real(-86), x);
  const { k, y } = exponentialWithin(select(ir.gt(above, real(88)), real(88), above), "f32");
  return mul(y, powerOfTwo(k, "f32"));
}

/** e^x for x <= 0, as exact. */
function expOfNegative(x: Expression, precision: Precision): Expression {
  const { k, y } = exponentialWithin(max(x, real(limit[precision][0])), precision);
  return scaledDown(y, k, precision);
}

/** e^x / 2, finite wherever sinh and cosh are. */
function halfExp(x: Expression, precision: Precision): Expression {
  const { k, y } = exponential(x, precision);
  return scaled(y, sub(k, real(1)), precision);
}

/** e^x = y 2^k. */
function exponential(x: Expression, precision: Precision): { readonly k: Expression; readonly y: Expression } {
  const [low, high] = limit[precision];
  // max and min keep a NaN.
  return exponentialWithin(min(max(x, real(low)), real(high)), precision);
}

/** The same for x between the limits. */
function exponentialWithin(x: Expression, precision: Precision): { readonly k: Expression; readonly y: Expression } {
  const r = reduced(x, precision);
  return { k: r.k, y: precision === "f64" ? expSmall64(r) : expSmall32(r) };
}

function expSmall64({ high, low }: Reduction): Expression {
  const r = sub(high, low);
  const t = mul(r, r);
  const c = sub(
    r,
    mul(
      t,
      polynomial(
        t,
        [
          0.16666666666666602, -0.0027777777777015593, 6.613756321437934e-5, -1.6533902205465252e-6,
          4.1381367970572385e-8,
        ],
      ),
    ),
  );
  const fraction = div(mul(r, c), sub(real(2), c));
  return sub(real(1), sub(sub(low, fraction), high));
}

/** The polynomial of (e^r - 1 - r) / r^2 for |r| <= log(2) / 2: its own error is 0.03 units of 1's last place. */
const expCoefficients = [0.49999994, 0.166665211, 0.041668389, 0.00836873148, 0.00138145685] as const;

function expSmall32({ high, low }: Reduction): Expression {
  const r = sub(high, low);
  // The high part is exact: added last but one, it loses nothing to the reduction's rounding.
  return add(add(sub(mul(mul(r, r), polynomial(r, expCoefficients)), low), high), real(1));
}

const expm1Coefficients = {
  f64: [
    -0.03333333333333313, 0.0015873015872548146, -7.93650757867488e-5, 4.008217827329362e-6, -2.0109921818362437e-7,
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
  const unit = sub(real(1), powerOfTwo(neg(min(k, most)), precision));
  const result = scaled(add(small, unit), k, precision);
  // Tiny arguments are their own result; so are zeros, with their sign.
  return select(lt(abs(x), real(precision === "f64" ? 2 ** -54 : 2 ** -25)), x, result);
}

/** (tanh(x) - x) / x with z = x^2 for |x| < 0.625: numerator and denominator. */
const tanhSmall = {
  f64: [
    [-1614.6876844170845, -99.28772310019185, -0.9643991794250523],
    [4844.063053251255, 2235.4883906010045, 112.81167849163293, 1],
  ],
  f32: [[-3.33332819422e-1, 1.33314422036e-1, -5.37397155531e-2, 2.06390887954e-2, -5.70498872745e-3], [1]],
} as const;

/** tanh: within 2 ULP. */
export function tanh(x: Expression, precision: Precision): Expression {
  const a = abs(x);
  const small = lt(a, real(0.625));
  const z = mul(a, a);
  // Beyond the bound the result is 1, and e^2a needs no care at its ends.
  const doubled = mul(real(2), min(a, real(precision === "f64" ? 20 : 10)));
  const { k, y } = exponentialWithin(doubled, precision);
  const e = add(mul(y, powerOfTwo(k, precision)), real(1));
  const [top, bottom] = tanhSmall[precision];
  const quotient = div(select(small, mul(z, polynomial(z, top)), real(2)), select(small, polynomial(z, bottom), e));
  return withSignOf(select(small, add(a, mul(a, quotient)), sub(real(1), quotient)), x, precision);
}

/** 1 / (1 + e^-x), with full relative accuracy in both tails: within 2 ULP. */
export function sigmoid(x: Expression, precision: Precision): Expression {
  const e = expOfNegative(neg(abs(x)), precision);
  const bottom = add(real(1), e);
  const quotient = div(select(ge(x, real(0)), real(1), e), bottom);
  // What the sum lost is made good: to first order the quotient changes by as much, relatively.
  const lost = sub(e, sub(bottom, real(1)));
  return sub(quotient, mul(quotient, lost));
}

/** log(1 + e^x): within 2 ULP. */
export function softplus(x: Expression, precision: Precision): Expression {
  return add(max(x, real(0)), log1p(expOfNegative(neg(abs(x)), precision), precision));
}

/** (sinh(x) - x) / x with z = x^2 for |x| < 1: numerator and denominator. */
const sinhSmall = {
  f64: [
    [-351754.9648081514, -11561.443576500522, -163.72585752598383, -0.789474443963537],
    [-2110529.7888489086, 36157.827983443196, -277.7110814206028, 1],
  ],
  f32: [[1.66667160211e-1, 8.33028376239e-3, 2.03721912945e-4], [1]],
} as const;

/** sinh: within 2 ULP. */
export function sinh(x: Expression, precision: Precision): Expression {
  const a = abs(x);
  const small = lt(a, real(1));
  const z = mul(a, a);
  const h = halfExp(a, precision);
  const [top, bottom] = sinhSmall[precision];
  const quotient = div(select(small, mul(z, polynomial(z, top)), real(0.25)), select(small, polynomial(z, bottom), h));
  return withSignOf(select(small, add(a, mul(a, quotient)), sub(h, quotient)), x, precision);
}

/** cosh: within 2 ULP. */
export function cosh(x: Expression, precision: Precision): Expression {
  const h = halfExp(abs(x), precision);
  return add(h, div(real(0.25), h));
}
