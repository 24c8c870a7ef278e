/** Arrays that stay on the device: results that later runs read, and data that several runs read. */
import { type ArrayData, type DType, type NdArray, sizeOf } from "../../compiler/core/array.ts";
import { type ArrayHolder, leastHeldWords, RemoteArray } from "../../compiler/core/remote-array.ts";
import type { Device } from "./device.ts";
import { fromWords, toWords } from "./elements.ts";
import { makeBuffers } from "./transfers.ts";

export const isWorthHolding = (words: number): boolean => words >= leastHeldWords;

/** What an array has on the device, apart from the array, whose end is heard of. */
interface Slot {
  buffer: GPUBuffer | undefined;
}

export class DeviceArrays implements ArrayHolder {
  readonly device: Device;
  readonly #slots = new Set<Slot>();
  /** Frees what arrays have that nobody released. */
  readonly #forgotten = new FinalizationRegistry<Slot>((slot) => this.#free(slot));
  #isClosed = false;

  constructor(device: Device) {
    this.device = device;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** An array that is here and goes to the device when it is first used there, unless it is small. */
  hold(x: NdArray): NdArray {
    return isWorthHolding(sizeOf(x.shape)) ? this.place(x) : x;
  }

  /** The same, however small it is. */
  place(x: NdArray): DeviceArray {
    return this.#array(x, { buffer: undefined }, x.data);
  }

  /** Arrays with buffers of their own, to be written by the device; their numbers may be here too. */
  async make(
    arrays: readonly {
      readonly dtype: DType;
      readonly shape: readonly number[];
      readonly data?: ArrayData | undefined;
    }[],
  ): Promise<DeviceArray[]> {
    if (arrays.length === 0) return [];
    const buffers = await makeBuffers(
      this.device,
      arrays.map((x) => sizeOf(x.shape)),
      () => "array",
    );
    return arrays.map((x, i) => this.#array(x, { buffer: buffers[i]! }, x.data));
  }

  #array(x: Pick<NdArray, "dtype" | "shape">, slot: Slot, data: ArrayData | undefined): DeviceArray {
    const array = new DeviceArray(this, x, slot, data);
    this.#slots.add(slot);
    this.#forgotten.register(array, slot, slot);
    return array;
  }

  /** Brings arrays to the device that are not there yet. Throws as `makeBuffers` does. */
  async upload(arrays: readonly DeviceArray[]): Promise<void> {
    const missing = [...new Set(arrays)].filter((x) => x.slot.buffer === undefined);
    if (missing.length === 0) return;
    const buffers = await makeBuffers(
      this.device,
      missing.map((x) => sizeOf(x.shape)),
      () => "array",
    );
    missing.forEach((x, i) => {
      const buffer = buffers[i]!;
      // Another run may have been faster.
      if (x.slot.buffer !== undefined || x.isReleased) buffer.destroy();
      else {
        x.slot.buffer = buffer;
        this.device.transfers.write(buffer, 0, toWords(x.dtype, x.data));
      }
    });
  }

  async bring(arrays: readonly DeviceArray[]): Promise<void> {
    const ranges = arrays.map((x) => ({ buffer: x.buffer, offset: 0, length: sizeOf(x.shape) }));
    const words = await this.device.transfers.read(ranges, "reading results");
    arrays.forEach((x, i) => {
      x.arrived(fromWords(x.dtype, words[i]!));
    });
  }

  release(slot: Slot): void {
    this.#forgotten.unregister(slot);
    this.#free(slot);
  }

  #free(slot: Slot): void {
    this.#slots.delete(slot);
    slot.buffer?.destroy();
    slot.buffer = undefined;
  }

  /** Gives everything back: arrays whose numbers are not here have none any more. */
  close(): void {
    this.#isClosed = true;
    for (const slot of [...this.#slots]) this.release(slot);
  }
}

export class DeviceArray extends RemoteArray {
  readonly holder: DeviceArrays;
  readonly slot: Slot;
  #data: ArrayData | undefined;
  #owners = 1;

  constructor(
    holder: DeviceArrays,
    { dtype, shape }: Pick<NdArray, "dtype" | "shape">,
    slot: Slot,
    data: ArrayData | undefined,
  ) {
    super(dtype, shape);
    this.holder = holder;
    this.slot = slot;
    this.#data = data;
  }

  get data(): ArrayData {
    if (this.#data === undefined) throw new Error("internal error: the numbers of an array were not fetched");
    return this.#data;
  }

  get isHere(): boolean {
    return this.#data !== undefined;
  }

  get isLost(): boolean {
    return this.#data === undefined && this.holder.device.loss !== undefined;
  }

  get isReleased(): boolean {
    return this.#owners === 0;
  }

  /** Where its words are. Throws when it has been given back. */
  get buffer(): GPUBuffer {
    const { buffer } = this.slot;
    if (buffer) return buffer;
    if (this.isReleased) throw new Error("internal error: an array was given back too early");
    throw new Error("The runtime was disposed of, and with it what was on its device: read arrays before.");
  }

  arrived(data: ArrayData): void {
    this.#data ??= data;
  }

  retain(): void {
    if (this.isReleased) throw new Error("internal error: an array was given back too early");
    this.#owners += 1;
  }

  release(): void {
    if (this.#owners === 0) return;
    this.#owners -= 1;
    if (this.#owners === 0) this.holder.release(this.slot);
  }
}
