/** Runs that another thread does while the caller's goes on: what comes out, what is told, and how they end. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Worker } from "node:worker_threads";
import { bind, compile } from "../../compiler/index.ts";
import type { RunOptions, ScriptEvent, Value } from "../../compiler/program.ts";
import { DiagnosticError } from "../../compiler/syntax/diagnostic.ts";
import { readData } from "../data/readers.ts";
import { compileOrThrow, createRuntime, type ModuleRunOptions, type RunError } from "../index.ts";
import { CpuRunner } from "./runner.ts";
import { withoutSharing } from "./testing-sharing.ts";

const endless = `import { gradient_descent } from "std/first-order"
fn bowl(x: real[50]) = sum(x ^ 2) + sum(x)
fn twice(x: real) = 2 * x
let r = minimize(bowl, from = ones[50], by = gradient_descent(step = 1e-12, tol = 1e-30, iters = 30000000))
show r.value
`;

async function loaded(text: string) {
  const runtime = await createRuntime({ threads: 1 });
  return { runtime, module: await runtime.load(compileOrThrow(text, { file: "t.opt" })) };
}

test("while a solver runs, progress is told, the caller's timers run, and a signal stops it; the runtime goes on", async () => {
  const { runtime, module } = await loaded(endless);
  const told: number[] = [];
  for (let i = 0; i < 2; i++) {
    const controller = new AbortController();
    let turns = 0;
    let isTold = false;
    const timer = setInterval(() => {
      turns += 1;
      if (isTold && turns > 10) controller.abort();
    });
    const onProgress: ModuleRunOptions["onProgress"] = ({ iteration, error }) => {
      told.push(iteration);
      assert.ok(error > 0);
      isTold = true;
    };
    await assert.rejects(module.run({ signal: controller.signal, onProgress }), { name: "AbortError" });
    clearInterval(timer);
    assert.ok(turns > 10);
  }
  assert.ok(told.length >= 2 && told.every((iteration) => iteration > 0), String(told));
  assert.equal(await module.call("twice", { x: 21 }), 42);
  runtime.dispose();
});

test("what a callback throws while a solver runs stops it, and comes out as it is", async () => {
  const { runtime, module } = await loaded(endless);
  const mine = new RangeError("mine");
  const onProgress = () => {
    throw mine;
  };
  await assert.rejects(module.run({ onProgress }), (error) => error === mine);
  runtime.dispose();
});

test("a runtime that is disposed of ends what it runs", async () => {
  const { runtime, module } = await loaded(endless);
  const run = module.run();
  setTimeout(() => runtime.dispose(), 50);
  await assert.rejects(run, /disposed/);
  const other = await loaded(endless);
  const ended = other.module.run({ onProgress: () => other.runtime.dispose() });
  await assert.rejects(ended, /disposed/);
});

test("a runtime has one thread or more", async () => {
  for (const threads of [0, -1, 1.5, Number.NaN])
    await assert.rejects(createRuntime({ threads }), /threads is .*: it is a whole number from 1/);
});

/** All that a script tells; the numbers of what it shows. */
function listener() {
  const told: unknown[] = [];
  const numbers = (v: Value): unknown => (v.kind === "tuple" ? v.items.map(numbers) : [...v.array.data]);
  const onEvent = (e: ScriptEvent) => {
    if (e.kind === "show") told.push(e.items.map((i) => (i.kind === "value" ? numbers(i.value) : i.text)));
    else if (e.kind === "solve") told.push([e.statusName, e.solve.iterations, e.solve.error, e.solve.expression]);
    else told.push(e);
  };
  return { told, onEvent };
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const scripts = ["conformance/loops", "conformance/choices", "conformance/factorisations"]
  .map((name) => path.join(root, "spec", `${name}.opt`))
  .concat(["loops", "own-solver"].map((name) => path.join(root, "examples", `${name}.opt`)));

for (const file of scripts)
  test(`${path.basename(file)} tells and shows the same here and in the background`, async () => {
    const { program, diagnostics } = compile(readFileSync(file, "utf8"), { file });
    assert.ok(program, `${file}: ${JSON.stringify(diagnostics)}`);
    const data = Object.fromEntries(
      program.data.map((d) => [d.name, readData(d, undefined, { folder: path.dirname(file), read: [] })]),
    );
    const here = listener();
    bind(program, { data, runner: new CpuRunner({ precision: "f64" }) }).run({ onEvent: here.onEvent });
    const there = listener();
    const worth = { sharing: 2000, starting: 0 };
    const runner = new CpuRunner({ precision: "f64", background: true, patience: 0, threads: 2, worth });
    await bind(program, { data, runner }).runLater({ onEvent: there.onEvent });
    runner.dispose();
    const apart = listener();
    await withoutSharing(async () => {
      const runner = new CpuRunner({ precision: "f64", background: true, patience: 0 });
      await bind(program, { data, runner }).runLater({ onEvent: apart.onEvent });
      runner.dispose();
    });
    assert.deepEqual(apart.told, here.told);
    assert.ok(here.told.length > 0, file);
    assert.deepEqual(there.told, here.told, path.basename(file));
  });

const failing: Readonly<Record<string, string>> = {
  "a broken promise with numbers to show": `let b = [0.0, 0.0, -3.5]
let A = loop s = eye[3] for i in 0..5 { s + outer(b, b) * -1 }
show cholesky(A)
`,
  "a solve that fails": `import { newton_root } from "std/roots"
fn f(x: real) = x ^ 2 + 1
let r = root(f, from = 0.0, by = newton_root()).x
show r
`,
};

for (const [name, text] of Object.entries(failing))
  test(`${name} is the same error here and in the background`, async () => {
    const { program, diagnostics } = compile(text, { file: "t.opt" });
    assert.ok(program, JSON.stringify(diagnostics));
    const outcome = async (runner: CpuRunner, run: (o: RunOptions, r: CpuRunner) => void | Promise<void>) => {
      const { told, onEvent } = listener();
      try {
        await run({ onEvent }, runner);
      } catch (error) {
        assert.ok(error instanceof DiagnosticError, String(error));
        return { told, code: error.diagnostic.code, message: error.diagnostic.message };
      }
      return assert.fail("it does not fail");
    };
    const here = await outcome(new CpuRunner({ precision: "f64" }), (o, runner) =>
      bind(program, { data: {}, runner }).run(o),
    );
    const there = new CpuRunner({ precision: "f64", background: true, patience: 0 });
    for (let i = 0; i < 2; i++)
      assert.deepEqual(await outcome(there, (o, runner) => bind(program, { data: {}, runner }).runLater(o)), here);
    const inPatience = new CpuRunner({ precision: "f64", background: true, patience: 1e6 });
    assert.deepEqual(await outcome(inPatience, (o, runner) => bind(program, { data: {}, runner }).runLater(o)), here);
    await withoutSharing(async () => {
      const apart = new CpuRunner({ precision: "f64", background: true, patience: 0 });
      assert.deepEqual(await outcome(apart, (o, runner) => bind(program, { data: {}, runner }).runLater(o)), here);
      apart.dispose();
    });
    const { used } = there.allocator;
    await outcome(there, (o, runner) => bind(program, { data: {}, runner }).runLater(o));
    assert.ok(there.allocator.used - used < 4096, `${there.allocator.used - used} bytes`);
    there.dispose();
  });

test("a thousand calls at once and one after the other give what they should, and leave no memory behind", async () => {
  const runner = new CpuRunner({ precision: "f64", background: true, patience: 0 });
  const { program } = compile("fn f(x: real[n]) = sum(x) + norm(cumsum(x) * 0)\n", { file: "t.opt" });
  const bound = bind(program!, { data: {}, runner });
  const call = async (i: number) => {
    const data = new Float64Array(100).fill(i);
    const found = await bound.callLater("f", {
      x: { kind: "array", type: "real", array: { dtype: "real", shape: [100], data } },
    });
    assert.ok(found.kind === "array");
    assert.equal(found.array.data[0], 100 * i);
  };
  await Promise.all(Array.from({ length: 100 }, (_, i) => call(i)));
  const { used } = runner.allocator;
  const size = runner.memory.buffer.byteLength;
  for (let i = 0; i < 800; i++) await call(i);
  await Promise.all(Array.from({ length: 100 }, (_, i) => call(i)));
  assert.equal(runner.allocator.used, used);
  assert.equal(runner.memory.buffer.byteLength, size);
  runner.dispose();
});

/** Ten statements that each take some milliseconds. */
const statements = `${Array.from({ length: 10 }, (_, i) => `let x${i} = loop s = ${i}.0 for i in 0..400000 { sin(s) + 0.1 }`).join("\n")}
show ${Array.from({ length: 10 }, (_, i) => `x${i}`).join(", ")}
`;

async function shownWith(runner: CpuRunner) {
  const { told, onEvent } = listener();
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  });
  await bind(compile(statements, { file: "t.opt" }).program!, { data: {}, runner }).runLater({ onEvent });
  clearInterval(timer);
  return { told, turns };
}

