/**
 * Holds compiled back ends to the evaluator, graph by graph: for tests, no part of the compiler. Every graph that a
 * script runs is run by both on the same operands, so an error is found where it is made, and small differences do
 * not grow from one graph to the next.
 */
import assert from "node:assert/strict";
import type { NdArray } from "../core/array.ts";
import { CheckError, evaluationContext } from "../core/evaluate.ts";
import { concreteShape, type Graph } from "../core/graph.ts";
import type { CheckFailure, EvaluationContext } from "../core/primitive.ts";
import { evaluateGraph } from "../evaluate-graph.ts";
import type { GraphRunner } from "../program.ts";
import { buildPlan } from "./build.ts";
import { deliverCheck, deliverReport } from "./events.ts";
import type { Storage } from "./interpret.ts";
import { interpretPlan } from "./interpret-plan.ts";
import type { Precision } from "./ir.ts";
import type { Plan, PlanOptions } from "./plan.ts";
import { programTolerance } from "./testing-tolerance.ts";

/** What a run of a graph comes to: its results, or why it ended, and the solves it told of. */
export interface GraphOutcome {
  readonly results: readonly NdArray[];
  readonly failure: CheckFailure | undefined;
  readonly solves: readonly { readonly status: number; readonly iterations: number; readonly error: number }[];
}

/** Runs a graph with a context that hears of checks and solves. */
export type RunGraph = (graph: Graph, inputs: readonly NdArray[], context: EvaluationContext) => readonly NdArray[];

/** A graph's outcome in a precision; anything thrown that is no failed check is thrown on. */
export function outcomeOf(run: RunGraph, graph: Graph, inputs: readonly NdArray[], precision: Precision): GraphOutcome {
  const solves: { status: number; iterations: number; error: number }[] = [];
  const context = evaluationContext({
    precision,
    solved: ({ status, iterations, error }) => solves.push({ status, iterations, error }),
  });
  try {
    return { results: run(graph, inputs, context), failure: undefined, solves };
  } catch (error) {
    if (!(error instanceof CheckError)) throw error;
    return { results: [], failure: error.failure, solves };
  }
}

export const evaluated: RunGraph = evaluateGraph;

const plans = new WeakMap<Graph, Map<string, Plan>>();

function planOf(graph: Graph, options: PlanOptions): Plan {
  const known = plans.get(graph) ?? new Map<string, Plan>();
  plans.set(graph, known);
  const key = `${options.precision} ${options.style} ${options.products ?? "tiles"}`;
  let plan = known.get(key);
  if (!plan) {
    plan = buildPlan(graph, options);
    known.set(key, plan);
  }
  return plan;
}

/** Plans of a style, interpreted. */
export const interpreted =
  (style: PlanOptions["style"], products?: PlanOptions["products"]): RunGraph =>
  (graph, inputs, context) => {
    const { precision } = context;
    const plan = planOf(graph, { precision, style, ...(products && { products }) });
    const results = interpretPlan(
      plan,
      inputs.map((x) => storageOf(x, precision)),
      {
        check: (event, shown) => deliverCheck(plan, event, shown, context),
        report: (event, status, iterations, error) => deliverReport(plan, event, [status, iterations, error], context),
      },
    );
    return graph.outputs.map((a, i) => {
      const { dtype } = a.type;
      const data = results[i]!;
      return {
        dtype,
        shape: concreteShape(a.type.shape),
        data: dtype === "bool" ? Uint8Array.from(data) : data,
      };
    });
  };

function storageOf(x: NdArray, precision: Precision): Storage {
  if (x.dtype !== "real") return Int32Array.from(x.data);
  return precision === "f64" ? Float64Array.from(x.data) : Float32Array.from(x.data);
}

/** Holds an outcome to the evaluator's: the same shapes, ints, bools and failures; reals within the tolerance. */
export function assertSameOutcome(what: string, found: GraphOutcome, expected: GraphOutcome, tolerance: number): void {
  assert.equal(found.failure?.message, expected.failure?.message, `${what}: a failed check`);
  assert.deepEqual(
    found.solves.map((s) => s.status),
    expected.solves.map((s) => s.status),
    `${what}: the solves`,
  );
  assert.equal(found.results.length, expected.results.length, `${what}: how many results`);
  found.results.forEach((y, i) => {
    assertSameNumbers(`${what}, result ${i}`, y, expected.results[i]!, tolerance);
  });
}

/** Reals may differ by the tolerance times the largest finite element, or times one when all are smaller. */
export function assertSameNumbers(what: string, found: NdArray, expected: NdArray, tolerance: number): void {
  assert.equal(found.dtype, expected.dtype, what);
  assert.deepEqual(found.shape, expected.shape, what);
  assert.equal(found.data.length, expected.data.length, what);
  let largest = 1;
  for (const v of expected.data) if (Number.isFinite(v)) largest = Math.max(largest, Math.abs(v));
  const allowed = expected.dtype === "real" ? tolerance * largest : 0;
  for (let i = 0; i < found.data.length; i++) {
    const [v, w] = [expected.data[i]!, found.data[i]!];
    if (v === w || (Number.isNaN(v) && Number.isNaN(w))) continue;
    assert.ok(Math.abs(w - v) <= allowed, `${what}: [${i}] is ${w}, not ${v} (allowed ${allowed})`);
  }
}

export interface Compared {
  readonly name: string;
  readonly run: RunGraph;
}

/** Runs scripts with the evaluator, and each of their graphs with others too, which have to agree. */
export class ComparingRunner implements GraphRunner {
  /** How many graphs were compared. */
  count = 0;
  readonly precision: Precision;
  readonly others: readonly Compared[];
  readonly tolerance: number;

  constructor(precision: Precision, others: readonly Compared[], tolerance = programTolerance[precision]) {
    this.precision = precision;
    this.others = others;
    this.tolerance = tolerance;
  }

  run(graph: Graph, inputs: readonly NdArray[], context: EvaluationContext): NdArray[] {
    const expected = outcomeOf(evaluated, graph, inputs, this.precision);
    for (const { name, run } of this.others) {
      this.count += 1;
      assertSameOutcome(
        `${name} in ${this.precision}, graph ${graph.name}`,
        outcomeOf(run, graph, inputs, this.precision),
        expected,
        this.tolerance,
      );
    }
    if (expected.failure) context.fail(expected.failure);
    return [...expected.results];
  }
}
