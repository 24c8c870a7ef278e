/**
 * Running what needs graphs to be evaluated, whether the back end answers at once or later: a flow yields what it wants
 * evaluated, and one of two drivers sees to it. So the order of things is written once.
 */
import type { NdArray } from "./core/array.ts";
import type { Graph } from "./core/graph.ts";
import type { EvaluationContext } from "./core/primitive.ts";
import { fetchArrays, isElsewhere } from "./core/remote-array.ts";
import { evaluateGraph } from "./evaluate-graph.ts";
import type { GraphRunner, GraphRunOptions } from "./program.ts";

/** A graph to evaluate. */
export interface RunRequest {
  readonly kind: "run";
  readonly graph: Graph;
  readonly inputs: readonly NdArray[];
  readonly context: EvaluationContext;
  readonly options: Omit<GraphRunOptions, "later">;
}
/** Arrays whose numbers are to be read; they are the answer too. */
export interface FetchRequest {
  readonly kind: "fetch";
  readonly arrays: readonly NdArray[];
}
export type Request = RunRequest | FetchRequest;
export type Flow<T> = Generator<Request, T, NdArray[]>;

function answer(runner: GraphRunner | undefined, request: Request, later: boolean): NdArray[] | Promise<NdArray[]> {
  if (request.kind === "fetch") {
    const arrays = [...request.arrays];
    return arrays.some(isElsewhere) ? fetchArrays(arrays).then(() => arrays) : arrays;
  }
  const { graph, inputs, context, options } = request;
  return runner ? runner.run(graph, inputs, context, { ...options, later }) : evaluateGraph(graph, inputs, context);
}

/** Runs a flow to its end now. The back end must answer at once. */
export function drive<T>(flow: Flow<T>, runner: GraphRunner | undefined): T {
  let step = flow.next();
  while (!step.done) {
    let results: NdArray[];
    try {
      const answered = answer(runner, step.value, false);
      if (answered instanceof Promise) throw new Error("internal error: this back end cannot be waited for here");
      results = answered;
    } catch (error) {
      step = flow.throw(error);
      continue;
    }
    step = flow.next(results);
  }
  return step.value;
}

/** Runs a flow to its end, waiting for the back end where it takes its time. */
export async function driveLater<T>(flow: Flow<T>, runner: GraphRunner | undefined): Promise<T> {
  let step = flow.next();
  while (!step.done) {
    let results: NdArray[];
    try {
      results = await answer(runner, step.value, true);
    } catch (error) {
      step = flow.throw(error);
      continue;
    }
    step = flow.next(results);
  }
  return step.value;
}
