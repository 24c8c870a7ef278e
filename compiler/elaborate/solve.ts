/** `minimize`, `root` and their kin: which form a call has, what its parts are, and its default condition. */
import { fail } from "../syntax/diagnostic.ts";
import type { Span } from "../syntax/tree.ts";
import { type Adjoint, adjointOf } from "./adjoint.ts";
import { reductionBuiltins } from "./builtins/reductions.ts";
import { type Builtin, take } from "./builtins/support.ts";
import { gradient, pulledBack } from "./derivatives.ts";
import type { Elaborator } from "./elaborator.ts";
import { applyTo } from "./functions.ts";
import { arithmetic, negate, realTerm } from "./operators.ts";
import { solveProblem } from "./problems.ts";
import { suggest } from "./scope.ts";
import type { SolveForm } from "./solve-form.ts";
import { asOperator, linearSolveBuiltin, requireSquare, startOf } from "./solve-linear.ts";
import { asManyAsUnknowns, headerOf, oneNumber, placeOf, requireForm, searched, startTerm } from "./solve-parts.ts";
import { runSolver } from "./solver-loop.ts";
import { asSolver, type ConfiguredSolver, partNames, withKey } from "./solver-terms.ts";
import { type CallArguments, type FunctionTerm, showTermType, type Term, type TupleTerm } from "./terms.ts";

interface SolveOptions {
  readonly from: Term;
  readonly solver: ConfiguredSolver;
  readonly adjoint: Adjoint;
  readonly condition: FunctionTerm | undefined;
  readonly record: FunctionTerm | undefined;
}

function options(
  e: Elaborator,
  call: string,
  args: CallArguments,
  from: Term | undefined,
  by: Term | undefined,
  adjoint: Term | undefined,
  condition: Term | undefined,
  record: Term | undefined,
): SolveOptions {
  if (!from)
    fail("K0240", args.span, `The argument \`from\` of \`${call}\` is missing: every search starts somewhere.`, {
      help: `Write \`${call}(f, from = x0, by = ...)\`.`,
    });
  return {
    from: startTerm(e, from, args.span),
    solver: asSolver(e, by ?? standInSolver(e, call, args.span), args.span),
    adjoint: adjointOf(e, adjoint, args.span),
    condition: asOptionalFunction(condition, "condition", args.span),
    record: asOptionalFunction(record, "record", args.span),
  };
}

/** The solver of a call that names none. */
const standIns: Readonly<Record<string, readonly [path: string, name: string]>> = {
  minimize: ["std/first-order", "lbfgs"],
  argmin: ["std/first-order", "lbfgs"],
  maximize: ["std/first-order", "lbfgs"],
  argmax: ["std/first-order", "lbfgs"],
  root: ["std/roots", "newton_root"],
  fixpoint: ["std/roots", "anderson"],
  least_squares: ["std/least-squares", "levenberg_marquardt"],
  problem: ["std/constrained", "interior_point"],
};

function standInSolver(e: Elaborator, call: string, span: Span): Term {
  const standIn = standIns[call];
  const found = standIn && e.standard(...standIn);
  if (found) return found;
  return fail("K0737", span, `\`${call}\` needs a solver: give one with \`by = ...\`.`, {
    ...(call === "solve" ? { help: "A linear system `A x = b` is solved by `linear_solve(A, b)`." } : {}),
  });
}

function asOptionalFunction(term: Term | undefined, name: string, span: Span): FunctionTerm | undefined {
  if (!term) return undefined;
  if (term.kind !== "function") fail("K0738", span, `\`${name}\` takes a function, but this is ${showTermType(term)}.`);
  return term;
}

const signature = ["from?", "by?", "adjoint?", "condition?", "record?"];

