/** Blocks of one growing memory: first fit, neighbours that are free join. */

const alignment = 64;

export class Allocator {
  /** Free blocks by address; the last one ends where the memory ends. */
  readonly #free: { address: number; bytes: number }[] = [];
  readonly #sizes = new Map<number, number>();
  readonly #grow: (bytes: number) => void;
  #end: number;
  /** Bytes handed out now, and the most there were. */
  used = 0;
  peak = 0;

  /** `grow` makes the memory at least that long; it throws a RangeError when it cannot. */
  constructor(start: number, grow: (bytes: number) => void) {
    this.#end = Math.ceil(start / alignment) * alignment;
    this.#grow = grow;
  }

  allocate(bytes: number): number {
    const size = Math.max(alignment, Math.ceil(bytes / alignment) * alignment);
    let index = this.#free.findIndex((f) => f.bytes >= size);
    if (index < 0) {
      const last = this.#free.at(-1);
      const reused = last && last.address + last.bytes === this.#end ? last.bytes : 0;
      this.#grow(this.#end + size - reused);
      if (reused > 0) last!.bytes = size;
      else this.#free.push({ address: this.#end, bytes: size });
      this.#end += size - reused;
      index = this.#free.length - 1;
    }
    const found = this.#free[index]!;
    const { address } = found;
    if (found.bytes === size) this.#free.splice(index, 1);
    else {
      found.address += size;
      found.bytes -= size;
    }
    this.#sizes.set(address, size);
    this.used += size;
    this.peak = Math.max(this.peak, this.used);
    return address;
  }

  free(address: number): void {
    const bytes = this.#sizes.get(address);
    if (bytes === undefined) throw new Error("internal error: memory is freed that nobody had");
    this.#sizes.delete(address);
    this.used -= bytes;
    let index = this.#free.findIndex((f) => f.address > address);
    if (index < 0) index = this.#free.length;
    this.#free.splice(index, 0, { address, bytes });
    const [before, own, after] = [this.#free[index - 1], this.#free[index]!, this.#free[index + 1]];
    if (after && own.address + own.bytes === after.address) {
      own.bytes += after.bytes;
      this.#free.splice(index + 1, 1);
    }
    if (before && before.address + before.bytes === own.address) {
      before.bytes += own.bytes;
      this.#free.splice(index, 1);
    }
  }
}
