/** What a solve returns: the answer with its derivative, the diagnostics, and what each iteration saw. */
import { Builder } from "../core/builder.ts";
import { knownDim } from "../core/dimension.ts";
import { type Atom, type Graph, intLiteral, realLiteral, realScalar } from "../core/graph.ts";
import { add, div, mul, sub } from "../primitives/arithmetic.ts";
import { lessEqual } from "../primitives/comparison.ts";
import { gather } from "../primitives/gather.ts";
import { iota } from "../primitives/iota.ts";
import { abs, maximum, minimum } from "../primitives/rounding.ts";
import type { Span } from "../syntax/tree.ts";
import { customDerivativePrimitive } from "../transform/control/custom.ts";
import { check, reportPrimitive } from "../transform/control/effects.ts";
import { noDerivative } from "../transform/control/refuse.ts";
import { inlineGraph } from "../transform/inline.ts";
import { length } from "./certificate-reports.ts";
import { stopped } from "./derivatives.ts";
import type { Elaborator } from "./elaborator.ts";
import { applyTo } from "./functions.ts";
import { implicitSolution } from "./implicit.ts";
import { realTerm } from "./operators.ts";
import type { LoopResult, SolveForm } from "./solve-form.ts";
import { type Members, memberOf, membersAt } from "./solver-terms.ts";
import { steppedSolution } from "./stepped-solution.ts";
import {
  type ArrayTerm,
  leavesOf,
  mapLeaves,
  plainLeaf,
  realArray,
  rebuild,
  type Term,
  type TupleTerm,
  tupleTerm,
} from "./terms.ts";

/** The iterations of the solve a trace belongs to: a plot of it stops there. */
export const traceIterations = new WeakMap<Atom, Atom>();

/** Whether a solve's value is that of one sample, drawn with the key of the step. */
export function samplesValue(form: SolveForm): boolean {
  return form.stochastic && (form.call === "minimize" || form.call === "maximize");
}

/** What vanishes at an answer: the call's condition, else the solver's, else the form's. */
export function residualAt(e: Elaborator, form: SolveForm, members: Members, x: Term): Term | undefined {
  const { condition, span } = form;
  if (condition) return realTerm(e, applyTo(e, condition, [x], span), "A condition", span);
  if (members.has("condition")) return realTerm(e, members.call("condition", [x], span), "A condition", span);
  return form.defaultCondition?.(x);
}

/** Takes away a derivative nobody could trust: using one is an error that says what to do. */
function withoutDerivative(e: Elaborator, term: Term, span: Span, message: string, help: string): Term {
  return mapLeaves(term, (leaf) => plainLeaf(leaf, noDerivative(e.builder, leaf.atom, span, message, help)));
}

export function solveRecord(e: Elaborator, form: SolveForm, r: LoopResult): TupleTerm {
  const { span, solver } = form;
  const watched = { statusRead: false };
  const members = membersAt(e, solver, form.parts, e.dimensionTerm(0));
  const hasCondition = form.condition !== undefined || members.has("condition") || form.defaultCondition !== undefined;
  const measuresError = members.has("error") || hasCondition;
  if (!e.insideSolver && !form.silent && e.mode === "bind")
    e.builder.emit(reportPrimitive as never, [r.status, r.iterations, r.error], {
      expression: e.textOf(span),
      span,
      watched,
      trial: false,
      quiet: !measuresError,
    });
  if (!e.insideSolver && !form.silent && e.mode === "bind") reportDeclared(e, form, r, members);
  const unrolled = form.adjoint.kind === "unroll";
  const refuse = (term: Term, what: string): Term =>
    unrolled
      ? term
      : withoutDerivative(
          e,
          term,
          span,
          `\`${what}\` of this solve has no derivative of its own.`,
          "Say `adjoint = unroll` to differentiate the steps, or compute what you need from `x`.",
        );
  const { x, dual } = answer(e, form, r, members, hasCondition, refuse);
  const fields: [string, Term][] = [["x", x]];
  if (members.has("value") || form.value !== undefined || samplesValue(form))
    fields.push(["value", valueAt(e, form, r, x, members, refuse)]);
  fields.push(["error", measuresError ? refuse(realArray(r.error), "error") : realArray(r.error)]);
  fields.push(["iterations", { kind: "array", type: "int", atom: r.iterations }]);
  fields.push(["status", { kind: "array", type: "status", atom: r.status }]);
  if (dual) fields.push(["dual", dual]);
  fields.push(["trace", traceOf(e, r, refuse)]);
  return {
    ...tupleTerm(
      fields.map(([, t]) => t),
      fields.map(([n]) => n),
    ),
    onRead: (field) => {
      if (field === "status") watched.statusRead = true;
    },
  };
}

