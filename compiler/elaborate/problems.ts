/** `problem`: a model as the functions f, h == 0, g <= 0 of its variables, and its solution by a solver. */
import { fail } from "../syntax/diagnostic.ts";
import type { Constraint, Problem, Span } from "../syntax/tree.ts";
import type { Elaborator } from "./elaborator.ts";
import { elaborateLet } from "./expressions.ts";
import { declaredFunction, bindDimensionArguments, matchArguments } from "./functions.ts";
import { Scope } from "./scope.ts";
import type { ConfiguredSolver } from "./solver-terms.ts";
import { type FunctionTerm, type ProblemTerm, type Term } from "./terms.ts";
import { fitTerm, resolveType, SignatureDimensions } from "./types.ts";

const reserved = ["value", "error", "iterations", "status", "trace", "dual"];

export interface Model {
  readonly declaration: Problem;
  readonly scope: Scope;
  readonly dims: SignatureDimensions;
}

export function problemTerm(e: Elaborator, declaration: Problem, scope: Scope): FunctionTerm {
  for (const v of declaration.variables)
    if (reserved.includes(v.name.name))
      fail("K0350", v.name.span, `A variable of a problem can not be called \`${v.name.name}\`: its result has a field of that name.`, { help: `The names ${reserved.join(", ")} are taken.` });
  for (const line of declaration.constraints) if (line.kind === "constraint") checkConstraint(line);
  return {
    kind: "function",
    name: declaration.name.name,
    span: declaration.name.span,
    apply: (args): ProblemTerm => {
      const what = `\`${declaration.name.name}\``;
      const inner = new Scope(scope);
      const dims = new SignatureDimensions(scope, true);
      bindDimensionArguments(declaration.dimensions, dims, args, what);
      const found = matchArguments(e, what, declaration.parameters, args, args.span, declaration.name, scope);
      for (const p of declaration.parameters) {
        const term = found.get(p.name.name)!;
        if (term.kind === "error") e.giveUp();
        inner.bind(p.name.name, p.type ? fitTerm(e, term, resolveType(e, p.type, dims), `\`${p.name.name}\` of ${what}`, args.span, p.span) : term, p.name.span);
      }
      for (const [n, d] of dims.found) if (!inner.own(n)) inner.bind(n, e.dimensionTerm(d));
      for (const d of declaration.definitions) {
        if (d.kind === "let") elaborateLet(e, d, inner);
        else inner.bind(d.name.name, declaredFunction(e, d, inner), d.name.span);
      }
      return { kind: "problem", name: declaration.name.name, model: { declaration, scope: inner, dims } satisfies Model };
    },
  };
}

/** A line is a comparison, or a comprehension over one; strict ones are refused. */
function checkConstraint(line: Constraint): void {
  const value = line.value.kind === "comprehension" ? line.value.body : line.value;
  if (value.kind !== "comparison")
    fail("K0351", line.span, "A constraint is an equation or an inequality.", { help: "Write `budget: sum(x) == 1` or `[x[t] <= 1 for t in 0..T]`." });
  for (const operator of value.operators) {
    if (operator === "<" || operator === ">")
      fail("K0352", value.span, `A constraint with \`${operator}\` has no boundary, so the optimum might not be attained.`, { help: `Write \`${operator}=\`.` });
    if (operator === "!=") fail("K0353", value.span, "`!=` is no constraint: almost every point satisfies it.");
  }
}

export function solveProblem(
  _e: Elaborator,
  model: Term,
  _from: Term | undefined,
  solver: ConfiguredSolver,
  _adjoint: "implicit" | "unroll",
  _record: FunctionTerm | undefined,
  span: Span,
): Term {
  return fail("K0354", span, `This version checks ${model.kind === "problem" ? `the problem \`${model.name}\`` : "a problem"} but can not solve it yet, by \`${solver.declaration.name.name}\` or any other solver.`, {
    help: "State it as `minimize` of an objective, or as the `root` of its conditions.",
  });
}
