/** Operands that kernels read where they are: with the same results as copies of them, and in less memory. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { bind } from "../../compiler/bind.ts";
import { compile } from "../../compiler/compile.ts";
import { type NdArray, ndArray } from "../../compiler/core/array.ts";
import { Builder } from "../../compiler/core/builder.ts";
import { evaluationContext } from "../../compiler/core/evaluate.ts";
import type { Graph } from "../../compiler/core/graph.ts";
import { fetchArrays, RemoteArray } from "../../compiler/core/remote-array.ts";
import { controlCases } from "../../compiler/kernel/testing-control-cases.ts";
import { fusionCases } from "../../compiler/kernel/testing-fusion-cases.ts";
import { assertSameOutcome, evaluated, outcomeOf } from "../../compiler/kernel/testing-plans.ts";
import { narrowed } from "../../compiler/kernel/testing-random-graphs.ts";
import { programTolerance } from "../../compiler/kernel/testing-tolerance.ts";
import type { GraphRunner } from "../../compiler/program.ts";
import { fastDevicePolicy, softwarePolicy } from "../../compiler/target/wgsl/policy.ts";
import { softwareDevice, withTimeLimit } from "../testing-adapter/testing.ts";
import { WebGpuRunner } from "./executor.ts";
import { countBuffers } from "./testing-buffers.ts";
import { keptStagingBytes } from "./transfers.ts";

const device = await softwareDevice();
const bytes = countBuffers(device.gpu);
const create = (leastDirectWords: number, policy = softwarePolicy) =>
  WebGpuRunner.create(device, { policy: { ...policy, leastDirectWords } });
/** Whatever can be read where it is, however short. */
const [everything, onFastDevices] = [create(1), create(1, fastDevicePolicy)];
const usual = WebGpuRunner.create(device);
after(() => Promise.all([everything, onFastDevices, usual].map((r) => r.close())));

const context = () => evaluationContext({ precision: "f32" });

/** What `run` asks of a device is counted: bind groups with an operand among the arenas. */
async function countDirect(run: () => Promise<unknown>): Promise<number> {
  const { gpu } = device;
  const create = gpu.createBindGroup.bind(gpu);
  let count = 0;
  gpu.createBindGroup = (descriptor) => {
    const labels = [...descriptor.entries].map(({ resource }) => (resource as GPUBufferBinding).buffer.label);
    if (labels.includes("array")) count += 1;
    return create(descriptor);
  };
  try {
    await run();
  } finally {
    gpu.createBindGroup = create;
  }
  return count;
}

const numbers = (length: number, seed: number) =>
  ndArray(
    "real",
    [length],
    Float32Array.from({ length }, (_, i) => Math.sin(seed + i)),
  );

// First, while there is nothing that the collector gives back at some time.
test("what is read where it is takes no memory besides", async () => {
  const length = 1_000_000;
  const { program } = compile("data x: real[n]\nfn f(a: real) = sum(x * a)\n", { file: "t.opt" });
  const runner = WebGpuRunner.create(device);
  const before = bytes.used;
  bytes.peak = before;
  const bound = bind(program!, { data: { x: numbers(length, 2) }, precision: "f32", runner });
  const scalar = (x: number) => ({ kind: "array", type: "real", array: ndArray("real", [], [x]) }) as const;
  for (let i = 0; i < 3; i++) await bound.callLater("f", { a: scalar(i) });
  const peak = bytes.peak - before;
  assert.ok(peak > 4 * length && peak < 4.4 * length, `${peak} bytes for ${4 * length} of data`);
  await runner.close();
  assert.equal(bytes.used, before + keptStagingBytes);
});

test("an operand from here is on the device for the run alone, also when that fails", async () => {
  const { program } = compile("fn f(x: real[n]) = sum(x * x)\n", { file: "t.opt" });
  const runner = WebGpuRunner.create(device);
  const bound = bind(program!, { data: {}, precision: "f32", runner });
  const x = { kind: "array", type: "real", array: numbers(2 ** 18, 3) } as const;
  await bound.callLater("f", { x });
  const { used } = bytes;
  for (let i = 0; i < 20; i++) await bound.callLater("f", { x });
  assert.equal(bytes.used, used);
  const why = new Error("no more");
  const onTick = () => {
    throw why;
  };
  await assert.rejects(bound.callLater("f", { x }, { onTick }), why);
  assert.equal(bytes.used, used);
  await runner.close();
});

