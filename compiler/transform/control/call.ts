/**
 * `call`: a shared function applied. Its derivative, transpose and batch are calls of the transformed
 * function, so a function used often is transformed once and the program's size follows its source.
 *
 * With `recompute` the reverse pass keeps the operands alone and evaluates the function again (`checkpoint`).
 */
import { removeDead } from "../../core/builder.ts";
import { graphHasEffect } from "../../core/effects.ts";
import type { Atom, Graph } from "../../core/graph.ts";
import type { Emitter, Primitive } from "../../core/primitive.ts";
import { batchOf } from "../batch.ts";
import { inlineGraph, memoized } from "../inline.ts";
import { jvpOf } from "../jvp.ts";
import { splitGraph } from "../linearize.ts";
import { transposeOf } from "../transpose.ts";

export interface CallParams extends Readonly<Record<string, unknown>> {
  readonly graph: Graph;
  readonly recompute: boolean;
}

export const callPrimitive: Primitive<CallParams> = {
  name: "call",
  lower: { kind: "control" },
  graphs: ({ graph }) => [graph],
  infer: (_inputs, { graph }) => graph.outputs.map((a) => a.type),
  evaluate: (inputs, { graph }, context) => context.run(graph, inputs),
  jvp: (b, { inputs, params }, tangents) => {
    const mask = tangents.map((t) => t !== undefined);
    const derived = jvpOf(params.graph, mask);
    const present = tangents.filter((t) => t !== undefined);
    const results = call(b, derived.graph, [...inputs, ...present], params.recompute);
    const count = params.graph.outputs.length;
    let next = count;
    return {
      outputs: results.slice(0, count),
      tangents: derived.tangents.map((has) => (has ? results[next++] : undefined)),
    };
  },
  split: (known, linear, { inputs, params }, isLinear) => {
    const parts = splitGraph(params.graph, isLinear);
    const values = inputs.filter((_, i) => !isLinear[i]);
    const directions = inputs.filter((_, i) => isLinear[i]);
    if (params.recompute) {
      // Nothing but the operands is kept: the linear equation holds the whole function.
      const plain = params.graph.outputs.map((a, i) => ({ a, i })).filter(({ i }) => !parts.linearOutputs[i]);
      const knownGraph = memoized(parts.known, "outputs alone", () => {
        const outputs = parts.known.outputs.slice(0, plain.length);
        return { ...parts.known, outputs, equations: removeDead(parts.known.equations, outputs) };
      });
      const knownResults = plain.length > 0 ? call(known, knownGraph, values, false) : [];
      const results = linear.emit(callPrimitive as Primitive, inputs, params);
      let next = 0;
      return results.map((r, i) => (parts.linearOutputs[i] ? r : knownResults[next++]!));
    }
    // A call that nobody reads would go; what it tells must not.
    const isTold = parts.computed === 0 && graphHasEffect(parts.known);
    const knownResults = isTold ? inlineGraph(known, parts.known, values) : call(known, parts.known, values, false);
    const plainCount = knownResults.length - parts.computed;
    const residuals = parts.residuals.map((r) =>
      r.kind === "input" ? values[r.index]! : knownResults[plainCount + r.index]!,
    );
    const linearResults = linear.emit(callPrimitive as Primitive, [...residuals, ...directions], {
      graph: parts.linear,
      recompute: false,
    });
    let [k, l] = [0, 0];
    return parts.linearOutputs.map((isLinearOutput) => (isLinearOutput ? linearResults[l++]! : knownResults[k++]!));
  },
  transpose: (b, { inputs, params }, linear, cotangents) => {
    const given = cotangents.map((c) => c !== undefined);
    const graph = transposeOf(params.graph, linear, given);
    const values = inputs.filter((_, i) => !linear[i]);
    const results = call(b, graph, [...values, ...cotangents.filter((c) => c !== undefined)], false);
    let next = 0;
    return linear.map((l) => (l ? results[next++] : undefined));
  },
  batch: (b, { inputs, params }, batched, size, guard) => {
    const derived = batchOf(params.graph, batched, size, guard !== undefined);
    const outputs = call(b, derived.graph, guard ? [guard, ...inputs] : inputs, params.recompute);
    return { outputs, batched: derived.batched };
  },
};

/** Functions of at most this many equations are spliced in: a call would cost more than it shares. */
const inlineLimit = 64;

/** Applies a closed graph: in place when it is short, shared otherwise. */
export function call(b: Emitter, graph: Graph, inputs: readonly Atom[], recompute: boolean): readonly Atom[] {
  if (!recompute && graph.equations.length <= inlineLimit) return inlineGraph(b, graph, inputs);
  return b.emit(callPrimitive as Primitive, inputs, { graph, recompute });
}
