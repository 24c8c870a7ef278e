/** Plans of loops, branches, calls, checks and reports against the evaluator. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { controlCases } from "./testing-control-cases.ts";
import { assertSameOutcome, evaluated, interpreted, outcomeOf } from "./testing-plans.ts";
import { narrowed } from "./testing-random-graphs.ts";
import { programTolerance } from "./testing-tolerance.ts";

for (const { name, graph, operands } of controlCases)
  test(name, () => {
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
  });

test("the cases are what they say: checks fail, loops end early, lanes report", () => {
  const outcome = (name: string) => {
    const { graph, operands } = controlCases.find((c) => c.name === name)!;
    return outcomeOf(evaluated, graph, operands, "f64");
  };
  assert.equal(outcome("a check that fails tells of the first place").failure?.message, "2.5 squared is 9.25, with 3");
  assert.equal(
    outcome("a check that fails with numbers that are none").failure?.message,
    "NaN squared is NaN, with 0.25",
  );
  assert.deepEqual(
    outcome("reports of lanes, but for those not asked").solves.map((s) => s.status),
    [1, 0],
  );
  const steps = (name: string) => outcome(name).results.at(-1)!.data[0]!;
  assert.ok(steps("a loop with a condition") > 0 && steps("a loop with a condition") < 5);
  assert.equal(steps("a loop counted to 9"), 5);
});
