/** Functions with derivative rules of their own: `derivative` (forward, transposed for reverse) and `pullback` (reverse alone). */
import type { Dim } from "../../core/dimension.ts";
import type { Atom, Graph } from "../../core/graph.ts";
import type { BatchResult, Emitter, Primitive } from "../../core/primitive.ts";
import { notLinear } from "../../primitives/elementwise.ts";
import { batchOf, withLanes } from "../batch.ts";
import { jvpOf } from "../jvp.ts";
import { instantiate } from "../zeros.ts";
import { call } from "./call.ts";

export interface CustomDerivativeParams extends Readonly<Record<string, unknown>> {
  readonly graph: Graph;
  /** Takes the operands, then a tangent for each real operand; gives a tangent for each real result. */
  readonly rule: Graph;
  /**
   * Where the rule's first operands are to be the results instead (a solution: it depends on what its
   * condition captures): their place among the operands.
   */
  readonly resultsAt?: number;
}

/** A function whose tangents are what its `derivative` says. */
export const customDerivativePrimitive: Primitive<CustomDerivativeParams> = {
  name: "custom_derivative",
  lower: { kind: "control" },
  graphs: ({ graph, rule }) => [graph, rule],
  infer: (_inputs, { graph }) => graph.outputs.map((a) => a.type),
  evaluate: (inputs, { graph }, context) => context.run(graph, inputs),
  jvp: (b, { inputs, params }, tangents) => {
    const outputs = b.emit(customDerivativePrimitive as Primitive, inputs, params);
    const directions = inputs.flatMap((a, i) => (a.type.dtype === "real" ? [instantiate(b, tangents[i], a.type)] : []));
    const at = params.resultsAt;
    const operands =
      at === undefined ? inputs : [...inputs.slice(0, at), ...outputs, ...inputs.slice(at + outputs.length)];
    const results = call(b, params.rule, [...operands, ...directions], false);
    let next = 0;
    return {
      outputs,
      tangents: params.graph.outputs.map((a) => (a.type.dtype === "real" ? results[next++] : undefined)),
    };
  },
  transpose: notLinear("custom_derivative"),
  batch: (b, { inputs, params }, batched, size, guard) => {
    const { graph, rule } = batchRules(params.graph, params.rule, size, guard !== undefined);
    const wide = inputs.map((a, i) => withLanes(b, a, batched[i]!, size));
    const outputs = b.emit(customDerivativePrimitive as Primitive, guard ? [guard, ...wide] : wide, {
      graph,
      rule,
      ...(params.resultsAt === undefined ? {} : { resultsAt: params.resultsAt + (guard ? 1 : 0) }),
    });
    return { outputs, batched: outputs.map(() => true) };
  },
};

/** Both graphs with lanes on every operand and result, so that values, tangents and cotangents keep one layout. */
function batchRules(graph: Graph, rule: Graph, size: Dim, guarded: boolean): { graph: Graph; rule: Graph } {
  const lanes = (g: Graph) =>
    batchOf(
      g,
      g.inputs.map(() => true),
      size,
      guarded,
      g.outputs.map(() => true),
    ).graph;
  return { graph: lanes(graph), rule: lanes(rule) };
}

export interface PullbackParams extends Readonly<Record<string, unknown>> {
  readonly graph: Graph;
  /** Takes the operands, then a cotangent for each real result; gives a cotangent for each real operand. */
  readonly pullback: Graph;
}

/** A function whose forward derivative is its own and whose reverse derivative is its `pullback`. */
export const customPullbackPrimitive: Primitive<PullbackParams> = {
  name: "custom_pullback",
  lower: { kind: "control" },
  graphs: ({ graph, pullback }) => [graph, pullback],
  infer: (_inputs, { graph }) => graph.outputs.map((a) => a.type),
  evaluate: (inputs, { graph }, context) => context.run(graph, inputs),
  jvp: (b, { inputs, params }, tangents) => {
    const outputs = b.emit(customPullbackPrimitive as Primitive, inputs, params);
    const directions = inputs.flatMap((a, i) => (a.type.dtype === "real" ? [instantiate(b, tangents[i], a.type)] : []));
    const results = b.emit(pullbackTangentPrimitive as Primitive, [...inputs, ...directions], params);
    let next = 0;
    return {
      outputs,
      tangents: params.graph.outputs.map((a) => (a.type.dtype === "real" ? results[next++] : undefined)),
    };
  },
  transpose: notLinear("custom_pullback"),
  batch: (b, { inputs, params }, batched, size, guard) =>
    batchPullback(b, customPullbackPrimitive as Primitive, inputs, params, batched, size, guard),
};

/** The tangent of such a function: linear in its tangents, with the `pullback` as its transpose. */
export const pullbackTangentPrimitive: Primitive<PullbackParams> = {
  name: "pullback_tangent",
  lower: { kind: "control" },
  graphs: ({ graph, pullback }) => [graph, pullback],
  infer: (_inputs, { graph }) => graph.outputs.filter((a) => a.type.dtype === "real").map((a) => a.type),
  evaluate: (inputs, params, context) => context.run(forwardTangent(params), inputs),
  jvp: (b, { inputs, params }, tangents) => {
    const graph = forwardTangent(params);
    const outputs = b.emit(pullbackTangentPrimitive as Primitive, inputs, params);
    const mask = tangents.map((t) => t !== undefined);
    const derived = jvpOf(
      graph,
      mask,
      graph.outputs.map(() => true),
    );
    const results = call(b, derived.graph, [...inputs, ...tangents.filter((t) => t !== undefined)], false);
    return { outputs, tangents: results.slice(graph.outputs.length) };
  },
  transpose: (b, { inputs, params }, _linear, cotangents) => {
    const operands = inputs.slice(0, params.graph.inputs.length);
    const reals = params.graph.outputs.filter((a) => a.type.dtype === "real");
    const incoming = reals.map((a, i) => instantiate(b, cotangents[i], a.type));
    const results = call(b, params.pullback, [...operands, ...incoming], false);
    return [...operands.map(() => undefined), ...results];
  },
  batch: (b, { inputs, params }, batched, size, guard) =>
    batchPullback(b, pullbackTangentPrimitive as Primitive, inputs, params, batched, size, guard),
};

/** What `pullback_tangent` computes. */
export function forwardTangent(params: PullbackParams): Graph {
  const mask = params.graph.inputs.map((v) => v.type.dtype === "real");
  const reals = params.graph.outputs.map((a) => a.type.dtype === "real");
  const derived = jvpOf(params.graph, mask, reals);
  return tangentsOnly(derived.graph, params.graph.outputs.length);
}

const tangentGraphs = new WeakMap<Graph, Graph>();
function tangentsOnly(graph: Graph, skip: number): Graph {
  let found = tangentGraphs.get(graph);
  if (!found) {
    found = { ...graph, outputs: graph.outputs.slice(skip) };
    tangentGraphs.set(graph, found);
  }
  return found;
}

function batchPullback(
  b: Emitter,
  primitive: Primitive,
  inputs: readonly Atom[],
  params: PullbackParams,
  batched: readonly boolean[],
  size: Dim,
  guard: Atom | undefined,
): BatchResult {
  const { graph, rule } = batchRules(params.graph, params.pullback, size, guard !== undefined);
  const wide = inputs.map((a, i) => withLanes(b, a, batched[i]!, size));
  const outputs = b.emit(primitive, guard ? [guard, ...wide] : wide, { graph, pullback: rule });
  return { outputs, batched: outputs.map(() => true) };
}
