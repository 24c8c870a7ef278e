/** Adapters for tests of what chooses among them: described by hand, or the software adapter under another name. */
import { type AdapterDiscovery, requestAdapter } from "../webgpu/adapter.ts";
import { useSoftwareAdapter } from "./software-adapter.ts";

export interface Disguise {
  readonly description?: string;
  readonly isSoftware?: boolean;
  /** Limits of its devices that are smaller than they are. */
  readonly limits?: Readonly<Partial<Record<keyof GPUSupportedLimits, number>>>;
  /** What asking for a device fails with. */
  readonly refusal?: string;
  /** Sees each device that is made. */
  readonly onDevice?: (device: GPUDevice) => void;
}

/** An object of WebGPU, which insists on itself as `this`, with some members replaced. */
function replacing<T extends object>(target: T, replaced: Readonly<Record<string, unknown>>): T {
  return new Proxy(target, {
    get(_, name) {
      if (typeof name === "string" && name in replaced) return replaced[name];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** An adapter that only tells what it is. */
export function describedAdapter({ description = "Acme GPU", isSoftware = false }: Disguise): GPUAdapter {
  const info = { vendor: "acme", architecture: "one", device: "", description, isFallbackAdapter: isSoftware };
  const limits = {
    maxStorageBufferBindingSize: 2 ** 31 - 4,
    maxBufferSize: 2 ** 32,
    maxComputeInvocationsPerWorkgroup: 1024,
    maxComputeWorkgroupStorageSize: 32_768,
  };
  return { info, limits, features: new Set(["timestamp-query"]) } as unknown as GPUAdapter;
}

/** The software adapter, as an adapter of graphics hardware. */
export async function disguisedAdapter(disguise: Disguise): Promise<GPUAdapter> {
  useSoftwareAdapter();
  const adapter = await requestAdapter();
  const { info } = describedAdapter(disguise);
  return replacing(adapter, {
    info,
    requestDevice: async (descriptor?: GPUDeviceDescriptor) => {
      if (disguise.refusal !== undefined) throw new Error(disguise.refusal);
      const device = await adapter.requestDevice(descriptor);
      disguise.onDevice?.(device);
      return replacing(device, disguise.limits ? { limits: replacing(device.limits, disguise.limits) } : {});
    },
  });
}

/** A place with these adapters: what is asked for first is the first, a fallback is the last. */
export function placeWith(...adapters: readonly GPUAdapter[]): AdapterDiscovery {
  return {
    mayHaveHardware: () => true,
    gpu: async () => ({
      requestAdapter: async (options?: GPURequestAdapterOptions) =>
        (options?.forceFallbackAdapter ? adapters.at(-1) : adapters[0]) ?? null,
    }),
  };
}
