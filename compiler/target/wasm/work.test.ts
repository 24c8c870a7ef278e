/** What plans are thought to take. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { coreGraphs } from "../../bind.ts";
import { bind, compile } from "../../index.ts";
import { buildPlan } from "../../kernel/build.ts";
import { type PlanWork, workOfPlan } from "./work.ts";

/** Of the last statement. */
function workOf(text: string, precision: "f64" | "f32" = "f64"): PlanWork {
  const { program, diagnostics } = compile(text, { file: "t.opt" });
  assert.ok(program, JSON.stringify(diagnostics));
  const graph = coreGraphs(bind(program, { data: {}, precision })).at(-1)!;
  return workOfPlan(buildPlan(graph, { precision, style: "vector" }));
}

/** That a ratio is as expected, but for what there is beside the numbers counted. */
function assertRatio(a: number, b: number, expected: number): void {
  assert.ok(Math.abs(a / b / expected - 1) < 0.2, `${a} / ${b} is not about ${expected}`);
}

test("work grows with sizes, also where loops are cut into blocks, and lanes share it", () => {
  const sum = (n: number) => workOf(`let x = ones[${n}]\nlet s = sum(x * x)\n`).total;
  assertRatio(sum(1_000_000), sum(100_000), 10);
  const product = (n: number, precision?: "f32") =>
    workOf(`let A = ones[${n}, ${n}]\nlet B = A @ A\n`, precision).total;
  assertRatio(product(400), product(100), 64);
  assertRatio(product(400), product(400, "f32"), 2);
});

test("functions cost what is in them", () => {
  const map = (e: string) => workOf(`let x = ones[100000]\nlet y = ${e}\n`).total;
  assert.ok(map("sin(x)") > 8 * map("x + 1"), `${map("sin(x)")} and ${map("x + 1")}`);
});

test("loops count once, and as often as they may run", () => {
  const loop = (steps: number) =>
    workOf(`let x = ones[100000]\nlet y = loop s = x for i in 0..${steps} { sin(s) + 0.1 }\n`);
  const [short, long] = [loop(10), loop(1000)];
  assertRatio(long.total, short.total, 100);
  assertRatio(long.iteration, short.iteration, 1);
  assertRatio(short.total, short.iteration, 10);
  assert.ok(long.once < 2 * long.iteration);
});
