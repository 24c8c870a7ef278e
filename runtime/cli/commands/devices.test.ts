/** What `karush devices` says of the places it can be in. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { describedAdapter, placeWith } from "../../testing-adapter/disguise.ts";
import { NoDeviceError } from "../../webgpu/adapter.ts";
import { type DeviceList, listDevices, renderDevices } from "./devices.ts";

const hardware = describedAdapter({});
const software = describedAdapter({ description: "SwiftShader", isSoftware: true });

/** The same processor everywhere. */
const cpu: DeviceList["cpu"] = { processor: "Abacus", cores: 4, threads: 3, simd: true };

test("the engine that runs this has vectors, and the processor a name", async () => {
  const found = (await listDevices(placeWith())).cpu;
  assert.equal(found.simd, true);
  assert.ok(found.cores >= 1 && found.threads >= 1 && found.processor !== "");
});

test("all adapters, and what auto takes", async () => {
  const { webgpu, auto, unavailable } = await listDevices(placeWith(hardware, software));
  assert.deepEqual([auto, unavailable], ["webgpu", undefined]);
  assert.deepEqual(
    webgpu.map((a) => [a.description, a.vendor, a.software, a.timestamps]),
    [
      ["Acme GPU", "acme", false, true],
      ["SwiftShader", "acme", true, true],
    ],
  );
  assert.equal(webgpu[0]!.limits.maxStorageBufferBindingSize, 2 ** 31 - 4);
  assert.equal(
    renderDevices({ cpu, webgpu, auto }),
    `cpu        Abacus, 4 cores
           WebAssembly SIMD, up to 3 threads, f64 or f32
webgpu     Acme GPU (acme one)   (auto)
           statements of at most 2.0 GiB, workgroups of 1024 with 32 KiB, times its kernels, f32
webgpu     SwiftShader (acme one)
           software, computes on the CPU, statements of at most 2.0 GiB, workgroups of 1024 with 32 KiB, times its kernels, f32
reference  the evaluator that says what programs mean, on the CPU: slow`,
  );
});

test("auto takes no software, and says why there is no adapter", async () => {
  const { auto } = await listDevices(placeWith(software));
  assert.equal(auto, "cpu");
  const none = await listDevices(placeWith());
  assert.deepEqual([none.auto, none.webgpu, none.unavailable], ["cpu", [], "no graphics driver was found"]);
  const missing = await listDevices({
    mayHaveHardware: () => true,
    gpu: async () => {
      throw new NoDeviceError("WebGPU in Node needs the package `webgpu`.");
    },
  });
  assert.equal(missing.unavailable, "WebGPU in Node needs the package `webgpu`.");
  assert.match(
    renderDevices({ ...missing, cpu: { ...cpu, threads: 1 } }),
    /^cpu {8}Abacus, 4 cores {3}\(auto\)\n.*1 thread, f64 or f32\nwebgpu {5}none: WebGPU in Node needs/,
  );
});
