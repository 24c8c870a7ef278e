/**
 * Duals of a solved model: the conditions its answer satisfies (Nocedal and Wright, Numerical Optimization, 2006,
 * theorem 12.1), multipliers by the names of constraints, and what happens to derivatives where they do not exist.
 */
import { Builder } from "../core/builder.ts";
import { realLiteral } from "../core/graph.ts";
import type { Problem, Span } from "../syntax/tree.ts";
import { customDerivativePrimitive } from "../transform/control/custom.ts";
import { check } from "../transform/control/effects.ts";
import { elementwiseBuiltins } from "./builtins/elementwise.ts";
import { reductionBuiltins } from "./builtins/reductions.ts";
import { compare, logical, negation } from "./comparisons.ts";
import { gradient } from "./derivatives.ts";
import type { Elaborator } from "./elaborator.ts";
import { readField } from "./expressions.ts";
import { applyTo } from "./functions.ts";
import { arithmetic, negate, zeroLike } from "./operators.ts";
import type { Restriction } from "./problem-constraints.ts";
import {
  type ArrayTerm,
  type FunctionTerm,
  leavesOf,
  plainLeaf,
  realArray,
  rebuild,
  type Term,
  type TupleTerm,
  tupleTerm,
} from "./terms.ts";

/** What a solver was handed, in the terms of its header. */
export interface Handed {
  readonly f: FunctionTerm;
  readonly h: FunctionTerm;
  readonly g: FunctionTerm;
  /** The restrictions that are rows of h and g. */
  readonly rows: readonly Restriction[];
  /** Those that were handed over as limits of the variables, and the limits. */
  readonly bounds: readonly Restriction[];
  readonly limits: Record<"lower" | "upper", Term> | undefined;
  /** The projection onto sets, when the solver takes it and there are any. */
  readonly project: FunctionTerm | undefined;
  /** Whether some variable lies in a set that the solver knows by its projection. */
  readonly inSets: boolean;
}

/** A function of the module `std/optimality`. */
export function optimality(e: Elaborator, name: string, args: readonly Term[], span: Span): Term {
  const f = e.standard("std/optimality", name);
  if (!f) throw new Error(`internal error: std/optimality has no ${name}`);
  const inside = e.insideSolver;
  e.insideSolver = true;
  try {
    return applyTo(e, f, args, span);
  } finally {
    e.insideSolver = inside;
  }
}

/** The inner product of duals and rows; zero where there are none. */
function inner(e: Elaborator, dual: Term, rows: Term, span: Span): Term {
  if (rows.kind === "tuple" && rows.items.length === 0) return realArray(realLiteral(0));
  return reductionBuiltins.dot!(e, { positional: [dual, rows], named: new Map(), span });
}

/**
 * The system that the answer and its duals solve together: stationarity of the Lagrangian, the equations, and for each
 * inequality min(dual, slack) = 0. Of these two the smaller one is the equation, so an active row holds as an equation
 * and the dual of an inactive one stays zero: differentiating the product dual * slack would mix the two.
 */
export function kktCondition(e: Elaborator, p: Handed, span: Span): (x: Term, dual: Term) => Term {
  return (x, dual) => {
    const field = (name: string) => readField(e, dual, name, span);
    const lagrangian: FunctionTerm = {
      kind: "function",
      name: "lagrangian",
      arity: 1,
      apply: (args) => {
        const at = args.positional[0]!;
        const terms = [
          applyTo(e, p.f, [at], span),
          inner(e, field("h"), applyTo(e, p.h, [at], span), span),
          inner(e, field("g"), applyTo(e, p.g, [at], span), span),
        ];
        // Limits may be infinite, so their constant part is left out.
        if (p.limits) terms.push(inner(e, arithmetic(e, "-", field("upper"), field("lower"), span), at, span));
        return terms.reduce((s, t) => arithmetic(e, "+", s, t, span));
      },
    };
    const slope = gradient(e, lagrangian, { positional: [x], named: new Map(), span }, "grad").gradient;
    const stationary = p.project
      ? arithmetic(e, "-", applyTo(e, p.project, [arithmetic(e, "-", x, slope, span)], span), x, span)
      : slope;
    const complementary = (lam: Term, g: Term) => optimality(e, "complementary", [lam, g], span);
    const system = [stationary, applyTo(e, p.h, [x], span), complementary(field("g"), applyTo(e, p.g, [x], span))];
    if (p.limits) {
      system.push(complementary(field("lower"), arithmetic(e, "-", p.limits.lower, x, span)));
      system.push(complementary(field("upper"), arithmetic(e, "-", x, p.limits.upper, span)));
    }
    return tupleTerm(system);
  };
}

/** The multiplier of each restriction, from the `dual` of a solver's state. */
function multipliersOf(e: Elaborator, p: Handed, dual: Term, span: Span): Map<Restriction, Term> {
  const found = new Map<Restriction, Term>();
  for (const r of p.rows) found.set(r, readField(e, readField(e, dual, r.kind, span), r.name, span));
  p.bounds.forEach((r, i) => {
    const { variable, side, limit } = r.bound!;
    const whole = readField(e, readField(e, dual, side, span), variable, span);
    const rivals = p.bounds.filter((o) => o.bound!.variable === variable && o.bound!.side === side);
    if (rivals.length === 1) {
      found.set(r, whole);
      return;
    }
    // Of several limits on one side, the tightest one holds the variable; of equal ones the first.
    const combined = readField(e, p.limits![side], variable, span);
    const holds = (o: Restriction) => compare(e, "==", o.bound!.limit, combined, span);
    const mine = p.bounds
      .slice(0, i)
      .filter((o) => rivals.includes(o))
      .reduce(
        (s, o) => logical(e, "and", s, negation(e, holds(o), span), span),
        compare(e, "==", limit, combined, span),
      );
    const none = zeroLike(e, whole);
    found.set(r, elementwiseBuiltins.where!(e, { positional: [mine, whole, none], named: new Map(), span }));
  });
  return found;
}

