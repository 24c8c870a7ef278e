/** A growing array of bytes, with the number formats of WebAssembly. */
export class Bytes {
  #data: Uint8Array<ArrayBuffer>;
  #view: DataView;
  length = 0;

  constructor(capacity = 256) {
    this.#data = new Uint8Array(capacity);
    this.#view = new DataView(this.#data.buffer);
  }

  /** What has been written; valid until more is. */
  written(): Uint8Array<ArrayBuffer> {
    return this.#data.subarray(0, this.length);
  }

  #reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.#data.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#data.length));
    larger.set(this.written());
    this.#data = larger;
    this.#view = new DataView(larger.buffer);
  }

  byte(x: number): void {
    if (this.length === this.#data.length) this.#reserve(1);
    this.#data[this.length++] = x;
  }

  bytes(all: ArrayLike<number>): void {
    this.#reserve(all.length);
    this.#data.set(all, this.length);
    this.length += all.length;
  }

  /** LEB128, 0 <= x < 2^32. */
  unsigned(x: number): void {
    let rest = x;
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest);
  }

  /** Signed LEB128 of a 32-bit integer. */
  signed(x: number): void {
    let rest = x | 0;
    while (rest < -0x40 || rest > 0x3f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    this.byte(rest & 0x7f);
  }

  /** Signed LEB128 of a 64-bit integer. */
  signed64(x: bigint): void {
    let rest = BigInt.asIntN(64, x);
    while (rest < -0x40n || rest > 0x3fn) {
      this.byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.byte(Number(rest & 0x7fn));
  }

  float32(x: number): void {
    this.#reserve(4);
    this.#view.setFloat32(this.length, x, true);
    this.length += 4;
  }

  float64(x: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.length, x, true);
    this.length += 8;
  }

  /** A length and that many bytes. */
  block(content: Bytes): void {
    this.unsigned(content.length);
    this.bytes(content.written());
  }

  text(s: string): void {
    const encoded = new TextEncoder().encode(s);
    this.unsigned(encoded.length);
    this.bytes(encoded);
  }
}
