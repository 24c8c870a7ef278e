/** Forward mode: a graph evaluated on values and tangents together, equation by equation. */
import { Builder } from "../core/builder.ts";
import type { Atom, Graph } from "../core/graph.ts";
import type { Emitter, JvpResult } from "../core/primitive.ts";
import { Environment, maskKey, memoized } from "./inline.ts";
import { fitTangent, instantiate } from "./zeros.ts";

/**
 * The variables whose tangents reach an output. The others' are left out: what only feeds a
 * `stop_gradient` need not even have a derivative.
 */
function reaching(graph: Graph, wanted: readonly boolean[] | undefined): ReadonlySet<number> {
  return memoized(graph, `reaching ${wanted ? maskKey(wanted) : ""}`, () => {
    const reached = new Set<number>();
    graph.outputs.forEach((a, i) => {
      if (a.kind === "var" && (wanted?.[i] ?? true)) reached.add(a.id);
    });
    for (let k = graph.equations.length - 1; k >= 0; k--) {
      const e = graph.equations[k]!;
      if (e.primitive.name === "stop_gradient" || !e.outputs.some((v) => reached.has(v.id))) continue;
      for (const a of e.inputs) if (a.kind === "var") reached.add(a.id);
    }
    return reached;
  });
}

/**
 * Emits the graph's outputs and their tangents at `primals` in the direction `tangents`
 * (undefined is zero; ints and bools have none).
 */
export function jvpGraph(
  b: Emitter,
  graph: Graph,
  primals: readonly Atom[],
  tangents: readonly (Atom | undefined)[],
  /** The outputs whose tangents are asked for; all when left out. */
  wanted?: readonly boolean[],
): JvpResult {
  const values = new Environment(graph, primals);
  const directions = new Map<number, Atom>();
  graph.inputs.forEach((v, i) => {
    const t = tangents[i];
    if (t) directions.set(v.id, t);
  });
  const directionOf = (a: Atom) => (a.kind === "var" ? directions.get(a.id) : undefined);
  const reached = reaching(graph, wanted);
  for (const e of graph.equations) {
    const inputs = e.inputs.map((a) => values.get(a));
    const incoming = e.inputs.map(directionOf);
    if (incoming.every((t) => t === undefined) || !e.outputs.some((v) => reached.has(v.id))) {
      const outputs = b.at(e.span, () => b.emit(e.primitive, inputs, e.params), e.pass);
      e.outputs.forEach((v, i) => {
        values.set(v.id, outputs[i]!);
      });
      continue;
    }
    const result = b.at(e.span, () => e.primitive.jvp(b, { inputs, params: e.params }, incoming), "derivative");
    e.outputs.forEach((v, i) => {
      values.set(v.id, result.outputs[i]!);
      const t = result.tangents[i];
      if (t && v.type.dtype === "real")
        directions.set(
          v.id,
          b.at(e.span, () => fitTangent(b, t, v.type), "derivative"),
        );
    });
  }
  return {
    outputs: graph.outputs.map((a) => values.get(a)),
    tangents: graph.outputs.map((a, i) => ((wanted?.[i] ?? true) ? directionOf(a) : undefined)),
  };
}

export interface JvpGraph {
  /** Inputs: all primals, then the tangents of `mask`; outputs: all primals, then the tangents of `tangents`. */
  readonly graph: Graph;
  readonly tangents: readonly boolean[];
}

/**
 * The closed graph of a jvp. `mask` says which inputs have tangents, `wanted` which outputs must have
 * one even when it is zero.
 */
export function jvpOf(graph: Graph, mask: readonly boolean[], wanted?: readonly boolean[]): JvpGraph {
  return memoized(graph, `jvp ${maskKey(mask)} ${wanted ? maskKey(wanted) : ""}`, () => {
    const b = new Builder();
    const primals = graph.inputs.map((v) => b.input(v.type));
    const tangents = graph.inputs.map((v, i) => (mask[i] ? b.input(v.type) : undefined));
    const result = jvpGraph(b, graph, primals, tangents);
    const has = result.tangents.map((t, i) => t !== undefined || (wanted?.[i] ?? false));
    const outgoing = result.tangents.flatMap((t, i) => (has[i] ? [instantiate(b, t, graph.outputs[i]!.type)] : []));
    return { graph: b.close(`${graph.name}.jvp`, [...result.outputs, ...outgoing]).graph, tangents: has };
  });
}
