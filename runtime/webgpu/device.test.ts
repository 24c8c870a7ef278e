/** Devices, memory and what goes wrong with them. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import test from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { softwareAdapterEnvironment } from "../testing-adapter/software-adapter.ts";
import { softwareDevice, withTimeLimit } from "../testing-adapter/testing.ts";
import { DeviceLostError, openDevice } from "./device.ts";
import { DispatchList, submit, workgroupsFor } from "./dispatch.ts";
import { fromWords, toWords } from "./elements.ts";
import { Memory } from "./memory.ts";
import { outerProduct } from "./testing-cases.ts";
import { assertResults, interpreted } from "./testing-expectation.ts";
import { runKernel } from "./testing-runner.ts";

const device = await softwareDevice();

/** A shader that adds the first word of one arena to all words of another. */
const adding = {
  label: "adding",
  entryPoint: "main",
  text: `struct Places { count: u32, zero: u32 }
@group(0) @binding(0) var<uniform> places: Places;
@group(0) @binding(1) var<storage, read_write> memory0: array<u32>;
@group(0) @binding(2) var<storage, read_write> memory1: array<u32>;
// What it does.
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if id.x >= places.count { return; }
  memory1[id.x] += memory0[0];
}
`,
};

test("the software adapter says what it is", () => {
  assert.equal(device.isSoftware, true);
  assert.match(device.name, /swiftshader/i);
});

test("dispatches see what those before them wrote, and a range of them can be encoded", async () => {
  const [pipeline] = await device.pipelines.compile([adding], { arenas: 2 });
  const memory = await Memory.allocate(device, [1, 100]);
  const counts = [10, 5, 0, 100];
  const list = await DispatchList.create(
    memory,
    counts.map((count) => ({ pipeline: pipeline!, places: [count, 0], count, workgroupSize: 64 })),
  );
  memory.write(0, 0, Uint32Array.of(7));
  await submit(device, "adding", (encoder) => {
    const pass = encoder.beginComputePass();
    list.encode(pass);
    list.encode(pass, 1, 2);
    pass.end();
  });
  const ranges = [
    { arena: 1, offset: 4, length: 2 },
    { arena: 0, offset: 0, length: 0 },
    { arena: 0, offset: 0, length: 1 },
    { arena: 1, offset: 9, length: 2 },
  ];
  const read = await withTimeLimit("adding", memory.read(ranges));
  assert.deepEqual(
    read.map((words) => [...words]),
    [[28, 14], [], [7], [14, 7]],
  );
  const [first, second] = await Promise.all([memory.read(ranges.slice(0, 1)), memory.read(ranges.slice(3))]);
  assert.deepEqual([...first![0]!, ...second![0]!], [28, 14, 14, 7]);
  memory.free();
  list.free();
});

test("a text is compiled once, whatever its comments", async () => {
  const other = { ...adding, label: "other", text: adding.text.replace("What it does", "Something else") };
  const [a, b] = await device.pipelines.compile([adding, other], { arenas: 2 });
  assert.equal(a, b);
  const [c] = await device.pipelines.compile([adding], { arenas: 3 });
  assert.notEqual(a, c);
});

test("a text that does not compile is reported with its line", async () => {
  const wrong = { ...adding, label: "wrong", text: adding.text.replace("+= memory0[0]", "+= 1.5f") };
  await assert.rejects(
    withTimeLimit("compiling", device.pipelines.compile([adding, wrong], { arenas: 2 })),
    (error: Error) =>
      error.message.startsWith("internal error: the WGSL of wrong does not compile: line 9: ") &&
      error.message.endsWith("\n    memory1[id.x] += 1.5f;"),
  );
});

test("what WebGPU refuses is an error that says what was done", async () => {
  const memory = await Memory.allocate(device, [4, 4]);
  await assert.rejects(
    memory.read([{ arena: 0, offset: 3, length: 5 }], "reading too much"),
    /^Error: internal error: reading too much: /,
  );
  memory.free();
});

