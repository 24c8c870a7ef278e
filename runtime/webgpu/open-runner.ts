/** A WebGPU back end from nothing, and its end. */
import type { GraphRunner } from "../../compiler/program.ts";
import { openDevice } from "./device.ts";
import { WebGpuRunner } from "./executor.ts";

export interface OpenedRunner {
  readonly runner: GraphRunner;
  /** The device, for people. */
  readonly name: string;
  readonly isSoftware: boolean;
  /** Frees what the device holds; destroys the device unless it was given. */
  close(): Promise<void>;
}

/** Opens a device, or uses the one given. Throws NoDeviceError when there is none. */
export async function openRunner(given?: GPUDevice): Promise<OpenedRunner> {
  const device = await openDevice(given);
  const runner = WebGpuRunner.create(device);
  return {
    runner: { run: (graph, inputs, context) => runner.run(graph, inputs, context) },
    name: device.name,
    isSoftware: device.isSoftware,
    close: async () => {
      await runner.close();
      device.close();
    },
  };
}
