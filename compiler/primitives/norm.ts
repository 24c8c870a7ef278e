/** The 2-norm, with derivative 0 where it is 0. */
import { type Atom, realLiteral } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { mul } from "./arithmetic.ts";
import { equal } from "./comparison.ts";
import { sqrt } from "./math.ts";
import { reduceSum } from "./reduce.ts";
import { select } from "./select.ts";

/** The square root of the sum of squares over `axes`. */
export const norm = (b: Emitter, x: Atom, axes: readonly number[]): Atom =>
  rootOfSquares(b, reduceSum(b, mul(b, x, x), axes));

/**
 * The square root of a sum of squares. At 0 the derivatives of all orders are 0: the root is taken of 1 there and
 * thrown away, so that its infinite slope meets no zero. Where the sum overflows, the slope of a root would be 0, and a
 * derivative of numbers that have one would look like that of a constant: the square in its place makes it infinite,
 * which is reported.
 */
export function rootOfSquares(b: Emitter, squares: Atom): Atom {
  const [zero, one] = [realLiteral(0), realLiteral(1)];
  const origin = equal(b, squares, zero);
  const overflow = equal(b, squares, realLiteral(Number.POSITIVE_INFINITY));
  const root = sqrt(b, select(b, origin, one, squares));
  return select(b, origin, zero, select(b, overflow, mul(b, squares, squares), root));
}
