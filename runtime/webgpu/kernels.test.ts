/** Kernels on a device, held to the interpreter. */
import assert from "node:assert/strict";
import test from "node:test";
import * as k from "../../compiler/kernel/expressions.ts";
import type { Kernel } from "../../compiler/kernel/ir.ts";
import { randomKernel } from "../../compiler/kernel/testing-kernels.ts";
import { tameKernel } from "../../compiler/target/wgsl/testing-tame.ts";
import { softwareDevice, withTimeLimit } from "../testing-adapter/testing.ts";
import { cases } from "./testing-cases.ts";
import { assertResults, interpreted } from "./testing-expectation.ts";
import { runKernel } from "./testing-runner.ts";

const device = await softwareDevice();

for (const make of cases) {
  const { kernel, storage } = make();
  test(kernel.name, async () => {
    const found = await withTimeLimit(kernel.name, runKernel(device, kernel, storage()));
    assertResults(kernel, found, interpreted(kernel, storage()));
  });
}

test("random kernels", async () => {
  for (let seed = 1; seed <= 120; seed++) {
    const { kernel: wild, storage } = randomKernel(seed, 20);
    const kernel = tameKernel(wild);
    const options = { arenaCount: 1 + (seed % 8), workgroupSize: 2 ** (seed % 8) };
    const found = await withTimeLimit(kernel.name, runKernel(device, kernel, storage("f32"), options));
    assertResults(kernel, found, interpreted(kernel, storage("f32")));
  }
});

test("a subnormal constant is itself or zero", async () => {
  const out = k.kernelArray("out", "real", 2, "write");
  const kernel: Kernel = {
    name: "subnormal",
    span: undefined,
    arrays: [out],
    grid: k.loop("i", 2, "independent", (i) => [
      { op: "store", array: out, index: i, value: k.select(k.eq(i, k.int(0)), k.real(1e-40), k.real(-1e-45)) },
    ]),
    description: "",
  };
  const [found] = await withTimeLimit(kernel.name, runKernel(device, kernel, [new Float32Array(2)]));
  assert.ok(found![0] === 0 || found![0] === Math.fround(1e-40), `${found![0]}`);
  assert.ok(found![1] === 0 || found![1] === Math.fround(-1e-45), `${found![1]}`);
});

/** out[i] = i for all of a grid. */
function countingKernel(count: number): Kernel {
  const out = k.kernelArray("out", "int", count, "write");
  return {
    name: `counting to ${count}`,
    span: undefined,
    arrays: [out],
    grid: k.loop("i", count, "independent", (i) => [{ op: "store", array: out, index: i, value: i }]),
    description: "",
  };
}

for (const [workgroupSize, count] of [
  [64, 65_535 * 64 + 1000],
  [1, 3 * 65_535 - 1],
  [256, 257],
] as const) {
  test(`a grid of ${count} in workgroups of ${workgroupSize}`, async () => {
    const kernel = countingKernel(count);
    const run = runKernel(device, kernel, [new Int32Array(count)], { arenaCount: 1, workgroupSize });
    const [found] = await withTimeLimit(kernel.name, run);
    assert.equal(
      found!.findIndex((x, i) => x !== i),
      -1,
    );
  });
}