/** `said` is the name in the script: `argmin` is `minimize` for messages only. */
function minimizeLike(
  call: "minimize" | "maximize",
  said: string = call,
): (e: Elaborator, args: CallArguments) => TupleTerm {
  return (e, args) => {
    const [f, from, by, adjoint, condition, record] = take(said, args, ["f", ...signature]);
    if (f!.kind === "error") e.giveUp();
    if (f!.kind !== "function")
      fail("K0504", args.span, `\`${said}\` takes a function, but this is ${showTermType(f!)}.`, {
        help: `Write \`${said}(x => ..., from = x0)\`.`,
      });
    if (f!.hasParameters)
      fail("K0244", args.span, `\`${f!.name}\` has parameters after \`;\`.`, {
        help: `Fix them first: \`${said}(${f!.name}(; ...), from = x0)\`.`,
      });
    const o = options(e, said, args, from, by, adjoint, condition, record);
    const { form } = o.solver.declaration;
    requireForm(o.solver, said, form.kind === "minimizes", args.span);
    const stochastic = form.kind === "minimizes" && form.arguments !== undefined;
    const given = searched(e, f!, o.from, placeOf(args, "from"), oneNumber(said, args.span));
    let objective: FunctionTerm = given;
    if (call === "maximize") objective = { ...given, apply: (inner) => negate(e, given.apply(inner), inner.span) };
    if (stochastic) objective = withKey(objective);
    const parts = new Map<string, Term>([[partNames(o.solver.declaration)[0]!, objective]]);
    const solved = runSolver(e, {
      ...o,
      call,
      parts,
      stochastic,
      minimizes: true,
      span: args.span,
      value: stochastic ? undefined : (x) => applyTo(e, objective, [x], args.span),
      defaultCondition: stochastic
        ? undefined
        : (x) => gradient(e, objective, { positional: [x], named: new Map(), span: args.span }, "grad").gradient,
    });
    if (call === "minimize") return solved;
    // The search saw -f; whoever asked for a maximum sees f.
    const turned = (t: Term, name: string): Term => {
      if (name === "value") return negate(e, t, args.span);
      if (name !== "trace" || t.kind !== "tuple") return t;
      return { ...t, items: t.items.map((s, i) => (t.names![i] === "value" ? negate(e, s, args.span) : s)) };
    };
    return { ...solved, items: solved.items.map((t, i) => turned(t, solved.names![i]!)) };
  };
}

const minimize = minimizeLike("minimize");
const maximize = minimizeLike("maximize");

function argumentOf(solve: typeof minimize): Builtin {
  return (e, args) => {
    const record = solve(e, args);
    return record.items[record.names!.indexOf("x")]!;
  };
}

function rootLike(call: "root" | "fixpoint" | "least_squares"): (e: Elaborator, args: CallArguments) => TupleTerm {
  const form: SolveForm["call"] = call;
  return (e, args) => {
    const [f, from, by, adjoint, condition, record] = take(call, args, ["F", ...signature]);
    if (f!.kind === "error") e.giveUp();
    if (f!.kind !== "function")
      fail("K0504", args.span, `\`${call}\` takes a function, but this is ${showTermType(f!)}.`);
    if (f!.hasParameters)
      fail("K0244", args.span, `\`${f!.name}\` has parameters after \`;\`.`, {
        help: `Fix them first: \`${call}(${f!.name}(; ...), from = x0)\`.`,
      });
    const o = options(e, call, args, from, by, adjoint, condition, record);
    const header = o.solver.declaration.form;
    requireForm(o.solver, call, header.kind === "solves" && header.form.name === call, args.span);
    const F = searched(
      e,
      f!,
      o.from,
      placeOf(args, "from"),
      call === "least_squares" ? () => {} : asManyAsUnknowns(e, call, o.from, args.span),
    );
    const residual = (x: Term): Term => {
      const y = applyTo(e, F, [x], args.span);
      if (call === "root") return y;
      if (call === "fixpoint") return arithmetic(e, "-", y, x, args.span);
      return pulledBack(e, F, { positional: [x, y], named: new Map(), span: args.span });
    };
    return runSolver(e, {
      ...o,
      call: form,
      parts: new Map([[partNames(o.solver.declaration)[0]!, F]]),
      stochastic: false,
      minimizes: false,
      span: args.span,
      value: undefined,
      defaultCondition: residual,
    });
  };
}

