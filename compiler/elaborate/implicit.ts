/**
 * The derivative of a solution through its condition F(x, p) = 0: the tangent solves (dF/dx) dx = -(dF/dp) dp
 * (the implicit function theorem; see Blondel et al. 2022, "Efficient and Modular Implicit Differentiation").
 * One forward rule; reverse mode transposes it. Here the Jacobian is dense and factored once.
 */
import { Builder } from "../core/builder.ts";
import { knownDim, productOfDims } from "../core/dimension.ts";
import { type Atom, type Graph, newVar } from "../core/graph.ts";
import { neg } from "../primitives/arithmetic.ts";
import { equal } from "../primitives/comparison.ts";
import { convert } from "../primitives/convert.ts";
import { iota } from "../primitives/iota.ts";
import { linearSolve } from "../primitives/linear-solve.ts";
import { broadcast, concat, reshape, slice, transpose } from "../primitives/shape.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Span } from "../syntax/tree.ts";
import { batchGraph, withLanes } from "../transform/batch.ts";
import { customDerivativePrimitive } from "../transform/control/custom.ts";
import { check, stopGradient } from "../transform/control/effects.ts";
import { jvpGraph } from "../transform/jvp.ts";
import { instantiate } from "../transform/zeros.ts";
import type { Elaborator } from "./elaborator.ts";
import { realTerm } from "./operators.ts";
import { type ArrayTerm, leavesOf, rebuild, showTermType, type Term } from "./terms.ts";

/** The solution, with its derivative given by `condition`. */
export function implicitSolution(e: Elaborator, solution: Term, condition: (x: Term) => Term, span: Span): Term {
  const leaves = leavesOf(solution, () => e.giveUp());
  const builder = new Builder({ parent: e.builder, hoist: true });
  const inputs = leaves.map((l): ArrayTerm => ({ kind: "array", type: "real", atom: builder.input(l.atom.type) }));
  const residual = e.within(builder, () => realTerm(e, condition(rebuild(solution, inputs)), "A condition", span));
  const residuals = leavesOf(residual, () => e.giveUp());
  const { graph, captured } = builder.close(
    "condition",
    residuals.map((t) => t.atom),
  );
  if (e.mode === "check") return solution;
  const sizesOf = (ts: readonly ArrayTerm[]) => ts.map((t) => knownDim(productOfDims(t.atom.type.shape))!);
  const total = (ns: readonly number[]) => ns.reduce((s, t) => s + t, 0);
  if (total(sizesOf(leaves)) !== total(sizesOf(residuals)))
    fail(
      "K0524",
      span,
      `The condition of this solve has ${total(sizesOf(residuals))} equation${total(sizesOf(residuals)) === 1 ? "" : "s"} for ${total(sizesOf(leaves))} unknown${total(sizesOf(leaves)) === 1 ? "" : "s"}: ${showTermType(residual)} for ${showTermType(solution)}.`,
    );

  const x = leaves.map((l) => stopGradient(e.builder, l.atom));
  const identityInputs = [...x.map((a) => newVar(a.type)), ...captured.map((v) => newVar(v.type))];
  const identity: Graph = {
    name: "solution",
    inputs: identityInputs,
    equations: [],
    outputs: identityInputs.slice(0, x.length),
  };
  const rule = tangentRule(
    graph,
    x.map((a) => a.type),
    captured.map((v) => v.type),
    sizesOf(leaves),
    sizesOf(residuals),
    span,
  );
  const atoms = e.builder.emit(customDerivativePrimitive as never, [...x, ...captured], {
    graph: identity,
    rule,
    resultsAt: 0,
  });
  return rebuild(
    solution,
    leaves.map((l, i) => ({ ...l, atom: atoms[i]! })),
  );
}

/** Operands: x, captured, then tangents of the real ones among them (those of x are not used); gives dx. */
function tangentRule(
  condition: Graph,
  xTypes: readonly Atom["type"][],
  capturedTypes: readonly Atom["type"][],
  xSizes: readonly number[],
  rSizes: readonly number[],
  span: Span,
): Graph {
  const b = new Builder();
  b.span = span;
  const x = xTypes.map((t) => b.input(t));
  const captured = capturedTypes.map((t) => b.input(t));
  for (const t of xTypes) b.input(t);
  const directions = capturedTypes.map((t) => (t.dtype === "real" ? b.input(t) : undefined));
  const n = xSizes.reduce((s, t) => s + t, 0);
  const flat = (atoms: readonly Atom[], sizes: readonly number[], lanes?: number): Atom => {
    const parts = atoms.map((a, i) => reshape(b, a, lanes === undefined ? [sizes[i]!] : [lanes, sizes[i]!]));
    return parts.length === 1 ? parts[0]! : concat(b, parts, lanes === undefined ? 0 : 1);
  };
  return b.at(
    span,
    () => {
      // -(dF/dp) dp
      const moved = jvpGraph(b, condition, [...captured, ...x], [...directions, ...x.map(() => undefined)]);
      const rhs = neg(
        b,
        flat(
          moved.tangents.map((t, i) => instantiate(b, t, condition.outputs[i]!.type)),
          rSizes,
        ),
      );
      // dF/dx, one column a unit direction.
      const inner = new Builder({ parent: b, hoist: true });
      const units = xTypes.map((t) => inner.input(t));
      const applied = jvpGraph(
        inner,
        condition,
        [...captured, ...x],
        [...captured.map(() => undefined), ...units],
      ).tangents;
      const column = inner.close(
        "column",
        applied.map((t, i) => instantiate(inner, t, condition.outputs[i]!.type)),
      );
      const eye = convert(
        b,
        equal(b, broadcast(b, iota(b, n), [n, n], [0]), broadcast(b, iota(b, n), [n, n], [1])),
        "real",
      );
      let at = 0;
      const basis = xTypes.map((t, i) => {
        const part = slice(b, eye, [0, at], [n, at + xSizes[i]!], [1, 1]);
        at += xSizes[i]!;
        return reshape(b, part, [n, ...t.shape]);
      });
      const columns = batchGraph(
        b,
        column.graph,
        [...column.captured, ...basis],
        [...column.captured.map(() => false), ...basis.map(() => true)],
        n,
      );
      const rows = flat(
        columns.outputs.map((a, i) => withLanes(b, a, columns.batched[i]!, n)),
        rSizes,
        n,
      );
      const [dx, ok] = linearSolve(b, transpose(b, rows, [1, 0]), reshape(b, rhs, [n, 1]));
      check(b, ok, [], {
        code: "K0411",
        message:
          "The linear system for the derivative of this solution is singular: the condition does not determine it.",
        help: "Several solutions lie side by side here. Add a term that picks one (a small penalty), or differentiate the iteration itself with `adjoint = unroll`.",
        span,
      });
      const whole = reshape(b, dx, [n]);
      let from = 0;
      const outputs = xTypes.map((t, i) => {
        const part = slice(b, whole, [from], [from + xSizes[i]!], [1]);
        from += xSizes[i]!;
        return reshape(b, part, t.shape);
      });
      return b.close("solution.tangent", outputs).graph;
    },
    "derivative",
  );
}
