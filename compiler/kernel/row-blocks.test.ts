/** Rows in blocks: which kernels there are, and what they compute, interpreted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { traceFunction } from "../primitives/testing.ts";
import { buildPlan } from "./build.ts";
import { assertSameOutcome, evaluated, interpreted, outcomeOf } from "./testing-plans.ts";
import { narrowed } from "./testing-random-graphs.ts";
import { rowBlockCases } from "./testing-row-block-cases.ts";
import { programTolerance } from "./testing-tolerance.ts";
import { verifyKernel } from "./testing-verify.ts";

for (const { name, operands, build, sums } of rowBlockCases)
  test(name, () => {
    const graph = traceFunction(build, operands);
    for (const precision of ["f64", "f32"] as const) {
      const given = narrowed(operands, precision);
      const expected = outcomeOf(evaluated, graph, given, precision);
      const found = outcomeOf(interpreted("vector"), graph, given, precision);
      assertSameOutcome(`in ${precision}`, found, expected, programTolerance[precision]);
    }
    const plan = buildPlan(graph, { precision: "f32", style: "vector" });
    const launches = plan.functions.at(-1)!.steps.flatMap((s) => (s.kind === "launch" ? [s] : []));
    const blocks = launches.filter((l) => l.kernel.name.endsWith("_blocks"));
    for (const { kernel } of blocks) verifyKernel(kernel);
    assert.deepEqual(
      blocks.map((l) => l.kernel.arrays.filter((a) => a.name.endsWith("_parts")).length),
      sums,
      launches.map((l) => l.kernel.description).join("\n"),
    );
  });
