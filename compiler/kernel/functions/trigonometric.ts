/**
 * sin, cos and tan: Cody and Waite's reduction with pi/2 in several parts, then the polynomials of fdlibm's k_sin.c and
 * k_cos.c (Sun Microsystems, 1993), in f32 those of Cephes.
 *
 * That is for |x| < 2^40 in f64 and |x| < 2^17 in f32, multiples of pi/2 included; larger angles are reduced one by one
 * with as many digits of pi as they have (large-angles.ts). sin and cos are within 1 ULP, tan within 1.5, of all angles.
 */
import * as ir from "../expressions.ts";
import type { Expression, Precision, ScalarFunction } from "../ir.ts";
import { remainderOfLarge } from "./large-angles.ts";
import { mantissaBits, polynomial } from "./polynomial.ts";

const { add, mul, sub, div, real, abs, select, lt, eq, ne, neg, unary } = ir;

/** pi/2 in parts of 33 bits, and what they leave. */
const parts64 = [1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21] as const;
const rest64 = 8.4784276603689e-32;
/** pi/2 in parts of at most 14 bits, and what they leave. */
const parts32 = cut(4, 14);
const rest32 = parts32.reduce((rest, part) => rest - part, Math.PI / 2) + 6.123233995736766e-17;

function cut(count: number, digits: number): readonly number[] {
  let rest = Math.PI / 2;
  return Array.from({ length: count }, () => {
    const unit = 2 ** (Math.floor(Math.log2(rest)) - digits + 1);
    const part = Math.floor(rest / unit) * unit;
    rest -= part;
    return part;
  });
}

interface Reduced {
  /** x - n pi/2 = y + tail. */
  readonly y: Expression;
  readonly tail: Expression;
  /** A whole real. */
  readonly n: Expression;
}

/** Angles below it are reduced in vectors. */
const endOf = (precision: Precision) => (precision === "f64" ? 2 ** 40 : 2 ** 17);

function reduced(x: Expression, precision: Precision): Reduced {
  const n = unary("nearest", mul(x, real(2 / Math.PI)));
  const [parts, rest, step] =
    precision === "f64" ? ([parts64, rest64, 2 ** 20] as const) : ([parts32, rest32, 2 ** 10] as const);
  // With n cut in two the multiples of all parts are exact.
  const upper = mul(unary("trunc", mul(n, real(1 / step))), real(step));
  const lower = sub(n, upper);
  // So are these differences: of the first part because x is near to it, and what that leaves of x is a multiple of a
  // unit so large that it and the next product leave a number of few digits.
  let r = sub(sub(x, mul(upper, real(parts[0]!))), mul(lower, real(parts[0]!)));
  r = sub(r, mul(upper, real(parts[1]!)));
  let low: Expression = real(0);
  const products = parts.slice(1).flatMap((part) => [mul(upper, real(part)), mul(lower, real(part))]);
  for (const w of products.slice(1)) {
    const next = sub(r, w);
    low = add(low, sub(sub(r, next), w));
    r = next;
  }
  low = sub(low, mul(n, real(rest)));
  const y = add(r, low);
  return { y, tail: add(sub(r, y), low), n };
}

/** A value as a sum: the second part is a small correction of the first. */
type Parts = readonly [Expression, Expression];
const sumOf = ([main, correction]: Parts) => add(main, correction);

function sinSmall({ y, tail }: Reduced, precision: Precision): Parts {
  const z = mul(y, y);
  if (precision === "f32") {
    const p = polynomial(z, [-1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4]);
    return [y, add(mul(mul(z, p), y), tail)];
  }
  const w = mul(z, z);
  const r = add(
    polynomial(z, [0.00833333333332249, -1.984126982985795e-4, 2.7557313707070068e-6]),
    mul(mul(z, w), polynomial(z, [-2.5050760253406863e-8, 1.58969099521155e-10])),
  );
  const v = mul(z, y);
  const rest = sub(sub(mul(z, sub(mul(real(0.5), tail), mul(v, r))), tail), mul(v, real(-0.16666666666666632)));
  return [y, neg(rest)];
}

function cosSmall({ y, tail }: Reduced, precision: Precision): Parts {
  const z = mul(y, y);
  const half = mul(real(0.5), z);
  const w = sub(real(1), half);
  const p =
    precision === "f64"
      ? polynomial(
          z,
          [
            0.0416666666666666, -0.001388888888887411, 2.480158728947673e-5, -2.7557314351390663e-7,
            2.087572321298175e-9, -1.1359647557788195e-11,
          ],
        )
      : polynomial(z, [0.04166664568298827, -0.001388731625493765, 2.443315711809948e-5]);
  return [w, add(sub(sub(real(1), w), half), sub(mul(mul(z, z), p), mul(y, tail)))];
}

