/** Plans of random graphs and random programs, interpreted, against the evaluator. `PLAN_RUNS` asks for more. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bind, compile } from "../index.ts";
import { assertSameOutcome, ComparingRunner, evaluated, interpreted, outcomeOf } from "./testing-plans.ts";
import { narrowed, randomGraph, type Sizes, sizes } from "./testing-random-graphs.ts";
import { randomScript } from "./testing-random-scripts.ts";
import { programTolerance } from "./testing-tolerance.ts";

const more = Number(process.env.PLAN_RUNS ?? 1);
const styles = (["vector", "invocations"] as const).map((style) => ({ name: style, run: interpreted(style) }));

function agree(seeds: number, of: Sizes): void {
  for (let seed = 0; seed < seeds * more; seed++) {
    const { name, graph, operands } = randomGraph(seed, 4 + (seed % 40), of);
    const precision = seed % 2 === 0 ? "f64" : "f32";
    const given = narrowed(operands, precision);
    const expected = outcomeOf(evaluated, graph, given, precision);
    for (const style of styles)
      assertSameOutcome(
        `${name}, ${style.name} in ${precision}`,
        outcomeOf(style.run, graph, given, precision),
        expected,
        programTolerance[precision],
      );
  }
}

test("random graphs of small arrays", () => agree(400, sizes.small));
test("random graphs of rows and columns", () => agree(30, sizes.medium));
test("random graphs of arrays worth two kernels", () => agree(8, sizes.large));

test("random programs, their derivatives and batches", () => {
  for (let seed = 0; seed < 14 * more; seed++) {
    const precision = seed % 2 === 0 ? "f64" : "f32";
    const text = randomScript(seed);
    const { program } = compile(text, { file: "random.opt" });
    assert.ok(program, text);
    const runner = new ComparingRunner(precision, styles);
    try {
      bind(program, { data: {}, runner, precision }).run({ onEvent: () => {} });
    } catch (error) {
      throw new Error(`${text}\n${error instanceof Error ? error.message : String(error)}`);
    }
    assert.ok(runner.count > 0);
  }
});
