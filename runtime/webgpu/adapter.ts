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

async function gpuOfThisPlace(): Promise<GPU> {
  if (typeof navigator !== "undefined" && "gpu" in navigator && navigator.gpu) return navigator.gpu;
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
  dawn = loaded.create([]);
  return dawn;
}

/** The adapter to use, a fast one where there are several. Throws NoDeviceError when there is none. */
export async function requestAdapter(): Promise<GPUAdapter> {
  const gpu = await gpuOfThisPlace();
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new NoDeviceError("There is no WebGPU adapter: no graphics driver was found.");
  return adapter;
}

export function describeAdapter(info: GPUAdapterInfo): AdapterDescription {
  const words = [info.vendor, info.architecture, info.device].filter((word) => word !== "").join(" ");
  const name = info.description || words || "unknown adapter";
  return { name, isSoftware: info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe/i.test(`${words} ${name}`) };
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
