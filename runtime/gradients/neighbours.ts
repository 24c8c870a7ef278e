/**
 * Whether what two computations disagree about is decided by rounding: at a kink, and at a tie of numbers that were rounded
 * apart, either side is right. That is not judged by the program's text but seen, by evaluating at inputs that are moved
 * by rounding's size.
 */
import { placesApart, type Values } from "./program-identities.ts";
import type { Move } from "./programs/program.ts";
import type { Shown } from "./property-script.ts";

/** Scaled once, and every entry up or down on its own so many times: each takes half of all ties apart one way. */
const ways = 6;

export class Neighbours {
  readonly #here: Values;
  readonly #at: (move: Move) => Promise<Values | string>;
  readonly #known = new Map<string, Values | string>();

  /** `here`: the values at the point itself; `at` gives those at a moved one, or what is wrong there. */
  constructor(here: Values, at: (move: Move) => Promise<Values | string>) {
    this.#here = here;
    this.#at = at;
  }

  /**
   * Whether values jump when the point is moved by about `growth`: each of the entries `places` of each array in `shown`
   * at one neighbour or another, or any entry when they are left out. So does a value next to where the program stops.
   */
  async jumps(
    shown: readonly Shown[],
    tolerance: number,
    growth: number,
    places?: readonly number[],
  ): Promise<boolean> {
    const left = new Set(places);
    for (let way = 0; way < ways; way++) {
      const there = await this.#value({ growth, way });
      if (typeof there === "string") return true;
      for (const name of shown) {
        const apart = placesApart(this.#here.get(name)!, there.get(name)!, tolerance / 4);
        if (apart === undefined || (places === undefined && apart.length > 0)) return true;
        for (const place of apart) left.delete(place);
      }
      if (places !== undefined && left.size === 0) return true;
    }
    return false;
  }

  async #value(move: Move): Promise<Values | string> {
    const key = `${move.growth} ${move.way}`;
    const known = this.#known.get(key) ?? (await this.#at(move));
    this.#known.set(key, known);
    return known;
  }
}
