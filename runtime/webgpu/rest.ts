/**
 * Waiting for a device without keeping a processor busy. In Node the `webgpu` package asks the device again and again
 * while anything is waited for, on the thread of the program, and adapters that compute on the CPU need that processor.
 * So most of the time that something took before is slept, before it is waited for.
 */

import { milliseconds } from "../clock.ts";

/** Of the time that something takes, how much is slept at first, and at most. */
const firstShare = 0.5;
const largestShare = 0.85;
/** What takes less is waited for at once, in milliseconds: most of it may be the asking itself. */
const shortest = 20;
/** No rest is longer, should a clock be wrong. */
const longest = 2000;
/** One time of so many nothing is slept, to see how long something takes by itself. */
const between = 8;
/** With a rest it may take so many times as long as without: else less is slept. */
const tolerance = 1.1;
/** So many things are remembered. */
const mostKnown = 256;

export interface Clock {
  /** Milliseconds from any fixed moment. */
  now(): number;
  sleep(milliseconds: number): Promise<void>;
}

const realClock: Clock = {
  now: milliseconds,
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

interface Known {
  /** How long it takes without a rest. */
  readonly milliseconds: number;
  readonly share: number;
  /** Since that was seen. */
  readonly uses: number;
}

/** How long what has the same name took, of late. */
export class Rests {
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();

  constructor(clock: Clock = realClock) {
    this.#clock = clock;
  }

  /**
   * Sleeps as long as suits what was begun just now, and waits for it then. `during` makes of a rest what ends sooner
   * when there is nothing to wait for any more.
   */
  async until<T>(
    name: string,
    wait: () => Promise<T>,
    during: (rest: Promise<void>) => Promise<void> = (rest) => rest,
  ): Promise<T> {
    const begin = this.#clock.now();
    const known = this.#known.get(name);
    const isSeen = known === undefined || known.milliseconds < shortest || known.uses >= between;
    if (!isSeen) await during(this.#clock.sleep(Math.min(longest, known.share * known.milliseconds)));
    const result = await wait();
    const took = this.#clock.now() - begin;
    if (this.#known.size >= mostKnown && known === undefined) this.#known.clear();
    this.#known.set(name, isSeen ? seen(known, took) : rested(known, took));
    return result;
  }
}

const seen = (known: Known | undefined, took: number): Known => ({
  milliseconds: took,
  share: known?.share ?? firstShare,
  uses: 0,
});

/** After a rest: a longer one if it cost nothing, half of it if it did. */
const rested = ({ milliseconds, share, uses }: Known, took: number): Known => ({
  milliseconds: Math.min(milliseconds, took),
  share: took > tolerance * milliseconds ? share / 2 : Math.min(largestShare, share + 0.1),
  uses: uses + 1,
});
