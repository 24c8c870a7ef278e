/** What a solve is given: which solver fits which call, and the user's function as the solver sees it. */
import { addDims, compareDims, type Dim, knownDim, productOfDims, showDim } from "../core/dimension.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Span } from "../syntax/tree.ts";
import type { Elaborator } from "./elaborator.ts";
import { joinTerms } from "./join-types.ts";
import { convertTo, realTerm } from "./operators.ts";
import type { SolveForm } from "./solve-form.ts";
import { asSolver, type ConfiguredSolver } from "./solver-terms.ts";
import {
  type CallArguments,
  type FunctionTerm,
  leavesOf,
  mapLeaves,
  rankOf,
  shapeOf,
  showTermType,
  type Term,
} from "./terms.ts";

/** Turns a solver's header into the words of the call it answers. */
export function headerOf(solver: ConfiguredSolver): string {
  const { form } = solver.declaration;
  if (form.kind === "minimizes") return form.arguments ? "minimizes f(x, k)" : "minimizes f";
  const parts = form.parts.map((p) => p.name).join(", ");
  return form.kind === "own" ? `solves (${parts})` : `solves ${form.form.name}(${parts})`;
}

/** Refuses a solver of another form than the call's. */
export function requireForm(solver: ConfiguredSolver, call: string, fits: boolean, span: Span): void {
  if (fits) return;
  fail(
    "K0736",
    span,
    `\`${call}\` can not use the solver \`${solver.declaration.name.name}\`, which ${headerOf(solver)}.`,
    {
      notes: [{ message: "It is declared here:", span: solver.declaration.form.span }],
      help: `\`${call}\` wants a solver that ${{ minimize: "minimizes f", maximize: "minimizes f", argmin: "minimizes f", argmax: "minimizes f", root: "solves root(F)", fixpoint: "solves fixpoint(T)", least_squares: "solves least_squares(r)", linear_solve: "solves linear_solve(A, b)" }[call] ?? "solves its parts"}.`,
    },
  );
}

/** How many numbers a term holds. */
export function sizeOf(e: Elaborator, term: Term): Dim {
  return leavesOf(term, () => e.giveUp())
    .map((leaf) => productOfDims(shapeOf(leaf)))
    .reduce(addDims, 0);
}

/** Whether a term holds no numbers at all, whatever the data. */
export function isEmpty(e: Elaborator, term: Term): boolean {
  return knownDim(sizeOf(e, term)) === 0;
}

/** What a search starts from, real throughout: ints are promoted, those in tuples too. */
export function startTerm(e: Elaborator, from: Term, span: Span): Term {
  const promoted = mapLeaves(from, (leaf) => (leaf.type === "int" ? convertTo(e, leaf, "real") : leaf));
  return realTerm(e, promoted, "What a search starts from", span);
}

/** The place of the argument of that name, or of the whole call. */
export function placeOf(args: CallArguments, name: string): Span {
  const at = [...args.named.keys()].indexOf(name);
  return (at < 0 ? undefined : args.spans?.[args.positional.length + at]) ?? args.span;
}

/**
 * The user's function as a solver calls it. Where it does not take what the search starts from, or gives what the call
 * has no use for, the mistake is that of the call, wherever the solver met it.
 */
export function searched(
  e: Elaborator,
  f: FunctionTerm,
  from: Term,
  place: Span,
  checkResult: (result: Term) => void,
): FunctionTerm {
  const started = showTermType(from);
  const { calls } = e;
  const { unknowns: _unknowns, firstArgument: _first, ...rest } = f;
  return {
    ...rest,
    apply: (args) => {
      const [first] = args.positional;
      const asStarted = first !== undefined && showTermType(first) === started;
      if (!asStarted) return f.apply(args);
      return e.asPartOf(calls, () => {
        const result = f.apply({ ...args, spans: [place], span: place });
        if (result.kind === "array" || result.kind === "tuple") checkResult(result);
        return result;
      });
    },
  };
}

/** What `minimize` and its kin ask of their function. */
export function oneNumber(said: string, span: Span): (result: Term) => void {
  return (result) => {
    if (result.kind === "array" && rankOf(result) === 0) return;
    fail(
      "K0246",
      span,
      `\`${said}\` wants a function that gives one real number, but this one gives ${showTermType(result)}.`,
      {
        help: "Sum its entries, or take their mean or `norm`.",
      },
    );
  };
}

/** `root` wants as many equations as unknowns, `fixpoint` a value shaped like its argument. */
export function asManyAsUnknowns(
  e: Elaborator,
  call: "root" | "fixpoint",
  from: Term,
  span: Span,
): (result: Term) => void {
  return (result) => {
    if (call === "fixpoint") {
      const { problem } = joinTerms(from, result);
      if (problem !== undefined)
        fail(
          "K1121",
          span,
          `\`fixpoint\` wants a function that gives what it takes, ${showTermType(from)}, but this one gives ${showTermType(result)}.`,
          {
            help: "Its answer satisfies T(x) == x. For F(x) == 0 there is `root`.",
          },
        );
      return;
    }
    if (result.kind === "array" && result.type === "bool")
      fail(
        "K1176",
        span,
        `\`root\` wants a function that is 0 at the answer, but this one gives ${showTermType(result)}.`,
        {
          help: "Write the difference of the two sides, `x => x ^ 2 - 2`, or a `condition` with `==`.",
        },
      );
    const [wanted, found] = [sizeOf(e, from), sizeOf(e, result)];
    if (compareDims(wanted, found) === "different")
      fail(
        "K1120",
        span,
        `\`root\` wants as many equations as unknowns, but there are ${showDim(found)} equations, ${showTermType(result)}, for ${showDim(wanted)} unknowns, ${showTermType(from)}.`,
        { help: "More equations than unknowns are met as well as can be by `least_squares`." },
      );
  };
}

/**
 * Where there are no unknowns every solver of a form of the language has the same to do, nothing: many could not even
 * divide by their number. What a solver with a form of its own makes of it only that solver knows.
 */
export function withoutUnknowns(e: Elaborator, form: SolveForm): SolveForm {
  if (form.solver.declaration.form.kind === "own" || !isEmpty(e, form.from)) return form;
  const term = e.standard("std/optimality", "no_unknowns");
  if (!term) throw new Error("internal error: std/optimality has no no_unknowns");
  const { declaration, scope } = asSolver(e, term, form.span);
  const { adjoint: _adjoint, dualCondition: _dual, activity: _activity, ...rest } = form;
  return {
    ...rest,
    solver: { ...form.solver, declaration, scope },
    adjoint: { kind: "unroll", checkpoint: false },
    stochastic: false,
  };
}
