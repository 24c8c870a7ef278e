/** Where a problem's solve starts: where the call says, or inside its sets. */
import type { Span } from "../syntax/tree.ts";
import type { Elaborator } from "./elaborator.ts";
import { readField } from "./expressions.ts";
import { applyTo } from "./functions.ts";
import { combinedBounds, type Restriction } from "./problem-constraints.ts";
import { type Handed, optimality } from "./problem-duals.ts";
import type { Model } from "./problems.ts";
import { startTerm } from "./solve-parts.ts";
import { type Term, type TupleTerm, tupleTerm } from "./terms.ts";
import { fitTerm, resolveType } from "./types.ts";

export function startFrom(e: Elaborator, model: Model, from: Term, span: Span): Term {
  const names = model.declaration.variables.map((v) => v.name.name);
  const items = model.declaration.variables.map((v) => resolveType(e, v.type, model.dims));
  const given = startTerm(e, from, span);
  const whole = names.length === 1 && given.kind === "array" ? tupleTerm([given], names) : given;
  return fitTerm(e, whole, { kind: "tuple", names, items }, "`from`", span);
}

/** Where a search starts that was given no start: zero, moved inside bounds and onto sets. */
export function startInside(
  e: Elaborator,
  model: Model,
  p: Handed & { readonly restrictions: readonly Restriction[] },
  zeros: TupleTerm,
  span: Span,
): Term {
  const { lower, upper } = combinedBounds(e, p.restrictions, zeros, span);
  const bounded = new Set(p.restrictions.flatMap((r) => (r.bound ? [r.bound.variable] : [])));
  const items = zeros.items.map((x, i) => {
    const name = zeros.names![i]!;
    const v = model.declaration.variables[i]!;
    const set = v.set && e.expression(v.set, model.scope);
    const nearest = set && applyTo(e, readField(e, set, "project", v.set!.span), [x], span);
    // An empty set has no nearest point. That the model has no answer is for the solver to say.
    const onto = nearest ? optimality(e, "known_or", [nearest, x], span) : x;
    if (!bounded.has(name)) return onto;
    return optimality(e, "inside", [onto, readField(e, lower, name, span), readField(e, upper, name, span)], span);
  });
  return tupleTerm(items, zeros.names!);
}
