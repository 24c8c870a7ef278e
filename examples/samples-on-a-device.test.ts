/**
 * The scripts that the language was designed with show on a device what they show on the CPU in f64. Ridge.opt, whose
 * hundreds of solves in a solve a software adapter takes too long for, is in runtime/webgpu/examples.test.ts.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { GraphRunner } from "../compiler/program.ts";
import { CpuRunner } from "../runtime/cpu/runner.ts";
import { softwareDevice, withTimeLimit } from "../runtime/testing-adapter/testing.ts";
import { WebGpuRunner } from "../runtime/webgpu/executor.ts";
import { assertSameShown, runSample } from "./testing-samples.ts";

const device = WebGpuRunner.create(await softwareDevice());
after(() => device.close());
const runner: GraphRunner = { run: (graph, inputs, context) => device.run(graph, inputs, context) };
/** A busy machine is no failure. */
const limitMilliseconds = 5 * 60_000;

for (const name of ["rosenbrock.opt", "equilibrium.opt", "markowitz.opt"])
  test(name, async () => {
    const expected = await runSample(name, "f64", new CpuRunner({ precision: "f64" }));
    const found = await withTimeLimit(name, runSample(name, "f32", runner), limitMilliseconds);
    assertSameShown(name, found, expected);
  });

test("the first steps of mlp.opt", async () => {
  const few = (text: string) => {
    const edited = text.replace("iters = 600", "iters = 5").replace("accuracy > 0.9", "accuracy >= 0");
    assert.notEqual(edited, text);
    return `${edited}\nshow fit.trace.value, fit.x\n`;
  };
  const expected = await runSample("mlp.opt", "f32", new CpuRunner({ precision: "f32" }), few);
  const found = await withTimeLimit("mlp.opt", runSample("mlp.opt", "f32", runner, few), limitMilliseconds);
  assert.equal(expected.shown.get("fit.trace.value")!.length, 6);
  assertSameShown("mlp.opt", found, expected);
});