/**
 * The condition that the solver or the call declares, at the answer: what derivatives rely on. Where the solver measures
 * its error by that condition itself, it is known already.
 */
function reportDeclared(e: Elaborator, form: SolveForm, r: LoopResult, members: Members): void {
  if (!members.has("error") || !(members.has("condition") || form.condition)) return;
  const count = leavesOf(form.from, () => e.giveUp()).length;
  const x = rebuild(form.from, r.best.slice(0, count));
  const residual = leavesOf(residualAt(e, form, members, x)!, () => e.giveUp()).map((l) => l.atom);
  const size = maximum(
    e.builder,
    realLiteral(1),
    length(
      e,
      r.best.slice(0, count).map((l) => l.atom),
    ),
  );
  e.builder.emit(reportPrimitive as never, [r.status, r.iterations, div(e.builder, length(e, residual), size)], {
    expression: e.textOf(form.span),
    span: form.condition?.span ?? memberOf(form.solver.declaration, "condition")?.body.span ?? form.span,
    watched: { statusRead: true },
    trial: false,
    quiet: true,
    role: "declared",
  });
}

/** The answer and its duals, with the derivative the adjoint asks for. */
function answer(
  e: Elaborator,
  form: SolveForm,
  r: LoopResult,
  members: Members,
  hasCondition: boolean,
  refuse: (term: Term, what: string) => Term,
): { readonly x: Term; readonly dual: Term | undefined } {
  const { span, solver } = form;
  const count = leavesOf(form.from, () => e.giveUp()).length;
  // A method that sees noise knows no best point: its last one is the answer.
  const x = form.stochastic ? r.final.items[r.xIndex]! : rebuild(form.from, r.best.slice(0, count));
  const dual = r.dualIndex >= 0 ? rebuild(r.state.items[r.dualIndex]!, r.best.slice(count)) : undefined;
  const { adjoint, dualCondition, activity } = form;
  if (adjoint.kind === "unroll") return { x, dual };
  if (adjoint.kind === "steps")
    return { x: steppedSolution(e, form, r, x, adjoint.count), dual: dual && refuse(dual, "dual") };
  if (dualCondition && dual) {
    const parts = (t: Term): readonly [Term, Term] => (t.kind === "tuple" ? [t.items[0]!, t.items[1]!] : e.giveUp());
    const both = parts(
      implicitSolution(e, {
        solution: tupleTerm([x, dual]),
        condition: (t) => dualCondition(...parts(t)),
        adjoint,
        symmetric: false,
        ...(activity ? { activity: (t: Term) => activity(...parts(t)) } : {}),
        span,
      }),
    );
    return { x: both[0], dual: both[1] };
  }
  const refused = dual && refuse(dual, "dual");
  if (hasCondition) {
    const symmetric = form.minimizes && form.condition === undefined && !members.has("condition");
    const condition = (y: Term) => residualAt(e, form, members, y)!;
    return { x: implicitSolution(e, { solution: x, condition, adjoint, symmetric, span }), dual: refused };
  }
  const message = `The solver \`${solver.declaration.name.name}\` has no condition that its answer satisfies, so this solve is not differentiated.`;
  const help = "Say `adjoint = unroll` to differentiate its steps, or give a `condition`.";
  return { x: withoutDerivative(e, x, span, message, help), dual: refused };
}

/** The value at the answer, with the derivative of the objective there. */
function valueAt(
  e: Elaborator,
  form: SolveForm,
  r: LoopResult,
  x: Term,
  members: Members,
  refuse: (term: Term, what: string) => Term,
): Term {
  const value = realArray(r.value);
  if (form.adjoint.kind === "unroll") return value;
  // A solver with a condition of its own minimises more than the objective.
  if (!form.value || members.has("condition") || form.condition)
    return valueOfAnswer(e, form, r, x, members) ?? refuse(value, "value");
  const objective = realTerm(e, form.value(x), "The value", form.span) as ArrayTerm;
  if (!members.has("value") || e.mode === "check") return objective;
  const place = memberOf(form.solver.declaration, "value")!.body.span;
  return withDerivativeOf(e, stopped(e, value) as ArrayTerm, objective, place, form.span);
}

