/** What to encode next of a program: the way it will most likely take from where it is. */
import { header, loopWords } from "../../compiler/target/wgsl/control.ts";
import {
  type Branch,
  blocksOf,
  firstBlock,
  type LoopRegion,
  lastBlock,
  type Program,
  type Region,
} from "../../compiler/target/wgsl/program.ts";
import { type History, isInLoop, stepsTaken } from "./history.ts";

/** A loop is encoded this many times as often as it took steps on average: to end too early costs more than to go on. */
const caution = 1.2;
/** What it costs, in dispatches, to ask the host because the way that was taken was not encoded. */
const costOfAsking = 50;

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

/** How many dispatches a block takes when it comes after what another piece does, or none. */
export function costOfBlock(program: Program, block: number, isByPiece: IsByPiece): number {
  const { commands, tail } = program.blocks[block]!;
  return commands.length + (tailPiece(program, block, isByPiece) === undefined ? tail.length : 1);
}

export interface Schedule {
  readonly turns: readonly Turn[];
  readonly dispatches: number;
}

/**
 * Turns in the order in which to run them, from the block whose turn it is: so each submission makes progress, whatever
 * else it runs in vain. `budget`: about how many dispatches there may be; the first block is encoded in any case.
 */
export function scheduleTurns(
  program: Program,
  state: Uint32Array,
  budget: number,
  isByPiece: IsByPiece,
  history: History,
): Schedule {
  const path = new Path(program, state, budget, isByPiece, history);
  path.follow(program.regions, state[header.counter]!);
  return { turns: path.turns, dispatches: path.cost };
}

class Path {
  readonly turns: Turn[] = [];
  cost = 0;
  readonly #program: Program;
  readonly #state: Uint32Array;
  readonly #budget: number;
  readonly #isByPiece: IsByPiece;
  readonly #history: History;
  /** Where most likely nobody comes, until its branch is met again. */
  readonly #avoided = new Set<Branch["then"]>();
  /** The piece that went before, which has done what it can. */
  #last: number | undefined;

  constructor(program: Program, state: Uint32Array, budget: number, isByPiece: IsByPiece, history: History) {
    this.#program = program;
    this.#state = state;
    this.#budget = budget;
    this.#isByPiece = isByPiece;
    this.#history = history;
    const counter = state[header.counter]!;
    for (const { then, otherwise } of program.branches) {
      if (isWithin(then, counter)) this.#avoided.add(otherwise);
      if (isWithin(otherwise, counter)) this.#avoided.add(then);
    }
  }

  get #isFull(): boolean {
    return this.turns.length > 0 && this.cost >= this.#budget;
  }

  /** Regions in their order, from a block on when it is given. Returns whether what comes after them is worth a look. */
  follow(regions: readonly Region[], from?: number): boolean {
    let start = from;
    for (const region of regions) {
      if (start !== undefined && lastBlock(region) < start) continue;
      if (this.#isAvoided(firstBlock(region))) continue;
      if (this.#isFull) return false;
      if (region.kind === "block") this.#block(region.block);
      else if (!this.#loop(region, start)) return false;
      start = undefined;
    }
    return true;
  }

  #isAvoided(block: number): boolean {
    for (const way of this.#avoided) if (isWithin(way, block)) return true;
    return false;
  }

  #block(block: number): void {
    const piece = tailPiece(this.#program, block, this.#isByPiece);
    const { commands } = this.#program.blocks[block]!;
    const cost = costOfBlock(this.#program, block, this.#isByPiece);
    if (piece === undefined || commands.length > 0)
      this.#add({ kind: "block", block, isByPiece: piece !== undefined }, cost);
    else if (piece !== this.#last) this.#add({ kind: "piece", piece }, cost);
    this.#last = piece;
    const branch = this.#program.branchOf.get(block);
    if (branch) this.#choose(branch);
  }

  #add(turn: Turn, dispatches: number): void {
    this.turns.push(turn);
    this.cost += dispatches;
  }

  /** Leaves out a way of a branch that most likely is not taken, unless it costs little to be on the safe side. */
  #choose(branch: Branch): void {
    const likelihood = this.#history.likelihood(branch, this.#state);
    const decide = (way: Branch["then"], likelihood: number) => {
      const isWorthIt = likelihood * costOfAsking >= (1 - likelihood) * this.#costOfWay(way);
      if (likelihood >= 0.5 || isWorthIt) this.#avoided.delete(way);
      else this.#avoided.add(way);
    };
    decide(branch.then, likelihood);
    decide(branch.otherwise, 1 - likelihood);
  }

  #costOfWay({ first, last }: Branch["then"]): number {
    let cost = 0;
    for (let b = first; b <= last; b++) cost += costOfBlock(this.#program, b, this.#isByPiece);
    return cost;
  }

  /** As many rounds as a loop most likely still takes. */
  #loop(loop: LoopRegion, from: number | undefined): boolean {
    const first = this.follow(loop.body, from);
    if (!first || !this.#isEncoded(loop)) return first;
    const rounds = this.#rounds(loop, from !== undefined);
    for (let n = 1; n < rounds; n++) if (this.#isFull || !this.follow(loop.body)) return false;
    return true;
  }

  /** Whether the steps of a loop take dispatches of their own. */
  #isEncoded(loop: LoopRegion): boolean {
    const blocks = blocksOf(loop.body);
    const piece = tailPiece(this.#program, blocks[0]!, this.#isByPiece);
    if (piece === undefined) return true;
    return blocks.some(
      (b) => this.#program.blocks[b]!.commands.length > 0 || tailPiece(this.#program, b, this.#isByPiece) !== piece,
    );
  }

  /** At least one; without end when there is nothing to go by. `isGoingOn`: for a step that has begun and what follows. */
  #rounds(loop: LoopRegion, isGoingOn: boolean): number {
    const isInside = isGoingOn && isInLoop(loop, this.#state);
    const taken = isInside ? stepsTaken(loop, this.#state) : 0;
    if (loop.length !== undefined) {
      const all = isInside ? this.#state[loop.row + loopWords.limit]! : loop.length;
      return Math.max(1, all - taken);
    }
    const mean = this.#history.meanSteps(loop, this.#state);
    if (mean === undefined) return Number.POSITIVE_INFINITY;
    const expected = Math.ceil(caution * mean) - taken;
    // One that has gone on for longer than ever may go on for some time.
    return expected > 0 ? expected : Math.ceil(taken / 2) + 1;
  }
}

const isWithin = ({ first, last }: Branch["then"], block: number): boolean => first <= block && block <= last;

/** About how many dispatches did something between two states. */
export function usefulDispatches(
  program: Program,
  before: Uint32Array,
  after: Uint32Array,
  isByPiece: IsByPiece,
): number {
  const cost = (first: number, end: number): number => {
    let sum = 0;
    for (let b = first; b < end; b++) sum += costOfBlock(program, b, isByPiece);
    return sum;
  };
  const steps = program.loops.reduce((sum, { row, body }) => {
    const count = after[row + loopWords.iterations]! - before[row + loopWords.iterations]!;
    if (count <= 0) return sum;
    return sum + count * body.reduce((n, r) => n + (r.kind === "block" ? cost(r.block, r.block + 1) : 0), 0);
  }, 0);
  const end = Math.min(after[header.counter]!, program.blocks.length);
  return Math.max(steps, cost(before[header.counter]!, end));
}
