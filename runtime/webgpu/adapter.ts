/**
 * Where devices come from: the browser, or the `webgpu` package (Dawn) in Node. The package is loaded when a device
 * is wanted and not before: with a device alive it keeps a thread busy.
 */

/** What an adapter is, for reports. */
export interface AdapterDescription {
  readonly name: string;
  /** It computes on the CPU: SwiftShader, lavapipe. */
  readonly isSoftware: boolean;
}

/** No device can be had; the message says why and what helps. */
export class NoDeviceError extends Error {
  override readonly name = "NoDeviceError";
}

/** How adapters are found. Tests have their own. */
export interface AdapterDiscovery {
  /** A quick look: false where there is no graphics hardware for certain. */
  mayHaveHardware(): boolean;
  /** Throws NoDeviceError where there is no WebGPU. */
  gpu(): Promise<Pick<GPU, "requestAdapter">>;
}

interface DawnPackage {
  create(options: string[]): GPU;
}

/**
 * Held for the life of the process: when the garbage collector takes the object while a device lives, memory is
 * corrupted (webgpu 0.6.2: hangs, futex aborts and segmentation faults at random points).
 */
let dawn: GPU | undefined;

/** A name that bundlers do not follow. */
const dawnPackage: string = "webgpu";

const browserGpu = (): GPU | undefined =>
  typeof navigator !== "undefined" && "gpu" in navigator ? (navigator.gpu ?? undefined) : undefined;

async function gpuOfThisPlace(): Promise<GPU> {
  const gpu = browserGpu();
  if (gpu) return gpu;
  if (typeof process === "undefined" || !process.versions?.node)
    throw new NoDeviceError("This browser has no WebGPU, or the page is not served over https or from localhost.");
  if (dawn) return dawn;
  let loaded: DawnPackage;
  try {
    loaded = (await import(dawnPackage)) as DawnPackage;
  } catch (error) {
    throw new NoDeviceError(
      `WebGPU in Node needs the package \`webgpu\` (npm install webgpu), which does not load: ${messageOf(error)}`,
    );
  }
  // Times are rounded to some 65 microseconds against spying pages; this process spies on nobody.
  dawn = loaded.create(["disable-dawn-features=timestamp_quantization"]);
  return dawn;
}

/** Device files of graphics hardware on Linux: Mesa's drivers, NVIDIA's, Windows' in WSL, Mali and Adreno. */
const linuxDeviceFiles = /^(nvidia\d+|dxg|mali\d*|kgsl-3d\d+)$/;

/** Loading Dawn costs some 40 milliseconds; on Linux the device files tell that there is nothing to find. */
function mayHaveHardware(): boolean {
  if (browserGpu()) return true;
  if (typeof process === "undefined" || !process.versions?.node) return false;
  if (process.platform !== "linux") return true;
  const fs = process.getBuiltinModule?.("node:fs");
  if (!fs) return true;
  const names = (folder: string): string[] => {
    try {
      return fs.readdirSync(folder);
    } catch {
      return [];
    }
  };
  return (
    names("/dev/dri").some((name) => name.startsWith("renderD")) ||
    names("/dev").some((name) => linuxDeviceFiles.test(name))
  );
}

/** The browser's adapters, or those that Dawn finds. */
export const adaptersOfThisPlace: AdapterDiscovery = { mayHaveHardware, gpu: gpuOfThisPlace };

/** The adapter to use, a fast one where there are several. Throws NoDeviceError when there is none. */
export async function requestAdapter(discovery: AdapterDiscovery = adaptersOfThisPlace): Promise<GPUAdapter> {
  const gpu = await discovery.gpu();
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new NoDeviceError("There is no WebGPU adapter: no graphics driver was found.");
  return adapter;
}

/** What `auto` decides: an adapter, or why there is none worth using; with the name of one that is not. */
export type HardwareChoice = { readonly adapter: GPUAdapter } | { readonly why: string; readonly adapterName?: string };

/** The adapter of a GPU, for whoever takes one if there is one. Software adapters are slower than the CPU back end. */
export async function findHardware(discovery: AdapterDiscovery = adaptersOfThisPlace): Promise<HardwareChoice> {
  if (!discovery.mayHaveHardware()) return { why: "there is no graphics hardware" };
  try {
    const adapter = await requestAdapter(discovery);
    const { name, isSoftware } = describeAdapter(adapter.info);
    if (!isSoftware) return { adapter };
    return { why: `the only WebGPU adapter, ${name}, is software`, adapterName: name };
  } catch (error) {
    return { why: messageOf(error).replace(/\.$/, "") };
  }
}

/** All adapters that can be asked for, the one that is used first. Throws NoDeviceError where there is no WebGPU. */
export async function listAdapters(discovery: AdapterDiscovery = adaptersOfThisPlace): Promise<GPUAdapter[]> {
  const gpu = await discovery.gpu();
  const wishes: GPURequestAdapterOptions[] = [
    { powerPreference: "high-performance" },
    { powerPreference: "low-power" },
    { forceFallbackAdapter: true },
  ];
  const found = new Map<string, GPUAdapter>();
  for (const wish of wishes) {
    const adapter = await gpu.requestAdapter(wish);
    if (!adapter) continue;
    const { vendor, architecture, device, description } = adapter.info;
    const key = JSON.stringify([vendor, architecture, device, description]);
    if (!found.has(key)) found.set(key, adapter);
  }
  return [...found.values()];
}

export function describeAdapter(info: GPUAdapterInfo): AdapterDescription {
  const words = [info.vendor, info.architecture, info.device].filter((word) => word !== "").join(" ");
  const name = info.description || words || "unknown adapter";
  return { name, isSoftware: info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe/i.test(`${words} ${name}`) };
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
