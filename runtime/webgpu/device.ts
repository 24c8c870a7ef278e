/**
 * A WebGPU device and what can happen to it. Errors that WebGPU reports are errors of this runtime, since programs
 * only ever name numbers: they are thrown with what was being done. A device can be lost at any time.
 */
import { messageOf, requestAdapter } from "./adapter.ts";
import { PipelineCache } from "./pipelines.ts";

/** The device went away: the driver was reset, a program ran too long, or `close` was called. */
export class DeviceLostError extends Error {
  override readonly name = "DeviceLostError";
}

export interface Loss {
  /** `destroyed`: by `close`. */
  readonly reason: "unknown" | "destroyed";
  readonly message: string;
}

/** The limits that the runtime makes use of: as much of them as the adapter has. */
const wantedLimits = [
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupStorageSize",
  "maxComputeWorkgroupsPerDimension",
] as const satisfies readonly (keyof GPUSupportedLimits)[];

const scopes = ["validation", "out-of-memory", "internal"] as const satisfies readonly GPUErrorFilter[];

export class Device {
  readonly gpu: GPUDevice;
  /** For reports: what the adapter calls itself. */
  readonly name: string;
  readonly isSoftware: boolean;
  /** Resolves when the device is lost, also by `close`. */
  readonly whenLost: Promise<Loss>;
  readonly pipelines: PipelineCache;
  #loss: Loss | undefined;

  constructor(gpu: GPUDevice, name: string, isSoftware: boolean) {
    this.gpu = gpu;
    this.name = name;
    this.isSoftware = isSoftware;
    this.pipelines = new PipelineCache(this);
    this.whenLost = gpu.lost.then(({ reason, message }) => {
      this.#loss ??= { reason: reason === "destroyed" ? "destroyed" : "unknown", message };
      return this.#loss;
    });
  }

  get limits(): GPUSupportedLimits {
    return this.gpu.limits;
  }

  /** Undefined while the device works. */
  get loss(): Loss | undefined {
    return this.#loss;
  }

  /** Ends the device, and with it the work that Dawn does for it. A Node process does not end before this. */
  close(): void {
    this.#loss ??= { reason: "destroyed", message: "The device was closed." };
    this.gpu.destroy();
  }

  /**
   * Does something with the device and waits for WebGPU's word on it. `action` must have made all its calls when it
   * returns. Throws DeviceLostError, or an internal error with `what` and WebGPU's message.
   */
  async checked<T>(what: string, action: () => T): Promise<T> {
    this.#demandDevice(what);
    for (const scope of scopes) this.gpu.pushErrorScope(scope);
    let result: T;
    let reports: Promise<(GPUError | null)[]>;
    try {
      result = action();
    } finally {
      reports = Promise.all(scopes.map(() => this.gpu.popErrorScope()));
    }
    const errors = (await this.whileAlive(what, reports)).filter((error) => error !== null);
    this.#demandDevice(what);
    if (errors.length > 0) throw new Error(`internal error: ${what}: ${errors.map(messageOfGpu).join("; ")}`);
    return result;
  }

  /** The result of waiting for the device. Throws DeviceLostError when it is lost first. */
  async whileAlive<T>(what: string, result: Promise<T>): Promise<T> {
    try {
      return await Promise.race([
        result,
        this.whenLost.then(() => {
          throw this.#lostError(what);
        }),
      ]);
    } catch (error) {
      // What waits for a device that is lost fails in its own words, and perhaps before the loss is reported.
      await Promise.race([this.whenLost, Promise.resolve()]);
      if (this.#loss && !(error instanceof DeviceLostError)) throw this.#lostError(what);
      throw error;
    }
  }

  #demandDevice(what: string): void {
    if (this.#loss) throw this.#lostError(what);
  }

  #lostError(what: string): DeviceLostError {
    const { reason, message } = this.#loss!;
    const how = reason === "destroyed" ? "is closed" : "was lost";
    return new DeviceLostError(`${what}: the device ${how}${message === "" ? "." : `: ${message}`}`);
  }
}

const messageOfGpu = (error: GPUError): string => error.message.trim();

/**
 * Opens a device: in the browser its own, in Node one of the `webgpu` package; or wraps one that is given, which then
 * is closed with the wrapper. Throws NoDeviceError when there is none.
 */
export async function openDevice(given?: GPUDevice): Promise<Device> {
  if (given) return new Device(given, "given device", false);
  const { adapter, name, isSoftware } = await requestAdapter();
  const requiredLimits: Record<string, number> = {};
  for (const limit of wantedLimits) requiredLimits[limit] = adapter.limits[limit];
  try {
    return new Device(await adapter.requestDevice({ requiredLimits }), name, isSoftware);
  } catch (error) {
    throw new Error(`internal error: ${name} gives no device: ${messageOf(error)}`);
  }
}
