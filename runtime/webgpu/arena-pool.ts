/** Memory that programs take turns with: what one needs while it runs is there for the next one. */
import type { Device } from "./device.ts";
import { makeBuffers, wordBytes } from "./transfers.ts";

export interface Arena {
  readonly buffer: GPUBuffer;
  /** Whoever used it last: what it left there it finds again. */
  user: object | undefined;
}

export class ArenaPool {
  readonly #device: Device;
  #idle: Arena[] = [];
  #isClosed = false;

  constructor(device: Device) {
    this.#device = device;
  }

  /**
   * An arena of at least so many words, for as long as nobody gives it back: an idle one, best the user's last one. When
   * none is long enough the idle ones go first, so that memory is held once. Throws as `makeBuffers` does.
   */
  async take(words: number, user: object): Promise<Arena> {
    const fitting = this.#idle.filter(({ buffer }) => buffer.size >= words * wordBytes);
    const smallest = fitting.reduce<Arena | undefined>(
      (least, a) => (least && least.buffer.size <= a.buffer.size ? least : a),
      undefined,
    );
    const found = fitting.find((a) => a.user === user) ?? smallest;
    if (found) {
      this.#idle.splice(this.#idle.indexOf(found), 1);
      return found;
    }
    this.trim();
    const [buffer] = await makeBuffers(this.#device, [words], () => "data");
    return { buffer: buffer!, user: undefined };
  }

  give(arena: Arena): void {
    if (this.#isClosed) arena.buffer.destroy();
    else this.#idle.push(arena);
  }

  /** Gives back what nobody uses. */
  trim(): void {
    for (const { buffer } of this.#idle.splice(0)) buffer.destroy();
  }

  close(): void {
    this.#isClosed = true;
    this.trim();
  }
}
