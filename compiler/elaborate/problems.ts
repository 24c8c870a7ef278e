/** `problem`: a model as the functions f, h == 0, g <= 0 of its variables, and its solution by a solver. */

import { realLiteral } from "../core/graph.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Constraint, Expression, Problem, Span } from "../syntax/tree.ts";
import { reductionBuiltins } from "./builtins/reductions.ts";
import { gradient } from "./derivatives.ts";
import type { Elaborator } from "./elaborator.ts";
import { elaborateLet, readField } from "./expressions.ts";
import { applyTo, bindDimensionArguments, declaredFunction, matchArguments } from "./functions.ts";
import { arithmetic, negate, realTerm, zeroLike } from "./operators.ts";
import { Scope } from "./scope.ts";
import { runSolver } from "./solver-loop.ts";
import type { ConfiguredSolver } from "./solver-terms.ts";
import {
  coreType,
  type FunctionTerm,
  type ProblemTerm,
  rankOf,
  showTermType,
  type Term,
  type TupleTerm,
  tupleTerm,
} from "./terms.ts";
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
      fail(
        "K0750",
        v.name.span,
        `A variable of a problem can not be called \`${v.name.name}\`: its result has a field of that name.`,
        { help: `The names ${reserved.join(", ")} are taken.` },
      );
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
        inner.bind(
          p.name.name,
          p.type
            ? fitTerm(e, term, resolveType(e, p.type, dims), `\`${p.name.name}\` of ${what}`, args.span, p.span)
            : term,
          p.name.span,
        );
      }
      for (const [n, d] of dims.found) if (!inner.own(n)) inner.bind(n, e.dimensionTerm(d));
      for (const d of declaration.definitions) {
        if (d.kind === "let") elaborateLet(e, d, inner);
        else inner.bind(d.name.name, declaredFunction(e, d, inner), d.name.span);
      }
      return {
        kind: "problem",
        name: declaration.name.name,
        model: { declaration, scope: inner, dims } satisfies Model,
      };
    },
  };
}

/** A line is a comparison, or a comprehension over one; strict ones are refused. */
function checkConstraint(line: Constraint): void {
  const value = line.value.kind === "comprehension" ? line.value.body : line.value;
  if (value.kind !== "comparison")
    fail("K0751", line.span, "A constraint is an equation or an inequality.", {
      help: "Write `budget: sum(x) == 1` or `[x[t] <= 1 for t in 0..T]`.",
    });
  for (const operator of value.operators) {
    if (operator === "<" || operator === ">")
      fail(
        "K0752",
        value.span,
        `A constraint with \`${operator}\` has no boundary, so the optimum might not be attained.`,
        { help: `Write \`${operator}=\`.` },
      );
    if (operator === "!=") fail("K0753", value.span, "`!=` is no constraint: almost every point satisfies it.");
  }
}

/** The functions a solver for problems works with, all of the variables as one named tuple. */
interface Parts {
  readonly f: FunctionTerm;
  readonly h: FunctionTerm;
  readonly g: FunctionTerm;
  readonly project: FunctionTerm | undefined;
}

/** One row of h or g and the constraint it belongs to; a two-sided line has one of each side. */
interface Row {
  readonly kind: "h" | "g";
  readonly name: string;
  readonly label: string | undefined;
  readonly side: "upper" | "lower" | undefined;
  readonly difference: Expression;
}

/** `a <= b` is a - b <= 0, `a >= b` is b - a <= 0, `a == b` is a - b == 0: the rows of a constraint. */
function rowsOf(line: Constraint, index: number): Row[] {
  const comparison = line.value.kind === "comprehension" ? line.value.body : line.value;
  if (comparison.kind !== "comparison") return [];
  const { operands, operators } = comparison;
  return operators.map((operator, i): Row => {
    const [left, right] = [operands[i]!, operands[i + 1]!];
    const [p, q] = operator === ">=" ? [right, left] : [left, right];
    const minus: Expression = { kind: "binary", operator: "-", left: p, right: q, span: comparison.span };
    const difference: Expression = line.value.kind === "comprehension" ? { ...line.value, body: minus } : minus;
    const sides =
      operators.length === 1 ? undefined : (operator === "<=") === (i === operators.length - 1) ? "upper" : "lower";
    return {
      kind: operator === "==" ? "h" : "g",
      name: `${line.label?.name ?? `row ${index}`}${sides ? ` ${i}` : ""}`,
      label: line.label?.name,
      side: sides,
      difference,
    };
  });
}

