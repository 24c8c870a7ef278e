/**
 * What is left of an angle of any size when all quarter turns are taken away, after Payne and Hanek ("Radian reduction for
 * trigonometric functions", SIGNUM Newsletter 18, 1983): of the digits of 2/pi those are multiplied that matter. The
 * higher ones give whole turns, the lower ones are below the precision.
 *
 * Numbers are cut into limbs of half the width of `bits`, 32 or 16, whose products fit. For finite |x| of at least 2 the
 * remainder has all its digits, also where it is the smallest there can be, about 2^-62 (f64) or 2^-30 (f32) of a turn.
 */
import * as ir from "../expressions.ts";
import type { Expression, Local, Precision, Statement } from "../ir.ts";
import { mantissaBits } from "./polynomial.ts";

const { add, mul, sub, real, bits, int, and, or, shl, shr, select, lt, ne, neg, abs, unary } = ir;

export interface Remainder {
  readonly statements: readonly Statement[];
  /** x is n quarter turns and y + tail, which is at most an eighth; NaN if x is not finite. */
  readonly y: Expression;
  readonly tail: Expression;
  /** A whole real, 0 to 4 without the sign of x: whole turns are left out. */
  readonly n: Expression;
}

/** Limbs of the digits that are multiplied. */
const limbs = 6;
/** pi/2, and what that leaves. */
const quarter = Math.PI / 2;
const quarterRest = 6.123233995736766e-17;

