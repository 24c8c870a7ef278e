/** What derivatives give stays on the device as what calls give does, and a NaN among them is refused all the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileOrThrow, createRuntime, RunError, type Tensor } from "../index.ts";
import { softwareDevice, withTimeLimit } from "../testing-adapter/testing.ts";
import { countBuffers } from "./testing-buffers.ts";

const { gpu, transfers } = await softwareDevice();
const bytes = countBuffers(gpu);

const length = 20_000;
const size = length * 4;
const source = `fn f(x: real[n]) = sum(exp(-x) * x ^ 2)
fn g(x: real[n]) = exp(-x) * x
fn quotient(x: real[n]) = sum(x / (x - x[0]))
fn roots(x: real[n]) = sum(sqrt(x))
`;
const load = async (options: Parameters<typeof createRuntime>[0]) => {
  const runtime = await createRuntime(options);
  return { runtime, module: await runtime.load(compileOrThrow(source, { file: "t.opt" })) };
};
const numbers = (seed: number) => Float32Array.from({ length }, (_, i) => 0.1 + ((seed + i * 7919) % 1009) / 1009);

type Derivatives = Readonly<Record<"gradient" | "value" | "tangent" | "cotangent" | "second", Tensor>>;

async function derivativesOf(
  module: Awaited<ReturnType<typeof load>>["module"],
  x: Float32Array | Tensor,
  v: Float32Array | Tensor,
): Promise<Derivatives> {
  const { gradient } = await module.valueAndGradient("f", { x });
  const { value, tangent } = await module.jvp("g", { x }, { x: v });
  const pulled = await module.vjp("g", { x }, v, ["x"]);
  const second = await module.hvp("f", { x }, { x: v });
  (pulled.value as Tensor).dispose();
  (second.gradient.x as Tensor).dispose();
  const found = { gradient, value, tangent, cotangent: pulled.cotangents.x, second: second.tangent.x };
  return found as unknown as Derivatives;
}

test("derivatives stay on the device until their numbers are asked for", async () => {
  const [device, cpu] = [await load({ device: gpu }), await load({ backend: "cpu", precision: "f32" })];
  const [x, v] = [numbers(1), numbers(2)];
  const before = transfers.downloaded;
  const found = await withTimeLimit("derivatives", derivativesOf(device.module, x, v));
  const down = transfers.downloaded - before;
  assert.ok(down < size / 4, `${down} bytes came from the device, an array has ${size}`);
  assert.throws(() => found.gradient.toArray(), /on the device/);
  const expected = await derivativesOf(cpu.module, x, v);
  for (const [name, tensor] of Object.entries(found)) {
    assert.deepEqual(tensor.shape, [length]);
    const [a, b] = [await tensor.data(), await expected[name as keyof Derivatives].data()];
    const worst = Math.max(...a.map((y, i) => Math.abs(y - b[i]!)));
    assert.ok(worst < 1e-5, `${name}: ${worst}`);
  }
  // What is given on stays too.
  const sent = transfers.uploaded;
  using next = (await device.module.jvp("g", { x: found.gradient }, { x: found.value })).tangent as Tensor;
  assert.ok(transfers.uploaded - sent < size / 4);
  assert.equal((await next.data()).length, length);
  for (const tensor of Object.values(found)) tensor.dispose();
  device.runtime.dispose();
  cpu.runtime.dispose();
});

test("a NaN among derivatives that stay is refused, and leaves nothing behind; infinities are given", async () => {
  const { runtime, module } = await load({ device: gpu });
  const refused = async (body: () => Promise<unknown>) =>
    assert.rejects(withTimeLimit("a derivative", body()), (error) => {
      assert.ok(error instanceof RunError);
      assert.deepEqual(
        error.diagnostics.map((d) => d.code),
        ["K0420"],
      );
      assert.match(error.message, /t\.opt:3:/);
      return true;
    });
  const x = numbers(3);
  const all = [
    () => module.valueAndGradient("quotient", { x }),
    () => module.jvp("quotient", { x }, { x }),
    () => module.vjp("quotient", { x }, 1, ["x"]),
    () => module.hvp("quotient", { x }, { x }),
  ];
  for (const body of all) await refused(body);
  const { used } = bytes;
  for (const body of all) await refused(body);
  assert.equal(bytes.used, used);
  const atZero = x.slice();
  atZero[length - 1] = 0;
  using slope = (await module.valueAndGradient("roots", { x: atZero })).gradient as Tensor;
  assert.equal((await slope.data()).at(-1), Number.POSITIVE_INFINITY);
  // The caller's own NaNs may flow.
  atZero[0] = Number.NaN;
  using own = (await module.valueAndGradient("roots", { x: atZero })).gradient as Tensor;
  assert.ok(Number.isNaN((await own.data())[0]));
  runtime.dispose();
});

test("a thousand derivatives that are given back leave nothing behind", async () => {
  const { runtime, module } = await load({ device: gpu });
  const x = numbers(4).subarray(0, 300);
  const all = [
    async () => {
      using _ = (await module.valueAndGradient("f", { x })).gradient as Tensor;
    },
    async () => {
      const { value, tangent } = await module.jvp("g", { x }, { x });
      using _value = value as Tensor;
      using _tangent = tangent as Tensor;
    },
    async () => {
      const { value, cotangents } = await module.vjp("g", { x }, x, ["x"]);
      using _value = value as Tensor;
      using _cotangent = cotangents.x as Tensor;
    },
    async () => {
      const { gradient, tangent } = await module.hvp("f", { x }, { x });
      using _gradient = gradient.x as Tensor;
      using _tangent = tangent.x as Tensor;
    },
  ];
  for (let i = 0; i < 2; i++) for (const body of all) await body();
  const { used } = bytes;
  bytes.peak = used;
  for (let i = 0; i < 250; i++) for (const body of all) await withTimeLimit("a derivative", body());
  assert.equal(bytes.used, used);
  assert.ok(bytes.peak <= used + 3 * 4 * 300, `${bytes.peak - used} bytes`);
  runtime.dispose();
});
