/** How much loops have cost that were dispatched step by step: when it is as much as compiling a piece for them. */
import { loopWords } from "../../compiler/target/wgsl/control.ts";
import type { Resident } from "../../compiler/target/wgsl/resident-plan.ts";

export class Heat {
  readonly #pieces: Resident["pieces"];
  readonly #patience: number;
  /** Dispatches of runs that are over. */
  readonly #before: number[];

  constructor({ pieces }: Resident, patience: number) {
    this.#pieces = pieces;
    this.#patience = patience;
    this.#before = pieces.map(() => 0);
  }

  /** Whether a piece's loops took so many steps, until the state of this run, that the piece should be compiled. */
  isEnough(piece: number, state: Uint32Array): boolean {
    return this.#before[piece]! + this.#until(piece, state) >= this.#patience * this.#pieces[piece]!.weight;
  }

  /** Counts a run that is over. */
  keep(state: Uint32Array): void {
    for (let n = 0; n < this.#pieces.length; n++) this.#before[n]! += this.#until(n, state);
  }

  #until(piece: number, state: Uint32Array): number {
    const { loops } = this.#pieces[piece]!;
    return loops.reduce((sum, { row, dispatches }) => sum + dispatches * state[row + loopWords.iterations]!, 0);
  }
}
