/**
 * The reference evaluator as a back end: it keeps to a limit of memory, which is known before anything is evaluated, and
 * can watch every number.
 */
import { type NdArray, sizeOf } from "../compiler/core/array.ts";
import { type Atom, concreteShape, type Graph } from "../compiler/core/graph.ts";
import type { EvaluationContext } from "../compiler/core/primitive.ts";
import { evaluateGraph, evaluateWatching } from "../compiler/index.ts";
import type { GraphRunner, GraphRunOptions } from "../compiler/program.ts";
import { refuseMemory } from "./cpu/memory-limit.ts";

export interface ReferenceRunnerOptions {
  readonly precision: "f64" | "f32";
  /** The most bytes that arrays may take; as many as there are when left out. */
  readonly maxMemory?: number | undefined;
  /** Stops at the first NaN that anything makes, seen or not. */
  readonly checkFinite?: boolean;
}

export class ReferenceRunner implements GraphRunner {
  readonly #precision: "f64" | "f32";
  readonly #maxMemory: number;
  readonly #checkFinite: boolean;
  /** What earlier results take that may still be asked for. */
  #kept = 0;
  readonly #keptArrays = new WeakSet<ArrayBufferView>();
  readonly #forgotten = new FinalizationRegistry<number>((bytes) => {
    this.#kept -= bytes;
  });

  constructor({ precision, maxMemory, checkFinite = false }: ReferenceRunnerOptions) {
    this.#precision = precision;
    this.#maxMemory = maxMemory ?? Number.POSITIVE_INFINITY;
    this.#checkFinite = checkFinite;
  }

  /**
   * Throws a BackendError with the code K1090 when the graph needs more memory than there may be, and a DiagnosticError
   * with the code K0421 for a NaN where that is watched for.
   */
  run(graph: Graph, inputs: readonly NdArray[], context: EvaluationContext, options: GraphRunOptions): NdArray[] {
    const given = inputs.reduce((sum, x) => sum + (this.#keptArrays.has(x.data) ? 0 : x.data.byteLength), 0);
    refuseMemory(given + bytesHeld(graph, this.#precision), this.#kept, this.#maxMemory);
    const results = this.#checkFinite
      ? evaluateWatching(graph, inputs, context, options.span)
      : evaluateGraph(graph, inputs, context);
    if (options.keep)
      for (const { data } of results) {
        if (this.#keptArrays.has(data)) continue;
        this.#keptArrays.add(data);
        this.#kept += data.byteLength;
        this.#forgotten.register(data, data.byteLength);
      }
    return results;
  }
}

const held = { f64: new WeakMap<Graph, number>(), f32: new WeakMap<Graph, number>() };

/** The most bytes that a graph's own variables take at once, its inputs left out. */
export function bytesHeld(graph: Graph, precision: "f64" | "f32"): number {
  const known = held[precision].get(graph);
  if (known !== undefined) return known;
  const bytesOf = ({ type }: Atom) =>
    sizeOf(concreteShape(type.shape)) *
    (type.dtype === "bool" ? 1 : type.dtype === "real" && precision === "f64" ? 8 : 4);
  const lastUse = new Map<Atom, number>();
  graph.equations.forEach(({ inputs, outputs }, i) => {
    for (const a of [...inputs, ...outputs]) lastUse.set(a, i);
  });
  for (const a of graph.outputs) lastUse.set(a, graph.equations.length);
  const leaving = graph.equations.map((): Atom[] => []);
  const own = new Set<Atom>(graph.equations.flatMap((e) => e.outputs));
  for (const [a, i] of lastUse) if (own.has(a)) leaving[i]?.push(a);
  let live = 0;
  let most = 0;
  graph.equations.forEach(({ primitive, params, outputs }, i) => {
    live += outputs.reduce((sum, v) => sum + bytesOf(v), 0);
    const inner = (primitive.graphs?.(params) ?? []).map((g) => bytesHeld(g, precision));
    most = Math.max(most, live + Math.max(0, ...inner));
    live -= leaving[i]!.reduce((sum, a) => sum + bytesOf(a), 0);
  });
  held[precision].set(graph, most);
  return most;
}
