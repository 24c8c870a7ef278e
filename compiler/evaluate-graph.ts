/** What a graph means: its values by the reference evaluator, with what it has to tell of values that are read. */
import type { NdArray } from "./core/array.ts";
import { evaluate } from "./core/evaluate.ts";
import type { Graph } from "./core/graph.ts";
import type { EvaluationContext } from "./core/primitive.ts";
import { tellIfRead } from "./transform/tell-if-read.ts";
import { trim } from "./transform/trim.ts";

/** Throws what checks of the graph and the hooks of the context throw. */
export const evaluateGraph = (graph: Graph, inputs: readonly NdArray[], context: EvaluationContext): NdArray[] =>
  evaluate(tellIfRead(trim(graph)), inputs, context);
