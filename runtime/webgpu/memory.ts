/** The buffers that arrays live in: a few large arenas of 32-bit words, and the way in and out of them. */
import { BufferUsage, MapMode } from "./constants.ts";
import { type Device, DeviceMemoryError } from "./device.ts";

/** Words of an arena. */
export interface Range {
  readonly arena: number;
  readonly offset: number;
  readonly length: number;
}

/** An array whose elements have 32 bits. */
export type Words = Uint32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>;

const wordBytes = 4;

export class Memory {
  readonly device: Device;
  readonly arenas: readonly GPUBuffer[];
  #staging: GPUBuffer | undefined;

  private constructor(device: Device, arenas: readonly GPUBuffer[]) {
    this.device = device;
    this.arenas = arenas;
  }

  /**
   * Arenas of the given lengths, in words, all zero. Throws DeviceMemoryError with how much was asked for when the device
   * has no buffers that long, or not the memory.
   */
  static async allocate(device: Device, lengths: readonly number[]): Promise<Memory> {
    const { maxStorageBufferBindingSize, maxBufferSize } = device.limits;
    const most = Math.min(maxStorageBufferBindingSize, maxBufferSize);
    for (const length of lengths) {
      if (length * wordBytes > most)
        throw new DeviceMemoryError(
          `The statement needs ${megabytes(length * wordBytes)} in one piece, and a buffer of ${device.name} has at most ${megabytes(most)}.`,
        );
    }
    const total = lengths.reduce((sum, n) => sum + n * wordBytes, 0);
    const usage = BufferUsage.storage | BufferUsage.copySource | BufferUsage.copyDestination | BufferUsage.indirect;
    const arenas = await device.checked(`allocating ${megabytes(total)}`, () =>
      lengths.map((length, n) =>
        device.gpu.createBuffer({ label: `memory${n}`, size: Math.max(length, 4) * wordBytes, usage }),
      ),
    );
    return new Memory(device, arenas);
  }

  /** Writes words, before anything that is submitted later. */
  write(arena: number, offset: number, words: Words): void {
    if (words.length > 0) this.device.gpu.queue.writeBuffer(this.arenas[arena]!, offset * wordBytes, words);
  }

  /**
   * The words of some ranges, after everything that was submitted before; one wait for all of them. Throws
   * DeviceLostError.
   */
  async read(ranges: readonly Range[], what = "reading results"): Promise<Uint32Array<ArrayBuffer>[]> {
    const total = ranges.reduce((sum, { length }) => sum + length, 0);
    if (total === 0) return ranges.map(() => new Uint32Array(0));
    const staging = await this.device.checked(what, () => {
      const staging = this.#takeStaging(total * wordBytes);
      const encoder = this.device.gpu.createCommandEncoder();
      let to = 0;
      for (const { arena, offset, length } of ranges) {
        if (length === 0) continue;
        encoder.copyBufferToBuffer(this.arenas[arena]!, offset * wordBytes, staging, to, length * wordBytes);
        to += length * wordBytes;
      }
      this.device.gpu.queue.submit([encoder.finish()]);
      return staging;
    });
    await this.device.whileAlive(what, staging.mapAsync(MapMode.read, 0, total * wordBytes));
    const all = new Uint32Array(staging.getMappedRange(0, total * wordBytes));
    let from = 0;
    const results = ranges.map(({ length }) => {
      from += length;
      return all.slice(from - length, from);
    });
    staging.unmap();
    this.#giveStaging(staging);
    return results;
  }

  /** A buffer to read through: the last one again when it is long enough and not in use. */
  #takeStaging(bytes: number): GPUBuffer {
    const last = this.#staging;
    this.#staging = undefined;
    if (last && last.size >= bytes) return last;
    last?.destroy();
    const usage = BufferUsage.mapRead | BufferUsage.copyDestination;
    return this.device.gpu.createBuffer({ label: "staging", size: bytes, usage });
  }

  #giveStaging(staging: GPUBuffer): void {
    if (this.#staging) staging.destroy();
    else this.#staging = staging;
  }

  free(): void {
    for (const buffer of this.arenas) buffer.destroy();
    this.#staging?.destroy();
  }
}

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
