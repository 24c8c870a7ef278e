/** The linear system (dF/dx) v = r of a condition at a point: dense, or by one of the language's own solvers. */
import { Builder } from "../core/builder.ts";
import type { Atom, Graph } from "../core/graph.ts";
import { add, mul } from "../primitives/arithmetic.ts";
import { identityLike } from "../primitives/matrix.ts";
import { reshape } from "../primitives/shape.ts";
import type { Span } from "../syntax/tree.ts";
import { conditionEstimate, factor, flatten, matrixOf, unflatten } from "../transform/adjoint/dense.ts";
import { inlineGraph } from "../transform/inline.ts";
import { jvpGraph } from "../transform/jvp.ts";
import { instantiate } from "../transform/zeros.ts";
import { type LinearMethod, mostDirect } from "./adjoint.ts";
import type { Elaborator } from "./elaborator.ts";
import { solveOperator } from "./operator-solve.ts";
import { drawOf, epsilonOf, perturbed } from "./perturbation.ts";
import type { ConfiguredSolver } from "./solver-terms.ts";
import { leavesOf, realArray, rebuild, type Term } from "./terms.ts";

export interface LinearisedCondition {
  /** Takes what it captures, then x; gives the residual. */
  readonly condition: Graph;
  readonly captured: readonly Atom[];
  readonly at: readonly Atom[];
  /** The structures of x and of the residual. */
  readonly solution: Term;
  readonly residual: Term;
  /** The leaves of x: their types and how many entries each has; and the entries of the residual's leaves. */
  readonly types: readonly Atom["type"][];
  readonly sizes: readonly number[];
  readonly residualSizes: readonly number[];
  readonly method: LinearMethod;
  /** Added to the diagonal. */
  readonly damping: Atom | undefined;
  readonly expression: string;
  readonly span: Span;
}

export interface LinearSystem {
  /** The leaves of a residual to those of x; linear. */
  readonly solve: (right: readonly Atom[]) => readonly Atom[];
  /** Only where the matrix is at hand. */
  readonly matrix?: { readonly regular: Atom; readonly condition: () => Atom };
}

export function linearSystem(e: Elaborator, c: LinearisedCondition): LinearSystem {
  const { method } = c;
  const draw = drawOf(e);
  const unknowns = c.sizes.reduce((s, t) => s + t, 0);
  // What an iteration leaves of its system is seen beside one that is solved to rounding.
  if (method.kind === "solver" && (draw === undefined || unknowns > mostDirect)) {
    const operator = operatorOf(e, c);
    return { solve: (right) => iterate(e, c, operator, method.solver, right) };
  }
  const b = e.builder;
  const { graph, constants } = operatorOf(e, c);
  const jacobian = matrixOf(b, graph, constants, c.types, c.sizes, c.residualSizes);
  const damped = c.damping ? add(b, jacobian, mul(b, c.damping, identityLike(b, jacobian))) : jacobian;
  const epsilon = epsilonOf(e);
  const matrix = draw === undefined ? damped : perturbed(b, damped, epsilon, draw);
  // Moved entries leave a symmetric matrix as one that is only nearly so.
  const factorisation = method.kind === "direct" && draw === undefined ? method.factorisation : "lu";
  const factored = factor(b, matrix, factorisation, epsilon);
  return {
    matrix: { regular: factored.regular, condition: () => conditionEstimate(b, matrix, factored) },
    solve: (right) => unflatten(b, factored.solve(b, flatten(b, right, c.residualSizes)), c.types, c.sizes),
  };
}

interface Operator {
  readonly graph: Graph;
  readonly constants: readonly Atom[];
}

/** v => (dF/dx) v at the point, on the leaves of x. */
function operatorOf(e: Elaborator, { condition, captured, at, types }: LinearisedCondition): Operator {
  const b = new Builder({ parent: e.builder, hoist: true });
  const units = types.map((t) => b.input(t));
  const applied = jvpGraph(b, condition, [...captured, ...at], [...captured.map(() => undefined), ...units]).tangents;
  const closed = b.close(
    "jacobian",
    applied.map((t, i) => instantiate(b, t, condition.outputs[i]!.type)),
  );
  return { graph: closed.graph, constants: closed.captured };
}

/**
 * By a solver that knows the operator as a function. Where the residual has the structure of x the solver sees that
 * structure (a preconditioner is written in it); otherwise both are one vector.
 */
function iterate(
  e: Elaborator,
  c: LinearisedCondition,
  { graph, constants }: Operator,
  solver: ConfiguredSolver,
  right: readonly Atom[],
): readonly Atom[] {
  const b = e.builder;
  const alike = right.length === c.types.length && right.every((r, i) => sameShape(r.type.shape, c.types[i]!.shape));
  const size = c.sizes.reduce((s, t) => s + t, 0);
  const own = new Builder();
  const inputs = constants.map((a) => own.input(a.type));
  const vectors = alike ? c.types.map((t) => own.input(t)) : [own.input({ dtype: "real", shape: [size] })];
  const leaves = alike ? vectors : unflatten(own, vectors[0]!, c.types, c.sizes);
  const applied = inlineGraph(own, graph, [...inputs, ...leaves]);
  const shaped = alike ? applied : [flatten(own, applied, c.residualSizes)];
  const damping = c.damping;
  const shift = damping && own.input({ dtype: "real", shape: [] });
  const damped = shift ? shaped.map((a, i) => add(own, a, mul(own, shift, vectors[i]!))) : shaped;
  const closed = own.close("damped", damped).graph;
  // Constants come first: the shift was made after the vectors.
  const operator: Graph = shift ? { ...closed, inputs: [shift, ...closed.inputs.slice(0, -1)] } : closed;
  const rhs: Term = alike ? rebuild(c.solution, right.map(realArray)) : realArray(flatten(b, right, c.residualSizes));
  const x = solveOperator(e, {
    operator,
    constants: damping ? [damping, ...constants] : constants,
    right: rhs,
    solver,
    span: c.span,
    adjoint: true,
    expression: c.expression,
  });
  const atoms = leavesOf(x, () => e.giveUp()).map((l) => l.atom);
  return alike ? atoms : unflatten(b, reshape(b, atoms[0]!, [size]), c.types, c.sizes);
}

function sameShape(a: readonly unknown[], c: readonly unknown[]): boolean {
  return a.length === c.length && a.every((d, i) => d === c[i]);
}
