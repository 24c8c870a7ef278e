/** Reverse mode: the transpose of a linearised graph, last equation first. */
import { Builder } from "../core/builder.ts";
import type { Atom, Equation, Graph } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { add } from "../primitives/arithmetic.ts";
import { inlineGraph, maskKey, memoized } from "./inline.ts";
import { type LinearGraph, linearize, SplitEmitter } from "./linearize.ts";
import { applyMask, fitMask, joinMasks, type Mask, passMask } from "./masks.ts";
import { fitCotangent, instantiate } from "./zeros.ts";

/** Cotangents of the linear map's inputs, given those of its outputs; undefined is zero. */
export function transposeLinear(
  b: Emitter,
  linear: LinearGraph,
  cotangents: readonly (Atom | undefined)[],
): readonly (Atom | undefined)[] {
  const isLinear = new Set<number>(linear.inputs.map((v) => v.id));
  for (const e of linear.equations) for (const v of e.outputs) isLinear.add(v.id);
  const totals = new Map<number, Atom>();
  const masks = new Map<number, Mask>();
  const contribute = (a: Atom | undefined, cotangent: Atom | undefined, mask?: Mask) => {
    if (!a || a.kind !== "var" || !isLinear.has(a.id) || !cotangent) return;
    const fitted = fitCotangent(b, cotangent, a.type);
    const fittedMask = fitMask(mask, a.type.shape.length);
    const old = totals.get(a.id);
    masks.set(a.id, old ? joinMasks(b, masks.get(a.id), fittedMask) : fittedMask);
    totals.set(a.id, old ? add(b, old, fitted) : fitted);
  };
  linear.outputs.forEach((a, i) => {
    contribute(a, cotangents[i]);
  });
  for (let k = linear.equations.length - 1; k >= 0; k--) {
    const e = linear.equations[k]!;
    const incoming = e.outputs.map((v) => totals.get(v.id));
    for (const v of e.outputs) totals.delete(v.id);
    if (incoming.every((c) => c === undefined)) continue;
    const marks = e.inputs.map((a) => a.kind === "var" && isLinear.has(a.id));
    b.at(
      e.span,
      () => {
        if (isProductOfTangents(e, marks))
          throw new Error(`internal error: ${e.primitive.name} of tangents is not linear`);
        const outgoing = e.primitive.transpose(b, { inputs: e.inputs, params: e.params }, marks, incoming);
        const mask = e.outputs.length === 1 ? masks.get(e.outputs[0]!.id) : undefined;
        e.inputs.forEach((a, i) => {
          const cotangent = outgoing[i];
          if (!marks[i] || !cotangent) return;
          const passed = passMask(b, e, marks, i, mask);
          contribute(a, applyMask(b, e, marks, cotangent, passed), passed);
        });
      },
      "derivative",
    );
  }
  return linear.inputs.map((v) => totals.get(v.id));
}

/** Linear in each operand, but not in both together; a quotient only in what is divided. */
function isProductOfTangents(e: Equation, marks: readonly boolean[]): boolean {
  const { name } = e.primitive;
  if (name === "div") return marks[1]!;
  return (name === "mul" || name === "dotGeneral" || name === "conv") && marks[0]! && marks[1]!;
}

/** The value at `primals`, and the map from cotangents of the outputs to those of the inputs in `wrt`. */
export function vjp(
  b: Emitter,
  graph: Graph,
  primals: readonly Atom[],
  wrt: readonly boolean[],
): {
  readonly outputs: readonly Atom[];
  readonly pullback: (cotangents: readonly (Atom | undefined)[]) => readonly (Atom | undefined)[];
} {
  const { outputs, linear } = linearize(b, graph, primals, wrt);
  return { outputs, pullback: (cotangents) => transposeLinear(b, linear, cotangents) };
}

/**
 * The closed transpose of a graph that is linear in the inputs marked `isLinear`.
 * Inputs: the others, then the cotangents of the outputs marked in `given`; outputs: a cotangent for
 * each linear input, zeros included. What is not linear in it is computed again inside.
 */
export function transposeOf(graph: Graph, isLinear: readonly boolean[], given: readonly boolean[]): Graph {
  return memoized(graph, `transpose ${maskKey(isLinear)} ${maskKey(given)}`, () => {
    const b = new Builder();
    const split = new SplitEmitter(b);
    const linearInputs: ReturnType<SplitEmitter["linearInput"]>[] = [];
    const atoms = graph.inputs.map((v, i) => {
      if (!isLinear[i]) return b.input(v.type);
      const t = split.linearInput(v);
      linearInputs.push(t);
      return t;
    });
    const cotangents = graph.outputs.map((a, i) => (given[i] ? b.input(a.type) : undefined));
    const outputs = inlineGraph(split, graph, atoms);
    const linear = { inputs: linearInputs, equations: split.equations, outputs };
    const result = transposeLinear(b, linear, cotangents);
    const named = result.map((c, i) => instantiate(b, c, linearInputs[i]!.type));
    return b.close(`${graph.name}.transpose`, named).graph;
  });
}
