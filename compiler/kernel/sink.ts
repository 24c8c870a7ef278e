/**
 * Arrays of one number that loops were given as constants are made in their bodies again. Whoever wrote the loop's body
 * took them out of it, as all that does not change; but a number in a kernel costs nothing, and an array is read.
 */
import { Builder } from "../core/builder.ts";
import type { Atom, Equation, Graph, Var } from "../core/graph.ts";
import { type ScanParams, scanOperands } from "../transform/control/scan.ts";
import { inlineGraph } from "../transform/inline.ts";
import type { MapLowering } from "./lowering.ts";

/** The same graph, whose loops are given no arrays of one number that their kernels can do without. */
export function sinkNumbers(graph: Graph): Graph {
  if (!graph.equations.some((e) => e.primitive.name === "scan")) return graph;
  const made = new Map<number, Equation>();
  for (const e of graph.equations) if (isNumber(e, made)) made.set(e.outputs[0]!.id, e);
  if (made.size === 0) return graph;
  const b = new Builder();
  const values = new Map<number, Atom>(graph.inputs.map((v) => [v.id, b.input(v.type)]));
  const atom = (a: Atom): Atom => (a.kind === "literal" ? a : values.get(a.id)!);
  for (const e of graph.equations) {
    const { inputs, params } = e.primitive.name === "scan" ? sunk(e, made) : e;
    const results = b.at(e.span, () => b.emit(e.primitive, inputs.map(atom), params), e.pass);
    e.outputs.forEach((v, i) => {
      values.set(v.id, results[i]!);
    });
  }
  return b.close(graph.name, graph.outputs.map(atom)).graph;
}

/** Whether an equation gives an array of one number, by way of maps alone. */
function isNumber(e: Equation, made: ReadonlyMap<number, Equation>): boolean {
  if (e.primitive.lower?.kind !== "map" || e.inputs.length === 0) return false;
  return e.inputs.every((a) => a.kind === "literal" || made.has(a.id));
}

/** A loop without constants that are numbers. */
function sunk(e: Equation, made: ReadonlyMap<number, Equation>): Pick<Equation, "inputs" | "params"> {
  const params = e.params as unknown as ScanParams;
  const { constants } = scanOperands(e.inputs, params);
  const graphs = params.condition ? [params.body, params.condition] : [params.body];
  const gone = new Set(
    constants.flatMap((a, i) =>
      a.kind === "var" && made.has(a.id) && graphs.every((g) => isReadByKernels(g, g.inputs[i]!)) ? [i] : [],
    ),
  );
  if (gone.size === 0) return e;
  const first = params.counted ? 1 : 0;
  const within = (graph: Graph): Graph => {
    const b = new Builder();
    const inputs = graph.inputs.map((v, i) => (gone.has(i) ? again(b, constants[i] as Var, made) : b.input(v.type)));
    return b.close(graph.name, inlineGraph(b, graph, inputs)).graph;
  };
  return {
    inputs: e.inputs.filter((_, i) => !gone.has(i - first)),
    params: {
      ...params,
      constants: params.constants - gone.size,
      body: within(params.body),
      condition: params.condition && within(params.condition),
    },
  };
}

/** Emits what gives a value. */
function again(b: Builder, v: Var, made: ReadonlyMap<number, Equation>): Atom {
  const e = made.get(v.id)!;
  const inputs = e.inputs.map((a) => (a.kind === "literal" ? a : again(b, a, made)));
  return b.at(e.span, () => b.emit(e.primitive, inputs, e.params), e.pass)[0]!;
}

/** Whether all that reads a value, or what it becomes when its elements are moved, computes elements one by one. */
function isReadByKernels(graph: Graph, input: Var): boolean {
  const moved = new Set([input.id]);
  for (const e of graph.equations) {
    if (!e.inputs.some((a) => a.kind === "var" && moved.has(a.id))) continue;
    const { lower } = e.primitive;
    if (lower?.kind !== "map" && lower?.kind !== "reduce") return false;
    if (lower.kind === "map" && (lower as MapLowering<never>).cost === 0) moved.add(e.outputs[0]!.id);
  }
  return !graph.outputs.some((a) => a.kind === "var" && moved.has(a.id));
}
