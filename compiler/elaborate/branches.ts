/** `if`: both sides as graphs of their own, and the choice between them. */
import { Builder } from "../core/builder.ts";
import type { Atom, Graph, Var } from "../core/graph.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { If, Span } from "../syntax/tree.ts";
import { condPrimitive } from "../transform/control/cond.ts";
import type { Elaborator } from "./elaborator.ts";
import { carried, joinTerms, matchTypes } from "./join-types.ts";
import type { Scope } from "./scope.ts";
import { plainLeaf, rankOf, rebuild, showTermType, type Term } from "./terms.ts";

export function elaborateIf(e: Elaborator, x: If, scope: Scope): Term {
  const condition = e.expression(x.condition, scope);
  if (condition.kind === "error") return condition;
  if (condition.kind !== "array" || condition.type !== "bool" || rankOf(condition) > 0)
    fail("K0271", x.condition.span, `\`if\` wants one true or false, but this is ${showTermType(condition)}.`, {
      help:
        condition.kind === "array" && condition.type === "bool"
          ? "Say `all(...)` or `any(...)`, or choose entry by entry with `where(c, a, b)`."
          : "Compare first, as in `x > 0`.",
    });
  const draws = e.frame.draws;
  const drawn: (typeof draws)[] = [];
  const side = (expression: If["then"]): Term => {
    e.frame.draws = new Map(draws);
    const term = e.expression(expression, scope);
    drawn.push(e.frame.draws);
    return term;
  };
  if (condition.atom.kind === "literal") return e.expression(condition.atom.value ? x.then : x.otherwise, scope);
  const result = chooseTerm(
    e,
    condition.atom,
    () => side(x.then),
    () => side(x.otherwise),
    x.span,
  );
  // What either side drew may have been drawn.
  e.frame.draws = new Map([...draws, ...drawn.flatMap((d) => [...d])]);
  return result;
}

/** Elaborates both sides into graphs of their own and emits the choice. */
export function chooseTerm(e: Elaborator, predicate: Atom, then: () => Term, otherwise: () => Term, span: Span): Term {
  const builders = [new Builder({ parent: e.builder }), new Builder({ parent: e.builder })] as const;
  const a = e.within(builders[0], then);
  const c = e.within(builders[1], otherwise);
  if (a.kind === "error" || c.kind === "error") e.giveUp();
  carried(e, a, "A value chosen while running", span);
  carried(e, c, "A value chosen while running", span);
  const { type, problem } = joinTerms(a, c);
  if (problem !== undefined) {
    if (e.mode === "check" && isUndecided(e, predicate)) return { kind: "error" };
    fail("K0272", span, `Both sides of this \`if\` need one type, but ${problem}.`);
  }
  const outputs = [
    e.within(builders[0], () => carried(e, matchTypes(e, a, type), "", span)),
    e.within(builders[1], () => carried(e, matchTypes(e, c, type), "", span)),
  ] as const;
  const closed = builders.map((b, i) =>
    b.close(
      "if",
      outputs[i]!.map((t) => t.atom),
    ),
  );
  const captured = new Map<number, Var>();
  for (const { captured: vars } of closed) for (const v of vars) captured.set(v.id, v);
  const operands = [...captured.values()];
  const graphs = closed.map(({ graph }) => ({ ...graph, inputs: operands })) as Graph[];
  const results = e.builder.emit(condPrimitive as never, [predicate, ...operands], {
    then: graphs[0]!,
    otherwise: graphs[1]!,
  });
  const typed = carried(e, type, "", span);
  return rebuild(
    type,
    typed.map((t, i) => plainLeaf(t, results[i]!)),
  );
}

/** While checking, a predicate on sizes may decide the side once data are bound: then types may differ. */
function isUndecided(e: Elaborator, predicate: Atom): boolean {
  const made = e.builder.producer(predicate);
  return (
    made !== undefined &&
    made.inputs.length > 0 &&
    made.inputs.every((a) => a.kind === "literal" || e.builder.producer(a)?.inputs.length === 0)
  );
}
