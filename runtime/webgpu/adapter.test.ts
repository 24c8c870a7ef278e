/** Which adapter is taken, and which is not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseDevice } from "../cli/choose-device.ts";
import { describedAdapter, disguisedAdapter, placeWith } from "../testing-adapter/disguise.ts";
import { withTimeLimit } from "../testing-adapter/testing.ts";
import { type AdapterDiscovery, findHardware, listAdapters, NoDeviceError } from "./adapter.ts";
import { openDevice } from "./device.ts";

const hardware = describedAdapter({});
const software = describedAdapter({ description: "SwiftShader", isSoftware: true });

async function told(discovery: AdapterDiscovery) {
  const texts: string[] = [];
  const opened = await chooseDevice("auto", { tell: (text) => texts.push(text), discovery });
  return { opened, texts };
}

test("where there is no graphics hardware, Dawn is not even loaded", async () => {
  const discovery: AdapterDiscovery = {
    mayHaveHardware: () => false,
    gpu: () => assert.fail("Dawn was loaded"),
  };
  assert.deepEqual(await findHardware(discovery), { why: "there is no graphics hardware" });
  assert.deepEqual(await told(discovery), { opened: undefined, texts: [] });
});

test("without the package `webgpu`, auto is the CPU, silently", async () => {
  const discovery: AdapterDiscovery = {
    mayHaveHardware: () => true,
    gpu: async () => {
      throw new NoDeviceError("WebGPU in Node needs the package `webgpu`.");
    },
  };
  assert.deepEqual(await findHardware(discovery), { why: "WebGPU in Node needs the package `webgpu`" });
  assert.deepEqual(await told(discovery), { opened: undefined, texts: [] });
});

test("without an adapter, auto is the CPU, silently", async () => {
  assert.deepEqual(await told(placeWith()), { opened: undefined, texts: [] });
});

test("a software adapter is never taken by auto, which says so", async () => {
  assert.deepEqual(await findHardware(placeWith(software)), {
    why: "the only WebGPU adapter, SwiftShader, is software",
    adapterName: "SwiftShader",
  });
  assert.deepEqual(await told(placeWith(software)), {
    opened: undefined,
    texts: ["Running on the CPU: the only WebGPU adapter, SwiftShader, is software."],
  });
});

test("lavapipe is software, too, whatever it says of itself", async () => {
  const lavapipe = describedAdapter({ description: "llvmpipe (LLVM 15.0.7, 256 bits)" });
  assert.ok("why" in (await findHardware(placeWith(lavapipe))));
});

test("hardware is found", async () => {
  assert.deepEqual(await findHardware(placeWith(hardware, software)), { adapter: hardware });
});

test("adapters are listed once, the one that is used first", async () => {
  assert.deepEqual(await listAdapters(placeWith(hardware, software)), [hardware, software]);
  assert.deepEqual(await listAdapters(placeWith(software)), [software]);
  assert.deepEqual(await listAdapters(placeWith()), []);
});

test("auto opens hardware, and says so", async () => {
  const { opened, texts } = await withTimeLimit("opening", told(placeWith(await disguisedAdapter({}))));
  assert.equal(opened?.name, "Acme GPU");
  assert.deepEqual(texts, ["Running on Acme GPU, in f32. With --backend cpu it runs on the CPU, in f64."]);
  await opened?.close();
});

test("an adapter that gives no device: auto is the CPU, and webgpu an error", async () => {
  const adapter = await disguisedAdapter({ refusal: "the driver is too old" });
  const message = "The adapter Acme GPU gives no device: the driver is too old";
  assert.deepEqual(await told(placeWith(adapter)), { opened: undefined, texts: [`Running on the CPU: ${message}`] });
  await assert.rejects(openDevice(undefined, { adapter }), { name: "NoDeviceError", message });
});
