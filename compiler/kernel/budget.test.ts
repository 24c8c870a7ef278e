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
import type { Plan, PlanFunction } from "./plan.ts";

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

const budgets: Readonly<Record<string, Budget>> = {
  elementwise: { run: 2, steps: [], bytes: 1.1 },
  matmul: { run: 1, steps: [], bytes: 1 },
  residual: { run: 3, steps: [], bytes: 1.8 },
  // X is read once: for the products with w, and, from the cache, for those with what they give.
  logistic: { run: 3, steps: [], bytes: 1.1 },
  "logistic-steps": { run: 401, steps: [2], bytes: 1.1 },
  mlp: { run: 10, steps: [], bytes: 1.9 },
  "mlp-steps": { run: 808, steps: [8], bytes: 1.5 },
  "hessian-vector": { run: 2, steps: [], bytes: 1.1 },
  "conjugate-gradients": { run: 153, steps: [3], bytes: 1.1 },
  sinkhorn: { run: 63, steps: [3], bytes: 1.1 },
  // All steps are one dispatch.
  rosenbrock: { run: 1, steps: [], bytes: 1 },
  sum: { run: 2, steps: [], bytes: 1.1 },
};

for (const workload of workloadNames)
  test(`${workload}: dispatches and bytes`, () => {
    const plan = planOf(workload);
    const whole = outerLoops(plan)[0] ?? plan.functions.at(-1)!;
    const bytes = Math.ceil((10 * countBytes(whole)) / leastBytes(whole)) / 10;
    assert.deepEqual({ ...countDispatches(flattenPlan(plan)), bytes }, budgets[workload]);
  });

/** Kernels and products of a function, those of calls included. */
function kernelsOf(f: PlanFunction): number {
  return f.steps.reduce(
    (n, s) => n + (s.kind === "call" ? kernelsOf(s.callee) : Number(s.kind === "launch" || s.kind === "product")),
    0,
  );
}

for (const [style, most] of [
  ["invocations", 9],
  ["vector", 13],
] as const)
  test(`a step of Adam on the network, in the style ${style}`, () => {
    const plan = buildPlan(graphOf("mlp-steps"), { precision: "f32", style });
    const kernels = kernelsOf(outerLoops(plan)[0]!);
    assert.ok(kernels <= most, `${kernels} kernels, not ${most}`);
  });
