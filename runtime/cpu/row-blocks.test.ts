/** Rows in blocks as WebAssembly, on one thread and on several. */
import { test } from "node:test";
import { assertSameOutcome, evaluated, outcomeOf } from "../../compiler/kernel/testing-plans.ts";
import { narrowed } from "../../compiler/kernel/testing-random-graphs.ts";
import { rowBlockCases } from "../../compiler/kernel/testing-row-block-cases.ts";
import { programTolerance } from "../../compiler/kernel/testing-tolerance.ts";
import { traceFunction } from "../../compiler/primitives/testing.ts";
import { CpuRunner } from "./runner.ts";

for (const precision of ["f64", "f32"] as const) {
  const alone = new CpuRunner({ precision });
  const several = new CpuRunner({ precision, threads: 2, worth: { sharing: 1, starting: 1 } });
  for (const { name, operands, build } of rowBlockCases)
    test(`${name}, in ${precision}`, () => {
      const graph = traceFunction(build, operands);
      const given = narrowed(operands, precision);
      const expected = outcomeOf(evaluated, graph, given, precision);
      for (const [what, runner] of [
        ["alone", alone],
        ["two threads", several],
      ] as const) {
        const run = outcomeOf((g, x, context) => runner.run(g, x, context, { keep: false }), graph, given, precision);
        assertSameOutcome(what, run, expected, programTolerance[precision]);
      }
    });
  test(`the threads end, in ${precision}`, () => several.dispose());
}
