/** A WebGPU back end from nothing, and its end. */
import type { GraphRunner } from "../../compiler/program.ts";
import { type AdapterDiscovery, findHardware, NoDeviceError } from "./adapter.ts";
import { type Device, type OpenOptions, openDevice } from "./device.ts";
import { WebGpuRunner } from "./executor.ts";
import { FallbackRunner } from "./fallback-runner.ts";

export interface OpenedRunner {
  readonly runner: GraphRunner;
  /** The device, for people. */
  readonly name: string;
  readonly isSoftware: boolean;
  readonly device: Device;
  /** Frees what the device holds; destroys the device unless it was given. */
  close(): Promise<void>;
}

/** Opens a device, or uses the one given. Throws NoDeviceError when there is none. */
export async function openRunner(given?: GPUDevice, options: OpenOptions = {}): Promise<OpenedRunner> {
  const device = await openDevice(given, options);
  const runner = WebGpuRunner.create(device);
  return {
    runner,
    name: device.name,
    isSoftware: device.isSoftware,
    device,
    close: async () => {
      await runner.close();
      device.close();
    },
  };
}

/** The same with the CPU behind it, for graphs that the device fails at: see `FallbackRunner`. */
export function withFallback(opened: OpenedRunner): OpenedRunner {
  let endCpu: (() => Promise<void>) | undefined;
  const runner = new FallbackRunner({
    device: opened.runner,
    isLost: () => opened.device.loss !== undefined,
    openCpu: async () => {
      const { openCpu } = await import("../cpu/open-runner.ts");
      const cpu = openCpu({ precision: "f32" });
      endCpu = cpu.close;
      return cpu.runner;
    },
  });
  return {
    ...opened,
    runner,
    close: async () => {
      runner.close();
      await Promise.all([opened.close(), endCpu?.()]);
    },
  };
}

/** A GPU with the CPU behind it, or why there is no GPU. Software adapters are never taken. */
export async function openHardware(
  discovery?: AdapterDiscovery,
  options: Omit<OpenOptions, "adapter"> = {},
): Promise<OpenedRunner | { readonly why: string }> {
  const found = await findHardware(discovery);
  if ("why" in found) return found;
  try {
    return withFallback(await openRunner(undefined, { ...options, adapter: found.adapter }));
  } catch (error) {
    if (!(error instanceof NoDeviceError)) throw error;
    return { why: error.message.replace(/\.$/, "") };
  }
}