export function remainderOfLarge(x: Expression, precision: Precision): Remainder {
  const statements: Statement[] = [];
  const named = (name: string, value: Expression): Local => {
    const local = ir.local(value.kind, name);
    statements.push({ op: "let", local, value });
    return local;
  };
  const isWide = precision === "f64";
  const size = isWide ? 32 : 16;
  const mantissa = mantissaBits(precision);
  const low = bits((1n << BigInt(size)) - 1n);
  const half = (e: Expression) => shr(e, int(size));

  const pattern = named("pattern", unary("bitsOf", abs(x)));
  const fraction = bits((1n << BigInt(mantissa)) - 1n);
  const m = named("m", or(and(pattern, fraction), bits(1n << BigInt(mantissa))));
  const exponent = unary("bitsToInt", shr(pattern, int(mantissa)));
  // |x| = m 2^k. The digits that matter begin where m 2^k times a digit's unit is 2: those before give whole turns.
  const bias = isWide ? 1075 : 150;
  const leastExponent = isWide ? 1024 : 128;
  const start = named("start", add(exponent, int(-leastExponent)));
  const most = isWide ? 2046 : 254;
  const zeros = bias - leastExponent + 2;
  const word = named("word", shr(start, int(Math.log2(size))));
  const shift = named("shift", and(start, int(size - 1)));

  let digits: Expression[] = digitsOfTwoOverPi(zeros, size, Math.floor((most - leastExponent) / size) + limbs + 1).map(
    (d) => bits(d),
  );
  // The list from `word` on: it moves by powers of two.
  for (let step = 2 ** Math.floor(Math.log2(digits.length - limbs - 1 || 1)); step >= 1; step /= 2) {
    const moves = named("moves", ne(and(word, int(step)), int(0)));
    const kept = limbs + step;
    const before = digits;
    digits = before
      .slice(0, Math.min(before.length, kept))
      .map((d, i) => (before[i + step] ? named("digits", select(moves, before[i + step]!, d)) : d));
  }
  const factor = Array.from({ length: limbs }, (_, i) =>
    named("factor", and(half(shl(or(shl(digits[i]!, int(size)), digits[i + 1]!), shift)), low)),
  );

  // m times that, without what is beyond its first limb.
  const [high, rest] = [named("high", half(m)), named("rest", and(m, low))];
  const product = new Array<Expression>(limbs);
  let carry: Expression = bits(0n);
  for (let i = limbs - 1; i >= 0; i--) {
    const first = named("first", add(mul(rest, factor[i]!), carry));
    const second = named("second", i + 1 < limbs ? add(and(first, low), mul(high, factor[i + 1]!)) : and(first, low));
    product[i] = named("limb", and(second, low));
    carry = named("carry", add(half(first), half(second)));
  }

  // Two digits before the point; what is beyond one half belongs to the next quarter turn.
  const [unit, middle] = [1n << BigInt(size - 2), 1n << BigInt(size - 3)];
  const top = named("top", add(product[0]!, bits(middle)));
  const turns = unary("toReal", unary("bitsToInt", shr(top, int(size - 2))));
  const realOf = (limb: Expression) =>
    sub(unary("realOf", or(limb, unary("bitsOf", real(2 ** mantissa)))), real(2 ** mantissa));
  // Limb by limb from the top: each sum and what it loses are exact, since all before is a multiple of a larger unit.
  let sum: Expression = named(
    "sum",
    mul(sub(realOf(and(top, bits(unit - 1n))), real(Number(middle))), real(2 ** (2 - size))),
  );
  let lost: Expression = real(0);
  for (let i = 1; i < 5; i++) {
    const part = named("part", mul(realOf(product[i]!), real(2 ** (2 - size * (i + 1)))));
    const next = named("sum", add(sum, part));
    lost = named("lost", add(lost, sub(part, sub(next, sum))));
    sum = next;
  }

  // Times pi/2, with Dekker's product.
  const [splitter, rounded] = isWide ? [2 ** 27 + 1, quarter] : [2 ** 12 + 1, Math.fround(quarter)];
  const later = isWide ? quarterRest : quarter - rounded + quarterRest;
  const round = isWide ? (v: number) => v : Math.fround;
  const constantHigh = round(round(splitter * rounded) - round(round(splitter * rounded) - rounded));
  const constantLow = rounded - constantHigh;
  const spread = named("spread", mul(sum, real(splitter)));
  const sumHigh = named("sumHigh", sub(spread, sub(spread, sum)));
  const sumLow = named("sumLow", sub(sum, sumHigh));
  const main = named("main", mul(sum, real(rounded)));
  const error = add(
    add(
      add(sub(mul(sumHigh, real(constantHigh)), main), mul(sumHigh, real(constantLow))),
      mul(sumLow, real(constantHigh)),
    ),
    mul(sumLow, real(constantLow)),
  );
  const correction = named("correction", add(error, add(mul(sum, real(later)), mul(lost, real(rounded)))));
  const y = named("y", add(main, correction));
  const tail = named("tail", add(sub(main, y), correction));
  const isNegative = lt(x, real(0));
  const hasRemainder = ne(exponent, int(most + 1));
  const signed = (e: Expression) => select(isNegative, neg(e), e);
  return { statements, y: select(hasRemainder, signed(y), real(Number.NaN)), tail: signed(tail), n: signed(turns) };
}

/** `count` limbs of `size` digits of 2/pi, after some zeros. */
function digitsOfTwoOverPi(zeros: number, size: number, count: number): bigint[] {
  const length = BigInt(size * count - zeros);
  const guard = 64n;
  const scaled = (2n << (2n * (length + guard))) / scaledPi(length + guard);
  const digits = scaled >> guard;
  return Array.from({ length: count }, (_, i) => BigInt.asUintN(size, digits >> BigInt(size * (count - 1 - i))));
}

/** pi 2^length, by Machin's formula: pi/4 = 4 atan(1/5) - atan(1/239). */
function scaledPi(length: bigint): bigint {
  const extra = 32n;
  const inverseTangent = (n: bigint): bigint => {
    let power = (1n << (length + extra)) / n;
    let sum = power;
    for (let i = 3n; power !== 0n; i += 2n) {
      power = -power / (n * n);
      sum += power / i;
    }
    return sum;
  };
  return (16n * inverseTangent(5n) - 4n * inverseTangent(239n)) >> extra;
}
