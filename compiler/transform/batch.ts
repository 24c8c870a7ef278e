/** Batching: a graph applied to many lanes at once, the lanes along a new leading axis. */
import { Builder } from "../core/builder.ts";
import { type Dim, dimKey } from "../core/dimension.ts";
import { hasEffect } from "../core/effects.ts";
import type { Atom, Graph } from "../core/graph.ts";
import type { BatchResult, Emitter } from "../core/primitive.ts";
import { broadcast } from "../primitives/shape.ts";
import { Environment, maskKey, memoized } from "./inline.ts";

/**
 * Emits the graph on `inputs`, of which those marked `batched` carry `size` lanes on axis 0. `guard`
 * (bool[size]) marks the lanes whose failures count.
 */
export function batchGraph(
  b: Emitter,
  graph: Graph,
  inputs: readonly Atom[],
  batched: readonly boolean[],
  size: Dim,
  guard?: Atom,
): BatchResult {
  const atoms = new Environment(graph, inputs);
  const lanes = new Set<number>();
  graph.inputs.forEach((v, i) => {
    if (batched[i]) lanes.add(v.id);
  });
  const isBatched = (a: Atom) => a.kind === "var" && lanes.has(a.id);
  for (const e of graph.equations) {
    const operands = e.inputs.map((a) => atoms.get(a));
    const marks = e.inputs.map(isBatched);
    // An effect counts lane by lane as soon as there is a guard, whatever its operands.
    const alone = !marks.includes(true) && !(guard && hasEffect(e));
    b.at(
      e.span,
      () => {
        const result: BatchResult = alone
          ? { outputs: b.emit(e.primitive, operands, e.params), batched: e.outputs.map(() => false) }
          : e.primitive.batch(b, { inputs: operands, params: e.params }, marks, size, guard);
        e.outputs.forEach((v, i) => {
          atoms.set(v.id, result.outputs[i]!);
          if (result.batched[i]) lanes.add(v.id);
        });
      },
      e.pass,
    );
  }
  return { outputs: graph.outputs.map((a) => atoms.get(a)), batched: graph.outputs.map(isBatched) };
}

/** The atom with a lane axis: repeated if it had none. */
export function withLanes(b: Emitter, a: Atom, isBatched: boolean, size: Dim): Atom {
  if (isBatched) return a;
  return broadcast(
    b,
    a,
    [size, ...a.type.shape],
    a.type.shape.map((_, i) => i + 1),
  );
}

export interface BatchedGraph {
  /** The guard first if there is one, then the inputs. */
  readonly graph: Graph;
  readonly batched: readonly boolean[];
}

/** The closed batched graph; outputs marked in `wanted` get lanes even when all lanes agree. */
export function batchOf(
  graph: Graph,
  batched: readonly boolean[],
  size: Dim,
  guarded: boolean,
  wanted?: readonly boolean[],
): BatchedGraph {
  const key = `batch ${maskKey(batched)} ${dimKey(size)} ${guarded} ${wanted ? maskKey(wanted) : ""}`;
  return memoized(graph, key, () => {
    const b = new Builder();
    const guard = guarded ? b.input({ dtype: "bool", shape: [size] }) : undefined;
    const inputs = graph.inputs.map((v, i) =>
      b.input(batched[i] ? { dtype: v.type.dtype, shape: [size, ...v.type.shape] } : v.type),
    );
    const result = batchGraph(b, graph, inputs, batched, size, guard);
    const marks = result.batched.map((m, i) => m || (wanted?.[i] ?? false));
    const outputs = result.outputs.map((a, i) => (marks[i] ? withLanes(b, a, result.batched[i]!, size) : a));
    return { graph: b.close(`${graph.name}.batch`, outputs).graph, batched: marks };
  });
}
