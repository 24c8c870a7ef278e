/** A model as a quadratic program, for solvers that list the part `quadratic`; what is none is refused by name. */
import { realLiteral } from "../core/graph.ts";
import { lessEqual } from "../primitives/comparison.ts";
import type { Problem, Span } from "../syntax/tree.ts";
import { reductionBuiltins } from "./builtins/reductions.ts";
import type { Elaborator } from "./elaborator.ts";
import { readField } from "./expressions.ts";
import { type Handed, optimality } from "./problem-duals.ts";
import type { ArrayTerm, Term } from "./terms.ts";

/**
 * The matrices `(Q, c, A, b, G, d)` of f = x'Qx / 2 + c'x, h = Ax - b, g = Gx - d over the flat variables. When the
 * script runs, the goal must be quadratic and convex and the rows affine, to within rounding.
 */
export function quadraticForm(
  e: Elaborator,
  { declaration }: { readonly declaration: Problem },
  p: Handed,
  like: Term,
  solver: string,
  span: Span,
): Term {
  const form = optimality(e, "quadratic_form", [p.f, p.h, p.g, like], span);
  const gaps = optimality(e, "quadratic_gaps", [p.f, p.h, p.g, like, form], span);
  const most = 100 * Math.sqrt(e.precision === "f64" ? 2 ** -52 : 2 ** -23);
  const small = (gap: Term) => {
    const size = reductionBuiltins.max!(e, { positional: [gap], named: new Map(), span }) as ArrayTerm;
    return e.emit("<=", [size.atom], { dtype: "bool", shape: [] }, (b) => lessEqual(b, size.atom, realLiteral(most)));
  };
  const others = `Take a solver for smooth problems, such as \`interior_point()\` or \`augmented_lagrangian()\`.`;
  const { goal, sense } = declaration;
  e.require(
    goal.span,
    "K0983",
    small(readField(e, gaps, "f", span)),
    [],
    `The solver \`${solver}\` takes a quadratic goal, but this one is not: its second derivatives are not constant.`,
    others,
  );
  for (const r of p.rows)
    e.require(
      r.span,
      "K0984",
      small(readField(e, readField(e, gaps, r.kind, span), r.name, span)),
      [],
      `The solver \`${solver}\` takes affine constraints, but ${r.label === undefined ? "this one" : `\`${r.label}\``} is not: its slopes are not constant.`,
      others,
    );
  const convex = optimality(e, "convex", [readField(e, form, "Q", span)], span) as ArrayTerm;
  e.require(
    goal.span,
    "K0985",
    convex.atom,
    [],
    sense === "maximize"
      ? `The solver \`${solver}\` maximizes concave goals, but this one curves upward in some direction.`
      : `The solver \`${solver}\` minimizes convex goals, but this one curves downward in some direction.`,
    others,
  );
  return form;
}
