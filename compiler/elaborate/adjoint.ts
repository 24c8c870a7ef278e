/** `adjoint = ...`: how a solve is differentiated, as a script says it or as is chosen for it. */
import { resolve } from "../core/dimension.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Span } from "../syntax/tree.ts";
import type { Factorisation } from "../transform/adjoint/dense.ts";
import { take } from "./builtins/support.ts";
import type { Elaborator } from "./elaborator.ts";
import { realTerm } from "./operators.ts";
import { asSolver, type ConfiguredSolver } from "./solver-terms.ts";
import { type ArrayTerm, rankOf, showTermType, type Term, type WordTerm } from "./terms.ts";

/** By the implicit function theorem, at the answer: one linear solve. */
export interface ImplicitAdjoint {
  readonly kind: "implicit";
  readonly by: LinearMethod | undefined;
  /** Added to the diagonal of the linearised condition. */
  readonly damping: ArrayTerm | undefined;
  /** Newton steps from the answer to the point that is differentiated at. */
  readonly polish: number;
}

export type LinearMethod =
  | { readonly kind: "direct"; readonly factorisation: Factorisation }
  | { readonly kind: "solver"; readonly solver: ConfiguredSolver };

export type Adjoint =
  | ImplicitAdjoint
  /** By the steps the solver took; with checkpoints the reverse pass keeps few states and takes the steps again. */
  | { readonly kind: "unroll"; readonly checkpoint: boolean }
  /** By that many steps of the solver from the answer, which is held constant: 1 for `one_step`. */
  | { readonly kind: "steps"; readonly count: number; readonly said: string };

export const implicitAdjoint: ImplicitAdjoint = { kind: "implicit", by: undefined, damping: undefined, polish: 0 };

const choices =
  "`implicit`, `implicit(by = cg(), damping = 1e-6, polish = 1)`, `unroll`, `unroll(checkpoint = true)`, `one_step` and `neumann(k)`";

export function adjointOf(e: Elaborator, term: Term | undefined, span: Span): Adjoint {
  if (!term) return implicitAdjoint;
  if (term.kind === "error") e.giveUp();
  if (term.kind === "word") {
    const { word, options } = term;
    if (word === "implicit") return options ? implicitOf(e, term, span) : implicitAdjoint;
    if (word === "neumann") return { kind: "steps", count: stepsOf(e, term, span), said: "neumann" };
    if (word === "unroll") return { kind: "unroll", checkpoint: options ? checkpointOf(e, term, span) : false };
    if (word === "one_step") {
      if (options) fail("K0522", span, "`one_step` takes no options.", { help: "Write `adjoint = one_step`." });
      return { kind: "steps", count: 1, said: "one_step" };
    }
  }
  return fail("K0522", span, `\`adjoint\` says how to differentiate a solve, but this is ${showTermType(term)}.`, {
    help: `Its choices are ${choices}.`,
  });
}

function implicitOf(e: Elaborator, term: WordTerm, span: Span): ImplicitAdjoint {
  const [by, damping, polish] = take("implicit", term.options!, ["by?", "damping?", "polish?"]);
  const shift = damping && realTerm(e, damping, "`damping`", span);
  if (shift && (shift.kind !== "array" || rankOf(shift) > 0))
    fail("K0526", span, `\`damping\` is one number, but this is ${showTermType(shift)}.`, {
      help: "It is added to the diagonal of the linearised condition.",
    });
  return {
    kind: "implicit",
    by: by && linearMethod(e, by, span),
    damping: shift as ArrayTerm | undefined,
    polish: polish ? wholeNumber(e, polish, "`polish`, the number of Newton steps,", span) : 0,
  };
}