function partsOf(e: Elaborator, model: Model, rows: readonly Row[]): Parts {
  const { declaration, scope } = model;
  const variables = declaration.variables.map((v) => v.name.name);
  const at = (w: Term, body: (inner: Scope) => Term): Term => {
    const inner = new Scope(scope);
    if (w.kind !== "tuple") return e.giveUp();
    for (const name of variables) inner.bind(name, w.items[w.names!.indexOf(name)]!);
    for (const line of declaration.constraints) if (line.kind === "let") elaborateLet(e, line, inner);
    return body(inner);
  };
  const of = (name: string, body: (inner: Scope) => Term): FunctionTerm => ({
    kind: "function",
    name,
    arity: 1,
    apply: (args) => e.inFrame(() => at(args.positional[0]!, body)),
  });
  const group = (kind: "h" | "g") =>
    of(kind, (inner) => {
      const own = rows.filter((r) => r.kind === kind);
      return tupleTerm(
        own.map((r) => realTerm(e, e.expression(r.difference, inner), "A constraint", r.difference.span)),
        own.map((r) => r.name),
      );
    });
  const f = of("f", (inner) => {
    const value = realTerm(e, e.expression(declaration.goal, inner), "The goal", declaration.goal.span);
    if (value.kind !== "array" || rankOf(value) > 0)
      fail("K0246", declaration.goal.span, `An objective is one real number, but this is ${showTermType(value)}.`, {
        help: "Sum its entries, or take their mean or `norm`.",
      });
    return declaration.sense === "maximize" ? negate(e, value, declaration.goal.span) : value;
  });
  const sets = declaration.variables.filter((v) => v.set);
  const project: FunctionTerm = {
    kind: "function",
    name: "project",
    arity: 1,
    apply: (args) => {
      const w = args.positional[0]!;
      if (w.kind !== "tuple") return e.giveUp();
      return {
        ...w,
        items: w.items.map((t, i) => {
          const v = declaration.variables.find((u) => u.name.name === w.names![i]);
          if (!v?.set) return t;
          const set = e.expression(v.set, scope);
          return applyTo(e, readField(e, set, "project", v.set.span), [t], args.span);
        }),
      };
    },
  };
  return { f, h: group("h"), g: group("g"), project: sets.length > 0 ? project : undefined };
}

/** Solves a model: the result has each variable, `dual` by constraint, and the diagnostics of every solve. */
export function solveProblem(
  e: Elaborator,
  term: ProblemTerm,
  from: Term | undefined,
  solver: ConfiguredSolver,
  adjoint: "implicit" | "unroll",
  record: FunctionTerm | undefined,
  span: Span,
): Term {
  const model = term.model as Model;
  const { declaration } = model;
  const form = solver.declaration.form;
  if (form.kind !== "solves" || form.form.name !== "problem")
    fail("K0736", span, `\`solve\` can not use the solver \`${solver.declaration.name.name}\` for a problem.`, {
      notes: [{ message: "It is declared here:", span: form.span }],
      help: "A solver for models `solves problem(f, h, g)`.",
    });
  const rows = declaration.constraints.flatMap((line, i) => (line.kind === "constraint" ? rowsOf(line, i) : []));
  const parts = partsOf(e, model, rows);
  const listed = form.parts.map((p) => p.name);
  const given = new Map<string, Term>();
  for (const name of listed) {
    if (name === "f" || name === "h" || name === "g") given.set(name, parts[name]);
    else if (name === "project") given.set(name, parts.project ?? identity);
    else
      fail("K0755", form.span, `A problem has no part \`${name}\` in this version.`, {
        help: "Its parts are f, h, g and project; bounds are rows of g.",
      });
  }
  const needed = (["h", "g"] as const).find((k) => !listed.includes(k) && rows.some((r) => r.kind === k));
  if (needed !== undefined) {
    const row = rows.find((r) => r.kind === needed)!;
    fail(
      "K0756",
      span,
      `The solver \`${solver.declaration.name.name}\` takes no ${needed === "h" ? "equations" : "inequalities"}, but the problem has \`${row.name}\`.`,
    );
  }
  const set = declaration.variables.find((v) => v.set);
  if (set && !listed.includes("project"))
    fail(
      "K0756",
      span,
      `The solver \`${solver.declaration.name.name}\` takes no sets, but \`${set.name.name}\` lies in one.`,
      {
        notes: [{ message: "The variable:", span: set.span }],
        help: "Write the set as inequalities under `subject to`, or use a solver that lists `project`.",
      },
    );
  const start = startOf(e, model, from, span);
  const solved = runSolver(e, {
    call: "solve",
    from: start,
    solver,
    adjoint,
    condition: undefined,
    record,
    parts: given,
    stochastic: false,
    minimizes: false,
    span,
    value: (w) => applyTo(e, parts.f, [w], span),
    defaultCondition: undefined,
    // Stationarity of the Lagrangian, the equations, and complementarity (Nocedal and Wright, theorem 12.1).
    dualCondition: (w, dual) => {
      const [nu, lam] = [readField(e, dual, "h", span), readField(e, dual, "g", span)];
      const lagrangian: FunctionTerm = {
        kind: "function",
        name: "lagrangian",
        arity: 1,
        apply: (args) => {
          const at = args.positional[0]!;
          const terms = [
            applyTo(e, parts.f, [at], span),
            inner(e, nu, applyTo(e, parts.h, [at], span), span),
            inner(e, lam, applyTo(e, parts.g, [at], span), span),
          ];
          return terms.reduce((s, t) => arithmetic(e, "+", s, t, span));
        },
      };
      const stationary = gradient(e, lagrangian, { positional: [w], named: new Map(), span }, "grad").gradient;
      const complementary = arithmetic(e, "*", lam, applyTo(e, parts.g, [w], span), span);
      return tupleTerm([stationary, applyTo(e, parts.h, [w], span), complementary]);
    },
  });
  return resultOf(e, declaration, rows, solved, span);
}

