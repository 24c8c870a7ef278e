/** Arrays stay on the device between statements and calls: what moves is counted, and what is not needed is given back. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { bind } from "../../compiler/bind.ts";
import { compile } from "../../compiler/compile.ts";
import { ndArray } from "../../compiler/core/array.ts";
import type { GraphRunner, RunOptions } from "../../compiler/program.ts";
import { softwarePolicy } from "../../compiler/target/wgsl/policy.ts";
import { CpuRunner } from "../cpu/runner.ts";
import { createRuntime, type Tensor } from "../index.ts";
import { disguisedAdapter, placeWith } from "../testing-adapter/disguise.ts";
import { softwareDevice, withTimeLimit } from "../testing-adapter/testing.ts";
import { WebGpuRunner } from "./executor.ts";
import { openHardware } from "./open-runner.ts";
import { countBuffers } from "./testing-buffers.ts";

const device = await softwareDevice();
const { gpu, transfers } = device;
const bytes = countBuffers(gpu);
const runner = WebGpuRunner.create(device);
after(() => runner.close());

const length = 40_000;
const size = length * 4;
/** Of states, tables and places of a few programs. */
const little = size / 2;

function programOf(text: string) {
  const { program, diagnostics } = compile(text, { file: "t.opt" });
  assert.ok(program, diagnostics.map((d) => d.message).join("\n"));
  return program;
}

const numbers = () => Float32Array.from({ length }, (_, i) => ((i * 7919) % 1009) / 1009);

/** What a script with the data `x` shows. */
async function shownBy(text: string, runner: GraphRunner, options: Partial<RunOptions> = {}): Promise<number[][]> {
  const shown: number[][] = [];
  const bound = bind(programOf(text), {
    data: { x: ndArray("real", [length], numbers()) },
    precision: "f32",
    runner,
  });
  await withTimeLimit(
    "the script",
    bound.runLater({
      ...options,
      onEvent: (event) => {
        options.onEvent?.(event);
        if (event.kind !== "show") return;
        for (const item of event.items)
          if (item.kind === "value" && item.value.kind === "array") shown.push([...item.value.array.data]);
      },
    }),
  );
  return shown;
}

function assertClose(found: readonly number[][], expected: readonly number[][]): void {
  assert.deepEqual(
    found.map((x) => x.length),
    expected.map((x) => x.length),
  );
  for (const [i, values] of found.entries())
    for (const [k, v] of values.entries()) {
      const wanted = expected[i]![k]!;
      assert.ok(Math.abs(v - wanted) <= 1e-4 * Math.max(1, Math.abs(wanted)), `${i}, ${k}: ${v} for ${wanted}`);
    }
}

const chain = `data x: real[n]
let a = x * 2 + 1
let b = a * x
let c = cumsum(b - a) / 40000
show sum(a), sum(x * x)
show c[39999], max(b)
`;

test("data go to the device once, and what statements hand on stays there", async () => {
  const before = { ...transfers };
  const found = await shownBy(chain, runner, { isLast: true });
  const [up, down] = [transfers.uploaded - before.uploaded, transfers.downloaded - before.downloaded];
  assert.ok(up >= size && up < size + little, `${up} bytes went to the device, ${size} are the data`);
  assert.ok(down < little, `${down} bytes came from the device`);
  assertClose(found, await shownBy(chain, new CpuRunner({ precision: "f32" })));
});

test("what is shown is read, once", async () => {
  const text = `${chain}show b\nshow b + 0.0\nassert sum(b) > 0\n`;
  const before = transfers.downloaded;
  const found = await shownBy(text, runner, { isLast: true });
  const down = transfers.downloaded - before;
  assert.ok(down >= 2 * size && down < 2 * size + little, `${down} bytes came from the device`);
  assertClose(found, await shownBy(text, new CpuRunner({ precision: "f32" })));
});

test("what no later statement reads is given back while the script runs", async () => {
  const steps = Array.from({ length: 12 }, (_, i) => `let y${i + 1} = y${i} * x + 1\n`).join("");
  const text = `data x: real[n]\nlet y0 = x + 1\n${steps}show sum(y12)\n`;
  const own = WebGpuRunner.create(device);
  const before = bytes.used;
  bytes.peak = before;
  const found = await shownBy(text, own, { isLast: true });
  // The data, an operand and a result, and the memory of one statement with copies of them.
  const peak = bytes.peak - before;
  assert.ok(peak < 7 * size, `${peak} bytes: ${peak / size} arrays`);
  assertClose(found, await shownBy(text, new CpuRunner({ precision: "f32" })));
  await own.close();
  assert.ok(bytes.used <= before, `${bytes.used - before} bytes were left behind`);
});

const functions = `fn scaled(v: real[n], by: real) = v * by
fn total(v: real[n]) = (sum: sum(v), twice: v + v)
`;

