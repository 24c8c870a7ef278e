/** The buffers that a program's arrays and its state live in: a few arenas of 32-bit words. */
import type { Device } from "./device.ts";
import { makeBuffers, type Words } from "./transfers.ts";

/** Words of an arena. */
export interface Range {
  readonly arena: number;
  readonly offset: number;
  readonly length: number;
}

export class Memory {
  readonly device: Device;
  readonly arenas: readonly GPUBuffer[];

  /** Of buffers that there are already. */
  constructor(device: Device, arenas: readonly GPUBuffer[]) {
    this.device = device;
    this.arenas = arenas;
  }

  /** Arenas of the given lengths, in words, all zero. Throws as `makeBuffers` does. */
  static async allocate(device: Device, lengths: readonly number[]): Promise<Memory> {
    return new Memory(device, await makeBuffers(device, lengths, (n) => `memory${n}`));
  }

  /** Writes words, before anything that is submitted later. */
  write(arena: number, offset: number, words: Words): void {
    this.device.transfers.write(this.arenas[arena]!, offset, words);
  }

  /** The words of some ranges: see `Transfers.read`. */
  read(ranges: readonly Range[], what?: string): Promise<Uint32Array<ArrayBuffer>[]> {
    const all = ranges.map(({ arena, offset, length }) => ({ buffer: this.arenas[arena]!, offset, length }));
    return this.device.transfers.read(all, what);
  }

  free(): void {
    for (const buffer of this.arenas) buffer.destroy();
  }
}
