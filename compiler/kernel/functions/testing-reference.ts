/**
 * Elementary functions to more than twice the digits of a double, in binary floating point on big integers: what tests
 * judge the functions of this folder by. The methods are the plainest: Taylor series after a reduction, and one step of
 * Newton's method, from the value in f64, for the inverse functions.
 */
import type { Precision } from "../ir.ts";

/** m 2^e. */
export interface Big {
  readonly m: bigint;
  readonly e: number;
}

/** Digits kept; cancellation in the formulas below costs at most 110. */
const digits = 280;

const lengthOf = (m: bigint) => (m < 0n ? -m : m).toString(16).length * 4;

function rounded(m: bigint, e: number): Big {
  const extra = lengthOf(m) - digits;
  return extra > 0 ? { m: m >> BigInt(extra), e: e + extra } : { m, e };
}

/** A double, exactly. */
export function big(x: number): Big {
  if (x === 0) return { m: 0n, e: 0 };
  const e = Math.max(Math.floor(Math.log2(Math.abs(x))) - 54, -1074);
  // Two steps: 2^-e may be infinite.
  const half = Math.trunc(e / 2);
  return { m: BigInt(x * 2 ** -half * 2 ** (half - e)), e };
}

export function add(a: Big, b: Big): Big {
  if (a.m === 0n) return b;
  if (b.m === 0n) return a;
  const [high, low] = a.e >= b.e ? [a, b] : [b, a];
  const gap = high.e - low.e;
  if (gap > 3 * digits) return high;
  return rounded((high.m << BigInt(gap)) + low.m, low.e);
}
export const neg = (a: Big): Big => ({ m: -a.m, e: a.e });
export const sub = (a: Big, b: Big): Big => add(a, neg(b));
export const mul = (a: Big, b: Big): Big => rounded(a.m * b.m, a.e + b.e);
export function div(a: Big, b: Big): Big {
  const shift = digits + lengthOf(b.m);
  return rounded((a.m << BigInt(shift)) / b.m, a.e - b.e - shift);
}
export const twice = (a: Big, k = 1): Big => ({ m: a.m, e: a.e + k });
const one = big(1);

/** The nearest double but for a rounding or two. */
export function toNumber({ m, e }: Big): number {
  const extra = Math.max(lengthOf(m) - 60, 0);
  const half = Math.trunc((e + extra) / 2);
  return Number(m >> BigInt(extra)) * 2 ** half * 2 ** (e + extra - half);
}

export function sqrt(a: Big): Big {
  if (a.m === 0n) return a;
  const shift = 2 * digits + ((a.e & 1) === 0 ? 0 : 1);
  const n = a.m << BigInt(shift);
  let root = 1n << BigInt(Math.ceil(lengthOf(n) / 2) + 1);
  for (;;) {
    const next = (root + n / root) >> 1n;
    if (next >= root) return rounded(root, (a.e - shift) / 2);
    root = next;
  }
}

/** first + first ratio(1) + first ratio(1) ratio(2) + ..., until nothing changes. */
function series(first: Big, ratio: (n: number) => Big): Big {
  let [sum, term] = [first, first];
  for (let n = 1; term.m !== 0n && lengthOf(term.m) + term.e > lengthOf(sum.m) + sum.e - digits; n++) {
    term = mul(term, ratio(n));
    sum = add(sum, term);
  }
  return sum;
}

/** Sum of sign^n x^(2n+1) / (2n + 1): atanh or atan of a small number. */
function inverseTangent(x: Big, sign: 1 | -1): Big {
  const square = mul(x, sign < 0 ? neg(x) : x);
  return series(x, (n) => div(mul(square, big(2 * n - 1)), big(2 * n + 1)));
}

const ln2 = twice(inverseTangent(div(one, big(3)), 1));
export const pi = sub(twice(inverseTangent(div(one, big(5)), -1), 4), twice(inverseTangent(div(one, big(239)), -1), 2));

export function exp(x: Big): Big {
  const k = Math.round(toNumber(x) * Math.LOG2E);
  const r = twice(sub(x, mul(ln2, big(k))), -8);
  let value = series(one, (n) => div(r, big(n)));
  for (let i = 0; i < 8; i++) value = mul(value, value);
  return twice(value, k);
}

