/** What to encode next of a program: loops some number of times, from where the program is. */
import { header, loopWords } from "../../compiler/target/wgsl/control.ts";
import {
  firstBlock,
  type LoopRegion,
  lastBlock,
  type Program,
  type Region,
} from "../../compiler/target/wgsl/program.ts";

/** A loop inside another is encoded as often as it took steps until now, about, and at most this often. */
const mostInnerRepeats = 64;
/** Before it has taken any. */
const firstInnerRepeats = 4;

/** A piece of the resident workgroup, or the commands of a block and its tail: by the piece that can do it, or not. */
export type Turn =
  | { readonly kind: "piece"; readonly piece: number }
  | { readonly kind: "block"; readonly block: number; readonly isByPiece: boolean };

/** Whether a piece of the resident workgroup does the tails of its blocks, which are else dispatched. */
export type IsByPiece = (piece: number) => boolean;

/** The piece that does the tail of a block. */
export function tailPiece(program: Program, block: number, isByPiece: IsByPiece): number | undefined {
  const piece = program.resident.pieceOf[block];
  return piece !== undefined && isByPiece(piece) ? piece : undefined;
}

/**
 * Turns in the order in which to run them. They never leave out one that comes next, so each round makes progress,
 * whatever else it runs in vain. `budget`: about how many dispatches there may be; one round of a loop is encoded in
 * any case.
 */
export function scheduleTurns(
  program: Program,
  state: Uint32Array,
  budget: number,
  isByPiece: IsByPiece,
): { readonly turns: readonly Turn[]; readonly dispatches: number } {
  const schedule = new Schedule(program, state, isByPiece);
  const counter = state[header.counter]!;
  for (const region of program.regions) {
    if (lastBlock(region) < counter) continue;
    if (schedule.cost >= budget && schedule.turns.length > 0) break;
    if (!schedule.isEncoded(region)) {
      schedule.region(region);
      continue;
    }
    const loop = region as LoopRegion;
    const left = schedule.stepsLeft(loop);
    schedule.round(loop);
    const cost = Math.max(schedule.costOfLast, 1);
    const rounds = Math.min(left, Math.max(1, Math.floor((budget - schedule.cost) / cost) + 1));
    for (let n = 1; n < rounds; n++) schedule.round(loop);
    // What comes after a loop that may go on would most likely run in vain.
    if (rounds < left) break;
  }
  return { turns: schedule.turns, dispatches: schedule.cost };
}

class Schedule {
  readonly turns: Turn[] = [];
  cost = 0;
  /** Of the last round. */
  costOfLast = 0;
  readonly #program: Program;
  readonly #state: Uint32Array;
  readonly #isByPiece: IsByPiece;
  /** The piece that went before, which has done what it can. */
  #last: number | undefined;

  constructor(program: Program, state: Uint32Array, isByPiece: IsByPiece) {
    this.#program = program;
    this.#state = state;
    this.#isByPiece = isByPiece;
  }

  /** Whether a region is a loop whose steps take dispatches of their own. */
  isEncoded(region: Region): boolean {
    if (region.kind === "block") return false;
    const { blocks } = this.#program;
    const [first, last] = [firstBlock(region), lastBlock(region)];
    const piece = this.#pieceOf(first);
    if (piece === undefined || piece !== this.#pieceOf(last)) return true;
    for (let b = first; b <= last; b++) if (blocks[b]!.commands.length > 0) return true;
    return false;
  }

  region(region: Region): void {
    if (region.kind === "block") {
      this.#block(region.block);
      return;
    }
    const repeats = this.isEncoded(region) ? this.#repeats(region) : 1;
    for (let n = 0; n < repeats; n++) for (const r of region.body) this.region(r);
  }

  #block(block: number): void {
    const { commands, tail } = this.#program.blocks[block]!;
    const piece = this.#pieceOf(block);
    if (piece === undefined) this.#add({ kind: "block", block, isByPiece: false }, commands.length + tail.length);
    else if (commands.length > 0) this.#add({ kind: "block", block, isByPiece: true }, commands.length + 1);
    else if (piece !== this.#last) this.#add({ kind: "piece", piece }, 1);
    this.#last = piece;
  }

  #pieceOf(block: number): number | undefined {
    return tailPiece(this.#program, block, this.#isByPiece);
  }

  #add(turn: Turn, dispatches: number): void {
    this.turns.push(turn);
    this.cost += dispatches;
  }

  round(loop: LoopRegion): void {
    const before = this.cost;
    for (const r of loop.body) this.region(r);
    this.costOfLast = this.cost - before;
  }

  /** How many rounds end a loop: known when nothing but its length ends it, and one round is a step. */
  stepsLeft(loop: LoopRegion): number {
    if (loop.length === undefined || loop.body.some((r) => this.isEncoded(r))) return Number.POSITIVE_INFINITY;
    const { taken, limit, entered } = loopWords;
    const isInside = this.#state[loop.row + entered]! > 0 && this.#isInside(loop);
    const left = isInside ? this.#state[loop.row + limit]! - this.#state[loop.row + taken]! : loop.length;
    return Math.max(left, 1);
  }

  #isInside(loop: LoopRegion): boolean {
    const counter = this.#state[header.counter]!;
    return firstBlock(loop) <= counter && counter <= lastBlock(loop);
  }

  #repeats(loop: LoopRegion): number {
    const entered = this.#state[loop.row + loopWords.entered]!;
    const mean = entered > 0 ? this.#state[loop.row + loopWords.iterations]! / entered : firstInnerRepeats;
    return Math.max(1, Math.min(mostInnerRepeats, loop.length ?? Math.ceil(mean)));
  }
}
