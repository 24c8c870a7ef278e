/** Memory of devices: what is allocated is what was foreseen, and nothing stays behind. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bind, coreGraphs, lifetimesOf } from "../../compiler/bind.ts";
import { compile } from "../../compiler/compile.ts";
import { ndArray } from "../../compiler/core/array.ts";
import { buildPlan } from "../../compiler/kernel/build.ts";
import { softwarePolicy } from "../../compiler/target/wgsl/policy.ts";
import { bytesOfPlan } from "../cpu/memory-limit.ts";
import { createRuntime, type Tensor } from "../index.ts";
import { softwareDevice, withTimeLimit } from "../testing-adapter/testing.ts";
import { WebGpuRunner } from "./executor.ts";
import { foreseeMemory } from "./foresee.ts";
import { countBuffers } from "./testing-buffers.ts";

const device = await softwareDevice();

const { gpu } = device;
const bytes = countBuffers(gpu);

function programOf(text: string) {
  const { program, diagnostics } = compile(text, { file: "t.opt" });
  assert.ok(program, diagnostics.map((d) => d.message).join("\n"));
  return program;
}

test("a thousand calls leave no memory behind", async () => {
  using runtime = await createRuntime({ device: gpu });
  const module = await runtime.load(programOf("fn f(x: real[n]) = sum(exp(x) * x) + norm(x)\n"));
  const call = async (i: number) => {
    const x = Float32Array.from({ length: 500 }, (_, k) => (k + i) / 1000);
    const { gradient } = await module.valueAndGradient("f", { x });
    (gradient as Tensor).dispose();
  };
  await call(0);
  await call(1);
  const { used } = bytes;
  assert.ok(used > 0);
  bytes.peak = used;
  const calls = async () => {
    for (let i = 0; i < 1000; i++) await call(i);
  };
  await withTimeLimit("a thousand calls", calls());
  assert.equal(bytes.used, used);
  // The gradient is there while it is asked for.
  assert.equal(bytes.peak, used + 4 * 500);
});

test("ten thousand iterations of a solver need the memory of one", async () => {
  const text = (iterations: number) => `import { gradient_descent } from "std/first-order"
fn bowl(x: real[50]) = sum(x ^ 2) + sum(x)
let r = minimize(bowl, from = ones[50], by = gradient_descent(step = 1e-4, tol = 1e-30, iters = ${iterations}))
`;
  const peak = async (iterations: number) => {
    using runtime = await createRuntime({ device: gpu });
    const before = bytes.used;
    bytes.peak = before;
    const module = await runtime.load(programOf(text(iterations)));
    await withTimeLimit(`${iterations} iterations`, module.run());
    return bytes.peak - before;
  };
  // The trace has a few numbers for each iteration; the state and all temporaries are there once.
  const [short, long] = [await peak(100), await peak(10_000)];
  assert.ok(long - short < 9_900 * 8 * 4, `${short} and ${long} bytes`);
});

/** What a script takes at most, and what is foreseen of it. */
async function peakOf(text: string, data: Readonly<Record<string, Float64Array>> = {}) {
  const arrays = Object.fromEntries(Object.entries(data).map(([k, x]) => [k, ndArray("real", [x.length], x)]));
  const runner = WebGpuRunner.create(device);
  const bound = bind(programOf(text), { data: arrays, precision: "f32", runner });
  const foreseen = foreseeMemory(lifetimesOf(bound), softwarePolicy);
  const before = bytes.used;
  bytes.peak = before;
  await withTimeLimit("a script", bound.runLater({ isLast: true, onEvent: () => undefined }));
  const measured = bytes.peak - before;
  await runner.close();
  return { foreseen, measured };
}

function assertForeseen({ foreseen, measured }: { foreseen: number; measured: number }): void {
  const allowed = Math.max(2 ** 20, foreseen / 10);
  assert.ok(Math.abs(measured - foreseen) < allowed, `${measured} bytes, foreseen ${foreseen}`);
}

const sort = "let y = sum(sort(normal[200000](key(1))) * linspace[200000](0.0, 1.0))\n";

test("the peak of a statement is the one the plan tells", async () => {
  const [graph] = coreGraphs(bind(programOf(sort), { data: {}, precision: "f32" }));
  const plan = bytesOfPlan(buildPlan(graph!, { precision: "f32", style: "invocations" }));
  const { foreseen, measured } = await peakOf(sort);
  assertForeseen({ foreseen, measured });
  assertForeseen({ foreseen: plan, measured });
});

test("statements take turns with memory, and the peak of a script is the one that is foreseen", async () => {
  const x = Float64Array.from({ length: 600_000 }, (_, i) => Math.sin(i));
  // Data of several statements, results that are handed on, some for long; and numbers that are shown.
  const script = `data x: real[n]
let a = x + 1
let y = sum(cumsum(cumsum(x) * x))
let b = cumsum(a) * x
let c = b * a + y
show sum(c), c
show sum(b)
`;
  const { foreseen, measured } = await peakOf(script, { x });
  assert.ok(measured > 4 * 4 * x.length);
  assertForeseen({ foreseen, measured });
  const turns = Array.from({ length: 6 }, (_, i) => `let y${i} = sum(cumsum(cumsum(x) + ${i}))\n`).join("");
  const [one, six] = [
    await peakOf("data x: real[n]\nlet y0 = sum(cumsum(cumsum(x) + 1))\nlet y1 = sum(x)\n", { x }),
    await peakOf(`data x: real[n]\n${turns}`, { x }),
  ];
  assertForeseen(one);
  assertForeseen(six);
  assert.ok(six.measured < 1.2 * one.measured, `${six.measured} bytes, and ${one.measured} for one statement`);
});
