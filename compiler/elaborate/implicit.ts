/**
 * The derivative of a solution through its condition F(x, p) = 0: the tangent solves (dF/dx) dx = -(dF/dp) dp
 * (the implicit function theorem; see Blondel et al. 2022, "Efficient and Modular Implicit Differentiation").
 * One forward rule; reverse mode transposes it. It is a graph of the answer, of what the condition captures and of its
 * tangents, so it can be differentiated again.
 */
import { Builder } from "../core/builder.ts";
import { knownDim, productOfDims } from "../core/dimension.ts";
import { type Atom, type Graph, newVar } from "../core/graph.ts";
import { neg, sub } from "../primitives/arithmetic.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Span } from "../syntax/tree.ts";
import { customDerivativePrimitive } from "../transform/control/custom.ts";
import { stopGradient } from "../transform/control/effects.ts";
import { inlineGraph } from "../transform/inline.ts";
import { jvpGraph } from "../transform/jvp.ts";
import { instantiate } from "../transform/zeros.ts";
import { chooseMethod, describeMethod, type ImplicitAdjoint } from "./adjoint.ts";
import { type Activity, type Correction, certify } from "./certificate-reports.ts";
import type { Elaborator } from "./elaborator.ts";
import { type LinearisedCondition, linearSystem } from "./linearised-condition.ts";
import { realTerm } from "./operators.ts";
import { drawOf, epsilonOf, perturbed } from "./perturbation.ts";
import { type ArrayTerm, leavesOf, realArray, rebuild, showTermType, type Term } from "./terms.ts";

export interface ImplicitSolution {
  readonly solution: Term;
  /** What vanishes there. */
  readonly condition: (x: Term) => Term;
  readonly adjoint: ImplicitAdjoint;
  /** True where the condition is the gradient of something: its Jacobian is symmetric. */
  readonly symmetric: boolean;
  /** For models with inequalities: which of them bind. */
  readonly activity?: (solution: Term) => Activity;
  readonly span: Span;
}

/** The solution, with its derivative given by the condition. */
export function implicitSolution(e: Elaborator, request: ImplicitSolution): Term {
  const { solution, span } = request;
  const leaves = leavesOf(solution, () => e.giveUp());
  const builder = new Builder({ parent: e.builder, hoist: true });
  const inputs = leaves.map((l) => realArray(builder.input(l.atom.type)));
  const residual = e.within(builder, () =>
    realTerm(e, request.condition(rebuild(solution, inputs)), "A condition", span),
  );
  const residuals = leavesOf(residual, () => e.giveUp());
  const { graph, captured } = builder.close(
    "condition",
    residuals.map((t) => t.atom),
  );
  if (e.mode === "check") return solution;
  requireSquare(solution, leaves, residual, residuals, span);

  const parts = { condition: graph, captured, leaves, residuals, residual };
  let x: readonly Atom[] = leaves.map((l) => stopGradient(e.builder, l.atom));
  const draw = drawOf(e);
  if (draw !== undefined) {
    x = x.map((a) => perturbed(e.builder, a, epsilonOf(e), draw));
    const { condition } = linearisedOf(e, request, parts);
    for (let step = 0; step <= draw; step++) x = newtonStep(e, x, condition).reached;
  }
  const rule = tangentRule(e, request, parts);
  const operands = [...rule.captured, ...x, ...captured];
  const identityInputs = operands.map((a) => newVar(a.type));
  const identity: Graph = {
    name: "solution",
    inputs: identityInputs,
    equations: [],
    outputs: identityInputs.slice(rule.captured.length, rule.captured.length + x.length),
  };
  const atoms = e.builder.emit(customDerivativePrimitive as never, operands, {
    graph: identity,
    rule: rule.graph,
    resultsAt: rule.captured.length,
    adjoint: rule.description,
  });
  return rebuild(
    solution,
    leaves.map((l, i) => ({ ...l, atom: atoms[i]! })),
  );
}

const sizesOf = (ts: readonly ArrayTerm[]) => ts.map((t) => knownDim(productOfDims(t.atom.type.shape))!);

function requireSquare(
  solution: Term,
  leaves: readonly ArrayTerm[],
  residual: Term,
  residuals: readonly ArrayTerm[],
  span: Span,
): void {
  const total = (ts: readonly ArrayTerm[]) => sizesOf(ts).reduce((s, t) => s + t, 0);
  const [unknowns, equations] = [total(leaves), total(residuals)];
  if (unknowns === equations) return;
  fail(
    "K0524",
    span,
    `The condition of this solve has ${equations} equation${equations === 1 ? "" : "s"} for ${unknowns} unknown${unknowns === 1 ? "" : "s"}: ${showTermType(residual)} for ${showTermType(solution)}.`,
  );
}

