/** Kernels shared by threads: the same bits at any number of them, errors that arrive, nothing left behind. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { NdArray } from "../../compiler/core/array.ts";
import { evaluationContext } from "../../compiler/core/evaluate.ts";
import { bind, compile } from "../../compiler/index.ts";
import { controlCases } from "../../compiler/kernel/testing-control-cases.ts";
import { fusionCases } from "../../compiler/kernel/testing-fusion-cases.ts";
import { graphsOf, type Runnable, sampleInstances } from "../../compiler/kernel/testing-graphs.ts";
import { outcomeOf } from "../../compiler/kernel/testing-plans.ts";
import { narrowed, randomGraph, sizes } from "../../compiler/kernel/testing-random-graphs.ts";
import { linearAlgebraCases } from "../../compiler/primitives/linear-algebra.cases.ts";
import { exp, sin } from "../../compiler/primitives/math.ts";
import { structureCases } from "../../compiler/primitives/structure.cases.ts";
import { traceFunction } from "../../compiler/primitives/testing.ts";
import type { Value } from "../../compiler/program.ts";
import { DiagnosticError } from "../../compiler/syntax/diagnostic.ts";
import { controlBytes } from "../../compiler/target/wasm/team.ts";
import { inputsOf } from "../../examples/benchmarks/inputs.ts";
import { prepare } from "../../examples/benchmarks/karush.ts";
import { compileGraph } from "./compiled.ts";
import { Foreground } from "./foreground.ts";
import { CpuRunner } from "./runner.ts";
import { Team } from "./team.ts";
import { faultMessage } from "./thread-source.ts";

/** Shares the smallest kernels, and begins at once. */
const eager = { sharing: 200, starting: 0 };

const runners = new Map<string, CpuRunner>();
after(() => {
  for (const runner of runners.values()) runner.dispose();
});

function runnerOf(precision: "f64" | "f32", threads: number): CpuRunner {
  const key = `${precision} ${threads}`;
  const runner = runners.get(key) ?? new CpuRunner({ precision, threads, worth: eager });
  runners.set(key, runner);
  return runner;
}

function assertSameBits(what: string, found: readonly NdArray[], expected: readonly NdArray[]): void {
  assert.equal(found.length, expected.length, what);
  found.forEach((x, i) => {
    const y = expected[i]!;
    assert.deepEqual(x.shape, y.shape, what);
    const at = x.data.findIndex((v: number, j: number) => !Object.is(v, y.data[j]));
    assert.equal(at, -1, `${what}: result ${i} at ${at} is ${x.data[at]}, alone ${y.data[at]}`);
  });
}