/** The solver's own `value` where it reads of the state x alone, and so has the derivative of x. */
function valueOfAnswer(
  e: Elaborator,
  form: SolveForm,
  r: LoopResult,
  x: Term,
  members: Members,
): ArrayTerm | undefined {
  if (!members.has("value") || form.stochastic) return undefined;
  const b = new Builder({ parent: e.builder, hoist: true });
  const entries = leavesOf(r.state, () => e.giveUp()).map((l) => plainLeaf(l, b.input(l.atom.type)));
  const state = rebuild(r.state, entries) as TupleTerm;
  const made = e.within(b, () => realTerm(e, members.call("value", [state], form.span), "The value", form.span));
  const { graph, captured } = b.close(
    "value",
    leavesOf(made, () => e.giveUp()).map((l) => l.atom),
  );
  const answer = leavesOf(state.items[r.xIndex]!, () => e.giveUp()).map((l) => l.atom);
  const read = atomsRead(graph);
  if (entries.some((l) => read.has(l.atom) && !answer.includes(l.atom))) return undefined;
  const at = leavesOf(x, () => e.giveUp()).map((l) => l.atom);
  const rest = leavesOf(r.state, () => e.giveUp()).map((l) => l.atom);
  const given = entries.map((l, i) => (answer.includes(l.atom) ? at[answer.indexOf(l.atom)]! : rest[i]!));
  return realArray(inlineGraph(e.builder, graph, [...captured, ...given])[0]!);
}

/** All that the outputs of a graph are computed from. */
function atomsRead(graph: Graph): ReadonlySet<Atom> {
  const read = new Set<Atom>(graph.outputs);
  for (const equation of graph.equations.toReversed())
    if (equation.outputs.some((o) => read.has(o))) for (const input of equation.inputs) read.add(input);
  return read;
}

/**
 * A value the solver computed, with the derivative of the objective at the answer. The two must be one number:
 * where the solver's `value` is something else, differentiating it is an error.
 */
function withDerivativeOf(e: Elaborator, value: ArrayTerm, objective: ArrayTerm, place: Span, span: Span): ArrayTerm {
  const graph = new Builder();
  const [same] = [graph.input(realScalar), graph.input(realScalar)];
  const rule = new Builder();
  const [v, f, , df] = [0, 1, 2, 3].map(() => rule.input(realScalar));
  rule.at(
    span,
    () => {
      const scale = maximum(rule, realLiteral(1), maximum(rule, abs(rule, v!), abs(rule, f!)));
      const tolerance = e.precision === "f64" ? 1e-6 : 1e-3;
      check(rule, lessEqual(rule, abs(rule, sub(rule, v!, f!)), mul(rule, scale, realLiteral(tolerance))), [v!, f!], {
        code: "K0417",
        message:
          "The `value` of this solver is {0} where the objective is {1}, so it has not the objective's derivative.",
        help: "Say `adjoint = unroll` to differentiate the steps, or compute the value from `x`.",
        span: place,
      });
    },
    "derivative",
  );
  const [atom] = e.builder.emit(customDerivativePrimitive as never, [value.atom, objective.atom], {
    graph: graph.close("value", [same!]).graph,
    rule: rule.close("value.tangent", [df!]).graph,
  });
  return realArray(atom!);
}

/** What each iteration saw; after the end the last entry is repeated. */
function traceOf(e: Elaborator, r: LoopResult, refuse: (term: Term, what: string) => Term): Term {
  const leaf = (atom: Atom, like: ArrayTerm): Term => {
    const type = { dtype: atom.type.dtype, shape: [r.length, ...like.atom.type.shape] };
    const entries = e.emit("trace", [atom, r.steps], type, (b) => {
      const last = add(b, r.steps, intLiteral(-1));
      return gather(b, atom, minimum(b, iota(b, knownDim(r.length)!), last), 0);
    });
    const shown = refuse(plainLeaf(like, entries), "trace");
    if (shown.kind === "array") traceIterations.set(shown.atom, r.iterations);
    return shown;
  };
  const [value, error, ...rest] = r.traces;
  const scalar = realArray(realLiteral(0));
  const recorded = r.recorded ? r.recorded.items.map((t) => mapLeaves(t, (l) => leaf(rest.shift()!, l))) : [];
  return tupleTerm(
    [leaf(value!, scalar), leaf(error!, scalar), ...recorded],
    ["value", "error", ...(r.recorded?.names ?? [])],
  );
}