/** Why a result has no duals. */
export const withoutDuals =
  "The solver keeps no dual, and it knows a set by its projection alone: what the set and what the constraints have in the optimum can not be told apart. Use a solver that takes them as rows, such as `interior_point`.";

/** Whether the restrictions are all limits of variables that lie in no set. */
function apartFromSets(declaration: Problem, restrictions: readonly Restriction[]): boolean {
  const inSets = new Set(declaration.variables.flatMap((v) => (v.set ? [v.name.name] : [])));
  return restrictions.every((r) => r.bound && !inSets.has(r.bound.variable));
}

/**
 * The multiplier of each restriction: what the solver's state says, or else what stationarity asks for at the answer.
 * Undefined where a set known by its projection alone has a share in stationarity that nothing tells apart.
 */
export function multipliersIn(
  e: Elaborator,
  declaration: Problem,
  p: Handed & { readonly restrictions: readonly Restriction[] },
  all: { readonly h: FunctionTerm; readonly g: FunctionTerm },
  solved: TupleTerm,
  x: TupleTerm,
  span: Span,
): ReadonlyMap<Restriction, Term> | undefined {
  const at = solved.names!.indexOf("dual");
  if (at >= 0) return multipliersOf(e, p, solved.items[at]!, span);
  if (p.restrictions.length === 0) return new Map();
  if (p.inSets && !apartFromSets(declaration, p.restrictions)) return undefined;
  const found = optimality(e, "multipliers", [p.f, all.h, all.g, x], span);
  return new Map(p.restrictions.map((r) => [r, readField(e, readField(e, found, r.kind, span), r.name, span)]));
}

/** Duals by constraint: that of a two-sided line is its upper side minus its lower. */
export function dualsByName(
  e: Elaborator,
  restrictions: readonly Restriction[],
  multipliers: ReadonlyMap<Restriction, Term>,
  span: Span,
): TupleTerm {
  const labels = [...new Set(restrictions.flatMap((r) => (r.label === undefined ? [] : [r.label])))];
  const signed = (r: Restriction): Term => {
    const m = multipliers.get(r)!;
    return r.side === "lower" ? negate(e, m, span) : m;
  };
  const byName = labels.map((label) =>
    restrictions
      .filter((r) => r.label === label)
      .map(signed)
      .reduce((s, t) => arithmetic(e, "+", s, t, span)),
  );
  return tupleTerm(byName, labels);
}

/**
 * Where an inequality holds as an equation and its dual is zero too, the answer has a kink: its derivative to one side
 * is not that to the other. Whoever asks for it there is told, by name of the constraint.
 */
export function refuseAtKinks(
  e: Elaborator,
  terms: readonly Term[],
  slacks: readonly { readonly restriction: Restriction; readonly dual: Term; readonly row: Term }[],
  span: Span,
): Term[] {
  if (e.mode === "check" || slacks.length === 0) return [...terms];
  const whole = tupleTerm(terms);
  const leaves = leavesOf(whole, () => e.giveUp());
  const clear = slacks.map(({ dual, row }) => optimality(e, "strict", [dual, row], span) as ArrayTerm);
  const graph = new Builder();
  const values = leaves.map((l) => graph.input(l.atom.type));
  for (const c of clear) graph.input(c.atom.type);
  const rule = new Builder();
  for (const l of leaves) rule.input(l.atom.type);
  const promises = clear.map((c) => rule.input(c.atom.type));
  const tangents = leaves.map((l) => rule.input(l.atom.type));
  rule.at(
    span,
    () => {
      slacks.forEach(({ restriction }, i) => {
        const what =
          restriction.label === undefined
            ? `\`${e.textOf(restriction.span)}\``
            : `\`${restriction.label}\` (\`${e.textOf(restriction.span)}\`)`;
        check(rule, promises[i]!, [], {
          code: "K0980",
          message: `The answer of this problem has a kink here: the constraint ${what} holds with equality and its dual is zero, so the derivative to one side is not that to the other.`,
          help: "Move the parameters a little, leave the constraint out if nothing depends on it, or differentiate the `value`, which has no kink here. Where the solve is a rough one, ask for a smaller `tol`: it may leave the dual and the slack alike.",
          span: restriction.span,
        });
      });
    },
    "derivative",
  );
  const atoms = e.builder.emit(
    customDerivativePrimitive as never,
    [...leaves.map((l) => l.atom), ...clear.map((c) => c.atom)],
    {
      graph: graph.close("answer", values).graph,
      rule: rule.close("answer.tangent", tangents).graph,
    },
  );
  const guarded = rebuild(
    whole,
    leaves.map((l, i) => plainLeaf(l, atoms[i]!)),
  );
  return guarded.kind === "tuple" ? [...guarded.items] : e.giveUp();
}
