/**
 * A WebGPU device and what can happen to it. Errors that WebGPU reports are errors of this runtime, since programs
 * only ever name numbers: they are thrown with what was being done. A device can be lost at any time.
 */
import { BackendError } from "../../compiler/backend-error.ts";
import { type AdapterDescription, describeAdapter, messageOf, NoDeviceError, requestAdapter } from "./adapter.ts";
import { PipelineCache } from "./pipelines.ts";
import { type DispatchListener, timeDispatches, timeSubmissions } from "./timed-device.ts";
import { Transfers } from "./transfers.ts";

/** The device went away: the driver was reset, a program ran too long, or `close` was called. */
export class DeviceLostError extends BackendError {
  override readonly name = "DeviceLostError";

  constructor(message: string) {
    super(
      "K0343",
      message,
      "Run the script again, or with --backend cpu. Long steps are cut short by some drivers: use smaller sizes.",
    );
  }
}

/** An array or all of them are too large for the device. */
export class DeviceMemoryError extends BackendError {
  override readonly name = "DeviceMemoryError";

  constructor(message: string) {
    super("K0961", message, "Use smaller sizes, a `loop` over parts, or --backend cpu.");
  }
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
  /** Whether waiting for it keeps the program's thread busy: see rest.ts. */
  readonly isPolled: boolean;
  /** Whether a shader can hand values on among four invocations with consecutive numbers. */
  readonly hasQuads: boolean;
  /** Resolves when the device is lost, also by `close`. */
  readonly whenLost: Promise<Loss>;
  /** Whether somebody hears how long each dispatch takes: then pipelines are told apart by their labels. */
  readonly timesDispatches: boolean;
  readonly pipelines: PipelineCache;
  readonly transfers: Transfers;
  readonly #isOwned: boolean;
  #loss: Loss | undefined;
  /** What WebGPU complained of outside of `checked`. */
  readonly #complaints: string[] = [];
  /** What to call when the device is lost. */
  readonly #waiting = new Set<() => void>();

  /** With `isOwned`, `close` ends the device itself. */
  constructor(
    gpu: GPUDevice,
    { name, isSoftware }: AdapterDescription,
    isOwned: boolean,
    listener: DispatchListener | undefined,
  ) {
    this.timesDispatches = listener !== undefined && gpu.features.has("timestamp-query");
    if (!listener) this.gpu = gpu;
    else if (this.timesDispatches) this.gpu = timeDispatches(gpu, listener);
    else this.gpu = timeSubmissions(gpu, listener, () => performance.now());
    this.name = name;
    this.isSoftware = isSoftware;
    this.isPolled = isSoftware && typeof process !== "undefined" && process.versions?.node !== undefined;
    this.hasQuads = gpu.features.has("subgroups") && hasKnownQuads(gpu.adapterInfo);
    this.#isOwned = isOwned;
    this.pipelines = new PipelineCache(this);
    this.transfers = new Transfers(this);
    // Errors of a device that is given may be its owner's.
    if (isOwned)
      gpu.addEventListener("uncapturederror", (event) => {
        event.preventDefault();
        this.#complaints.push(messageOfGpu(event.error));
      });
    this.whenLost = gpu.lost.then(({ reason, message }) => {
      this.#lose({ reason: reason === "destroyed" ? "destroyed" : "unknown", message });
      return this.#loss!;
    });
  }

  get limits(): GPUSupportedLimits {
    return this.gpu.limits;
  }

  /** Undefined while the device works. */
  get loss(): Loss | undefined {
    return this.#loss;
  }

  /**
   * Ends the device, and with it the work that Dawn does for it: a Node process does not end before. A device that
   * was given is only left alone.
   */
  close(): void {
    this.#lose({ reason: "destroyed", message: "" });
    this.transfers.close();
    if (this.#isOwned) this.gpu.destroy();
  }

  #lose(loss: Loss): void {
    this.#loss ??= loss;
    for (const fail of [...this.#waiting]) fail();
    this.#waiting.clear();
  }

  /**
   * Does something with the device and waits for WebGPU's word on it. `action` must have made all its calls when it
   * returns. Throws DeviceLostError, DeviceMemoryError when memory ran out, or an internal error with `what` and WebGPU's
   * message; also when something that was not waited for went wrong since the last time.
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
    // The scopes are popped in the opposite order.
    const [internal, memory, validation] = await this.whileAlive(what, reports);
    this.#demandDevice(what);
    const errors = [internal, validation].filter((error) => error != null).map(messageOfGpu);
    errors.push(...this.#complaints.splice(0));
    if (errors.length > 0) throw new Error(`internal error: ${what}: ${errors.join("; ")}`);
    if (memory) throw new DeviceMemoryError(`${what}: ${this.name} has not enough memory: ${messageOfGpu(memory)}`);
    return result;
  }

  /** The result of waiting for the device. Throws DeviceLostError when it is lost first. */
  async whileAlive<T>(what: string, result: Promise<T>): Promise<T> {
    let fail: (() => void) | undefined;
    const lost = new Promise<never>((_, reject) => {
      fail = () => reject(this.#lostError(what));
      if (this.#loss) fail();
      else this.#waiting.add(fail);
    });
    try {
      return await Promise.race([result, lost]);
    } catch (error) {
      if (error instanceof DeviceLostError) throw error;
      // What waits for a device that is lost may fail, in its own words, before the loss is reported.
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (this.#loss) throw this.#lostError(what);
      throw error;
    } finally {
      this.#waiting.delete(fail!);
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
 * WebGPU does not say which invocations of a workgroup are a subgroup. SwiftShader's are four with consecutive numbers,
 * which it computes in a vector.
 */
const hasKnownQuads = ({ architecture, subgroupMinSize, subgroupMaxSize }: GPUAdapterInfo): boolean =>
  architecture === "swiftshader" && subgroupMinSize === 4 && subgroupMaxSize === 4;

export interface OpenOptions {
  /** The adapter to use; the fastest there is when left out. */
  readonly adapter?: GPUAdapter | undefined;
  /** Hears how long what is dispatched takes. */
  readonly listener?: DispatchListener | undefined;
}

/**
 * Opens a device: in the browser its own, in Node one of the `webgpu` package; or makes use of one that is given.
 * Throws NoDeviceError when there is none.
 */
export async function openDevice(given?: GPUDevice, options: OpenOptions = {}): Promise<Device> {
  if (given) return new Device(given, describeAdapter(given.adapterInfo), false, options.listener);
  const adapter = options.adapter ?? (await requestAdapter());
  const description = describeAdapter(adapter.info);
  const requiredLimits: Record<string, number> = {};
  for (const limit of wantedLimits) requiredLimits[limit] = adapter.limits[limit];
  const wantedFeatures: GPUFeatureName[] = [
    ...(options.listener ? (["timestamp-query"] as const) : []),
    ...(hasKnownQuads(adapter.info) ? (["subgroups"] as const) : []),
  ];
  const requiredFeatures = wantedFeatures.filter((feature) => adapter.features.has(feature));
  let gpu: GPUDevice;
  try {
    gpu = await adapter.requestDevice({ requiredLimits, requiredFeatures });
  } catch (error) {
    throw new NoDeviceError(`The adapter ${description.name} gives no device: ${messageOf(error).trim()}`);
  }
  return new Device(gpu, description, true, options.listener);
}
