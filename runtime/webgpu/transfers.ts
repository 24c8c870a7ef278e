/** Between the host and buffers of a device: what is made, written and read, and how many bytes that are. */
import { BufferUsage, MapMode } from "./constants.ts";
import { type Device, DeviceMemoryError } from "./device.ts";

export const wordBytes = 4;

/** An array whose elements have 32 bits. */
export type Words = Uint32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>;

/** Words of a buffer. */
export interface BufferRange {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly length: number;
}

/** Results up to this long, in bytes, are read through a buffer that is kept. */
export const keptStagingBytes = 2 ** 16;

/** What a buffer for so many words takes: kernels may read four at once, the last of which must be there. */
export const bufferBytes = (words: number): number => Math.max(1, Math.ceil(words / 4)) * 4 * wordBytes;

export const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/**
 * Buffers of the given lengths, in words, all zero. Throws DeviceMemoryError with how much was asked for when the device
 * has no buffers that long, or not the memory.
 */
export function makeBuffers(
  device: Device,
  lengths: readonly number[],
  label: (n: number) => string,
): Promise<GPUBuffer[]> {
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
  const made: GPUBuffer[] = [];
  return device
    .checked(`allocating ${megabytes(total)}`, () => {
      for (const [n, length] of lengths.entries())
        made.push(device.gpu.createBuffer({ label: label(n), size: bufferBytes(length), usage }));
      return made;
    })
    .catch((error) => {
      // Of those that were asked for together some may be there.
      for (const buffer of made) buffer.destroy();
      throw error;
    });
}

/** The ways in and out of a device's buffers. */
export class Transfers {
  readonly #device: Device;
  #staging: GPUBuffer | undefined;
  #isClosed = false;
  /** Bytes that went to the device and came from it. */
  uploaded = 0;
  downloaded = 0;

  constructor(device: Device) {
    this.#device = device;
  }

  /** Writes words, before anything that is submitted later. */
  write(buffer: GPUBuffer, offset: number, words: Words): void {
    if (words.length === 0) return;
    this.uploaded += words.byteLength;
    this.#device.gpu.queue.writeBuffer(buffer, offset * wordBytes, words);
  }

  /**
   * The words of some ranges, after everything that was submitted before; one wait for all of them. Throws
   * DeviceLostError.
   */
  async read(ranges: readonly BufferRange[], what = "reading results"): Promise<Uint32Array<ArrayBuffer>[]> {
    const bytes = ranges.reduce((sum, { length }) => sum + length, 0) * wordBytes;
    if (bytes === 0) return ranges.map(() => new Uint32Array(0));
    const { gpu } = this.#device;
    const staging = await this.#device.checked(what, () => {
      const staging = this.#takeStaging(bytes);
      const encoder = gpu.createCommandEncoder();
      let to = 0;
      for (const { buffer, offset, length } of ranges) {
        if (length === 0) continue;
        encoder.copyBufferToBuffer(buffer, offset * wordBytes, staging, to, length * wordBytes);
        to += length * wordBytes;
      }
      gpu.queue.submit([encoder.finish()]);
      return staging;
    });
    this.downloaded += bytes;
    await this.#device.whileAlive(what, staging.mapAsync(MapMode.read, 0, bytes));
    const all = new Uint32Array(staging.getMappedRange(0, bytes));
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
    if (last && last.size >= bytes) {
      this.#staging = undefined;
      return last;
    }
    const usage = BufferUsage.mapRead | BufferUsage.copyDestination;
    const size = Math.max(bytes, keptStagingBytes);
    return this.#device.gpu.createBuffer({ label: "staging", size, usage });
  }

  /** Gives back what is kept. */
  close(): void {
    this.#isClosed = true;
    this.#staging?.destroy();
    this.#staging = undefined;
  }

  #giveStaging(staging: GPUBuffer): void {
    if (this.#isClosed || this.#staging || staging.size > keptStagingBytes) staging.destroy();
    else this.#staging = staging;
  }
}
