/** What a profile says of a run: the names that `explain --kernels` prints, how often, and how long. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bind, coreGraphs } from "../../compiler/bind.ts";
import { compile } from "../../compiler/compile.ts";
import { buildPlan } from "../../compiler/kernel/build.ts";
import { printPlan } from "../../compiler/kernel/print.ts";
import type { GraphRunner, Program } from "../../compiler/program.ts";
import { emitPlan } from "../../compiler/target/wasm/plan.ts";
import { CpuRunner } from "../cpu/runner.ts";
import { renderProfile } from "../show/profile.ts";
import { Profiler, type StatementMeter } from "./profiler.ts";

const script = `let a = [[sin(1.0 * i * j) for j in 0..40] for i in 0..40]
show loop s = zeros[40] for t in 0..9 { tanh(a[t] + s) }
show sum(a @ a)
`;

function programOf(text: string): Program {
  const { program } = compile(text, { file: "t.opt" });
  assert.ok(program);
  return program;
}

/** A clock on which each look takes a millisecond. */
function slowClock(): () => number {
  let now = 0;
  return () => {
    now += 1;
    return now;
  };
}

async function profileOf(text: string, runner: GraphRunner, profiler: Profiler) {
  const program = programOf(text);
  const bound = bind(program, { data: {}, precision: "f32", runner });
  await bound.runLater({ onEvent: () => {} });
  const plans = coreGraphs(bound).map((graph) => buildPlan(graph, { precision: "f32", style: "vector" }));
  return { profile: await profiler.result(program.sources), explained: plans.map(printPlan).join("\n") };
}

test("on the CPU, all steps are called as `explain --kernels` calls them, and counted", async () => {
  const profiler = new Profiler();
  const runner = new CpuRunner({ precision: "f32", profiler, now: slowClock() });
  const { profile, explained } = await profileOf(script, runner, profiler);
  assert.equal(profile.clock, "host");
  assert.deepEqual(profile.statements.map(({ line }) => line).sort(), [1, 2, 3]);
  for (const { name, milliseconds, runs } of profile.kernels) {
    assert.ok(explained.includes(`  ${name}`), `${name} is not in\n${explained}`);
    // Each run takes two looks at the clock, one after the other.
    assert.equal(milliseconds, runs, name);
  }
  const tanh = profile.kernels.find(({ name }) => name.includes("tanh"));
  assert.equal(tanh?.runs, 9);
  assert.equal(profile.statements[tanh.statement]!.line, 2);
  assert.match(tanh.source ?? "", /tanh/);
  const product = profile.kernels.find(({ name }) => name === "matrix product [40, 40] by [40, 40]");
  assert.equal(product?.bytes, 3 * 1600 * 4);
  assert.equal(product.line, 3);
});

test("shares are of the time of all statements, and statements know their compiling", async () => {
  const profiler = new Profiler();
  const runner = new CpuRunner({ precision: "f32", profiler, now: slowClock() });
  const { profile } = await profileOf(script, runner, profiler);
  const total = profile.statements.reduce((sum, s) => sum + s.milliseconds, 0);
  assert.equal(profile.milliseconds, total);
  for (const k of profile.kernels) assert.equal(k.share, k.milliseconds / total);
  const sorted = [...profile.kernels].sort((a, b) => b.milliseconds - a.milliseconds);
  assert.deepEqual(profile.kernels, sorted);
  for (const s of profile.statements) {
    assert.equal(s.compiling, 1);
    assert.ok(s.milliseconds > 1);
  }
});

test("a statement that fails keeps its time", async () => {
  const profiler = new Profiler();
  const runner = new CpuRunner({ precision: "f64", profiler, now: slowClock() });
  await assert.rejects(profileOf("let xs = [1.0, 2.0]\nlet order = [2, 3]\nshow xs[order]\n", runner, profiler));
  const { statements } = await profiler.result(new Map());
  assert.ok(statements.length > 0);
  for (const s of statements) assert.ok(s.milliseconds > 0);
});

test("what is not timed has no trace of it in its module", () => {
  for (const graph of coreGraphs(bind(programOf(script), { data: {} }))) {
    const plan = buildPlan(graph, { precision: "f64", style: "vector" });
    const sizes = [false, true].map((timed) => emitPlan(plan, {}, { threads: 1, timed }));
    assert.equal(sizes[0]!.timedSteps.length, 0);
    const steps = plan.functions.flatMap((f) => f.steps.filter((s) => ["launch", "product", "copy"].includes(s.kind)));
    assert.deepEqual(new Set(sizes[1]!.timedSteps), new Set(steps));
    const imports = sizes.map(({ module }) =>
      WebAssembly.Module.imports(new WebAssembly.Module(module.encode())).map(({ name }) => name),
    );
    assert.ok(!imports[0]!.includes("clock"));
    assert.ok(imports[1]!.includes("clock"));
  }
});

test("measurements that come late are waited for, and lost ones are not missed", async () => {
  const profiler = new Profiler();
  const account = profiler.statement(undefined).account("late", undefined, undefined);
  profiler.expect(
    new Promise((resolve) => setTimeout(resolve, 5)).then(() => {
      account.runs = 1;
      profiler.expect(Promise.reject(new Error("the device was lost")));
    }),
  );
  const { kernels } = await profiler.result(new Map());
  assert.deepEqual(
    kernels.map(({ name }) => name),
    ["late"],
  );
});

test("a profile as people see it", async () => {
  const source = "let a = f(2)\nshow g(a)\n";
  const span = (start: number, end: number) => ({ file: "t.opt", start, end });
  const profiler = new Profiler();
  const first = profiler.statement(span(0, 12));
  first.milliseconds = 30;
  first.compiling = 10;
  Object.assign(first.account("kernel 0: exp", span(8, 12), 4000), { runs: 5, milliseconds: 15 });
  const second: StatementMeter = profiler.statement(span(13, 22));
  second.milliseconds = 10;
  second.compiling = 1;
  Object.assign(second.account("copy real[3]", undefined, 24), { runs: 1, milliseconds: 0.5 });
  const text = renderProfile(await profiler.result(new Map([["t.opt", source]])), { color: false, width: 80 });
  assert.equal(
    text,
    `Statements took 40 ms
share   time  compiling  line  statement
75.0%  30 ms      10 ms     1  let a = f(2)
25.0%  10 ms       1 ms     2  show g(a)

What they computed, timed around each step
share    time  runs  bytes a run       rate  line
37.5%   15 ms     5         4 kB  1.33 MB/s     1  kernel 0: exp   f(2)
 1.3%  0.5 ms     1         24 B    48 kB/s     2  copy real[3]
27.5%  11 ms  compiling
33.8%  13.5 ms  control flow, copies in and out`,
  );
});
