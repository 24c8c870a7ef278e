/** Dispatches: which pipeline runs, for how many invocations, and where its arrays are. */
import { BufferUsage } from "./constants.ts";
import type { Device } from "./device.ts";
import type { Memory } from "./memory.ts";

export interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  /** Of the uniform at binding 0: the count of invocations first. */
  readonly places: readonly number[];
  readonly count: number;
  readonly workgroupSize: number;
}

/**
 * Workgroups for at least `count` invocations. Past what one dimension holds they go on in the second; the kernel
 * numbers them row by row, and leaves out what is too much.
 */
export function workgroupsFor(count: number, workgroupSize: number, mostPerDimension: number): [number, number] {
  const groups = Math.ceil(count / workgroupSize);
  if (groups <= mostPerDimension) return [groups, 1];
  const rows = Math.ceil(groups / mostPerDimension);
  if (rows > mostPerDimension) throw new Error(`internal error: a kernel of ${count} invocations`);
  return [Math.ceil(groups / rows), rows];
}

interface Recorded {
  readonly pipeline: GPUComputePipeline;
  readonly workgroups: readonly [number, number];
  readonly offset: number;
}

/** Dispatches on one memory, ready to be encoded any number of times, all of them or some. */
export class DispatchList {
  readonly #recorded: readonly Recorded[];
  readonly #bindGroup: GPUBindGroup;
  readonly #places: GPUBuffer;

  private constructor(recorded: readonly Recorded[], bindGroup: GPUBindGroup, places: GPUBuffer) {
    this.#recorded = recorded;
    this.#bindGroup = bindGroup;
    this.#places = places;
  }

  static async create(memory: Memory, dispatches: readonly Dispatch[]): Promise<DispatchList> {
    const { device } = memory;
    const { gpu, limits } = device;
    const longest = Math.max(...dispatches.map((d) => d.places.length), 4);
    // Each block is bound whole, so all are as long as the longest.
    const blockBytes = roundUp(longest * 4, limits.minUniformBufferOffsetAlignment);
    if (blockBytes > limits.maxUniformBufferBindingSize)
      throw new Error(`internal error: a kernel with ${longest - 2} arrays`);
    const words = new Uint32Array((blockBytes / 4) * Math.max(dispatches.length, 1));
    for (const [i, { places }] of dispatches.entries()) words.set(places, (i * blockBytes) / 4);
    return device.checked("preparing dispatches", () => {
      const usage = BufferUsage.uniform | BufferUsage.copyDestination;
      const places = gpu.createBuffer({ label: "places", size: words.byteLength, usage });
      gpu.queue.writeBuffer(places, 0, words);
      const bindGroup = gpu.createBindGroup({
        layout: device.pipelines.layout({ arenas: memory.arenas.length }),
        entries: [
          { binding: 0, resource: { buffer: places, offset: 0, size: blockBytes } },
          ...memory.arenas.map((buffer, n) => ({ binding: n + 1, resource: { buffer } })),
        ],
      });
      const recorded = dispatches.map(({ pipeline, count, workgroupSize }, i) => ({
        pipeline,
        workgroups: workgroupsFor(count, workgroupSize, limits.maxComputeWorkgroupsPerDimension),
        offset: i * blockBytes,
      }));
      return new DispatchList(recorded, bindGroup, places);
    });
  }

  /** Encodes the dispatches from `start` to before `end`, in order: each sees what those before it wrote. */
  encode(pass: GPUComputePassEncoder, start = 0, end = this.#recorded.length): void {
    for (const { pipeline, workgroups, offset } of this.#recorded.slice(start, end)) {
      if (workgroups[0] === 0) continue;
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, this.#bindGroup, [offset]);
      pass.dispatchWorkgroups(...workgroups);
    }
  }

  free(): void {
    this.#places.destroy();
  }
}

const roundUp = (x: number, step: number): number => Math.ceil(x / step) * step;

/**
 * Encodes commands and submits them. Returns when WebGPU has accepted them, not when they have run. Throws an internal
 * error when it does not, or DeviceLostError.
 */
export function submit(device: Device, what: string, encode: (encoder: GPUCommandEncoder) => void): Promise<void> {
  return device.checked(what, () => {
    const encoder = device.gpu.createCommandEncoder({ label: what });
    encode(encoder);
    device.gpu.queue.submit([encoder.finish()]);
  });
}
