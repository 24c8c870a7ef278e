/**
 * Core to core, before loops are made: functions with rules of their own become what they compute, identities
 * vanish, short functions are spliced in, what nobody reads goes, and equal equations are shared again. Graphs that
 * come out the same are one object, so loops and branches that do the same are equal equations too.
 */
import { Builder } from "../core/builder.ts";
import type { Atom, Equation, Graph } from "../core/graph.ts";
import { internGraph } from "../core/intern.ts";
import { call } from "./control/call.ts";
import { forwardTangent, type PullbackParams } from "./control/custom.ts";
import type { OperatorSolveParams } from "./control/operator-solve.ts";
import { emitEquations, inlineGraph, memoized } from "./inline.ts";
import { tellIfRead } from "./tell-if-read.ts";
import { trim } from "./trim.ts";

/** Functions of at most this many equations are spliced in. */
const inlineLimit = 64;

/** The same function with fewer equations. */
export const simplify = (graph: Graph): Graph => tellIfRead(trim(simplified(graph)));

function simplified(graph: Graph): Graph {
  return memoized(graph, "simplify", () => {
    const b = new Builder();
    const inputs = graph.inputs.map((v) => b.input(v.type));
    const outputs = emitEquations(b, graph, inputs, (e, operands) => equation(b, e, operands));
    return internGraph(b.close(graph.name, outputs).graph);
  });
}

function equation(b: Builder, e: Equation, inputs: readonly Atom[]): readonly Atom[] {
  const { params, primitive } = e;
  switch (primitive.name) {
    case "stop_gradient":
    case "no_derivative":
      return inputs;
    case "custom_derivative":
    case "custom_pullback":
    case "call": {
      const graph = simplified(params.graph as Graph);
      if (graph.equations.length <= inlineLimit || primitive.name !== "call") return inlineGraph(b, graph, inputs);
      return b.emit(primitive, inputs, { ...params, graph });
    }
    case "operator_solve":
      return call(b, simplified((params as OperatorSolveParams).solve), inputs, false);
    case "pullback_tangent":
      return inlineGraph(b, simplified(forwardTangent(params as PullbackParams)), inputs);
    case "cond": {
      const [predicate] = inputs as readonly [Atom, ...Atom[]];
      if (predicate.kind === "literal")
        return inlineGraph(b, simplified((predicate.value ? params.then : params.otherwise) as Graph), inputs.slice(1));
      return b.emit(primitive, inputs, {
        ...params,
        then: simplified(params.then as Graph),
        otherwise: simplified(params.otherwise as Graph),
      });
    }
    case "scan":
      return b.emit(primitive, inputs, {
        ...params,
        body: simplified(params.body as Graph),
        condition: params.condition && simplified(params.condition as Graph),
      });
    default:
      return b.emit(primitive, inputs, params);
  }
}