/** `solve(model)` and `solve((upper: F, ...), from = w0)`: problems, and forms a solver made for itself. */
const solve: Builtin = (e, args) => {
  const [model, from, by, adjoint, condition, record] = take("solve", args, ["model", ...signature]);
  if (model!.kind === "error") e.giveUp();
  const solver = asSolver(
    e,
    by ?? standInSolver(e, model!.kind === "problem" ? "problem" : "solve", args.span),
    args.span,
  );
  if (model!.kind === "problem")
    return solveProblem(
      e,
      model!,
      from && { term: from, span: placeOf(args, "from") },
      solver,
      adjointOf(e, adjoint, args.span),
      asOptionalFunction(record, "record", args.span),
      args.span,
    );
  if (model!.kind !== "tuple" || !model!.names)
    fail(
      "K0739",
      args.span,
      `\`solve\` takes a problem or a named tuple of parts, but this is ${showTermType(model!)}.`,
      {
        help: "Write `solve(model(...))`, or `solve((upper: F, lower: G), from = w0, by = ...)`. A linear system is `linear_solve(A, b)`.",
      },
    );
  const parts = partNames(solver.declaration);
  const names = model!.names!;
  const missing = parts.find((p) => !names.includes(p));
  const extra = names.find((n) => !parts.includes(n));
  const header = solver.declaration.form;
  const linear = header.kind === "solves" && header.form.name === "linear_solve";
  if (missing !== undefined || extra !== undefined || (header.kind !== "own" && !linear)) {
    const near = extra === undefined ? undefined : suggest(extra, parts);
    fail(
      "K0736",
      args.span,
      `The parts (${names.join(", ")}) do not fit the solver \`${solver.declaration.name.name}\`, which ${headerOf(solver)}.`,
      {
        notes: [{ message: "It is declared here:", span: header.span }],
        help:
          missing !== undefined
            ? `The part \`${missing}\` is missing.`
            : near
              ? `Did you mean \`${near}\`?`
              : `There is no part \`${extra}\`.`,
      },
    );
  }
  const given = new Map(parts.map((p) => [p, model!.kind === "tuple" ? model!.items[names.indexOf(p)]! : model!]));
  if (linear) {
    given.set(parts[0]!, asOperator(e, given.get(parts[0]!)!, args));
    const rhs = realTerm(e, given.get(parts[1]!)!, "The right-hand side", args.span);
    given.set(parts[1]!, rhs);
    const start = from
      ? startTerm(e, from, args.span)
      : startOf(e, model!.items[names.indexOf(parts[0]!)]!, rhs, solver, args);
    requireSquare(e, solver, start, rhs, args.span);
    return runSolver(e, {
      call: "solve",
      from: start,
      solver,
      adjoint: adjointOf(e, adjoint, args.span),
      condition: asOptionalFunction(condition, "condition", args.span),
      record: asOptionalFunction(record, "record", args.span),
      parts: given,
      stochastic: false,
      minimizes: false,
      span: args.span,
      value: undefined,
      defaultCondition: (x) => arithmetic(e, "-", applyTo(e, given.get(parts[0]!)!, [x], args.span), rhs, args.span),
    });
  }
  if (!from) fail("K0240", args.span, "The argument `from` of `solve` is missing: every search starts somewhere.");
  const hasValue = solver.declaration.members.some((m) => m.kind === "member" && m.name.name === "value");
  const hasError = solver.declaration.members.some(
    (m) => m.kind === "member" && (m.name.name === "error" || m.name.name === "condition"),
  );
  return runSolver(e, {
    call: "solve",
    from: startTerm(e, from, args.span),
    solver,
    adjoint: adjointOf(e, adjoint, args.span),
    condition: asOptionalFunction(condition, "condition", args.span),
    record: asOptionalFunction(record, "record", args.span),
    parts: given,
    stochastic: solver.declaration.members.some(
      (m) => m.kind === "member" && m.name.name === "next" && m.parameters.length === 3,
    ),
    // A form's value alone (an upper objective, say) does not tell a good point where an error can.
    minimizes: hasValue && !hasError,
    span: args.span,
    value: undefined,
    defaultCondition: undefined,
  });
};

/** `argmin` and `argmax` go by what they are given: an array is reduced, a function searched. */
function eitherOf(name: "argmin" | "argmax"): Builtin {
  const search = argumentOf(
    name === "argmin" ? minimizeLike("minimize", "argmin") : minimizeLike("maximize", "argmax"),
  );
  return (e, args) => (args.positional[0]?.kind === "function" ? search(e, args) : reductionBuiltins[name]!(e, args));
}

export const solveBuiltins: Readonly<Record<string, Builtin>> = {
  minimize,
  maximize,
  argmin: eitherOf("argmin"),
  argmax: eitherOf("argmax"),
  root: rootLike("root"),
  fixpoint: rootLike("fixpoint"),
  least_squares: rootLike("least_squares"),
  linear_solve: linearSolveBuiltin,
  solve,
};
