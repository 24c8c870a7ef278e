/** How far a compiled graph may be from the evaluator, from the one table of functions/errors.ts: for tests. */
import { functionErrors } from "./functions/errors.ts";
import type { Precision } from "./ir.ts";

const epsilon: Readonly<Record<Precision, number>> = { f64: 2 ** -52, f32: 2 ** -23 };

/** The worst function's error, relative to its result. */
const worst = (precision: Precision): number =>
  Math.max(...Object.values(functionErrors).map((e) => e[precision])) * epsilon[precision];

/**
 * A whole graph's tolerance, relative to the largest element of each result (or to one): the worst function's error
 * this many times, for its thousands of operations in a row and the condition of what they compute. 9e-10 in f64,
 * 2.4e-4 in f32, whose programs cannot lose as many digits and still say something.
 */
export const programTolerance: Readonly<Record<Precision, number>> = {
  f64: 2 ** 20 * worst("f64"),
  f32: 2 ** 9 * worst("f32"),
};

/** That of one primitive's graph, its derivatives' and batches': few operations, small arrays. 4e-12 and 6e-5. */
export const primitiveTolerance: Readonly<Record<Precision, number>> = {
  f64: 2 ** 12 * worst("f64"),
  f32: 2 ** 7 * worst("f32"),
};

/**
 * Of what a whole script shows, graph after graph: solves stop within their tolerances, most often 1e-8, of the answer,
 * and from which side is a matter of rounding.
 */
export const scriptTolerance = 1e-6;
