/** WebGPU in Node as pages have it, over the software adapter of the tests, for libraries that were written for pages. */
import { create, globals } from "webgpu";
import { useSoftwareAdapter } from "../../runtime/testing-adapter/software-adapter.ts";

/** Sets `navigator.gpu` and the constants of WebGPU. Before anything asks for a device. */
export function offerWebGpu(): void {
  useSoftwareAdapter();
  Object.assign(globalThis, globals);
  const navigator = { gpu: create([]), userAgent: "Node", hardwareConcurrency: 1 };
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
}
