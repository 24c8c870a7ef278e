/** Dispatches and bytes of the benchmarks' workloads on devices: counted on their plans, so that they cannot creep up. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { inputsOf, workloadNames } from "../../examples/benchmarks/inputs.ts";
import type { NdArray } from "../core/array.ts";
import type { Graph } from "../core/graph.ts";
import { bind, compile } from "../index.ts";
import { countBytes, countDispatches, leastBytes, outerLoops } from "../target/wgsl/budget.ts";
import { flattenPlan } from "../target/wgsl/flatten-plan.ts";
import { buildPlan } from "./build.ts";
import type { Plan } from "./plan.ts";

/** The graph of a workload's last statement, its sizes bound; nothing is computed. */
function graphOf(workload: string): Graph {
  const file = new URL(`../../examples/benchmarks/workloads/${workload}.opt`, import.meta.url);
  const { program, diagnostics } = compile(readFileSync(file, "utf8"), { file: `${workload}.opt` });
  assert.ok(program, diagnostics.map((d) => d.message).join("\n"));
  const data = Object.fromEntries(
    Object.entries(inputsOf(workload)).map(([name, { shape, values }]): [string, NdArray] => [
      name,
      { dtype: values instanceof Int32Array ? "int" : "real", shape, data: values },
    ]),
  );
  const graphs: Graph[] = [];
  const run = (graph: Graph): NdArray[] => {
    graphs.push(graph);
    return graph.outputs.map(({ type: { dtype, shape } }) => {
      const sizes = shape.map(Number);
      const length = sizes.reduce((a, b) => a * b, 1);
      return { dtype, shape: sizes, data: dtype === "real" ? new Float64Array(length) : new Int32Array(length) };
    });
  };
  bind(program, { data, precision: "f32", runner: { run } }).run({ onEvent: () => undefined });
  return graphs.at(-1)!;
}

const plans = new Map<string, Plan>();
function planOf(workload: string): Plan {
  let plan = plans.get(workload);
  if (!plan) {
    plan = buildPlan(graphOf(workload), { precision: "f32", style: "invocations" });
    plans.set(workload, plan);
  }
  return plan;
}

interface Budget {
  readonly run: number;
  readonly steps: readonly number[];
  /** Bytes over the least, of a step of the loop or of the whole, rounded up to tenths. */
  readonly bytes: number;
}

const budgets: Readonly<Record<string, Budget>> = {};

for (const workload of workloadNames)
  test(`${workload}: dispatches and bytes`, () => {
    const plan = planOf(workload);
    const whole = outerLoops(plan)[0] ?? plan.functions.at(-1)!;
    const bytes = Math.ceil((10 * countBytes(whole)) / leastBytes(whole)) / 10;
    assert.deepEqual({ ...countDispatches(flattenPlan(plan)), bytes }, budgets[workload]);
  });