/** Bits whose lowest two are those of n + shift: what the reals above 2^52 (2^23) end in. */
const quadrantOf = (n: Expression, shift: number, precision: Precision) =>
  unary("bitsOf", add(n, real(1.5 * 2 ** mantissaBits(precision) + shift)));
const isOdd = (quadrant: Expression) => ne(ir.and(quadrant, ir.bits(1n)), ir.bits(0n));

/** sin(x + shift pi/2): sine and cosine change places in odd quadrants, and the sign in the third and fourth. */
function sineOf(r: Reduced, shift: 0 | 1, precision: Precision): Expression {
  const quadrant = quadrantOf(r.n, shift, precision);
  const value = select(isOdd(quadrant), sumOf(cosSmall(r, precision)), sumOf(sinSmall(r, precision)));
  const width = precision === "f64" ? 64 : 32;
  const sign = ir.and(ir.shl(quadrant, ir.int(width - 2)), ir.bits(1n << BigInt(width - 1)));
  return unary("realOf", ir.xor(unary("bitsOf", value), sign));
}

function tangentOf(r: Reduced, precision: Precision): Expression {
  const [s, c] = [sinSmall(r, precision), cosSmall(r, precision)];
  const odd = isOdd(quadrantOf(r.n, 0, precision));
  return quotientOf(
    [select(odd, neg(c[0]), s[0]), select(odd, neg(c[1]), s[1])],
    [select(odd, s[0], c[0]), select(odd, s[1], c[1])],
  );
}

type Meaning = (reduced: Reduced, precision: Precision) => Expression;
const sine: Meaning = (r, precision) => sineOf(r, 0, precision);
const cosine: Meaning = (r, precision) => sineOf(r, 1, precision);

const large = new Map<string, ScalarFunction>();

/** The function of an angle that is not usual, which is reduced on its own. */
function ofLarge(name: string, meaning: Meaning, precision: Precision): ScalarFunction {
  const key = `${name} ${precision}`;
  const found = large.get(key);
  if (found) return found;
  const isUsual = ir.local("bool", "isUsual");
  const [usual, x, value] = [ir.local("real", "usual"), ir.local("real", "x"), ir.local("real", "value")];
  const { statements, ...remainder } = remainderOfLarge(x, precision);
  const made: ScalarFunction = {
    name,
    parameters: [isUsual, usual, x],
    body: [
      { op: "variable", local: value, value: usual },
      {
        op: "if",
        condition: ir.not(isUsual),
        then: [...statements, { op: "assign", local: value, value: meaning(remainder, precision) }],
        otherwise: [],
      },
    ],
    result: value,
    isExceptional: true,
  };
  large.set(key, made);
  return made;
}

function ofAny(name: string, meaning: Meaning, x: Expression, usual: Expression, precision: Precision): Expression {
  const isUsual = lt(abs(x), real(endOf(precision)));
  return ir.call(ofLarge(name, meaning, precision), isUsual, usual, x);
}

/** Sine of radians. */
export function sin(x: Expression, precision: Precision): Expression {
  // Zeros keep their sign.
  const usual = select(eq(x, real(0)), x, sine(reduced(x, precision), precision));
  return ofAny("sin_of_any", sine, x, usual, precision);
}

/** Cosine of radians. */
export function cos(x: Expression, precision: Precision): Expression {
  return ofAny("cos_of_any", cosine, x, cosine(reduced(x, precision), precision), precision);
}

/** Tangent of radians. */
export function tan(x: Expression, precision: Precision): Expression {
  const usual = select(eq(x, real(0)), x, tangentOf(reduced(x, precision), precision));
  return ofAny("tan_of_any", tangentOf, x, usual, precision);
}

/** The quotient of the sums, corrected by what the sums lost in rounding. */
function quotientOf(top: Parts, bottom: Parts): Expression {
  const [n, d] = [sumOf(top), sumOf(bottom)];
  const lost = ([main, correction]: Parts, sum: Expression) => sub(correction, sub(sum, main));
  const quotient = div(n, d);
  return add(quotient, div(sub(lost(top, n), mul(quotient, lost(bottom, d))), d));
}
