/** What kind of number a real is, judged by its bits: targets need not compare NaNs as IEEE 754 does. */
import { and, bits, gt, lt, unary } from "../expressions.ts";
import type { Expression, Precision } from "../ir.ts";

/** The bits without the sign: as integers they are in the order of the absolute values, NaN above infinity. */
function magnitude(x: Expression, precision: Precision): Expression {
  return and(unary("bitsOf", x), bits(precision === "f64" ? 0x7fff_ffff_ffff_ffffn : 0x7fff_ffffn));
}

const infinity = (precision: Precision) => bits(precision === "f64" ? 0x7ff0_0000_0000_0000n : 0x7f80_0000n);

function isNaNReal(x: Expression, precision: Precision): Expression {
  return gt(magnitude(x, precision), infinity(precision));
}

/** Neither infinite nor NaN. */
function isFiniteReal(x: Expression, precision: Precision): Expression {
  return lt(magnitude(x, precision), infinity(precision));
}

export { isFiniteReal as isFinite, isNaNReal as isNaN };