async function compare(name: string, graph: Graph, operands: readonly NdArray[], runner: WebGpuRunner): Promise<void> {
  const given = narrowed(operands, "f32");
  const expected = outcomeOf(evaluated, graph, given, "f32");
  // Where they stay, and from here: on the device for the run alone.
  for (const inputs of [given.map((x) => runner.arrays.place(x)), given]) {
    const results = await withTimeLimit(name, runner.run(graph, inputs, context()));
    assertSameOutcome(name, { ...expected, results }, expected, programTolerance.f32);
    for (const x of inputs) if (x instanceof RemoteArray) x.release();
  }
}

/** What a case finds: failures and reports are others' business. */
const finds = (graph: Graph, operands: readonly NdArray[]) =>
  outcomeOf(evaluated, graph, narrowed(operands, "f32"), "f32").failure === undefined;

test("loops, branches and calls", async () => {
  let direct = 0;
  const cases = controlCases.filter((c) => !/none/.test(c.name) && finds(c.graph, c.operands));
  for (const [i, { name, graph, operands }] of cases.entries())
    direct += await countDirect(async () => {
      await compare(name, graph, operands, everything);
      // The resident workgroup takes long to compile here.
      if (i % 4 === 0) await compare(`${name}, resident`, graph, operands, onFastDevices);
    });
  assert.ok(direct > 10, `${direct} bind groups with operands`);
});

test("fused kernels and products", async () => {
  const direct = await countDirect(async () => {
    for (const { name, operands, build } of fusionCases) {
      const b = new Builder();
      const inputs = operands.map((x) => b.input({ dtype: x.dtype, shape: x.shape }));
      await compare(name, b.close(name, build(b, inputs)).graph, operands, everything);
    }
  });
  assert.ok(direct > fusionCases.length, `${direct} bind groups with operands`);
});

/** Runs a script on what `runner` holds, statement by statement, against the evaluator. Returns how many were held. */
async function compareScript(
  text: string,
  data: Readonly<Record<string, NdArray>>,
  runner: WebGpuRunner,
): Promise<void> {
  const { program, diagnostics } = compile(text, { file: "t.opt" });
  assert.ok(program, diagnostics.map((d) => d.message).join("\n"));
  const comparing: GraphRunner = {
    run: async (graph, operands, heard, options) => {
      await fetchArrays(operands);
      await compare(text, graph, operands, runner);
      return runner.run(graph, operands, heard, options);
    },
  };
  await bind(program, { data, precision: "f32", runner: comparing }).runLater({ onEvent: () => undefined });
}

test("the last numbers of operands whose length is no multiple of four are read", async () => {
  for (const length of [2 ** 18, 2 ** 18 + 1, 2 ** 18 + 2, 2 ** 18 + 3]) {
    // Only the last ones are not zero.
    const x = new Float32Array(length);
    x.set([1, 2, 4, 8, 16], length - 5);
    const direct = await countDirect(() =>
      compareScript("data x: real[n]\nlet s = sum(x)\n", { x: ndArray("real", [length], x) }, usual),
    );
    assert.ok(direct > 0);
  }
});

test("a kernel that reads more operands than there are bindings for", async () => {
  const names = Array.from({ length: 12 }, (_, i) => `x${i}`);
  const text = `${names.map((n) => `data ${n}: real[n]\n`).join("")}let y = ${names.join(" + ")}\n`;
  const data = Object.fromEntries(names.map((n, i) => [n, numbers(101, i)]));
  for (const runner of [everything, onFastDevices])
    assert.ok((await countDirect(() => compareScript(text, data, runner))) > 0);
});

test("operands that are one array", async () => {
  const graphs: Graph[] = [];
  const recorder: GraphRunner = {
    run: (graph, operands, heard, options) => {
      graphs.push(graph);
      return usual.run(graph, operands, heard, options);
    },
  };
  const { program } = compile("data x: real[n]\ndata y: real[n]\nlet z = x * y + x\n", { file: "t.opt" });
  const x = numbers(2 ** 18, 1);
  await bind(program!, { data: { x, y: x }, precision: "f32", runner: recorder }).runLater({
    onEvent: () => undefined,
  });
  const held = usual.hold(x);
  const [z] = await usual.run(graphs[0]!, [held, held], context());
  if (held instanceof RemoteArray) held.release();
  const expected = evaluated(graphs[0]!, narrowed([x, x], "f32"), context());
  const found = { results: [z!], failure: undefined, solves: [] };
  assertSameOutcome("one array", found, { ...found, results: expected }, programTolerance.f32);
});
