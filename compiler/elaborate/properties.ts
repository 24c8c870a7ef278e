/** `a ~= b`: equality up to an error estimate, for properties and asserts. */
import { realLiteral } from "../core/graph.ts";
import { add, mul, sub } from "../primitives/arithmetic.ts";
import { lessEqual } from "../primitives/comparison.ts";
import { reduceAll } from "../primitives/reduce.ts";
import { abs, maximum } from "../primitives/rounding.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Binary } from "../syntax/tree.ts";
import type { Elaborator } from "./elaborator.ts";
import { elementwise, leafwise, logical } from "./operators.ts";
import { type ArrayTerm, coreType, leavesOf, rankOf, shapeOf, showTermType, type Term } from "./terms.ts";

/** The estimated error of values made by `numeric_grad`, by their atoms. */
export const errorEstimates = new WeakMap<object, ArrayTerm["atom"]>();

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
    const estimate = within ? undefined : (errorEstimates.get(a!.atom) ?? errorEstimates.get(c!.atom));
    const operands: ArrayTerm[] = [a!, c!];
    if (estimate) operands.push({ kind: "array", type: "real", atom: estimate });
    return elementwise(e, "~=", operands, x.span, { at: "real", result: "bool" }, (b, [p, q, r]) => {
      const scale = maximum(b, realLiteral(1), maximum(b, abs(b, p!), abs(b, q!)));
      const allowed = mul(b, scale, tolerance);
      return lessEqual(b, abs(b, sub(b, p!, q!)), r ? add(b, allowed, r) : allowed);
    });
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
