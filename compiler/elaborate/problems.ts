/** `problem`: a model as the functions f, h == 0, g <= 0 of its variables, and its solution by a solver. */

import { knownDim, resolve, showDim } from "../core/dimension.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Problem, Span, Variable } from "../syntax/tree.ts";
import type { Elaborator } from "./elaborator.ts";
import { elaborateLet, readField } from "./expressions.ts";
import { applyTo, bindDimensionArguments, declaredFunction, matchArguments } from "./functions.ts";
import { negate, realTerm, zeroLike } from "./operators.ts";
import { activityOf } from "./problem-activity.ts";
import {
  checkConstraint,
  combinedBounds,
  hasRows,
  ofVariables,
  type Restriction,
  restrictionsOf,
  restrictionsOfSet,
  rowsFunction,
} from "./problem-constraints.ts";
import {
  dualsByName,
  type Handed,
  kktCondition,
  multipliersIn,
  optimality,
  refuseAtKinks,
  withoutDuals,
} from "./problem-duals.ts";
import { quadraticForm } from "./problem-quadratic.ts";
import { startFrom, startInside } from "./problem-start.ts";
import { Scope } from "./scope.ts";
import type { SolveForm } from "./solve-form.ts";
import { isEmpty } from "./solve-parts.ts";
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
        model: { declaration, scope: inner, dims: sizesWithin(inner, dims) } satisfies Model,
      };
    },
  };
}

/** The sizes of a signature together with the int parameters, which stand in shapes too. */
function sizesWithin(inner: Scope, signature: SignatureDimensions): SignatureDimensions {
  const sizes = new SignatureDimensions(inner, true);
  for (const [name, size] of signature.found) sizes.found.set(name, size);
  return sizes;
}

const partsOfProblems = ["f", "h", "g", "lower", "upper", "project", "quadratic"];

/** The model as a solver's header asks for it: bounds to `lower` and `upper`, sets to `project`, the rest to rows. */
function handOver(
  e: Elaborator,
  model: Model,
  solver: ConfiguredSolver,
  listed: readonly string[],
  like: Term,
  span: Span,
): Handed & { readonly restrictions: readonly Restriction[] } {
  const { declaration, scope } = model;
  const name = solver.declaration.name.name;
  const takes = (part: string) => listed.includes(part);
  const projected = new Map<string, Term>();
  const fromSets: Restriction[] = [];
  for (const v of declaration.variables) {
    if (!v.set) continue;
    const set = e.expression(v.set, scope);
    if (takes("project")) projected.set(v.name.name, readField(e, set, "project", v.set.span));
    else if (hasRows(set)) fromSets.push(...restrictionsOfSet(e, v, set));
    else refuseSet(name, v, span);
  }
  const restrictions = [...fromSets, ...restrictionsOf(e, declaration, scope, like)];
  // A projection can clip a variable that lies in no set of its own.
  const handed = (r: Restriction) =>
    r.bound !== undefined && (takes("lower") || (takes("project") && !projected.has(r.bound.variable)));
  const bounds = restrictions.filter(handed);
  const rows = restrictions.filter((r) => !handed(r));
  const limits = takes("lower") || bounds.length > 0 ? combinedBounds(e, bounds, like, span) : undefined;
  const missing = rows.find((r) => !takes(r.kind));
  if (missing)
    fail(
      "K0756",
      span,
      `The solver \`${name}\` takes no ${missing.kind === "h" ? "equations" : "inequalities"}, but the problem has \`${missing.label ?? e.textOf(missing.span)}\`.`,
      {
        notes: [{ message: "The constraint:", span: missing.span }],
        ...(takes("lower") && missing.kind === "g"
          ? { help: "A bound holds a whole variable to one side of what mentions none: `x >= [0, -inf]`." }
          : {}),
      },
    );
  const clips = limits !== undefined && !takes("lower");
  return {
    f: goalOf(e, model),
    h: rowsFunction(e, declaration, scope, "h", rows),
    g: rowsFunction(e, declaration, scope, "g", rows),
    rows,
    bounds,
    limits,
    project: projected.size > 0 || clips ? projectionOf(e, projected, clips ? limits : undefined) : undefined,
    inSets: projected.size > 0,
    restrictions,
  };
}

function refuseSet(solver: string, v: Variable, span: Span): never {
  return fail("K0756", span, `The solver \`${solver}\` takes no sets, but \`${v.name.name}\` lies in one.`, {
    notes: [{ message: "The variable:", span: v.span }],
    help: "This set is known by its projection alone: use a solver that lists `project`, or write it as inequalities under `subject to`.",
  });
}

