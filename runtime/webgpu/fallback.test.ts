/** Devices that fail while a script runs: an error on `webgpu`, the CPU on `auto`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bind } from "../../compiler/bind.ts";
import { compile } from "../../compiler/compile.ts";
import { Builder } from "../../compiler/core/builder.ts";
import { evaluationContext } from "../../compiler/core/evaluate.ts";
import type { SolveEvent } from "../../compiler/core/primitive.ts";
import type { GraphRunner } from "../../compiler/program.ts";
import { type Diagnostic, DiagnosticError } from "../../compiler/syntax/diagnostic.ts";
import { CpuRunner } from "../cpu/runner.ts";
import { createRuntime } from "../index.ts";
import { type Disguise, disguisedAdapter, placeWith } from "../testing-adapter/disguise.ts";
import { withTimeLimit } from "../testing-adapter/testing.ts";
import { DeviceLostError } from "./device.ts";
import { FallbackRunner } from "./fallback-runner.ts";
import { openHardware, openRunner } from "./open-runner.ts";

const script = `fn slope(x: real[4]) = x - 0.01 * (x * x - 2)
let before = sum([1.0, 2.0, 3.0])
show before
show loop x = [1.0, 1.5, 2.0, 0.5] for t in 0..3000 { slope(x) }
show before + 1
`;

interface Outcome {
  readonly shown: number[][];
  readonly warnings: Diagnostic[];
  readonly failure: unknown;
}

/** Runs the script; `onStatement` is called at each tick with how many values were shown before. */
async function outcome(text: string, runner: GraphRunner, onTick: (shown: number) => void): Promise<Outcome> {
  const { program } = compile(text, { file: "t.opt" });
  assert.ok(program);
  const found: Outcome = { shown: [], warnings: [], failure: undefined };
  try {
    await bind(program, { data: {}, precision: "f32", runner }).runLater({
      onEvent: (event) => {
        if (event.kind === "warning") found.warnings.push(event.diagnostic);
        if (event.kind !== "show") return;
        for (const item of event.items)
          if (item.kind === "value" && item.value.kind === "array") found.shown.push([...item.value.array.data]);
      },
      onTick: () => onTick(found.shown.length),
    });
    return found;
  } catch (failure) {
    return { ...found, failure };
  }
}

const onCpu = outcome(script, new CpuRunner({ precision: "f32" }), () => {});

function assertShown(found: Outcome, expected: Outcome): void {
  assert.equal(found.failure, undefined);
  assert.equal(found.shown.length, expected.shown.length);
  found.shown.forEach((values, i) => {
    values.forEach((x, k) => {
      const wanted = expected.shown[i]![k]!;
      assert.ok(Math.abs(x - wanted) <= 1e-4 * Math.max(1, Math.abs(wanted)), `${i}: ${values}, ${expected.shown[i]}`);
    });
  });
}

const textOf = ({ span }: Diagnostic) => span && script.slice(span.start, span.end);

async function openDisguised(disguise: Disguise) {
  const opened = await openHardware(placeWith(await disguisedAdapter(disguise)));
  assert.ok("runner" in opened);
  return opened;
}

test("auto runs a statement again on the CPU when the device is lost in it, and says so once", async () => {
  let device: GPUDevice | undefined;
  const opened = await openDisguised({
    onDevice: (made) => {
      device = made;
    },
  });
  const run = outcome(script, opened.runner, (shown) => {
    if (shown === 1) device!.destroy(); // while the loop runs
  });
  const found = await withTimeLimit("the script", run);
  assertShown(found, await onCpu);
  assert.equal(found.warnings.length, 1);
  const [warning] = found.warnings;
  assert.equal(warning!.code, "K0960");
  assert.match(warning!.message, /the device is closed.* This statement is run again on the CPU, and so is all/s);
  assert.match(textOf(warning!)!, /^show loop/);
  await opened.close();
});

test("a device that was lost between two statements is noticed as well", async () => {
  let device: GPUDevice | undefined;
  const opened = await openDisguised({
    onDevice: (made) => {
      device = made;
    },
  });
  device!.destroy();
  await opened.device.whenLost;
  const found = await withTimeLimit(
    "the script",
    outcome(script, opened.runner, () => {}),
  );
  assertShown(found, await onCpu);
  assert.deepEqual(
    found.warnings.map((w) => w.code),
    ["K0960"],
  );
  await opened.close();
});

test("webgpu reports the loss at the statement, and nothing after it", async () => {
  let device: GPUDevice | undefined;
  const adapter = await disguisedAdapter({
    onDevice: (made) => {
      device = made;
    },
  });
  const opened = await openRunner(undefined, { adapter });
  const run = outcome(script, opened.runner, (shown) => {
    if (shown === 1) device!.destroy();
  });
  const { failure, shown } = await withTimeLimit("the script", run);
  assert.ok(failure instanceof DiagnosticError, String(failure));
  assert.equal(failure.diagnostic.code, "K0343");
  assert.match(textOf(failure.diagnostic)!, /^show loop/);
  assert.match(failure.diagnostic.help!, /--backend cpu/);
  assert.equal(shown.length, 1);
  await opened.close();
});

