/** Sorting and running results of long lines in stages, as devices do them: plans held to the evaluator. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { NdArray } from "../core/array.ts";
import { evaluationContext } from "../core/evaluate.ts";
import type { Graph } from "../core/graph.ts";
import { buildPlan } from "../kernel/build.ts";
import { interpretPlan } from "../kernel/interpret-plan.ts";
import type { Expression, Precision, Statement } from "../kernel/ir.ts";
import type { Launch, Plan, PlanOptions } from "../kernel/plan.ts";
import { assertSameNumbers, evaluated } from "../kernel/testing-plans.ts";
import { primitiveTolerance } from "../kernel/testing-tolerance.ts";
import { reversedKernel, verifyKernel } from "../kernel/testing-verify.ts";
import { cumsum } from "./cumulative.ts";
import { linearRecurrencePrimitive } from "./recurrence.ts";
import { argsort, sortWithIndices } from "./sort.ts";
import { type Build, traceFunction } from "./testing.ts";
import { longCases } from "./testing-stages.ts";

const devices = (precision: Precision): PlanOptions => ({ precision, style: "invocations" });

const launchesOf = (plan: Plan): Launch[] =>
  plan.functions.at(-1)!.steps.filter((s): s is Launch => s.kind === "launch");

/** The same plan with every loop whose order is free run from its end. */
const backwards = (plan: Plan): Plan => ({
  ...plan,
  functions: plan.functions.map((f) => ({
    ...f,
    steps: f.steps.map((s) => (s.kind === "launch" ? { ...s, kernel: reversedKernel(s.kernel) } : s)),
  })),
});

const stored = (x: NdArray, precision: Precision) =>
  x.dtype !== "real" ? Int32Array.from(x.data) : new { f32: Float32Array, f64: Float64Array }[precision](x.data);

function assertSame(what: string, graph: Graph, operands: readonly NdArray[], precision: Precision) {
  const plan = buildPlan(graph, devices(precision));
  for (const { kernel } of launchesOf(plan)) verifyKernel(kernel);
  assert.ok(launchesOf(plan).length > 1, `${what}: there are no stages`);
  const expected = evaluated(graph, operands, evaluationContext({ precision }));
  for (const p of [plan, backwards(plan)]) {
    const results = interpretPlan(
      p,
      operands.map((x) => stored(x, precision)),
    );
    results.forEach((data, i) => {
      const y = { ...expected[i]!, data } as NdArray;
      assertSameNumbers(`${what}, result ${i}`, y, expected[i]!, primitiveTolerance[precision]);
    });
  }
}

for (const { name, operands, build, isExact } of longCases([1025]))
  test(`in stages: ${name}`, () => {
    const graph = traceFunction(build, operands);
    assertSame(name, graph, operands, "f32");
    assert.equal(isExact, graph.outputs[0]!.type.dtype === "int");
  });

test("reals of twice the width of an int run in stages, but are sorted by one lane", () => {
  for (const { name, operands, build } of longCases([1024])) {
    const graph = traceFunction(build, operands);
    const isSort = name.startsWith("argsort") && operands[0]!.dtype === "real";
    assert.equal(launchesOf(buildPlan(graph, devices("f64"))).length > 1, !isSort, name);
    if (name === "cumsum of 1024, reals 1024") assertSame(name, graph, operands, "f64");
  }
});

test("short lines, and lines that are many, take a lane each", () => {
  for (const { name, operands, build } of longCases([1023]))
    assert.equal(launchesOf(buildPlan(traceFunction(build, operands), devices("f32"))).length, 1, name);
  const many: NdArray = { dtype: "real", shape: [2048, 1024], data: new Float32Array(2048 * 1024) };
  const graph = traceFunction((b, [x]) => [argsort(b, x!, 1)], [many]);
  assert.equal(launchesOf(buildPlan(graph, devices("f32"))).length, 1);
});

/** The most steps that loops may take, one in another: each that runs until something holds is a bisection. */
function mostSteps(statements: readonly Statement[], named = new Map<Expression, Expression>()): number {
  const most = (e: Expression): number => {
    const value = named.get(e);
    if (value) return most(value);
    if (e.op === "constant") return Number(e.value);
    if (e.op !== "binary") return Number.POSITIVE_INFINITY;
    if (e.name === "min") return Math.min(most(e.a), most(e.b));
    if (e.name === "add") return most(e.a) + most(e.b);
    return e.name === "sub" ? most(e.a) : Number.POSITIVE_INFINITY;
  };
  let steps = 0;
  for (const s of statements) {
    if (s.op === "let") named.set(s.local, s.value);
    if (s.op === "loop") steps += most(s.count) * Math.max(1, mostSteps(s.body, named));
    if (s.op === "while") steps += 32 * Math.max(1, mostSteps(s.body, named));
    if (s.op === "if") steps += Math.max(mostSteps(s.then, named), mostSteps(s.otherwise, named));
  }
  return steps;
}

test("no lane of a long sort or running sum takes more than a few hundred steps", () => {
  const n = 1_000_000;
  const x: NdArray = { dtype: "real", shape: [n], data: new Float32Array(n) };
  const builds: Readonly<Record<string, Build>> = {
    sort: (b, [a]) => sortWithIndices(b, a!, 0),
    cumsum: (b, [a]) => [cumsum(b, a!, 0)],
  };
  for (const [name, build] of Object.entries(builds)) {
    const graph = traceFunction(build, [x]);
    const launches = launchesOf(buildPlan(graph, devices("f32")));
    assert.ok(launches.length >= 5, name);
    for (const { kernel } of launches) {
      const steps = mostSteps(kernel.grid.body);
      assert.ok(steps <= 512, `${name}: ${kernel.name} takes ${steps} steps`);
    }
  }
});

test("a processor's plan sorts and sums in one kernel", () => {
  for (const { operands, build } of longCases([4096])) {
    const plan = buildPlan(traceFunction(build, operands), { precision: "f64", style: "vector" });
    assert.equal(launchesOf(plan).length, 1);
  }
});

test("a recurrence that grows keeps its digits", () => {
  const n = 2048;
  const [two, terms] = [2, -1].map((v, k) => ({
    dtype: "real" as const,
    shape: [n],
    data: Float32Array.from({ length: n }, (_, i) => (k === 1 && i === 0 ? 1 : v)),
  }));
  const graph = traceFunction(
    (b, [a, c]) => b.emit(linearRecurrencePrimitive, [a!, c!], { axis: 0, reverse: false }),
    [two!, terms!],
  );
  const [u] = interpretPlan(buildPlan(graph, devices("f32")), [two!.data, terms!.data]);
  assert.deepEqual(new Set(u), new Set([1]));
});