/** The function that is minimised. */
function goalOf(e: Elaborator, { declaration, scope }: Model): FunctionTerm {
  const { goal, sense } = declaration;
  return ofVariables(e, declaration, scope, "f", (inner) => {
    const value = realTerm(e, e.expression(goal, inner), "The goal", goal.span);
    if (value.kind !== "array" || rankOf(value) > 0)
      fail("K0246", goal.span, `An objective is one real number, but this is ${showTermType(value)}.`, {
        help: "Sum its entries, or take their mean or `norm`.",
      });
    return sense === "maximize" ? negate(e, value, goal.span) : value;
  });
}

/** Each variable onto its set, or else into its limits. */
function projectionOf(
  e: Elaborator,
  sets: ReadonlyMap<string, Term>,
  limits: Record<"lower" | "upper", Term> | undefined,
): FunctionTerm {
  return {
    kind: "function",
    name: "project",
    arity: 1,
    apply: (args) => {
      const w = args.positional[0]!;
      if (w.kind !== "tuple") return e.giveUp();
      const onto = (t: Term, name: string): Term => {
        const set = sets.get(name);
        if (set) return applyTo(e, set, [t], args.span);
        if (!limits) return t;
        const [lower, upper] = [limits.lower, limits.upper].map((l) => readField(e, l, name, args.span));
        return optimality(e, "between", [t, lower!, upper!], args.span);
      };
      return { ...w, items: w.items.map((t, i) => onto(t, w.names![i]!)) };
    },
  };
}

/** Solves a model: the result has each variable, `dual` by constraint, and the diagnostics of every solve. */
export function solveProblem(
  e: Elaborator,
  term: ProblemTerm,
  from: { readonly term: Term; readonly span: Span } | undefined,
  solver: ConfiguredSolver,
  adjoint: SolveForm["adjoint"],
  record: FunctionTerm | undefined,
  span: Span,
): Term {
  const model = term.model as Model;
  const form = solver.declaration.form;
  if (form.kind !== "solves" || form.form.name !== "problem")
    fail("K0736", span, `\`solve\` can not use the solver \`${solver.declaration.name.name}\` for a problem.`, {
      notes: [{ message: "It is declared here:", span: form.span }],
      help: "A solver for models `solves problem(f, h, g)`.",
    });
  const listed = form.parts.map((p) => p.name);
  const unknown = listed.find((name) => !partsOfProblems.includes(name));
  if (unknown !== undefined)
    fail("K0755", form.span, `A problem has no part \`${unknown}\`.`, {
      help: "Its parts are f, h, g, lower, upper, project and quadratic.",
    });
  if (listed.includes("lower") !== listed.includes("upper"))
    fail("K0981", form.span, "A solver that takes bounds lists both `lower` and `upper`.", {
      help: "Where there is no bound, they are -inf and inf.",
    });
  // A start may determine sizes.
  const started = from && startFrom(e, model, from.term, from.span);
  const like = variablesOf(e, model, span);
  const p = handOver(e, model, solver, listed, like, span);
  if (isEmpty(e, like)) refuseRows(e, p, like, span);
  const given = new Map<string, Term>();
  for (const name of listed) {
    if (name === "lower" || name === "upper") given.set(name, p.limits![name]);
    else if (name === "project") given.set(name, p.project ?? identity);
    else if (name === "quadratic")
      given.set(name, quadraticForm(e, model, p, like, solver.declaration.name.name, span));
    else given.set(name, p[name as "f" | "h" | "g"]);
  }
  const start = started ?? startInside(e, model, p, like, span);
  const all = { h: rowsOfAll(e, model, "h", p), g: rowsOfAll(e, model, "g", p) };
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
    value: (w) => applyTo(e, p.f, [w], span),
    // For solvers that keep no dual: the optimum in x alone.
    defaultCondition: (w) => {
      if (p.rows.length > 0 && p.inSets)
        fail("K0982", form.span, "A solver that takes both rows and sets keeps a `dual` in its state.", {
          notes: [{ message: "The solve:", span }],
          help: "The dual is `(h: ..., g: ...)`, shaped like the rows: without it the share of the rows in the optimality conditions is not known.",
        });
      if (p.rows.length > 0) return optimality(e, "eliminated", [p.f, all.h, all.g, w], span);
      const onto = p.project ?? (p.limits ? projectionOf(e, new Map(), p.limits) : undefined);
      return optimality(e, "projected", [p.f, onto ?? identity, w], span);
    },
    dualCondition: kktCondition(e, p, span),
    activity: activityOf(e, p, span),
  });
  return resultOf(e, model, p, all, solved, adjoint, span);
}

