/** Which inequalities of a model bind at an answer, and how clearly: what a certificate says of the active set. */
import type { Atom } from "../core/graph.ts";
import { neg } from "../primitives/arithmetic.ts";
import { concat, reshape } from "../primitives/shape.ts";
import type { Span } from "../syntax/tree.ts";
import { zerosOf } from "../transform/zeros.ts";
import type { Activity } from "./certificate-reports.ts";
import type { Elaborator } from "./elaborator.ts";
import { readField } from "./expressions.ts";
import { applyTo } from "./functions.ts";
import { arithmetic } from "./operators.ts";
import type { Handed } from "./problem-duals.ts";
import { leavesOf, type Term } from "./terms.ts";

/** Rows of g and limits of variables alike, each with its dual and its slack. */
export function activityOf(e: Elaborator, p: Handed, span: Span): (x: Term, dual: Term) => Activity {
  return (x, dual) => {
    const b = e.builder;
    const flat = (t: Term): Atom[] =>
      leavesOf(t, () => e.giveUp()).map((l) =>
        reshape(b, l.atom, [l.atom.type.shape.reduce<number>((s, d) => s * (d as number), 1)]),
      );
    const joined = (parts: readonly Atom[]): Atom => {
      const some = parts.filter((a) => a.type.shape[0] !== 0);
      if (some.length === 1) return some[0]!;
      return some.length === 0 ? zerosOf(b, { dtype: "real", shape: [0] }) : concat(b, some, 0);
    };
    const field = (name: string) => readField(e, dual, name, span);
    const duals = [...flat(field("g"))];
    const slacks = flat(applyTo(e, p.g, [x], span)).map((a) => neg(b, a));
    if (p.limits) {
      duals.push(...flat(field("lower")), ...flat(field("upper")));
      slacks.push(...flat(arithmetic(e, "-", x, p.limits.lower, span)));
      slacks.push(...flat(arithmetic(e, "-", p.limits.upper, x, span)));
    }
    const size = (parts: readonly Atom[]) => parts.reduce((s, a) => s + (a.type.shape[0] as number), 0);
    return {
      duals: joined(duals),
      slacks: joined(slacks),
      equations: size(flat(field("h"))),
      unknowns: size(flat(x)),
    };
  };
}