test("without shared memory a thread computes in its own, and the caller's goes on", async () => {
  const expected = await shownWith(new CpuRunner({ precision: "f64" }));
  await withoutSharing(async () => {
    const runner = new CpuRunner({ precision: "f64", background: true, patience: 0, threads: 4 });
    assert.ok(runner.memory.buffer instanceof ArrayBuffer);
    for (let i = 0; i < 2; i++) {
      const found = await shownWith(runner);
      assert.deepEqual(found.told, expected.told);
      assert.ok(found.turns > 0);
    }
    runner.dispose();
  });
});

test("without shared memory a signal stops a solver, and the runtime goes on", () =>
  withoutSharing(async () => {
    const { runtime, module } = await loaded(endless);
    for (let i = 0; i < 2; i++) {
      const controller = new AbortController();
      const run = module.run({ signal: controller.signal, onProgress: () => controller.abort() });
      await assert.rejects(run, { name: "AbortError" });
    }
    assert.equal(await module.call("twice", { x: 21 }), 42);
    runtime.dispose();
  }));

/** Runs `body` where Node's class of workers is another one. */
async function withWorkers(make: (Real: typeof Worker) => typeof Worker, body: () => Promise<void>): Promise<void> {
  const { getBuiltinModule } = process;
  try {
    process.getBuiltinModule = ((id: string) => {
      const found = getBuiltinModule(id) as { readonly Worker: typeof Worker };
      return id === "node:worker_threads" ? { ...found, Worker: make(found.Worker) } : found;
    }) as typeof getBuiltinModule;
    await body();
  } finally {
    process.getBuiltinModule = getBuiltinModule;
  }
}

