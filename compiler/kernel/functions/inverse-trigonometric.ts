/** asin, acos, atan and atan2: fdlibm's e_asin.c, e_acos.c and s_atan.c (Sun Microsystems, 1993) and their float versions. */
import * as ir from "../expressions.ts";
import type { Expression, Precision } from "../ir.ts";
import { isNegative, polynomial, upperHalf, withSignOf } from "./polynomial.ts";

const { add, mul, sub, div, real, abs, select, lt, le, gt, eq, neg } = ir;

/** What pi/2 rounded to a real leaves out. */
const halfPi = {
  f64: [1.5707963267948966, 6.123233995736766e-17],
  f32: [1.5707963705062866, -4.3711390001862426e-8],
} as const;

/** (asin(x) - x) / x with z = x^2, |x| <= 1/2. */
function asinRational(z: Expression, precision: Precision): Expression {
  if (precision === "f32")
    return div(
      mul(z, polynomial(z, [1.6666586697e-1, -4.2743422091e-2, -8.656363003e-3])),
      add(real(1), mul(z, real(-7.066296339e-1))),
    );
  return div(
    mul(
      z,
      polynomial(
        z,
        [
          0.16666666666666666, -0.3255658186224009, 0.20121253213486293, -0.04005553450067941, 7.915349942898145e-4,
          3.479331075960212e-5,
        ],
      ),
    ),
    polynomial(z, [1, -2.403394911734414, 2.0209457602335057, -0.6882839716054533, 0.07703815055590194]),
  );
}

/** Inverse sine, NaN outside [-1, 1]: within 2 ULP. */
export function asin(x: Expression, precision: Precision): Expression {
  const a = abs(x);
  const small = lt(a, real(0.5));
  const z = select(small, mul(a, a), mul(real(0.5), sub(real(1), a)));
  const r = asinRational(z, precision);
  const s = ir.sqrt(z);
  const [high, low] = halfPi[precision];
  // The root in two parts, and pi/2 as pi/4 twice: what is subtracted is small.
  const f = upperHalf(s, precision);
  const c = div(sub(z, mul(f, f)), select(eq(s, real(0)), real(1), add(s, f)));
  const p = sub(mul(add(s, s), r), sub(real(low), add(c, c)));
  const q = sub(real(high / 2), add(f, f));
  const large = sub(real(high / 2), sub(p, q));
  const value = withSignOf(select(small, add(a, mul(a, r)), large), x, precision);
  return select(le(a, real(1)), value, real(Number.NaN));
}

/** Inverse cosine, NaN outside [-1, 1]: within 2 ULP. */
export function acos(x: Expression, precision: Precision): Expression {
  const a = abs(x);
  const small = lt(a, real(0.5));
  const z = select(small, mul(x, x), mul(real(0.5), sub(real(1), a)));
  const r = asinRational(z, precision);
  const s = ir.sqrt(z);
  const [high, low] = halfPi[precision];
  const middle = sub(real(high), sub(x, sub(real(low), mul(x, r))));
  const near = mul(real(2), add(s, mul(s, r)));
  const far = sub(real(2 * high), mul(real(2), add(s, sub(mul(s, r), real(low)))));
  return select(le(a, real(1)), select(small, middle, select(gt(x, real(0)), near, far)), real(Number.NaN));
}

const atanHigh = [0, 0.4636476090008061, 0.7853981633974483, 0.982793723247329, 1.5707963267948966];
const atanLow = [0, 2.2698777452961687e-17, 3.061616997868383e-17, 1.3903311031230998e-17, 6.123233995736766e-17];
const atanCoefficients = {
  f64: [
    0.3333333333333293, -0.19999999999876483, 0.14285714272503466, -0.11111110405462356, 0.09090887133436507,
    -0.0769187620504483, 0.06661073137387531, -0.058335701337905735, 0.049768779946159324, -0.036531572744216916,
    0.016285820115365782,
  ],
  f32: [3.3333328366e-1, -1.9999158382e-1, 1.4253635705e-1, -1.0648017377e-1, 6.1687607318e-2],
} as const;

/** Inverse tangent of a number that is not negative, given as a quotient. */
function atanOf(top: Expression, bottom: Expression, precision: Precision): Expression {
  const ranges = [0.4375, 0.6875, 1.1875, 2.4375];
  const below = ranges.map((r) => lt(top, mul(bottom, real(r))));
  const choose = (values: readonly Expression[]) =>
    [...below].reverse().reduce((rest, c, i) => select(c, values[3 - i]!, rest), values[4]!);
  const numerator = choose([
    top,
    sub(add(top, top), bottom),
    sub(top, bottom),
    sub(top, mul(real(1.5), bottom)),
    neg(bottom),
  ]);
  const denominator = choose([
    bottom,
    add(add(bottom, bottom), top),
    add(top, bottom),
    add(bottom, mul(real(1.5), top)),
    top,
  ]);
  const t = div(numerator, denominator);
  const z = mul(t, t);
  const p = mul(t, mul(z, polynomial(z, atanCoefficients[precision])));
  const round = precision === "f64" ? (v: number) => v : Math.fround;
  const high = choose(atanHigh.map((v) => real(round(v))));
  const low = choose(atanHigh.map((v, i) => real(atanLow[i]! + (v - round(v)))));
  return sub(high, sub(sub(p, low), t));
}

/** Inverse tangent: within 2 ULP. */
export function atan(x: Expression, precision: Precision): Expression {
  const a = abs(x);
  const infinite = eq(a, real(Number.POSITIVE_INFINITY));
  const value = atanOf(select(infinite, real(1), a), select(infinite, real(0), real(1)), precision);
  return withSignOf(value, x, precision);
}

/** The angle of (x, y), first argument y, as Math.atan2: within 2 ULP. */
export function atan2(y: Expression, x: Expression, precision: Precision): Expression {
  const [a, b] = [abs(y), abs(x)];
  const infinity = real(Number.POSITIVE_INFINITY);
  const [aInfinite, bInfinite] = [eq(a, infinity), eq(b, infinity)];
  // Infinities count as 1 beside finite numbers, which count as 0.
  const either = ir.or(aInfinite, bInfinite);
  const infinite = (c: Expression) => select(c, real(1), real(0));
  const top = select(either, infinite(aInfinite), a);
  const bottom = select(either, infinite(bInfinite), b);
  // Scaled so that neither over- nor underflows on the way.
  const scale = largeOrSmall(ir.max(top, bottom), precision);
  const origin = eq(ir.max(top, bottom), real(0));
  const angle = select(
    origin,
    real(0),
    atanOf(mul(top, scale), select(origin, real(1), mul(bottom, scale)), precision),
  );
  const [high, low] = halfPi[precision];
  const value = select(isNegative(x), sub(real(2 * high), sub(angle, real(2 * low))), angle);
  const notNumbers = ir.not(ir.and(ir.le(a, infinity), ir.le(b, infinity)));
  return select(notNumbers, real(Number.NaN), withSignOf(value, y, precision));
}

/** A power of two that brings very large or very small numbers to the middle of the range. */
function largeOrSmall(x: Expression, precision: Precision): Expression {
  const e = precision === "f64" ? 500 : 60;
  return select(gt(x, real(2 ** e)), real(2 ** -e), select(lt(x, real(2 ** -e)), real(2 ** e), real(1)));
}
