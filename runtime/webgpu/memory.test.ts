/** Memory of devices: what is allocated is what was foreseen, and nothing stays behind. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bind, coreGraphs } from "../../compiler/bind.ts";
import { compile } from "../../compiler/compile.ts";
import { buildPlan } from "../../compiler/kernel/build.ts";
import { bytesOfPlan } from "../cpu/memory-limit.ts";
import { createRuntime } from "../index.ts";
import { softwareDevice, withTimeLimit } from "../testing-adapter/testing.ts";

const device = await softwareDevice();

/** Bytes of the buffers that were made and not destroyed, now and at most. */
const bytes = { used: 0, peak: 0 };
const { gpu } = device;
const createBuffer = gpu.createBuffer.bind(gpu);
gpu.createBuffer = (descriptor) => {
  const buffer = createBuffer(descriptor);
  bytes.used += descriptor.size;
  bytes.peak = Math.max(bytes.peak, bytes.used);
  const destroy = buffer.destroy.bind(buffer);
  let isThere = true;
  buffer.destroy = () => {
    if (isThere) bytes.used -= descriptor.size;
    isThere = false;
    return destroy();
  };
  return buffer;
};

function programOf(text: string) {
  const { program, diagnostics } = compile(text, { file: "t.opt" });
  assert.ok(program, diagnostics.map((d) => d.message).join("\n"));
  return program;
}

test("a thousand calls leave no memory behind", async () => {
  using runtime = await createRuntime({ device: gpu });
  const module = await runtime.load(programOf("fn f(x: real[n]) = sum(exp(x) * x) + norm(x)\n"));
  const call = (i: number) =>
    module.valueAndGradient("f", { x: Float32Array.from({ length: 500 }, (_, k) => (k + i) / 1000) });
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
  assert.equal(bytes.peak, used);
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

test("the peak of a statement is the one the plan tells", async () => {
  const text = "let y = sum(sort(normal[200000](key(1))) * linspace[200000](0.0, 1.0))\n";
  const [graph] = coreGraphs(bind(programOf(text), { data: {}, precision: "f32" }));
  const foreseen = bytesOfPlan(buildPlan(graph!, { precision: "f32", style: "invocations" }));
  using runtime = await createRuntime({ device: gpu });
  const before = bytes.used;
  bytes.peak = before;
  const module = await runtime.load(programOf(text));
  await withTimeLimit("a sort", module.run());
  const measured = bytes.peak - before;
  assert.ok(
    Math.abs(measured - foreseen) < Math.max(2 ** 20, foreseen / 10),
    `${measured} bytes, foreseen ${foreseen}`,
  );
});