test("a thread that goes away is an error, and the next statement gets another one", async () => {
  const started: Worker[] = [];
  const watched = (Real: typeof Worker) =>
    class extends Real {
      constructor(...args: ConstructorParameters<typeof Worker>) {
        super(...args);
        started.push(this);
      }
    };
  await withWorkers(watched, async () => {
    const { runtime, module } = await loaded(endless);
    const onProgress = () => void started.at(-1)!.terminate();
    for (let i = 0; i < 2; i++)
      await assert.rejects(module.run({ onProgress }), (error: RunError) => error.diagnostics[0]?.code === "K0975");
    const mine = new Error("mine");
    const throwMine = () => {
      throw mine;
    };
    await assert.rejects(module.run({ onProgress: throwMine }), (error) => error === mine);
    assert.equal(started.length, 3);
    runtime.dispose();
  });
});

const unwilling: Readonly<Record<string, (Real: typeof Worker) => typeof Worker>> = {
  "cannot be made": () =>
    class {
      constructor() {
        throw new Error("no workers");
      }
    } as unknown as typeof Worker,
  "end before they say anything": (Real) =>
    class extends Real {
      constructor() {
        super("process.exit(0)", { eval: true });
      }
    },
};

for (const [name, make] of Object.entries(unwilling))
  test(`where threads ${name}, scripts run on the caller's`, async () => {
    const expected = await shownWith(new CpuRunner({ precision: "f64" }));
    await withWorkers(make, async () => {
      const runner = new CpuRunner({ precision: "f64", background: true, patience: 0, threads: 2 });
      assert.deepEqual((await shownWith(runner)).told, expected.told);
      assert.deepEqual((await shownWith(runner)).told, expected.told);
    });
  });
