/** Memory: what is allocated is what was foreseen, and nothing stays behind. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { bind, coreGraphs } from "../../compiler/bind.ts";
import { compile } from "../../compiler/compile.ts";
import { ndArray } from "../../compiler/core/array.ts";
import { buildPlan } from "../../compiler/kernel/build.ts";
import { elementBytes } from "../../compiler/kernel/plan.ts";
import type { Value } from "../../compiler/program.ts";
import { Allocator } from "./allocator.ts";
import { CpuRunner } from "./runner.ts";

function bound(text: string, runner: CpuRunner) {
  const { program, diagnostics } = compile(text, { file: "t.opt" });
  assert.deepEqual(diagnostics, []);
  return bind(program!, { data: {}, runner });
}

const vector = (values: readonly number[]): Value => ({
  kind: "array",
  type: "real",
  array: ndArray("real", [values.length], values),
});

test("a thousand calls leave no memory behind", () => {
  const runner = new CpuRunner({ precision: "f64" });
  const b = bound("fn f(x: real[n]) = sum(exp(x) * x) + norm(cumsum(x))\n", runner);
  const call = (i: number) =>
    b.valueAndGradient("f", { x: vector(Array.from({ length: 500 }, (_, k) => (k + i) / 1000)) });
  call(0);
  const { used } = runner.allocator;
  const size = runner.memory.buffer.byteLength;
  for (let i = 0; i < 1000; i++) call(i);
  assert.equal(runner.allocator.used, used);
  assert.equal(runner.memory.buffer.byteLength, size);
});

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Collects what nothing refers to and lets finalizers run, until `done` or for a good while. */
async function collectUntil(done: () => boolean): Promise<void> {
  for (let turn = 0; turn < 50 && !done(); turn++) {
    // What a WeakRef gave away stays until the turn ends.
    await new Promise((resolve) => setTimeout(resolve, 1));
    collect();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

test("values of programs that are gone leave the memory", async () => {
  const runner = new CpuRunner({ precision: "f64" });
  const n = 50_000;
  for (let i = 0; i < 10; i++) {
    const text = `let x = ${i} * ones[${n}]\nlet y = exp(-x)\nlet z = x > y\nshow sum(y), any(z)\n`;
    bound(text, runner).run({ onEvent: () => {} });
    await collectUntil(() => runner.allocator.used < 3 * n * 8);
  }
  assert.ok(runner.allocator.peak <= 2 * 3 * n * 8 + 65_536, `at most two programs at once: ${runner.allocator.peak}`);
  await collectUntil(() => runner.allocator.used === 0);
  assert.equal(runner.allocator.used, 0);
});

test("values in use stay where they are while others go", async () => {
  const runner = new CpuRunner({ precision: "f64" });
  const b = bound("let x = 3 * ones[1000]\nfn f(a: real) = a * sum(x)\nshow sum(x)\n", runner);
  b.run({ onEvent: () => {} });
  bound("let y = 5 * ones[1000]\nshow sum(y)\n", runner).run({ onEvent: () => {} });
  const before = runner.allocator.used;
  await collectUntil(() => runner.allocator.used < before);
  assert.ok(runner.allocator.used < before);
  bound("let z = 7 * ones[1000]\nshow sum(z)\n", runner).run({ onEvent: () => {} });
  const two: Value = { kind: "array", type: "real", array: ndArray("real", [], [2]) };
  const found = b.call("f", { a: two });
  assert.ok(found.kind === "array" && found.array.data[0] === 6000);
});

test("calls with ever new shapes keep the compiled forms of the latest ones only", async () => {
  const runner = new CpuRunner({ precision: "f64" });
  const graphs: WeakRef<object>[] = [];
  const { program } = compile("fn f(x: real[n]) = sum(exp(x) * x)\n", { file: "t.opt" });
  const b = bind(program!, {
    data: {},
    runner: {
      run: (...call: Parameters<CpuRunner["run"]>) => {
        graphs.push(new WeakRef(call[0]));
        return runner.run(...call);
      },
    },
  });
  const calls = 300;
  for (let n = 1; n <= calls; n++) b.call("f", { x: vector(new Array<number>(n).fill(1)) });
  assert.equal(graphs.length, calls);
  const alive = () => graphs.filter((graph) => graph.deref()).length;
  await collectUntil(() => alive() <= 130);
  assert.ok(alive() <= 130, `${alive()} of ${calls} are still there`);
});

test("ten thousand iterations of a solver need the memory of one", () => {
  const text = (iterations: number) => `import { gradient_descent } from "std/first-order"
fn bowl(x: real[50]) = sum(x ^ 2) + sum(x)
let r = minimize(bowl, from = ones[50], by = gradient_descent(step = 1e-4, tol = 1e-30, iters = ${iterations}))
`;
  const peak = (iterations: number) => {
    const runner = new CpuRunner({ precision: "f64" });
    bound(text(iterations), runner).run({ onEvent: () => {} });
    return runner.allocator.peak;
  };
  // The trace has a few numbers for each iteration; the state and all temporaries are there once.
  const [short, long] = [peak(100), peak(10_000)];
  assert.ok(long - short < 9_900 * 8 * 8, `${short} and ${long} bytes`);
});

test("the peak is the one the plan tells", () => {
  const text = "let x = normal[200000](key(1))\nlet y = sum(sort(x) * cumsum(x)) + norm(x)\nshow y\n";
  const { program } = compile(text, { file: "t.opt" });
  const graphs = coreGraphs(bind(program!, { data: {} }));
  const runner = new CpuRunner({ precision: "f64" });
  bound(text, runner).run({ onEvent: () => {} });
  let kept = 0;
  let most = 0;
  for (const graph of graphs) {
    const plan = buildPlan(graph, { precision: "f64", style: "vector" });
    for (const b of plan.functions.at(-1)!.outputs) kept += b.length * elementBytes(b.kind, "f64");
    most = Math.max(most, kept + plan.frameBytes);
  }
  const difference = Math.abs(runner.allocator.peak - most);
  assert.ok(difference < Math.max(2 ** 20, most / 10), `${runner.allocator.peak} bytes, foreseen ${most}`);
});

test("blocks that are free join again", () => {
  let end = 0;
  const a = new Allocator(0, (bytes) => {
    end = Math.max(end, bytes);
  });
  const blocks = [100, 200, 300, 400].map((n) => a.allocate(n));
  const reached = end;
  for (const i of [2, 0, 3, 1]) a.free(blocks[i]!);
  assert.equal(a.used, 0);
  a.allocate(1000);
  assert.equal(end, reached);
  assert.throws(() => a.free(4096), /nobody had/);
});
