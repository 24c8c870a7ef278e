/**
 * A device that tells how long its dispatches take. Each gets a pass of its own, since that is what WebGPU times; who uses
 * the device does not notice.
 */
import { BufferUsage, MapMode, QueryUsage } from "./constants.ts";

/** What hears of dispatches, or of submissions where a device does not time what is in them. */
export interface DispatchListener {
  /** Called when commands are submitted. */
  onSubmit(): {
    /** Called for each dispatch in it, when it has run, with the label of its pipeline; or for all of it, as `submission`. */
    onDispatch(label: string, nanoseconds: number): void;
  };
  /** What has not arrived yet. */
  expect(measurement: Promise<void>): void;
}

/** The most that WebGPU allows, and the two that each dispatch takes. */
const queriesPerSet = 4096;
const bytesPerQuery = 8;

/** A batch of dispatches with their times. */
interface Batch {
  readonly labels: string[];
  readonly queries: GPUQuerySet;
  readonly resolved: GPUBuffer;
  readonly readable: GPUBuffer;
}

/** The same device, with its encoders and its queue watched. It must have the feature `timestamp-query`. */
export function timeDispatches(gpu: GPUDevice, listener: DispatchListener): GPUDevice {
  const batches = new WeakMap<GPUCommandBuffer, readonly Batch[]>();
  const free: Batch[] = [];
  const take = (): Batch => {
    const known = free.pop();
    if (known) return { ...known, labels: [] };
    const size = queriesPerSet * bytesPerQuery;
    return {
      labels: [],
      queries: gpu.createQuerySet({ type: "timestamp", count: queriesPerSet }),
      resolved: gpu.createBuffer({ size, usage: BufferUsage.copySource | QueryUsage.resolve }),
      readable: gpu.createBuffer({ size, usage: BufferUsage.copyDestination | BufferUsage.mapRead }),
    };
  };
  const read = async (batch: Batch, onDispatch: (label: string, nanoseconds: number) => void) => {
    const size = batch.labels.length * 2 * bytesPerQuery;
    await batch.readable.mapAsync(MapMode.read, 0, size);
    const times = new BigUint64Array(batch.readable.getMappedRange(0, size));
    for (const [i, label] of batch.labels.entries()) {
      const nanoseconds = Number(times[2 * i + 1]! - times[2 * i]!);
      // Devices may set their clock back.
      onDispatch(label, Math.max(0, nanoseconds));
    }
    batch.readable.unmap();
    free.push(batch);
  };
  const queue = watched(gpu.queue, {
    submit: (commands: Iterable<GPUCommandBuffer>) => {
      const all = [...commands];
      const { onDispatch } = listener.onSubmit();
      gpu.queue.submit(all);
      for (const each of all) for (const batch of batches.get(each) ?? []) listener.expect(read(batch, onDispatch));
    },
  });
  return watched(gpu, {
    queue,
    createCommandEncoder: (descriptor?: GPUCommandEncoderDescriptor) => {
      const encoder = gpu.createCommandEncoder(descriptor);
      const used: Batch[] = [];
      const next = (label: string): GPUComputePassTimestampWrites => {
        let batch = used.at(-1);
        if (!batch || batch.labels.length * 2 === queriesPerSet) {
          batch = take();
          used.push(batch);
        }
        const place = 2 * batch.labels.length;
        batch.labels.push(label);
        return { querySet: batch.queries, beginningOfPassWriteIndex: place, endOfPassWriteIndex: place + 1 };
      };
      return watched(encoder, {
        beginComputePass: () => new SplitPass(encoder, next),
        finish: () => {
          for (const { labels, queries, resolved, readable } of used) {
            encoder.resolveQuerySet(queries, 0, labels.length * 2, resolved, 0);
            encoder.copyBufferToBuffer(resolved, 0, readable, 0, labels.length * 2 * bytesPerQuery);
          }
          const commands = encoder.finish();
          batches.set(commands, used);
          return commands;
        },
      });
    },
  });
}

/** The same device, with its queue watched: submissions are timed from when the queue gets to them until they are done. */
export function timeSubmissions(gpu: GPUDevice, listener: DispatchListener, now: () => number): GPUDevice {
  let last = 0;
  const queue = watched(gpu.queue, {
    submit: (commands: Iterable<GPUCommandBuffer>) => {
      const begun = now();
      const { onDispatch } = listener.onSubmit();
      gpu.queue.submit(commands);
      const done = async () => {
        await gpu.queue.onSubmittedWorkDone();
        const end = now();
        onDispatch("submission", (end - Math.max(begun, last)) * 1e6);
        last = end;
      };
      listener.expect(done());
    },
  });
  return watched(gpu, { queue });
}

/** A pass that becomes one for each dispatch. */
class SplitPass {
  readonly #encoder: GPUCommandEncoder;
  readonly #next: (label: string) => GPUComputePassTimestampWrites;
  #pipeline: GPUComputePipeline | undefined;
  readonly #groups = new Map<number, { readonly group: GPUBindGroup; readonly offsets: readonly number[] }>();

  constructor(encoder: GPUCommandEncoder, next: (label: string) => GPUComputePassTimestampWrites) {
    this.#encoder = encoder;
    this.#next = next;
  }

  setPipeline(pipeline: GPUComputePipeline): void {
    this.#pipeline = pipeline;
  }

  setBindGroup(index: number, group: GPUBindGroup, offsets: readonly number[] = []): void {
    this.#groups.set(index, { group, offsets: [...offsets] });
  }

  dispatchWorkgroups(x: number, y?: number, z?: number): void {
    this.#dispatch((pass) => pass.dispatchWorkgroups(x, y, z));
  }

  dispatchWorkgroupsIndirect(buffer: GPUBuffer, offset: number): void {
    this.#dispatch((pass) => pass.dispatchWorkgroupsIndirect(buffer, offset));
  }

  end(): void {}

  #dispatch(dispatch: (pass: GPUComputePassEncoder) => void): void {
    const label = this.#pipeline?.label ?? "";
    const pass = this.#encoder.beginComputePass({ label, timestampWrites: this.#next(label) });
    if (this.#pipeline) pass.setPipeline(this.#pipeline);
    for (const [index, { group, offsets }] of this.#groups) pass.setBindGroup(index, group, offsets);
    dispatch(pass);
    pass.end();
  }
}

/** An object of WebGPU with some members replaced: its own insist on the object itself as `this`. */
function watched<T extends object>(target: T, replaced: Readonly<Record<string, unknown>>): T {
  return new Proxy(target, {
    get(_, name) {
      if (typeof name === "string" && name in replaced) return replaced[name];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
    set: (_, name, value) => Reflect.set(target, name, value, target),
  });
}
