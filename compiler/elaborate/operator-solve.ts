/** A linear system whose matrix is only a function: one of the language's own solvers, with the derivative of the system. */
import { Builder } from "../core/builder.ts";
import { type Atom, type Graph, intLiteral, newVar, realLiteral, type Var } from "../core/graph.ts";
import type { Primitive } from "../core/primitive.ts";
import { fatalStatuses, statusCode } from "../core/status.ts";
import { add, div, mul, sub } from "../primitives/arithmetic.ts";
import { equal, lessEqual, not, or } from "../primitives/comparison.ts";
import { innerProduct } from "../primitives/dot.ts";
import { sqrt } from "../primitives/math.ts";
import { maximum } from "../primitives/rounding.ts";
import { select } from "../primitives/select.ts";
import { DiagnosticError, fail } from "../syntax/diagnostic.ts";
import type { Span } from "../syntax/tree.ts";
import { conditionEstimate, factor, flatten, matrixOf, unflatten } from "../transform/adjoint/dense.ts";
import { call } from "../transform/control/call.ts";
import { reportPrimitive } from "../transform/control/effects.ts";
import { operatorSolve } from "../transform/control/operator-solve.ts";
import { isHomogeneous, isZeroArray } from "../transform/linearity.ts";
import { transposeOf } from "../transform/transpose.ts";
import { mostDirect } from "./adjoint.ts";
import type { Elaborator } from "./elaborator.ts";
import { arithmetic, realTerm, zeroLike } from "./operators.ts";
import { drawOf, epsilonOf, perturbed } from "./perturbation.ts";
import { runSolver } from "./solver-loop.ts";
import { type ConfiguredSolver, partNames } from "./solver-terms.ts";
import { type ArrayTerm, type FunctionTerm, leavesOf, realArray, rebuild, type Term, type TupleTerm } from "./terms.ts";

export interface OperatorSystem {
  /** Takes the constants, then the leaves of v; gives those of A v. */
  readonly operator: Graph;
  readonly constants: readonly Atom[];
  /** The structure of the vectors, with the leaves of b. */
  readonly right: Term;
  readonly solver: ConfiguredSolver;
  readonly span: Span;
  /**
   * True for the linear system of a derivative: one that is not solved to two digits ends the run, others that did
   * not converge are a warning, and nobody can read a status.
   */
  readonly adjoint: boolean;
  /** What the system is called in reports and messages. */
  readonly expression: string;
}

/** Residuals, relative to b, up to which an adjoint system that did not converge is used, with a warning. */
export const usableResidual = 1e-2;

/** The solution, shaped like `right`. For a certificate it is solved to rounding where that can be had. */
export function solveOperator(e: Elaborator, given: OperatorSystem): Term {
  const draw = e.insideSolver ? undefined : drawOf(e);
  const leaves = leavesOf(given.right, () => e.giveUp());
  if (draw !== undefined && leaves.reduce((s, l) => s + sizeOf(l.atom), 0) <= mostDirect)
    return solveDensely(e, given, draw);
  const system = draw === undefined ? given : { ...given, solver: sharper(e, given.solver) };
  const { operator, constants, right } = system;
  const linear = operator.inputs.map((_, i) => i >= constants.length);
  const zeros = constants.map((a) => isZeroArray(a, (made) => e.builder.producer(made)));
  const transposed = transposedOf(system, linear, zeros);
  const made = [operator, ...(transposed ? [transposed] : [])].map((graph) => solveGraph(e, system, graph));
  // Both solves take one list of constants: what their options mention, then those of the operator.
  const extras = [...new Map(made.flatMap(({ captured }) => captured).map((v) => [v.id, v])).values()];
  const widened = (graph: Graph): Graph => ({
    ...graph,
    inputs: [...extras.map((v) => newVar(v.type)), ...graph.inputs],
  });
  const laid = made.map(({ graph, captured }): Graph => {
    const own = graph.inputs.slice(captured.length);
    const has = new Set(captured.map((v) => v.id));
    return { ...graph, inputs: [...extras.map((v) => (has.has(v.id) ? v : newVar(v.type))), ...own] };
  });
  const b = e.builder;
  const known = [...extras, ...constants];
  const solved = (rhs: readonly Atom[]) =>
    operatorSolve(b, [...known, ...rhs], {
      operator: widened(operator),
      transposed: transposed && widened(transposed),
      solve: laid[0]!,
      solveTransposed: laid[1],
      constants: known.length,
    });
  const rhs = leaves.map((l) => l.atom);
  let atoms = solved(rhs);
  if (draw !== undefined) {
    // What is left of the right-hand side is solved for once more.
    const applied = call(b, operator, [...constants, ...atoms], false);
    const rest = solved(rhs.map((r, i) => sub(b, r, applied[i]!)));
    atoms = atoms.map((a, i) => add(b, a, rest[i]!));
  }
  return rebuild(
    right,
    leaves.map((l, i) => ({ ...l, atom: atoms[i]! })),
  );
}

/** By LU factors of the matrix, its entries moved within their rounding. */
function solveDensely(
  e: Elaborator,
  { operator, constants, right, expression, span }: OperatorSystem,
  draw: 0 | 1,
): Term {
  const b = e.builder;
  const leaves = leavesOf(right, () => e.giveUp());
  const types = leaves.map((l) => l.atom.type);
  const sizes = leaves.map((l) => sizeOf(l.atom));
  const matrix = perturbed(b, matrixOf(b, operator, constants, types, sizes, sizes), epsilonOf(e), draw);
  const factored = factor(b, matrix, "lu", epsilonOf(e));
  b.emit(reportPrimitive as Primitive, [intLiteral(0), intLiteral(0), conditionEstimate(b, matrix, factored)], {
    ...quietly,
    expression,
    span,
    role: "condition",
  });
  const rhs = flatten(
    b,
    leaves.map((l) => l.atom),
    sizes,
  );
  const atoms = unflatten(b, factored.solve(b, rhs), types, sizes);
  return rebuild(
    right,
    leaves.map((l, i) => ({ ...l, atom: atoms[i]! })),
  );
}

