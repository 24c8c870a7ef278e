/** A signal ends what waits for the device: for shaders that it compiles, and for another run's end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bind } from "../../compiler/bind.ts";
import { fastDevicePolicy } from "../../compiler/target/wgsl/policy.ts";
import { compileOrThrow, createRuntime, type Tensor } from "../index.ts";
import { softwareDevice, withTimeLimit } from "../testing-adapter/testing.ts";
import { WebGpuRunner } from "./executor.ts";
import { countBuffers } from "./testing-buffers.ts";

const device = await softwareDevice();
const { gpu } = device;
const bytes = countBuffers(gpu);

/** Shaders are compiled, but nobody hears of it until they are let go. */
function holdShaders() {
  const create = gpu.createComputePipelineAsync.bind(gpu);
  const asked: string[] = [];
  let letGo = () => {};
  const allowed = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let isAsked = () => {};
  const first = new Promise<void>((resolve) => {
    isAsked = resolve;
  });
  const all: Promise<unknown>[] = [];
  gpu.createComputePipelineAsync = (descriptor) => {
    asked.push(descriptor.label ?? "");
    isAsked();
    const pipeline = Promise.all([create(descriptor), allowed]).then(([pipeline]) => pipeline);
    all.push(pipeline);
    return pipeline;
  };
  const end = async () => {
    letGo();
    gpu.createComputePipelineAsync = create;
    await withTimeLimit("compiling", Promise.all(all));
  };
  return { asked, first, letGo, end };
}

const source = "fn f(x: real[n]) = cumsum(sin(x)) + sum(x)\n";
const numbers = Float32Array.from({ length: 1000 }, (_, i) => i / 1000);

test("an abort while shaders are compiled rejects at once, and what is compiled is of use later", async () => {
  using runtime = await createRuntime({ device: gpu });
  const module = await runtime.load(compileOrThrow(source, { file: "t.opt" }));
  const shaders = holdShaders();
  try {
    for (const reason of [undefined, new Error("enough")]) {
      const controller = new AbortController();
      const call = module.call("f", { x: numbers }, { signal: controller.signal });
      await withTimeLimit("compiling", shaders.first);
      controller.abort(reason);
      // The shaders are still held: were they waited for, this would hang.
      await assert.rejects(withTimeLimit("an aborted call", call, 5000), (error) => error === controller.signal.reason);
    }
    const { length } = shaders.asked;
    assert.ok(length > 0);
    shaders.letGo();
    using y = (await withTimeLimit("a call", module.call("f", { x: numbers }))) as Tensor;
    assert.equal((await y.data()).length, numbers.length);
    assert.equal(shaders.asked.length, length, `compiled again: ${shaders.asked}`);
  } finally {
    await shaders.end();
  }
});

test("an aborted run does not wait for the one before it, and the one after does", async () => {
  const runner = WebGpuRunner.create(device);
  const bound = bind(compileOrThrow(source, { file: "t.opt" }), { data: {}, precision: "f32", runner });
  const array = (scale: number) => ({ dtype: "real", shape: [1000], data: numbers.map((x) => scale * x) }) as const;
  const call = (scale: number, signal?: AbortSignal) =>
    bound.callLater("f", { x: { kind: "array", type: "real", array: array(scale) } }, signal ? { signal } : {});
  const shaders = holdShaders();
  const controller = new AbortController();
  try {
    const first = call(1);
    const second = call(2, controller.signal);
    const third = call(3);
    await withTimeLimit("compiling", shaders.first);
    controller.abort();
    await assert.rejects(withTimeLimit("an aborted call", second, 5000), { name: "AbortError" });
    shaders.letGo();
    const last = async (result: typeof first) => {
      const value = await withTimeLimit("a call", result);
      assert.ok(value.kind === "array");
      const { holder } = value.array as unknown as { holder: { bring(x: readonly unknown[]): Promise<void> } };
      await holder.bring([value.array]);
      return value.array.data[0]!;
    };
    const sum = numbers.reduce((a, b) => a + b, 0);
    for (const [result, scale] of [
      [first, 1],
      [third, 3],
    ] as const) {
      const found = await last(result);
      assert.ok(Math.abs(found - scale * sum) < 1e-3 * sum, `${found}`);
    }
  } finally {
    await shaders.end();
    await runner.close();
  }
});

test("a script that is aborted while it is compiled leaves nothing behind", async () => {
  const before = bytes.used;
  // The whole loop is one shader, with a buffer of its own.
  const runner = WebGpuRunner.create(device, { policy: fastDevicePolicy });
  const script = "let r = loop x = ones[300] for t in 0..50 { x * 0.5 + cumsum(x) }\nshow sum(r)\n";
  const bound = bind(compileOrThrow(script, { file: "t.opt" }), { data: {}, precision: "f32", runner });
  const shaders = holdShaders();
  const controller = new AbortController();
  const run = bound.runLater({ isLast: true, signal: controller.signal, onEvent: () => undefined });
  await withTimeLimit("compiling", shaders.first);
  controller.abort();
  await assert.rejects(withTimeLimit("an aborted run", run, 5000), { name: "AbortError" });
  assert.ok(shaders.asked.includes("the resident workgroup"));
  await shaders.end();
  // What was compiled in vain is heard of.
  await new Promise((resolve) => setTimeout(resolve, 200));
  await withTimeLimit("closing", runner.close());
  assert.equal(bytes.used, before);
});
