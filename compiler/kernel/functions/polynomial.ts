/** What the functions here are made of: polynomials, powers of two, splitting a number. */
import * as ir from "../expressions.ts";
import type { Expression, Precision } from "../ir.ts";

const { add, mul, sub, real, bits, unary, shl, and } = ir;

/** coefficients[0] + coefficients[1] x + ..., by Horner's rule. */
export function polynomial(x: Expression, coefficients: readonly number[]): Expression {
  let value: Expression = real(coefficients.at(-1)!);
  for (let i = coefficients.length - 2; i >= 0; i--) value = add(mul(value, x), real(coefficients[i]!));
  return value;
}

/** 2^52 or 2^23: above it a real has no fraction, and its low bits are those of an integer. */
const integers = (precision: Precision) => (precision === "f64" ? 2 ** 52 : 2 ** 23);
export const mantissaBits = (precision: Precision) => (precision === "f64" ? 52 : 23);
const bias = (precision: Precision) => (precision === "f64" ? 1023 : 127);

/** 2^k for a whole real k with a normal result. */
export function powerOfTwo(k: Expression, precision: Precision): Expression {
  const shifted = add(k, real(integers(precision) + bias(precision)));
  return unary("realOf", shl(unary("bitsOf", shifted), ir.int(mantissaBits(precision))));
}

/**
 * y 2^k for whole k within twice the exponent range: rounds once, also to subnormals and to infinity. Two factors, whose
 * exponents are the halves of k + 2 bias: what the shifts by the mantissa push out does not matter.
 */
export function scaled(y: Expression, k: Expression, precision: Precision): Expression {
  const pattern = unary("bitsOf", add(k, real(integers(precision) + 2 * bias(precision))));
  const half = ir.shr(pattern, ir.int(1));
  const factor = (exponent: Expression) => unary("realOf", shl(exponent, ir.int(mantissaBits(precision))));
  return mul(mul(y, factor(half)), factor(sub(pattern, half)));
}

/**
 * y 2^k for y of 1/2 to 2 and whole k <= 0, down to zero: rounds once, also to subnormals. The exponent is raised by an
 * addition of bits, which cannot overflow, and lowered again by a product.
 */
export function scaledDown(y: Expression, k: Expression, precision: Precision): Expression {
  const raised = precision === "f64" ? 512 : 64;
  const shift = ir.int(mantissaBits(precision));
  const exponent = shl(unary("bitsOf", add(k, real(1.5 * integers(precision) + raised))), shift);
  return mul(unary("realOf", add(unary("bitsOf", y), exponent)), real(2 ** -raised));
}

/** A small signed whole number in bits as a real. */
export function bitsToReal(k: Expression, precision: Precision): Expression {
  const middle = 1.5 * integers(precision);
  return sub(unary("realOf", add(k, unary("bitsOf", real(middle)))), real(middle));
}

/** x with the lower half of its digits zero: products of two such are exact. */
export function upperHalf(x: Expression, precision: Precision): Expression {
  const mask = precision === "f64" ? ~0xffff_ffffn : ~0xfffn;
  return unary("realOf", and(unary("bitsOf", x), bits(mask)));
}

/** A constant as two: the upper half of its digits (in the precision) and the rest. */
export function splitConstant(x: number, precision: Precision): readonly [number, number] {
  const high = upperHalfOf(x, precision);
  return [high, x - high];
}

function upperHalfOf(x: number, precision: Precision): number {
  const view = new DataView(new ArrayBuffer(8));
  if (precision === "f64") {
    view.setFloat64(0, x);
    view.setUint32(4, 0);
    return view.getFloat64(0);
  }
  view.setFloat32(0, x);
  view.setUint32(0, view.getUint32(0) & 0xfffff000);
  return view.getFloat32(0);
}

/** |x| with the sign of y, zeros and all. */
export function withSignOf(x: Expression, y: Expression, precision: Precision): Expression {
  const sign = precision === "f64" ? 1n << 63n : 1n << 31n;
  const kept = and(unary("bitsOf", x), bits(~sign));
  return unary("realOf", ir.or(kept, and(unary("bitsOf", y), bits(sign))));
}

/** True when the sign bit is set: of -0 too. */
export function isNegative(x: Expression): Expression {
  return ir.lt(unary("bitsOf", x), bits(0n));
}