test("a tensor stays on the device until its numbers are asked for", async () => {
  using runtime = await createRuntime({ device: gpu });
  const module = await runtime.load(programOf(functions));
  const v = (await module.call("scaled", { v: numbers(), by: 2.5 })) as Tensor;
  assert.throws(() => v.toArray(), /on the device: `await` its `data\(\)` before `toArray\(\)`/);
  const { sum, twice } = (await module.call("total", { v })) as unknown as { sum: number; twice: Tensor };
  const expected = numbers().map((x) => 2.5 * x);
  assert.ok(Math.abs(sum - expected.reduce((a, b) => a + b, 0)) < 1e-4 * sum);
  assert.deepEqual(
    Float32Array.from(await twice.data()),
    expected.map((x) => 2 * x),
  );
  assert.deepEqual(twice.toArray(), [...(await twice.data())]);
  // Both are freed, and not before: a tensor that is given to a call may be disposed of at once.
  const used = bytes.used;
  const last = module.call("scaled", { v, by: 3.5 });
  v.dispose();
  const w = (await last) as Tensor;
  assert.deepEqual(
    Float32Array.from(await w.data()),
    expected.map((x) => Math.fround(3.5 * x)),
  );
  assert.ok(bytes.used <= used);
  w.dispose();
  twice.dispose();
  assert.ok(bytes.used <= used - 2 * size);
  await assert.rejects(module.call("scaled", { v, by: 3.5 }), /disposed/);
});

test("a hundred calls on what the call before gave leave nothing behind, and move nothing", async () => {
  const own = WebGpuRunner.create(device);
  const bound = bind(programOf(functions), { data: {}, precision: "f32", runner: own });
  const array = (x: Float32Array) => ({ kind: "array", type: "real", array: ndArray("real", [x.length], x) }) as const;
  const by = { kind: "array", type: "real", array: ndArray("real", [], [0.99]) } as const;
  let v = await bound.callLater("scaled", { v: array(numbers()), by });
  const next = async () => {
    const w = await bound.callLater("scaled", { v, by });
    assert.ok(v.kind === "array" && "release" in v.array);
    (v.array as unknown as { release(): void }).release();
    v = w;
  };
  await next();
  const used = bytes.used;
  bytes.peak = used;
  const before = { ...transfers };
  for (let i = 0; i < 100; i++) await next();
  // Runtimes that were disposed of may still give something back.
  assert.ok(bytes.used <= used, `${bytes.used - used} bytes`);
  assert.ok(bytes.peak <= used + size);
  assert.ok(transfers.uploaded - before.uploaded < size, `${transfers.uploaded - before.uploaded} bytes`);
  assert.ok(transfers.downloaded - before.downloaded < size, `${transfers.downloaded - before.downloaded} bytes`);
  await own.close();
});

test("tensors of a runtime that was disposed of say so", async () => {
  const runtime = await createRuntime({ device: gpu });
  const module = await runtime.load(programOf(functions));
  const v = (await module.call("scaled", { v: numbers(), by: 2.5 })) as Tensor;
  const read = (await module.call("scaled", { v, by: 2.5 })) as Tensor;
  const data = await read.data();
  runtime.dispose();
  await new Promise((resolve) => setTimeout(resolve, 50));
  await assert.rejects(withTimeLimit("reading", v.data()), /The runtime was disposed of.*read arrays before/);
  assert.deepEqual(await read.data(), data);
});

test("what was only on a device that is lost is computed again, on the CPU with auto", async () => {
  let made: GPUDevice | undefined;
  const disguise = {
    onDevice: (device: GPUDevice) => {
      made = device;
    },
  };
  const opened = await openHardware(placeWith(await disguisedAdapter(disguise)));
  assert.ok("runner" in opened);
  const codes: string[] = [];
  let shows = 0;
  const found = await shownBy(chain, opened.runner, {
    isLast: true,
    onEvent: (event) => {
      if (event.kind === "warning") codes.push(event.diagnostic.code);
      // `c` and `b` are on the device, and only there.
      if (event.kind === "show" && ++shows === 1) made!.destroy();
    },
  });
  assertClose(found, await shownBy(chain, new CpuRunner({ precision: "f32" })));
  assert.deepEqual(codes, ["K0960"]);
  await opened.close();
});

test("a solver is compiled once for all statements that use it", async () => {
  const script = `import { gradient_descent } from "std/first-order"
data x: real[n]
fn nearest(c: real[5]) = argmin(v => sum((v - c)^2) + sum(v^4), from = zeros[5], by = gradient_descent(step = 0.05))
let a = nearest(x[:5])
let b = nearest(a * 2) + nearest(x[5:10])
show a, b, sum(nearest(b))
`;
  const compiled: string[] = [];
  const create = gpu.createComputePipelineAsync.bind(gpu);
  gpu.createComputePipelineAsync = (descriptor) => {
    compiled.push(descriptor.label ?? "");
    return create(descriptor);
  };
  // So little patience that all loops go over to the resident workgroup.
  const own = WebGpuRunner.create(device, { policy: { ...softwarePolicy, patience: 0.1 } });
  const found = await shownBy(script, own, { isLast: true });
  gpu.createComputePipelineAsync = create;
  await own.close();
  assert.equal(compiled.filter((label) => label === "the resident workgroup").length, 1, `${compiled}`);
  assertClose(found, await shownBy(script, new CpuRunner({ precision: "f32" })));
});