/** Without variables there is nothing to meet a restriction with. */
function refuseRows(e: Elaborator, p: Handed, like: Term, span: Span): void {
  const row = p.rows.find((r) => !isEmpty(e, readField(e, applyTo(e, p[r.kind], [like], span), r.name, span)));
  if (row)
    fail(
      "K1122",
      span,
      `This problem has no unknowns, its variables being empty, but \`${row.label ?? e.textOf(row.span)}\` asks something of them.`,
      { notes: [{ message: "The constraint:", span: row.span }] },
    );
}

/** All restrictions as rows, also those the solver was handed as bounds. */
function rowsOfAll(
  e: Elaborator,
  { declaration, scope }: Model,
  kind: "h" | "g",
  p: { readonly restrictions: readonly Restriction[] },
): FunctionTerm {
  return rowsFunction(e, declaration, scope, kind, p.restrictions);
}

const identity: FunctionTerm = { kind: "function", name: "project", arity: 1, apply: (args) => args.positional[0]! };

/** Zeros in the declared shapes. */
function variablesOf(e: Elaborator, model: Model, span: Span): TupleTerm {
  const zeros = model.declaration.variables.map((v) => {
    const t = resolveType(e, v.type, model.dims);
    if (t.kind !== "array") return fail("K0757", span, "The variables of a problem are arrays.");
    if (t.type !== "real")
      fail(
        "K0757",
        v.type.span,
        `The variable \`${v.name.name}\` is ${t.type}, but the variables of a problem are real.`,
        {
          help: "Write `real`: there are no solvers for variables that are whole numbers or truth values.",
        },
      );
    const shape = t.shape.map((d) => resolve(d));
    const open = shape.find((d) => e.mode === "bind" && knownDim(d) === undefined);
    if (open !== undefined)
      fail("K1123", span, `Nothing determines \`${showDim(open)}\`, a size of the variable \`${v.name.name}\`.`, {
        notes: [{ message: "The variable:", span: v.span }],
        help: "Make it a parameter of the problem, `n: int`, or a size of one; or give `from`.",
      });
    return zeroLike(e, {
      kind: "array",
      type: "real",
      atom: { kind: "literal", value: 0, type: coreType("real", shape) },
    });
  });
  return tupleTerm(
    zeros,
    model.declaration.variables.map((v) => v.name.name),
  );
}

/** Variables by name, duals by constraint, and the rest of the record. */
function resultOf(
  e: Elaborator,
  model: Model,
  p: Handed & { readonly restrictions: readonly Restriction[] },
  all: { readonly h: FunctionTerm; readonly g: FunctionTerm },
  solved: TupleTerm,
  adjoint: SolveForm["adjoint"],
  span: Span,
): TupleTerm {
  const { declaration } = model;
  const field = (name: string) => solved.items[solved.names!.indexOf(name)]!;
  const names = declaration.variables.map((v) => v.name.name);
  const plain = field("x");
  const x = plain.kind === "tuple" ? plain : tupleTerm([plain], names);
  const multipliers = multipliersIn(e, declaration, p, all, solved, x, span);
  let variables: readonly Term[] = names.map((n) => x.items[x.names!.indexOf(n)]!);
  let dual = multipliers && dualsByName(e, p.restrictions, multipliers, span);
  if (multipliers && adjoint.kind === "implicit") {
    const at = applyTo(e, all.g, [x], span);
    const slacks = p.restrictions.flatMap((r) =>
      r.kind === "g" ? [{ restriction: r, dual: multipliers.get(r)!, row: readField(e, at, r.name, span) }] : [],
    );
    const guarded = refuseAtKinks(e, dual ? [...variables, dual] : variables, slacks, span);
    variables = guarded.slice(0, names.length);
    if (dual) dual = guarded[names.length] as TupleTerm;
  }
  const turned = (t: Term): Term => (declaration.sense === "maximize" ? negate(e, t, span) : t);
  const fields: [string, Term][] = names.map((n, i) => [n, variables[i]!]);
  for (const name of solved.names!) {
    const t = field(name);
    if (name === "x" || name === "dual") continue;
    if (name === "value") fields.push([name, turned(t)]);
    else if (name === "trace" && t.kind === "tuple")
      fields.push([name, { ...t, items: t.items.map((s, i) => (t.names![i] === "value" ? turned(s) : s)) }]);
    else fields.push([name, t]);
  }
  if (dual) fields.push(["dual", dual]);
  const whyAbsent = (name: string) => (name === "dual" ? withoutDuals : undefined);
  return { ...solved, ...(dual ? {} : { whyAbsent }), names: fields.map(([n]) => n), items: fields.map(([, t]) => t) };
}