export function log(x: Big): Big {
  let k = lengthOf(x.m) + x.e;
  let m = twice(x, -k);
  while (toNumber(m) < 0.75) {
    m = twice(m);
    k -= 1;
  }
  const start = big(Math.log(toNumber(m)));
  const d = sub(mul(m, exp(neg(start))), one);
  const rest = series(d, (n) => mul(neg(d), div(big(n), big(n + 1))));
  return add(add(start, rest), mul(ln2, big(k)));
}
export const log1p = (x: Big): Big => log(add(one, x));
export const expm1 = (x: Big): Big => sub(exp(x), one);

function sinCos(x: Big): readonly [Big, Big] {
  const n = Math.round(toNumber(x) * (2 / Math.PI));
  const r = sub(x, mul(twice(pi, -1), big(n)));
  const square = neg(mul(r, r));
  const s = series(r, (i) => div(square, big(2 * i * (2 * i + 1))));
  const c = series(one, (i) => div(square, big((2 * i - 1) * 2 * i)));
  const quadrant = ((n % 4) + 4) % 4;
  if (quadrant === 0) return [s, c];
  if (quadrant === 1) return [c, neg(s)];
  return quadrant === 2 ? [neg(s), neg(c)] : [neg(c), s];
}
export const sin = (x: Big): Big => sinCos(x)[0];
export const cos = (x: Big): Big => sinCos(x)[1];
export const tan = (x: Big): Big => div(...sinCos(x));

export function atan(x: Big): Big {
  const start = big(Math.atan(toNumber(x)));
  const t = tan(start);
  return add(start, inverseTangent(div(sub(x, t), add(one, mul(x, t))), -1));
}
export function atan2(y: Big, x: Big): Big {
  const angle = atan(div(y, x));
  if (x.m > 0n) return angle;
  return y.m < 0n ? sub(angle, pi) : add(angle, pi);
}
const cosineOf = (s: Big) => sqrt(mul(sub(one, s), add(one, s)));
export const asin = (x: Big): Big => atan(div(x, cosineOf(x)));
export const acos = (x: Big): Big => twice(atan(sqrt(div(sub(one, x), add(one, x)))));

export const sinh = (x: Big): Big => twice(sub(exp(x), exp(neg(x))), -1);
export const cosh = (x: Big): Big => twice(add(exp(x), exp(neg(x))), -1);
export function tanh(x: Big): Big {
  const e = exp(twice(x));
  return div(sub(e, one), add(e, one));
}
export const asinh = (x: Big): Big => (x.m < 0n ? neg(asinh(neg(x))) : log(add(x, sqrt(add(mul(x, x), one)))));
export const acosh = (x: Big): Big => log(add(x, sqrt(mul(sub(x, one), add(x, one)))));
export const atanh = (x: Big): Big => twice(log(div(add(one, x), sub(one, x))), -1);
export const sigmoid = (x: Big): Big => div(one, add(one, exp(neg(x))));
/** log(1 + e^x); where e^x is tiny, by two terms. */
export function softplus(x: Big): Big {
  const e = exp(x);
  return toNumber(x) < -60 ? sub(e, twice(mul(e, e), -1)) : log1p(e);
}
export const pow = (x: Big, y: Big): Big => exp(mul(y, log(x)));
export const hypot = (x: Big, y: Big): Big => sqrt(add(mul(x, x), mul(y, y)));

/** 2 / sqrt(pi) e^(-x^2) times the sum of 2^n x^(2n+1) / (1 3 ... (2n+1)), all of one sign. */
export function erf(x: Big): Big {
  const square = mul(x, x);
  const sum = series(x, (n) => div(twice(square), big(2 * n + 1)));
  return mul(div(big(2), sqrt(pi)), mul(exp(neg(square)), sum));
}
/** For x up to 8. */
export const erfc = (x: Big): Big => sub(one, erf(x));
/** One step of Newton's method from a value good to a double: twice as many digits. */
export function erfinv(x: Big, start: number): Big {
  const y = big(start);
  const slope = mul(div(big(2), sqrt(pi)), exp(neg(mul(y, y))));
  return sub(y, div(sub(erf(y), x), slope));
}

/** The distance of neighbouring numbers of a precision about x. */
export function unitOf(x: number, precision: Precision): number {
  const [least, mantissa] = precision === "f64" ? [-1022, 52] : [-126, 23];
  const a = Math.abs(x);
  return 2 ** (Math.max(a < 2 ** least ? least : Math.floor(Math.log2(a)), least) - mantissa);
}

/** How far a computed number is from the exact one, in units of the last place. */
export function errorInUnits(found: number, exact: Big, precision: Precision): number {
  const unit = unitOf(toNumber(exact), precision);
  return Math.abs(toNumber(div(sub(big(found), exact), big(unit))));
}
