/** What is told apart in a problem, and what people write there who know other modelling languages. */
import * as t from "./tokens.ts";

/** A bound behind the type of a variable starts with one of these. */
export const comparisons: ReadonlySet<unknown> = new Set([
  t.Less,
  t.LessEqual,
  t.Greater,
  t.GreaterEqual,
  t.EqualEqual,
]);

/** By a word that starts no line of a problem: what does. */
export const problemHelp: ReadonlyMap<string, string> = new Map([
  ["min", "The goal is written `minimize e`."],
  ["max", "The goal is written `maximize e`."],
  ["st", "Constraints are written `subject to { x >= 0 }`."],
  ["s", "Constraints are written `subject to { x >= 0 }`."],
  ["such", "Constraints are written `subject to { x >= 0 }`."],
  ["constraints", "Constraints are written `subject to { x >= 0 }`."],
  ["variables", "Each variable is a line of its own: `var x: real[n]`."],
]);