test("solves that were heard before the device was lost are not heard again", async () => {
  const graph = new Builder().close("nothing", []).graph;
  const solve = (iterations: number) => ({ ...({} as SolveEvent), iterations });
  const solving = (count: number, ending?: Error): GraphRunner => ({
    run: (_, __, context) => {
      for (let n = 0; n < count; n++) context.solved(solve(n));
      if (ending) throw ending;
      return [];
    },
  });
  let opened = 0;
  const runner = new FallbackRunner({
    device: solving(2, new DeviceLostError("running: the device was lost.")),
    isLost: () => true,
    openCpu: async () => {
      opened += 1;
      return solving(3);
    },
  });
  const heard: number[] = [];
  const warnings: string[] = [];
  const context = evaluationContext({ precision: "f32", solved: ({ iterations }) => heard.push(iterations) });
  const run = () => runner.run(graph, [], context, { keep: false, warn: ({ code }) => warnings.push(code) });
  await run();
  assert.deepEqual(heard, [0, 1, 2]);
  await run();
  assert.deepEqual([heard.length, warnings, opened], [6, ["K0960"], 1]);
});

test("what is no failure of the device is not tried again", async () => {
  const graph = new Builder().close("nothing", []).graph;
  const runner = new FallbackRunner({
    device: {
      run: () => {
        throw new Error("stop");
      },
    },
    isLost: () => false,
    openCpu: () => assert.fail("the CPU was asked"),
  });
  const context = evaluationContext({ precision: "f32" });
  await assert.rejects(runner.run(graph, [], context, { keep: false }), { message: "stop" });
});

test("a runner that is closed does not begin anew on the CPU", async () => {
  const graph = new Builder().close("nothing", []).graph;
  let lose: ((error: Error) => void) | undefined;
  const runner = new FallbackRunner({
    device: { run: () => new Promise((_, reject) => (lose = reject)) },
    isLost: () => true,
    openCpu: () => assert.fail("the CPU was asked"),
  });
  const run = runner.run(graph, [], evaluationContext({ precision: "f32" }), { keep: false });
  runner.close();
  lose!(new DeviceLostError("running: the device is closed."));
  await assert.rejects(run, { name: "DeviceLostError" });
});

const large = `let xs = [1.0 * i for i in 0..100000]
show sum(xs) / 1000
show 2 + 3.0
`;

test("what is too large for the device runs on the CPU with auto, and the rest on the device", async () => {
  let dispatched = 0;
  const opened = await openDisguised({
    limits: { maxStorageBufferBindingSize: 65_536 },
    onDevice: ({ queue }) => {
      const submit = queue.submit.bind(queue);
      queue.submit = (commands) => {
        dispatched += 1;
        return submit(commands);
      };
    },
  });
  const found = await withTimeLimit(
    "the script",
    outcome(large, opened.runner, () => {}),
  );
  assert.deepEqual(found.failure, undefined);
  assert.ok(Math.abs(found.shown[0]![0]! - 4_999_950) < 500, String(found.shown));
  assert.deepEqual(found.shown[1], [5]);
  assert.deepEqual(
    found.warnings.map(({ code, message }) => [code, message]),
    Array(found.warnings.length).fill([
      "K0960",
      "The statement needs 0.4 MiB in one piece, and a buffer of Acme GPU has at most 0.1 MiB. This statement is run on the CPU.",
    ]),
  );
  assert.ok(found.warnings.length >= 1);
  assert.ok(dispatched > 0);
  await opened.close();
});

test("what is too large for the device is an error with webgpu, before Dawn is asked", async () => {
  const adapter = await disguisedAdapter({ limits: { maxStorageBufferBindingSize: 65_536 } });
  const opened = await openRunner(undefined, { adapter });
  const { failure } = await withTimeLimit(
    "the script",
    outcome(large, opened.runner, () => {}),
  );
  assert.ok(failure instanceof DiagnosticError, String(failure));
  assert.equal(failure.diagnostic.code, "K0961");
  assert.equal(
    failure.diagnostic.message,
    "The statement needs 0.4 MiB in one piece, and a buffer of Acme GPU has at most 0.1 MiB.",
  );
  assert.equal(large.slice(failure.diagnostic.span!.start, failure.diagnostic.span!.end), large.split("\n")[0]);
  await opened.close();
});

test("createRuntime: auto takes hardware, and the CPU for f64 and where there is none", async () => {
  const place = placeWith(await disguisedAdapter({}));
  using onDevice = await createRuntime({ backend: "auto" }, place);
  assert.deepEqual([onDevice.backend, onDevice.precision, onDevice.deviceName], ["webgpu", "f32", "Acme GPU"]);
  const { program } = compile("fn double(x: real) = 2 * x\n", { file: "t.opt" });
  const module = await onDevice.load(program);
  assert.equal(await withTimeLimit("calling", module.call("double", { x: 21 })), 42);
  using exact = await createRuntime({ backend: "auto", precision: "f64" }, place);
  assert.deepEqual([exact.backend, exact.precision, exact.deviceName], ["cpu", "f64", undefined]);
  using alone = await createRuntime({ backend: "auto", precision: "f32" }, placeWith());
  assert.deepEqual([alone.backend, alone.precision], ["cpu", "f32"]);
});
