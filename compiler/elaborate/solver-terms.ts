/** A `solver` declaration as a function of its options, and its members at one moment of an iteration. */
import { intLiteral } from "../core/graph.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { FunctionDeclaration, Let, Solver, SolverMember, Span } from "../syntax/tree.ts";
import type { Elaborator } from "./elaborator.ts";
import { elaborateLet } from "./expressions.ts";
import { countArguments, declaredFunction, matchArguments } from "./functions.ts";
import { refuseOutOfRange } from "./option-ranges.ts";
import { bindPattern } from "./patterns.ts";
import { Scope, suggest } from "./scope.ts";
import { type CallArguments, type FunctionTerm, type SolverTerm, showTermType, type Term } from "./terms.ts";
import { fitTerm, resolveType, SignatureDimensions } from "./types.ts";

export interface ConfiguredSolver {
  readonly declaration: Solver;
  readonly scope: Scope;
  readonly options: ReadonlyMap<string, Term>;
  readonly span: Span;
}

const memberNames = ["start", "next", "error", "value", "status", "condition"];
const given = ["tol", "iters", "key"];

export function solverFactory(e: Elaborator, declaration: Solver, scope: Scope): FunctionTerm {
  const what = `the solver \`${declaration.name.name}\``;
  for (const member of declaration.members) {
    if (member.kind !== "member") continue;
    if (!memberNames.includes(member.name.name)) {
      const near = suggest(member.name.name, memberNames);
      fail("K0731", member.name.span, `A solver has no member \`${member.name.name}\`.`, {
        help: near
          ? `Did you mean \`${near}\`?`
          : `Its members are ${memberNames.join(", ")}; a helper is declared with \`fn\`.`,
      });
    }
    const wanted = member.name.name === "next" ? [2, 3] : [1];
    if (!wanted.includes(member.parameters.length))
      fail(
        "K0732",
        member.name.span,
        `\`${member.name.name}\` takes ${member.name.name === "next" ? "`(s, t)` or `(s, t, k)`" : member.name.name === "start" || member.name.name === "condition" ? "`(x)`" : "`(s)`"}, but here it has ${member.parameters.length === 1 ? "one parameter" : `${member.parameters.length} parameters`}.`,
      );
  }
  for (const needed of ["start", "next"])
    if (!memberOf(declaration, needed))
      fail("K0733", declaration.name.span, `${what[0]!.toUpperCase()}${what.slice(1)} has no \`${needed}\`.`, {
        help: "A solver needs `start(x)`, its first state, and `next(s, t)`, one step.",
      });
  return {
    kind: "function",
    name: declaration.name.name,
    span: declaration.name.span,
    apply: (args) => configure(e, declaration, scope, args),
  };
}

export function memberOf(declaration: Solver, name: string): SolverMember | undefined {
  return declaration.members.find((m): m is SolverMember => m.kind === "member" && m.name.name === name);
}

/** What the options are called elsewhere. */
const aliases: ReadonlyMap<string, string> = new Map([
  ["tolerance", "tol"],
  ["gtol", "tol"],
  ["xtol", "tol"],
  ["ftol", "tol"],
  ["eps", "tol"],
  ["maxiter", "iters"],
  ["max_iter", "iters"],
  ["max_iters", "iters"],
  ["maxit", "iters"],
  ["iterations", "iters"],
  ["steps", "iters"],
  ["epochs", "iters"],
  ["lr", "step"],
  ["learning_rate", "step"],
  ["rate", "step"],
  ["step_size", "step"],
  ["stepsize", "step"],
  ["seed", "key"],
]);

function configure(e: Elaborator, declaration: Solver, scope: Scope, args: CallArguments): SolverTerm {
  const what = `the solver \`${declaration.name.name}\``;
  const own = declaration.options.map((o) => o.name.name);
  const common = new Map<string, Term>();
  const named = new Map(args.named);
  for (const name of given)
    if (!own.includes(name) && named.has(name)) {
      common.set(name, named.get(name)!);
      named.delete(name);
    }
  for (const name of named.keys())
    if (!own.includes(name)) {
      const meant = aliases.get(name);
      const near = meant && [...own, ...given].includes(meant) ? meant : suggest(name, [...own, ...given]);
      fail("K0233", args.span, `${what[0]!.toUpperCase()}${what.slice(1)} has no option \`${name}\`.`, {
        help: near
          ? `Did you mean \`${near}\`?`
          : `Its options are ${[...own, ...given].map((n) => `\`${n}\``).join(", ")}.`,
      });
    }
  const found = matchArguments(
    e,
    what,
    declaration.options,
    { positional: args.positional, named },
    args.span,
    declaration.name,
    scope,
  );
  const dims = new SignatureDimensions(scope, true);
  const options = new Map<string, Term>();
  for (const o of declaration.options) {
    const term = found.get(o.name.name)!;
    if (term.kind === "error") e.giveUp();
    if (declaration.span.file.startsWith("std/")) refuseOutOfRange(declaration.name.name, o.name.name, term, args.span);
    // Where a real is declared, a function of the iteration is a schedule.
    if (!o.type || term.kind === "function") options.set(o.name.name, term);
    else
      options.set(
        o.name.name,
        fitTerm(e, term, resolveType(e, o.type, dims), `the option \`${o.name.name}\` of ${what}`, args.span, o.span),
      );
  }
  for (const [name, term] of common) options.set(name, term);
  const configured: ConfiguredSolver = { declaration, scope, options, span: args.span };
  return { kind: "solver", name: declaration.name.name, configured };
}

