/** What a solve is, whichever call it comes from, and what its loop gives. */
import type { Dim } from "../core/dimension.ts";
import type { Atom } from "../core/graph.ts";
import type { Span } from "../syntax/tree.ts";
import type { Adjoint } from "./adjoint.ts";
import type { Activity } from "./certificate-reports.ts";
import type { ConfiguredSolver } from "./solver-terms.ts";
import type { ArrayTerm, FunctionTerm, Term, TupleTerm } from "./terms.ts";

export interface SolveForm {
  readonly call: "minimize" | "maximize" | "root" | "fixpoint" | "least_squares" | "linear_solve" | "solve";
  readonly from: Term;
  readonly solver: ConfiguredSolver;
  readonly parts: ReadonlyMap<string, Term>;
  readonly adjoint: Adjoint;
  readonly condition: FunctionTerm | undefined;
  readonly record: FunctionTerm | undefined;
  /** True for methods whose last point is the answer: they see noise, so no point is known to be best. */
  readonly stochastic: boolean;
  /** True when the best point is that of least value, not of least error. */
  readonly minimizes: boolean;
  /** The value at a point, when the form has one. */
  readonly value: ((x: Term) => Term) | undefined;
  /** What vanishes at an answer, unless the solver says otherwise. */
  readonly defaultCondition: ((x: Term) => Term) | undefined;
  /** For problems: the KKT conditions in the answer and its duals together, which then are differentiated together. */
  readonly dualCondition?: (x: Term, dual: Term) => Term;
  /** For problems: which inequalities bind at an answer and its duals. */
  readonly activity?: (x: Term, dual: Term) => Activity;
  /** True when the caller tells how the solve ended. */
  readonly silent?: boolean;
  readonly span: Span;
}

/** What the loop leaves behind. */
export interface LoopResult {
  readonly state: TupleTerm;
  readonly xIndex: number;
  readonly dualIndex: number;
  readonly final: TupleTerm;
  readonly best: readonly ArrayTerm[];
  readonly value: Atom;
  readonly error: Atom;
  readonly status: Atom;
  readonly iterations: Atom;
  readonly traces: readonly Atom[];
  readonly steps: Atom;
  readonly recorded: TupleTerm | undefined;
  readonly length: Dim;
}
