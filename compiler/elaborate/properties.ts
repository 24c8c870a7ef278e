/** `a ~= b`: equality up to an error estimate, for properties and asserts. */
import type { Builder } from "../core/builder.ts";
import { type Atom, realLiteral } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { add, mul, sub } from "../primitives/arithmetic.ts";
import { and, lessEqual, not, or } from "../primitives/comparison.ts";
import { reduceAll, reduceAny } from "../primitives/reduce.ts";
import { abs, maximum } from "../primitives/rounding.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Binary } from "../syntax/tree.ts";
import { logical } from "./comparisons.ts";
import type { Elaborator } from "./elaborator.ts";
import { elementwise, leafwise } from "./operators.ts";
import { type ArrayTerm, coreType, leavesOf, rankOf, shapeOf, showTermType, type Term } from "./terms.ts";

/** What is known of a value that `numeric_grad` made. */
export interface NumericEstimate {
  readonly error: Atom;
  /** Whether a kink nearby explains that a claim is off by so much, entry by entry. */
  isKink(b: Emitter, mismatch: Atom): Atom;
}

/** By the atoms of the values. */
export const numericEstimates = new WeakMap<object, NumericEstimate>();

/**
 * Where it is known for which builders: truth values that say whether something was close only because of a kink. A
 * property's inputs are drawn by chance, so it makes nobody responsible for kinks; an assert's are chosen.
 */
export const kinkExcuses = new WeakMap<Builder, Atom[]>();

/**
 * True when |a - b| <= tolerance * max(1, |a|, |b|) everywhere, plus the numeric side's own error
 * estimate where it has one. Tolerance: 1e-6 in f64, 1e-3 in f32, or what `within` says (then alone, and absolute
 * for values below 1).
 */
export function approximately(e: Elaborator, left: Term, right: Term, within: Term | undefined, x: Binary): Term {
  let tolerance: ArrayTerm["atom"] = realLiteral(e.precision === "f64" ? 1e-6 : 1e-3);
  if (within) {
    if (within.kind !== "array" || rankOf(within) > 0 || within.type === "bool")
      fail("K0280", x.within!.span, `\`within\` takes a number, but this is ${showTermType(within)}.`);
    tolerance =
      within.type === "real" ? within.atom : realLiteral(within.atom.kind === "literal" ? within.atom.value : 0);
  }
  const close = leafwise(e, [left, right], "`~=`", x.span, ([a, c]) => {
    const estimate = numericEstimates.get(a!.atom) ?? numericEstimates.get(c!.atom);
    const operands: ArrayTerm[] = [a!, c!];
    if (estimate && !within) operands.push({ kind: "array", type: "real", atom: estimate.error });
    const near = elementwise(e, "~=", operands, x.span, { at: "real", result: "bool" }, (b, [p, q, r]) => {
      const scale = maximum(b, realLiteral(1), maximum(b, abs(b, p!), abs(b, q!)));
      const allowed = mul(b, scale, tolerance);
      return lessEqual(b, abs(b, sub(b, p!, q!)), r ? add(b, allowed, r) : allowed);
    });
    return estimate ? excused(e, near, [a!, c!], estimate) : near;
  });
  const flags = leavesOf(close, () => e.giveUp()).map((t): ArrayTerm => {
    const axes = shapeOf(t).map((_, i) => i);
    return {
      kind: "array",
      type: "bool",
      atom: e.emit("all", [t.atom], coreType("bool", []), (b) => reduceAll(b, t.atom, axes)),
    };
  });
  return flags.reduce<Term>((s, t) => logical(e, "and", s, t, x.span), e.boolTerm(true));
}

/** True where the sides are near, or where a kink is the reason that they are not. */
function excused(
  e: Elaborator,
  near: ArrayTerm,
  [p, q]: readonly [ArrayTerm, ArrayTerm],
  estimate: NumericEstimate,
): ArrayTerm {
  const excuses = kinkExcuses.get(e.builder);
  if (!excuses || ![p, q].every((t) => t.type === "real" && rankOf(t) === rankOf(near))) return near;
  const b = e.builder;
  const kinks = and(b, not(b, near.atom), estimate.isKink(b, abs(b, sub(b, p.atom, q.atom))));
  excuses.push(
    reduceAny(
      b,
      kinks,
      shapeOf(near).map((_, i) => i),
    ),
  );
  return { ...near, atom: or(b, near.atom, kinks) };
}
