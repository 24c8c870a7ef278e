/** Passes over rows that add up too: which are made, and what they compute, interpreted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { matmul } from "../primitives/dot.ts";
import { tanh } from "../primitives/math.ts";
import { transpose } from "../primitives/shape.ts";
import { type Build, traceFunction } from "../primitives/testing.ts";
import { canShare } from "../target/wgsl/team.ts";
import { buildPlan } from "./build.ts";
import { bandCases } from "./testing-band-cases.ts";
import { randomArray } from "./testing-comparison.ts";
import { assertSameOutcome, evaluated, interpreted, outcomeOf } from "./testing-plans.ts";
import { narrowed } from "./testing-random-graphs.ts";
import { programTolerance } from "./testing-tolerance.ts";
import { verifyKernel } from "./testing-verify.ts";

/** Interpreting more elements than this takes seconds. */
const largestInBoth = 200_000;

test("long rows, of which many invocations compute each, are no part of such a pass", () => {
  const passes = (width: number) => {
    const operands = [randomArray([2048, width], 1), randomArray([width], 2)];
    const build: Build = (b, [x, w]) => [matmul(b, transpose(b, x!, [1, 0]), tanh(b, matmul(b, x!, w!)))];
    const { kernels } = buildPlan(traceFunction(build, operands), { precision: "f32", style: "invocations" });
    return kernels.filter((k) => k.name.endsWith("_bands")).length;
  };
  assert.deepEqual([passes(512), passes(513)], [1, 0]);
});

for (const { name, operands, build, sums } of bandCases)
  test(name, () => {
    const graph = traceFunction(build, operands);
    const size = operands.reduce((n, x) => n + x.data.length, 0);
    for (const precision of size > largestInBoth ? (["f32"] as const) : (["f64", "f32"] as const)) {
      const given = narrowed(operands, precision);
      const expected = outcomeOf(evaluated, graph, given, precision);
      const found = outcomeOf(interpreted("invocations"), graph, given, precision);
      assertSameOutcome(`in ${precision}`, found, expected, programTolerance[precision]);
    }
    const plan = buildPlan(graph, { precision: "f32", style: "invocations" });
    const passes = plan.kernels.filter((k) => k.name.endsWith("_bands"));
    for (const k of passes) {
      verifyKernel(k);
      assert.ok(canShare(k), `a workgroup cannot share ${k.name}`);
    }
    const launches = plan.functions.at(-1)!.steps.flatMap((s) => (s.kind === "launch" ? [s] : []));
    const joins = launches.flatMap((l) => {
      if (!passes.includes(l.kernel)) return [];
      const parts = l.buffers.filter((_, i) => l.kernel.arrays[i]!.name.endsWith("_parts"));
      return [parts.length];
    });
    assert.deepEqual(joins, sums);
    const vectors = buildPlan(graph, { precision: "f32", style: "vector" });
    assert.ok(!vectors.kernels.some((k) => k.locals || k.name.endsWith("_bands")));
  });