/** The inner product of duals and rows; zero where there are none. */
function inner(e: Elaborator, dual: Term, rows: Term, span: Span): Term {
  if (rows.kind === "tuple" && rows.items.length === 0) return { kind: "array", type: "real", atom: realLiteral(0) };
  return reductionBuiltins.dot!(e, { positional: [dual, rows], named: new Map(), span });
}

const identity: FunctionTerm = { kind: "function", name: "project", arity: 1, apply: (args) => args.positional[0]! };

/** Zeros in the declared shapes, unless the call says where to start. */
function startOf(e: Elaborator, model: Model, from: Term | undefined, span: Span): Term {
  const names = model.declaration.variables.map((v) => v.name.name);
  const types = model.declaration.variables.map((v) => resolveType(e, v.type, model.dims));
  if (!from) {
    const zeros = types.map((t) => {
      if (t.kind !== "array") return fail("K0757", span, "The variables of a problem are arrays.");
      const shape = t.shape.map((d) => e.asDimension(e.dimensionTerm(d), span));
      return zeroLike(e, {
        kind: "array",
        type: "real",
        atom: { kind: "literal", value: 0, type: coreType("real", shape) },
      });
    });
    return tupleTerm(zeros, names);
  }
  const given = realTerm(e, from, "What a search starts from", span);
  const whole = names.length === 1 && given.kind === "array" ? tupleTerm([given], names) : given;
  return fitTerm(e, whole, { kind: "tuple", names, items: types }, "`from`", span);
}

/** Variables by name, duals by constraint: that of a two-sided line is its upper side minus its lower. */
function resultOf(e: Elaborator, declaration: Problem, rows: readonly Row[], solved: TupleTerm, span: Span): TupleTerm {
  const field = (name: string) => solved.items[solved.names!.indexOf(name)]!;
  const x = field("x");
  const fields: [string, Term][] = declaration.variables.map((v) => [
    v.name.name,
    x.kind === "tuple" ? x.items[x.names!.indexOf(v.name.name)]! : x,
  ]);
  for (const name of solved.names!) {
    if (name === "x" || name === "dual") continue;
    const value = field(name);
    fields.push([name, name === "value" && declaration.sense === "maximize" ? negate(e, value, span) : value]);
  }
  if (solved.names!.includes("dual")) {
    const dual = field("dual");
    const byName: [string, Term][] = [];
    for (const label of new Set(rows.flatMap((r) => (r.label === undefined ? [] : [r.label])))) {
      const own = rows.filter((r) => r.label === label);
      const terms = own.map((r) => {
        const side = readField(e, dual, r.kind, span);
        return { r, t: readField(e, side, r.name, span) };
      });
      const [first, ...rest] = terms;
      const signed = (x: { r: Row; t: Term }) => (x.r.side === "lower" ? negate(e, x.t, span) : x.t);
      byName.push([label, rest.reduce((s, t) => arithmetic(e, "+", s, signed(t), span), signed(first!))]);
    }
    fields.push([
      "dual",
      tupleTerm(
        byName.map(([, t]) => t),
        byName.map(([n]) => n),
      ),
    ]);
  }
  return { ...solved, names: fields.map(([n]) => n), items: fields.map(([, t]) => t) };
}