/** Waits until threads have come, which takes them some milliseconds, and have done chunks of `runnable`'s kernels. */
async function untilHelped(runner: CpuRunner, run: () => void): Promise<void> {
  const before = runner.helped;
  for (let i = 0; runner.helped === before && i < 20_000; i++) {
    run();
    if (i % 20 === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  assert.ok(runner.helped > before, "no other thread ever took a chunk");
}

function agree({ name, graph, operands }: Runnable, precision: "f64" | "f32", counts = [2, 3, 4]): void {
  const given = narrowed(operands, precision);
  const outcome = (threads: number) =>
    outcomeOf(
      (g, inputs, context) => runnerOf(precision, threads).run(g, inputs, context, { keep: false }),
      graph,
      given,
      precision,
    );
  const alone = outcome(1);
  for (const threads of counts) {
    const what = `${name} in ${precision} with ${threads} threads`;
    const together = outcome(threads);
    assertSameBits(what, together.results, alone.results);
    assert.deepEqual(together.failure, alone.failure, what);
    assert.deepEqual(together.solves, alone.solves, what);
  }
}

for (const precision of ["f64", "f32"] as const)
  test(`the same bits at any number of threads: every style of fusion, control flow and random graphs in ${precision}`, () => {
    for (const { name, operands, build } of fusionCases)
      agree({ name, operands, graph: traceFunction(build, operands) }, precision);
    for (const runnable of controlCases) agree(runnable, precision);
    for (let seed = 0; seed < 40; seed++) agree(randomGraph(seed, 4 + (seed % 40), sizes.large), precision);
    for (const threads of [2, 3, 4]) assert.ok(runnerOf(precision, threads).helped > 0, `${threads} threads`);
  });

test("the same bits at any number of threads: routines, their derivatives and batches", () => {
  const before = runnerOf("f64", 3).helped;
  for (const testCase of [...linearAlgebraCases, ...structureCases])
    for (const instance of sampleInstances(testCase, 1))
      for (const runnable of graphsOf(testCase, instance)) agree(runnable, "f64", [3]);
  assert.ok(runnerOf("f64", 3).helped > before);
});

for (const workload of ["logistic", "mlp", "sinkhorn", "hessian-vector", "conjugate-gradients"] as const)
  test(`the same bits at any number of threads: ${workload}`, async () => {
    const inputs = inputsOf(workload);
    const { runs } = prepare(workload, inputs);
    for (const { graph, inputs, context } of runs) {
      const run = (threads: number) => runnerOf("f32", threads).run(graph, inputs, context, { keep: false });
      const alone = run(1);
      for (const threads of [2, 3, 4])
        for (let i = 0; i < 5; i++) assertSameBits(`${threads} threads`, run(threads), alone);
    }
  });

/** A map of many elements, in memory of its own, with what runs it on addresses of the test's choice. */
function waves(size: number, threads: number) {
  const x: NdArray = { dtype: "real", shape: [size], data: Float64Array.from({ length: size }, (_, i) => i / size) };
  const graph = traceFunction((b, [a]) => [sin(b, exp(b, a!))], [x]);
  const plan = compileGraph(graph, {
    precision: "f64",
    shared: true,
    team: { threads, leastInstructions: eager.sharing },
  });
  const pages = Math.ceil((controlBytes + 2 * 8 * size) / 65_536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: 65_536, shared: true });
  const operand = controlBytes;
  new Float64Array(memory.buffer, operand, size).set(x.data);
  return {
    plan,
    memory,
    operand,
    expected: Float64Array.from(x.data, (v) => Math.sin(Math.exp(v))),
    foreground: new Foreground(memory, () => performance.now()),
    team: new Team(memory, threads, 0),
    context: evaluationContext({ precision: "f64" }),
  };
}

test("a kernel that breaks down in any thread is an error, and the threads go on", async () => {
  const size = 20_000;
  const { plan, memory, operand, expected, foreground, team, context } = waves(size, 3);
  const frame = memory.buffer.byteLength;
  const run = (result: number) =>
    foreground.run(plan, [operand, result, frame, frame], context, { team: team.gather(plan) });
  const good = operand + 8 * size;
  // The second half of the results would be beyond the memory.
  const bad = memory.buffer.byteLength - 4 * size;
  const seen = { here: 0, elsewhere: 0 };
  try {
    for (let i = 0; (seen.here === 0 || seen.elsewhere === 0) && i < 5000; i++) {
      assert.throws(
        () => run(bad),
        (error: Error) => {
          if (error.message === faultMessage) seen.elsewhere += 1;
          else if (error instanceof WebAssembly.RuntimeError) seen.here += 1;
          else return false;
          return true;
        },
      );
      run(good);
      const found = new Float64Array(memory.buffer, good, size);
      const wrong = found.findIndex((v, j) => Math.abs(v - expected[j]!) > 1e-14);
      assert.equal(wrong, -1);
      if (i % 20 === 0) await new Promise((resolve) => setTimeout(resolve));
    }
    assert.ok(seen.here > 0 && seen.elsewhere > 0, JSON.stringify(seen));
  } finally {
    team.dispose();
  }
});

test("threads leave one plan for another as often as wanted", async () => {
  const runner = new CpuRunner({ precision: "f64", threads: 3, worth: eager });
  const context = evaluationContext({ precision: "f64" });
  const cases = [3000, 5000, 7000].map((size) => {
    const x: NdArray = { dtype: "real", shape: [size], data: Float64Array.from({ length: size }, (_, i) => i / size) };
    return { x, graph: traceFunction((b, [a]) => [exp(b, a!)], [x]) };
  });
  const run = ({ x, graph }: (typeof cases)[number]) => runner.run(graph, [x], context, { keep: false });
  const expected = cases.map(run);
  await untilHelped(runner, () => run(cases[0]!));
  for (let i = 0; i < 600; i++) {
    const which = i % 3;
    assertSameBits(`run ${i}`, run(cases[which]!), expected[which]!);
  }
  runner.dispose();
});

test("a thousand calls with threads leave no memory behind, also when they fail", () => {
  const runner = new CpuRunner({ precision: "f64", threads: 2, worth: eager });
  const { program } = compile("fn f(x: real[n]) = sum(cholesky([[x[0], 0], [0, 1]])) + sum(exp(x) * x)\n", {
    file: "t.opt",
  });
  const bound = bind(program!, { data: {}, runner });
  const call = (first: number) => {
    const data = new Float64Array(2000).fill(0.5);
    data[0] = first;
    const x: Value = { kind: "array", type: "real", array: { dtype: "real", shape: [2000], data } };
    return bound.call("f", { x });
  };
  call(1);
  const { used } = runner.allocator;
  const size = runner.memory.buffer.byteLength;
  for (let i = 0; i < 1000; i++) {
    if (i % 10 === 0) assert.throws(() => call(-1), DiagnosticError);
    else call(1 + i);
  }
  assert.equal(runner.allocator.used, used);
  assert.equal(runner.memory.buffer.byteLength, size);
  runner.dispose();
});

test("a loop of shared kernels stops at a tick, and the threads help the next one", async () => {
  const runner = new CpuRunner({ precision: "f64", threads: 2, worth: eager });
  const text = `let x = loop s = ones[3000] for i in 0..1000000000 { sin(s) + 0.1 }\nshow sum(x)\n`;
  const bound = bind(compile(text, { file: "t.opt" }).program!, { data: {}, runner });
  const mine = new Error("mine");
  const onTick = () => {
    throw mine;
  };
  for (let i = 0; i < 3; i++) assert.throws(() => bound.run({ onEvent: () => {}, onTick }), mine);
  const { x, graph } = {
    x: { dtype: "real", shape: [4000], data: new Float64Array(4000).fill(1) } as NdArray,
    graph: traceFunction((b, [a]) => [exp(b, a!)], [{ dtype: "real", shape: [4000], data: new Float64Array(4000) }]),
  };
  const context = evaluationContext({ precision: "f64" });
  await untilHelped(runner, () => {
    const [y] = runner.run(graph, [x], context, { keep: false });
    assert.ok(y!.data.every((v) => v === y!.data[0]));
  });
  runner.dispose();
});

test("a process ends by itself while its threads wait", () => {
  const file = fileURLToPath(new URL("./testing-exit.ts", import.meta.url));
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", file], {
    encoding: "utf8",
    timeout: 25_000,
  });
  assert.deepEqual({ status, signal, stderr }, { status: 0, signal: null, stderr: "" });
  assert.match(stdout, /^helped, then in the background: aborted/);
});
