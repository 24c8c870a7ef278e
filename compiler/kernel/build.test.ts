/** Plans of every style of fusion against the evaluator, and that the style is the one meant. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { traceFunction } from "../primitives/testing.ts";
import { buildPlan } from "./build.ts";
import { buffersOf } from "./memory.ts";
import { elementBytes, type Plan } from "./plan.ts";
import { fusionCases } from "./testing-fusion-cases.ts";
import { assertSameOutcome, evaluated, interpreted, outcomeOf } from "./testing-plans.ts";
import { narrowed, randomGraph, sizes } from "./testing-random-graphs.ts";
import { programTolerance } from "./testing-tolerance.ts";

/** Names of kernels, and kinds of other steps. */
const names = (plan: Plan): string[] =>
  plan.functions.at(-1)!.steps.map((s) => (s.kind === "launch" ? s.kernel.name : s.kind));

for (const { name, operands, build, steps } of fusionCases)
  test(name, () => {
    const graph = traceFunction(build, operands);
    for (const precision of ["f64", "f32"] as const) {
      const given = narrowed(operands, precision);
      const expected = outcomeOf(evaluated, graph, given, precision);
      for (const style of ["vector", "invocations"] as const)
        assertSameOutcome(
          `${style} in ${precision}`,
          outcomeOf(interpreted(style), graph, given, precision),
          expected,
          programTolerance[precision],
        );
    }
    if (steps) assert.deepEqual(names(buildPlan(graph, { precision: "f64", style: "vector" })), steps);
  });

const stepsOf = (name: string, style: "vector" | "invocations" = "vector"): string[] => {
  const { build, operands } = fusionCases.find((c) => c.name === name)!;
  return names(buildPlan(traceFunction(build, operands), { precision: "f64", style }));
};

test("long sums are cut, and products are steps of their own, where that is worth it", () => {
  assert.ok(
    stepsOf("tall sums over the first axis are cut, with their columns innermost").some((s) => s.endsWith("_columns")),
  );
  const chunks = stepsOf("few long sums are cut into chunks that a second kernel joins");
  assert.ok(chunks.some((s) => s.endsWith("_chunks")));
  const large = "large products are steps, transposed operands as they lie and others laid out";
  assert.equal(stepsOf(large).filter((s) => s === "product").length, 3);
  assert.equal(stepsOf(large).filter((s) => s === "operand").length, 1);
  assert.ok(!stepsOf(large, "invocations").includes("product"));
});

test("temporaries that live at once have places of their own, inside the frame", () => {
  for (let seed = 0; seed < 40; seed++) {
    const { graph } = randomGraph(seed, 40, sizes.medium);
    for (const f of buildPlan(graph, { precision: "f64", style: "vector" }).functions) {
      const lives = f.temporaries.map(({ buffer, offset }) => {
        const used = f.steps.flatMap((s, i) => (buffersOf(s).includes(buffer) ? [i] : []));
        const end = offset + buffer.length * elementBytes(buffer.kind, "f64");
        assert.ok(end <= f.frameBytes, `${buffer.name} ends at ${end} of ${f.frameBytes}`);
        return { name: buffer.name, offset, end, first: used[0]!, last: used.at(-1)! };
      });
      for (const [i, a] of lives.entries())
        for (const c of lives.slice(i + 1))
          if (a.first <= c.last && c.first <= a.last)
            assert.ok(a.end <= c.offset || c.end <= a.offset, `graph ${seed}: ${a.name} and ${c.name} overlap`);
    }
  }
});