test("more memory than a buffer can have is refused before WebGPU is asked", async () => {
  await assert.rejects(
    Memory.allocate(device, [2 ** 30]),
    /needs 4096\.0 MiB in one piece, and a buffer of .* at most/,
  );
});

test("elements go to words and back", () => {
  const real = toWords("real", Float64Array.of(0.1, -0, Infinity));
  assert.deepEqual(fromWords("real", new Uint32Array(real.buffer)), Float64Array.of(Math.fround(0.1), -0, Infinity));
  const int = toWords("int", Int32Array.of(-1, 2 ** 31 - 1));
  assert.deepEqual(fromWords("int", new Uint32Array(int.buffer)), Int32Array.of(-1, 2 ** 31 - 1));
  const bool = toWords("bool", Uint8Array.of(0, 1, 2));
  assert.deepEqual(fromWords("bool", new Uint32Array(bool.buffer)), Uint8Array.of(0, 1, 1));
});

test("workgroups go on in a second dimension", () => {
  assert.deepEqual(workgroupsFor(0, 64, 65_535), [0, 1]);
  assert.deepEqual(workgroupsFor(65, 64, 65_535), [2, 1]);
  assert.deepEqual(workgroupsFor(65_535 * 64, 64, 65_535), [65_535, 1]);
  assert.deepEqual(workgroupsFor(65_535 * 64 + 1, 64, 65_535), [32_768, 2]);
  assert.throws(() => workgroupsFor(100, 1, 9), /^Error: internal error: a kernel of 100 invocations$/);
});

test("a device that is lost is noticed", async () => {
  const other = await withTimeLimit("opening a second device", openDevice());
  const memory = await Memory.allocate(other, [1]);
  assert.equal(other.loss, undefined);
  // As the driver would end it: not by `close`.
  const reading = memory.read([{ arena: 0, offset: 0, length: 1 }], "reading");
  other.gpu.destroy();
  assert.equal((await withTimeLimit("the loss", other.whenLost)).reason, "destroyed");
  await reading.catch((error) => assert.ok(error instanceof DeviceLostError, String(error)));
  await assert.rejects(withTimeLimit("reading", memory.read([{ arena: 0, offset: 0, length: 1 }], "reading")), {
    name: "DeviceLostError",
    message: /^reading: the device is closed/,
  });
  await assert.rejects(other.pipelines.compile([adding], { arenas: 2 }), { name: "DeviceLostError" });
});

test("a device that is given is not ended", async () => {
  const borrowed = await openDevice(device.gpu);
  assert.deepEqual([borrowed.name, borrowed.isSoftware], [device.name, true]);
  borrowed.close();
  await assert.rejects(Memory.allocate(borrowed, [1]), { name: "DeviceLostError" });
  assert.equal(device.loss, undefined);
  (await Memory.allocate(device, [1])).free();
});

test("a device that is closed refuses work", async () => {
  const other = await withTimeLimit("opening a second device", openDevice());
  other.close();
  await assert.rejects(runKernel(other, outerProduct().kernel, outerProduct().storage()), { name: "DeviceLostError" });
});

test("collecting garbage leaves devices alone", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const { kernel, storage } = outerProduct();
  for (let round = 0; round < 60; round++) {
    const other = round % 10 === 0 ? await openDevice() : device;
    collect();
    const run = runKernel(other, kernel, storage());
    collect();
    assertResults(kernel, await withTimeLimit(kernel.name, run), interpreted(kernel, storage()));
    if (other !== device) other.close();
  }
});

test("a process that closes its device ends", async () => {
  const program = `
    const { openDevice } = await import(${JSON.stringify(new URL("./device.ts", import.meta.url).href)});
    const device = await openDevice();
    console.log(device.name);
    device.close();`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", program], {
    env: { ...process.env, ...softwareAdapterEnvironment(), NODE_TEST_CONTEXT: undefined },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 30_000,
    killSignal: "SIGKILL",
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  const [code, signal] = await once(child, "close");
  assert.deepEqual([code, signal], [0, null], output);
  assert.match(output, /swiftshader/i);
});