/** The solver a `by =` names: `lbfgs(tol = 1e-6)`, or `lbfgs` alone for its defaults. */
export function asSolver(e: Elaborator, term: Term, span: Span): ConfiguredSolver {
  if (term.kind === "error") e.giveUp();
  const made = term.kind === "function" ? term.apply({ positional: [], named: new Map(), span }) : term;
  if (made.kind !== "solver")
    fail("K0734", span, `\`by\` takes a solver, but this is ${showTermType(term)}.`, {
      help: "Write `by = lbfgs(tol = 1e-6)`, with the solver imported.",
    });
  return made.configured as ConfiguredSolver;
}

/** The members of a solver as functions, with options and parts in sight. Schedules stand at iteration `t`. */
export interface Members {
  readonly scope: Scope;
  call(name: string, args: readonly Term[], span: Span): Term;
  has(name: string): boolean;
}

export function membersAt(e: Elaborator, solver: ConfiguredSolver, parts: ReadonlyMap<string, Term>, t: Term): Members {
  const { declaration } = solver;
  const outer = new Scope(solver.scope);
  for (const o of declaration.options) {
    const term = solver.options.get(o.name.name)!;
    const scheduled = term.kind === "function" && o.type?.kind === "named-type" && o.type.name === "real";
    outer.bind(
      o.name.name,
      scheduled ? (term as FunctionTerm).apply({ positional: [t], named: new Map(), span: solver.span }) : term,
      o.name.span,
    );
  }
  for (const name of given) {
    const term = solver.options.get(name);
    if (term && !declaration.options.some((o) => o.name.name === name)) outer.bind(name, term);
  }
  for (const [name, term] of parts) outer.bind(name, term);
  const scope = new Scope(outer);
  const functions = new Map<string, FunctionTerm>();
  for (const member of declaration.members)
    if (member.kind === "member") {
      const f = memberFunction(e, member, scope);
      functions.set(member.name.name, f);
      // A member may be called by a later one, unless a part already has its name.
      if (!outer.own(member.name.name)) scope.bind(member.name.name, f);
    }
  for (const member of declaration.members) bindHelper(e, member, scope);
  return {
    scope,
    has: (name) => functions.has(name),
    call: (name, args, span) => {
      const saved = e.insideSolver;
      e.insideSolver = true;
      try {
        const use = () => functions.get(name)!.apply({ positional: args, named: new Map(), span });
        return e.inCall(`the solver \`${declaration.name.name}\``, solver.span, use);
      } finally {
        e.insideSolver = saved;
      }
    },
  };
}

function bindHelper(e: Elaborator, member: Let | FunctionDeclaration | SolverMember, scope: Scope): void {
  if (member.kind === "let") elaborateLet(e, member, scope);
  else if (member.kind === "fn") scope.bind(member.name.name, declaredFunction(e, member, scope), member.name.span);
}

function memberFunction(e: Elaborator, member: SolverMember, scope: Scope): FunctionTerm {
  return {
    kind: "function",
    name: member.name.name,
    arity: member.parameters.length,
    span: member.name.span,
    apply: (args) => {
      countArguments(args, member.parameters.length, `\`${member.name.name}\``, member.name.span);
      const inner = new Scope(scope);
      member.parameters.forEach((p, i) => {
        bindPattern(e, p, args.positional[i]!, inner);
      });
      return e.inFrame(() => e.expression(member.body, inner));
    },
  };
}

/** `o.start(f)(x)`, `o.next(f)(s, t, k)`: a solver one step at a time. */
export function solverField(e: Elaborator, solver: SolverTerm, name: string, span: Span): Term {
  const configured = solver.configured as ConfiguredSolver;
  const { declaration } = configured;
  if (!memberOf(declaration, name))
    fail("K0735", span, `The solver \`${solver.name}\` has no member \`${name}\`.`, {
      help: `It has ${declaration.members.flatMap((m) => (m.kind === "member" ? [`\`${m.name.name}\``] : [])).join(", ")}.`,
    });
  return {
    kind: "function",
    name: `${solver.name}.${name}`,
    apply: (outer) => ({
      kind: "function",
      name: `${solver.name}.${name}`,
      apply: (inner) => {
        const names = partNames(declaration);
        if (outer.positional.length !== names.length)
          fail(
            "K0234",
            outer.span,
            `\`${solver.name}.${name}\` first takes ${names.map((n) => `\`${n}\``).join(", ")}.`,
          );
        const parts = new Map(names.map((n, i) => [n, outer.positional[i]!]));
        if (declaration.form.kind === "minimizes" && declaration.form.arguments)
          parts.set(names[0]!, withKey(parts.get(names[0]!)!));
        const t =
          name === "next" && inner.positional[1]
            ? inner.positional[1]
            : ({ kind: "array", type: "int", atom: intLiteral(0), dimension: 0 } as Term);
        const member = memberOf(declaration, name)!;
        const positional =
          name === "next" && member.parameters.length === 2 ? inner.positional.slice(0, 2) : inner.positional;
        return membersAt(e, configured, parts, t).call(name, positional, inner.span);
      },
    }),
  };
}

export function partNames(declaration: Solver): string[] {
  const { form } = declaration;
  return form.kind === "minimizes" ? [form.objective.name] : form.parts.map((p) => p.name);
}

/** A deterministic objective where a stochastic one is wanted: the key is ignored. */
export function withKey<T extends Term>(f: T): T | FunctionTerm {
  if (f.kind !== "function" || f.arity !== 1) return f;
  return {
    kind: "function",
    name: f.name,
    arity: 2,
    apply: (args) => f.apply({ ...args, positional: args.positional.slice(0, 1) }),
  };
}