const quietly = { watched: { statusRead: false }, trial: false, quiet: false };

/** The solver with a hundredth of its tolerance. */
function sharper(e: Elaborator, solver: ConfiguredSolver): ConfiguredSolver {
  const tol = solver.options.get("tol");
  const before = tol
    ? (realTerm(e, tol, "`tol`", solver.span) as ArrayTerm).atom
    : realLiteral(Math.sqrt(epsilonOf(e)));
  const sharp = realArray(mul(e.builder, before, realLiteral(0.01)));
  return { ...solver, options: new Map([...solver.options, ["tol", sharp]]) };
}

/** The transpose of the operator, where it has one; a function that is not linear is refused. */
function transposedOf(
  { operator, span, expression }: OperatorSystem,
  linear: readonly boolean[],
  zeros: readonly boolean[],
): Graph | undefined {
  const refuse = () =>
    fail("K0529", span, `The function A of \`${expression}\` is not linear.`, {
      help: "A linear system wants `v => A @ v` or another function that adds and scales its argument, without a constant term. Equations that are not linear are solved by `root`.",
    });
  if (!isHomogeneous(operator, linear, zeros)) refuse();
  try {
    return transposeOf(
      operator,
      linear,
      operator.outputs.map(() => true),
    );
  } catch (error) {
    if (error instanceof Error && /is not linear/.test(error.message)) refuse();
    // A loop without a bound, say: forward mode and the solve itself need no transpose.
    if (error instanceof DiagnosticError) return undefined;
    throw error;
  }
}

/** b => x by the solver, on an operator that may be the transposed one. */
function solveGraph(
  e: Elaborator,
  system: OperatorSystem,
  operator: Graph,
): { graph: Graph; captured: readonly Var[] } {
  const { constants, right, solver, span } = system;
  const builder = new Builder({ parent: e.builder });
  const own = constants.map((a) => builder.input(a.type));
  const leaves = leavesOf(right, () => e.giveUp());
  const rhs = rebuild(
    right,
    leaves.map((l) => ({ kind: "array", type: "real", atom: builder.input(l.atom.type) })),
  );
  const apply = (v: Term): Term => {
    const given = leavesOf(e.alignTo(v, right), () => e.giveUp()).map((l) => l.atom);
    const atoms = call(e.builder, operator, [...own, ...given], false);
    return rebuild(
      right,
      leaves.map((l, i) => ({ ...l, atom: atoms[i]! })),
    );
  };
  const A: FunctionTerm = { kind: "function", name: "A", arity: 1, apply: (args) => apply(args.positional[0]!) };
  const [first, second] = partNames(solver.declaration) as [string, string];
  const outputs = e.within(builder, () =>
    e.inFrame(() => {
      const record = runSolver(e, {
        call: "linear_solve",
        from: zeroLike(e, rhs),
        solver,
        adjoint: { kind: "unroll", checkpoint: false },
        condition: undefined,
        record: undefined,
        parts: new Map<string, Term>([
          [first, A],
          [second, rhs],
        ]),
        stochastic: false,
        minimizes: false,
        span,
        value: undefined,
        defaultCondition: (x) => arithmetic(e, "-", apply(x), rhs, span),
        silent: system.adjoint,
      });
      const x = leavesOf(field(record, "x"), () => e.giveUp()).map((l) => l.atom);
      const status = (field(record, "status") as { atom: Atom }).atom;
      const b = e.builder;
      if (!system.adjoint && e.certifying !== undefined) reportResidual(e, system, apply, rhs, record);
      const failed = system.adjoint
        ? not(b, lessEqual(b, reportResidual(e, system, apply, rhs, record), realLiteral(usableResidual)))
        : fatalStatuses
            .map((name) => equal(b, status, { kind: "literal", value: statusCode(name), type: status.type }))
            .reduce((s, t) => or(b, s, t));
      return x.map((a) => select(b, failed, realLiteral(Number.NaN), a));
    }),
  );
  return builder.close(system.adjoint ? "adjoint" : "linear_solve", outputs);
}

function field(record: TupleTerm, name: string): Term {
  return record.items[record.names!.indexOf(name)]!;
}

/** |b - A x| / |b|, which the host hears of. */
function reportResidual(
  e: Elaborator,
  { span, expression, adjoint }: OperatorSystem,
  apply: (v: Term) => Term,
  rhs: Term,
  record: TupleTerm,
): Atom {
  const b = e.builder;
  const flat = (t: Term): Atom => {
    const atoms = leavesOf(t, () => e.giveUp()).map((l) => l.atom);
    return flatten(b, atoms, atoms.map(sizeOf));
  };
  const right = flat(rhs);
  const residual = sub(b, right, flat(apply(field(record, "x"))));
  const length = (v: Atom) => sqrt(b, innerProduct(b, v, v));
  const least = realLiteral(e.precision === "f64" ? 2 ** -1022 : 2 ** -126);
  const relative = div(b, length(residual), maximum(b, length(right), least));
  if (!e.insideSolver && e.mode === "bind")
    b.emit(
      reportPrimitive as Primitive,
      [
        (field(record, "status") as { atom: Atom }).atom,
        (field(record, "iterations") as { atom: Atom }).atom,
        relative,
      ],
      { ...quietly, expression, span, role: adjoint ? "adjoint" : "system" },
    );
  return relative;
}

function sizeOf(a: Atom): number {
  return a.type.shape.reduce<number>((s, d) => s * (d as number), 1);
}
