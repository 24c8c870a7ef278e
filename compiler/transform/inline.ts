/** Splices a graph's equations into the place where it is used. */
import type { Atom, Equation, Graph } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";

/** The atoms of one instance of a graph. */
export class Environment {
  readonly #atoms = new Map<number, Atom>();

  constructor(graph: Graph, inputs: readonly Atom[]) {
    if (graph.inputs.length !== inputs.length)
      throw new Error(`internal error: ${graph.name} takes ${graph.inputs.length} operands, not ${inputs.length}`);
    graph.inputs.forEach((v, i) => {
      this.#atoms.set(v.id, inputs[i]!);
    });
  }

  get(a: Atom): Atom {
    if (a.kind === "literal") return a;
    const found = this.#atoms.get(a.id);
    if (!found) throw new Error(`internal error: variable ${a.id} is not in scope`);
    return found;
  }

  set(id: number, a: Atom): void {
    this.#atoms.set(id, a);
  }
}

/** Emits the graph's equations on these operands; returns its outputs there. */
export function inlineGraph(b: Emitter, graph: Graph, inputs: readonly Atom[]): readonly Atom[] {
  return emitEquations(b, graph, inputs, (e, operands) => b.emit(e.primitive, operands, e.params));
}

/** What `emit` makes of each of the graph's equations on these operands; returns the graph's outputs there. */
export function emitEquations(
  b: Emitter,
  graph: Graph,
  inputs: readonly Atom[],
  emit: (e: Equation, operands: readonly Atom[]) => readonly Atom[],
): readonly Atom[] {
  const environment = new Environment(graph, inputs);
  for (const e of graph.equations) {
    const operands = e.inputs.map((a) => environment.get(a));
    const outputs = b.at(e.span, () => emit(e, operands), e.pass);
    e.outputs.forEach((v, i) => {
      environment.set(v.id, outputs[i]!);
    });
  }
  return graph.outputs.map((a) => environment.get(a));
}

const memos = new WeakMap<Graph, Map<string, unknown>>();

/** Remembers what was derived from a graph, so that a shared function is transformed once. */
export function memoized<T>(graph: Graph, key: string, make: () => T): T {
  let memo = memos.get(graph);
  if (!memo) {
    memo = new Map();
    memos.set(graph, memo);
  }
  if (!memo.has(key)) memo.set(key, make());
  return memo.get(key) as T;
}

/** `0110`: a mask as a memo key. */
export function maskKey(mask: readonly boolean[]): string {
  return mask.map((m) => (m ? "1" : "0")).join("");
}