function checkpointOf(e: Elaborator, term: WordTerm, span: Span): boolean {
  const [checkpoint] = take("unroll", term.options!, ["checkpoint?"]);
  if (!checkpoint) return false;
  if (checkpoint.kind === "error") e.giveUp();
  if (checkpoint.kind !== "array" || checkpoint.type !== "bool" || checkpoint.atom.kind !== "literal")
    fail("K0526", span, "`checkpoint` is `true` or `false`.", {
      help: "With it the reverse pass keeps a few states of the iteration and computes the others again.",
    });
  return checkpoint.atom.value === 1;
}

function stepsOf(e: Elaborator, term: WordTerm, span: Span): number {
  if (!term.options)
    fail("K0522", span, "`neumann` says of how many steps: `neumann(5)`.", {
      help: "More steps come nearer to the implicit derivative; one is `one_step`.",
    });
  const [count] = take("neumann", term.options, ["k"]);
  return Math.max(1, wholeNumber(e, count!, "The number of steps of `neumann`", span));
}

function wholeNumber(e: Elaborator, term: Term, what: string, span: Span): number {
  const d = resolve(e.asDimension(term, span));
  // While checking, a size may be a symbol: its value is only needed to compile.
  if (typeof d !== "number") return 1;
  if (d > 1000) fail("K0526", span, `${what} is ${d}, which is more than 1000.`);
  return d;
}

const factorisations: Readonly<Record<string, Factorisation>> = { lu: "lu", cholesky: "cholesky", qr: "qr" };

/** `cg()`, `direct()`, `direct(cholesky)`. */
function linearMethod(e: Elaborator, term: Term, span: Span): LinearMethod {
  if (term.kind === "word" && term.word === "direct") {
    const [how] = term.options ? take("direct", term.options, ["factorisation?"]) : [];
    const factorisation = how === undefined ? "lu" : how.kind === "function" ? factorisations[how.name] : undefined;
    if (factorisation === undefined)
      fail("K0527", span, "`direct` factors the matrix by `lu`, `cholesky` or `qr`.", {
        help: "Write `direct()`, `direct(cholesky)` for a symmetric positive definite matrix, or `direct(qr)`.",
      });
    return { kind: "direct", factorisation };
  }
  const solver = asSolver(e, term, span);
  const { form } = solver.declaration;
  if (form.kind !== "solves" || form.form.name !== "linear_solve")
    fail(
      "K0528",
      span,
      `\`${solver.declaration.name.name}\` does not solve linear systems, so it can not serve here.`,
      {
        notes: [{ message: "It is declared here:", span: form.span }],
        help: "The derivative of a solve is a linear system: take `direct()`, or a solver that `solves linear_solve(A, b)`.",
      },
    );
  return { kind: "solver", solver };
}

/** Up to this many unknowns the matrix is built and factored. */
export const mostDirect = 400;

/** What the linear system of a derivative is solved by, and why. */
export function chooseMethod(
  e: Elaborator,
  adjoint: ImplicitAdjoint,
  unknowns: number,
  symmetric: boolean,
  span: Span,
): { readonly method: LinearMethod; readonly reason: string } {
  if (adjoint.by) return { method: adjoint.by, reason: "as the script says" };
  if (unknowns <= mostDirect)
    return {
      method: { kind: "direct", factorisation: "lu" },
      reason: `its ${unknowns} unknowns are few enough for a dense factorisation`,
    };
  const [name, why] = symmetric
    ? ["cg", "the condition is a gradient, so its Jacobian is symmetric"]
    : ["gmres", "the Jacobian of the condition need not be symmetric"];
  const found = e.standard("std/linear", name);
  if (!found) fail("K0737", span, `The solver \`${name}\` of std/linear is not at hand for this derivative.`);
  return {
    method: { kind: "solver", solver: asSolver(e, found, span) },
    reason: `its ${unknowns} unknowns are too many for a dense factorisation, and ${why}`,
  };
}

/** The adjoint in words, for `explain`. */
export function describeMethod(method: LinearMethod): string {
  if (method.kind === "direct") return method.factorisation === "lu" ? "direct()" : `direct(${method.factorisation})`;
  return `${method.solver.declaration.name.name}()`;
}