interface Parts {
  readonly condition: Graph;
  readonly captured: readonly Atom[];
  readonly leaves: readonly ArrayTerm[];
  readonly residuals: readonly ArrayTerm[];
  readonly residual: Term;
}

/** The condition's linear system, but for the point; and how it is solved, in words. */
function linearisedOf(
  e: Elaborator,
  { adjoint, symmetric, solution, span }: ImplicitSolution,
  { condition, captured, leaves, residuals, residual }: Parts,
): { readonly condition: Omit<LinearisedCondition, "at">; readonly description: string } {
  const sizes = sizesOf(leaves);
  const unknowns = sizes.reduce((s, t) => s + t, 0);
  const { method, reason } = chooseMethod(e, adjoint, unknowns, symmetric, span);
  const linearised: Omit<LinearisedCondition, "at"> = {
    condition,
    captured,
    solution,
    residual,
    types: leaves.map((l) => l.atom.type),
    sizes,
    residualSizes: sizesOf(residuals),
    method,
    // What damping does to the derivative is part of its error.
    damping: e.certifying ? undefined : adjoint.damping?.atom,
    expression: e.textOf(span),
    span,
  };
  return { condition: linearised, description: `implicit(by = ${describeMethod(method)}): ${reason}` };
}

/** To x - (dF/dx)^-1 F(x); the correction is held constant, for it is zero at a solution. */
function newtonStep(
  e: Elaborator,
  at: readonly Atom[],
  linearised: Omit<LinearisedCondition, "at">,
): Correction & { readonly reached: readonly Atom[] } {
  const b = e.builder;
  const residual = inlineGraph(b, linearised.condition, [...linearised.captured, ...at]);
  const correction = linearSystem(e, { ...linearised, at }).solve(residual);
  const reached = at.map((a, i) => sub(b, a, stopGradient(b, correction[i]!)));
  return { at, residual, correction, reached };
}

/**
 * Operands: what the adjoint's options capture, x, what the condition captures, then tangents of the real ones among
 * them, of which only those of the condition's are used; gives dx.
 */
function tangentRule(
  e: Elaborator,
  request: ImplicitSolution,
  { condition, captured, leaves, residuals, residual }: Parts,
): { readonly graph: Graph; readonly captured: readonly Atom[]; readonly description: string } {
  const { span, solution, adjoint } = request;
  const b = new Builder({ parent: e.builder });
  b.span = span;
  b.pass = "derivative";
  const x = leaves.map((l) => b.input(l.atom.type));
  const own = captured.map((v) => b.input(v.type));
  for (const l of leaves) b.input(l.atom.type);
  const directions = captured.map((v) => (v.type.dtype === "real" ? b.input(v.type) : undefined));
  const { condition: linearised, description } = linearisedOf(e, request, {
    condition,
    captured: own,
    leaves,
    residuals,
    residual,
  });
  const expression = e.textOf(span);
  const outputs = e.within(b, () =>
    e.inFrame(() => {
      let at: readonly Atom[] = x;
      let before: Correction | undefined;
      for (let step = 0; step < adjoint.polish; step++) {
        const made = newtonStep(e, at, linearised);
        before ??= made;
        at = made.reached;
      }
      const system = linearSystem(e, { ...linearised, at });
      if (!e.insideSolver)
        certify(e, {
          system,
          condition,
          captured: own,
          at,
          before,
          expression,
          span,
          activity: request.activity,
          solution,
        });
      // -(dF/dp) dp
      const moved = jvpGraph(b, condition, [...own, ...at], [...directions, ...at.map(() => undefined)]);
      const right = moved.tangents.map((t, i) => neg(b, instantiate(b, t, condition.outputs[i]!.type)));
      return system.solve(right);
    }),
  );
  const closed = b.close("solution.tangent", outputs);
  const extra = closed.captured.length;
  // The rule has a tangent for each real operand: those of the options come first, and are not used.
  const operands = closed.graph.inputs.slice(0, extra + x.length + own.length);
  const tangents = closed.graph.inputs.slice(operands.length);
  const unused = closed.captured.filter((v) => v.type.dtype === "real").map((v) => newVar(v.type));
  return {
    graph: { ...closed.graph, inputs: [...operands, ...unused, ...tangents] },
    captured: closed.captured.map((v) => stopGradient(e.builder, v)),
    description,
  };
}
