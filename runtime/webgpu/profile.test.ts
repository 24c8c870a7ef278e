/** Profiles of devices: by kernel where they measure time, by submission where they do not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bind, coreGraphs } from "../../compiler/bind.ts";
import { compile } from "../../compiler/compile.ts";
import { buildPlan } from "../../compiler/kernel/build.ts";
import { printPlan } from "../../compiler/kernel/print.ts";
import type { GraphRunner } from "../../compiler/program.ts";
import { softwarePolicy } from "../../compiler/target/wgsl/policy.ts";
import { Profiler } from "../profile/profiler.ts";
import { useSoftwareAdapter } from "../testing-adapter/software-adapter.ts";
import { withTimeLimit } from "../testing-adapter/testing.ts";
import { requestAdapter } from "./adapter.ts";
import { openRunner } from "./open-runner.ts";
import { DeviceProfile } from "./profile-device.ts";

useSoftwareAdapter();

const script = `let a = [[sin(1.0 * i * j) for j in 0..300] for i in 0..300]
show sum(a @ a)
show sum([cos(1.0 * i) for i in 0..70000])
`;

async function shownBy(runner: GraphRunner): Promise<{ shown: number[]; explained: string }> {
  const { program } = compile(script, { file: "t.opt" });
  assert.ok(program);
  const bound = bind(program, { data: {}, precision: "f32", runner });
  const shown: number[] = [];
  const run = bound.runLater({
    onEvent: (event) => {
      if (event.kind === "show" && event.items[0]!.kind === "value" && event.items[0]!.value.kind === "array")
        shown.push(event.items[0]!.value.array.data[0]!);
    },
  });
  await withTimeLimit("the script", run);
  const { products } = softwarePolicy;
  const plans = coreGraphs(bound).map((graph) =>
    buildPlan(graph, { precision: "f32", style: "invocations", products }),
  );
  return { shown, explained: plans.map(printPlan).join("\n") };
}

async function profiled(adapter: GPUAdapter) {
  const profiler = new Profiler();
  const listener = new DeviceProfile(profiler, () => performance.now());
  const opened = await openRunner(undefined, { adapter, listener });
  const { shown, explained } = await shownBy(listener.timed(opened.runner, opened.device));
  const profile = await withTimeLimit("measurements", profiler.result(new Map([["t.opt", script]])));
  await opened.close();
  return { shown, explained, profile };
}

async function unprofiled() {
  const opened = await openRunner();
  const { shown } = await shownBy(opened.runner);
  await opened.close();
  return shown;
}

test("a device that measures time tells of each kernel, and computes what it computed", async () => {
  const { shown, explained, profile } = await profiled(await requestAdapter());
  assert.deepEqual(shown, await unprofiled());
  assert.equal(profile.clock, "device");
  assert.deepEqual(profile.statements.map(({ line }) => line).sort(), [1, 2, 3]);
  const kernels = profile.kernels.filter(({ name }) => name.startsWith("kernel "));
  for (const { name } of kernels) assert.ok(explained.includes(`  ${name}`), `${name} is not in\n${explained}`);
  const sine = kernels.find(({ name }) => name.includes("sin"));
  assert.equal(sine?.line, 1);
  assert.equal(sine.runs, 1);
  assert.equal(sine.bytes, 300 * 300 * 4);
  assert.ok(sine.milliseconds > 0 && sine.milliseconds < profile.milliseconds, `${sine.milliseconds}`);
  const measured = profile.kernels.reduce((sum, k) => sum + k.milliseconds, 0);
  assert.ok(measured <= profile.milliseconds, `${measured} of ${profile.milliseconds}`);
});

test("a device that does not measure time is timed by submission", async () => {
  const adapter = await requestAdapter();
  const plain = new Proxy(adapter, {
    get(_, name) {
      if (name === "features") return new Set();
      const value: unknown = Reflect.get(adapter, name, adapter);
      return typeof value === "function" ? value.bind(adapter) : value;
    },
  });
  const { shown, profile } = await profiled(plain);
  assert.deepEqual(shown, await unprofiled());
  assert.equal(profile.clock, "submissions");
  assert.deepEqual(new Set(profile.kernels.map(({ name }) => name)), new Set(["submission"]));
  assert.equal(profile.kernels.length, 3);
  for (const { runs, milliseconds } of profile.kernels) assert.ok(runs >= 1 && milliseconds > 0);
});
