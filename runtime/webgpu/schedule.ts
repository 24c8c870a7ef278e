/** Which blocks of a program to encode next: loops some number of times, from where the program is. */
import { finished, header, loopWords } from "../../compiler/target/wgsl/control.ts";
import type { LoopRegion, Program, Region } from "../../compiler/target/wgsl/program.ts";

/** A loop inside another is encoded as often as it took steps until now, about, and at most this often. */
const mostInnerRepeats = 64;
/** Before it has taken any. */
const firstInnerRepeats = 4;

/**
 * Blocks in the order in which to run them. They never leave out one that comes next, so each round makes progress,
 * whatever else it runs in vain. `budget`: about how many dispatches there may be; one round of a loop is encoded in
 * any case.
 */
export function scheduleBlocks(program: Program, state: Uint32Array, budget: number): number[] {
  const schedule = new Schedule(program, state);
  const counter = state[header.counter]!;
  if (counter === finished) return [];
  const start = counter < program.blocks.length ? counter : state[header.resume]!;
  for (const region of program.regions) {
    if (lastBlock(region) < start) continue;
    if (schedule.cost >= budget && schedule.blocks.length > 0) break;
    if (region.kind === "block") {
      schedule.region(region);
      continue;
    }
    const left = schedule.stepsLeft(region);
    schedule.round(region);
    const cost = Math.max(schedule.costOfLast, 1);
    const rounds = Math.min(left, Math.max(1, Math.floor((budget - schedule.cost) / cost) + 1));
    for (let n = 1; n < rounds; n++) schedule.round(region);
    // What comes after a loop that may go on would most likely run in vain.
    if (rounds < left) break;
  }
  return schedule.blocks;
}

class Schedule {
  readonly blocks: number[] = [];
  cost = 0;
  /** Of the last round. */
  costOfLast = 0;
  readonly #program: Program;
  readonly #state: Uint32Array;

  constructor(program: Program, state: Uint32Array) {
    this.#program = program;
    this.#state = state;
  }

  region(region: Region): void {
    if (region.kind === "block") {
      this.blocks.push(region.block);
      this.cost += this.#program.blocks[region.block]!.commands.length;
      return;
    }
    const repeats = this.#repeats(region);
    for (let n = 0; n < repeats; n++) for (const r of region.body) this.region(r);
  }

  round(loop: LoopRegion): void {
    const before = this.cost;
    for (const r of loop.body) this.region(r);
    this.costOfLast = this.cost - before;
  }

  /** How many rounds end a loop: known when nothing but its length ends it, and one round is a step. */
  stepsLeft(loop: LoopRegion): number {
    if (loop.length === undefined || loop.body.some((r) => r.kind === "loop")) return Number.POSITIVE_INFINITY;
    const { taken, limit, entered } = loopWords;
    const isInside = this.#state[loop.row + entered]! > 0 && this.#isInside(loop);
    const left = isInside ? this.#state[loop.row + limit]! - this.#state[loop.row + taken]! : loop.length;
    return Math.max(left, 1);
  }

  #isInside(loop: LoopRegion): boolean {
    const counter = this.#state[header.counter]!;
    const at = counter < this.#program.blocks.length ? counter : this.#state[header.resume]!;
    return firstBlock(loop) <= at && at <= lastBlock(loop);
  }

  #repeats(loop: LoopRegion): number {
    const entered = this.#state[loop.row + loopWords.entered]!;
    const mean = entered > 0 ? this.#state[loop.row + loopWords.iterations]! / entered : firstInnerRepeats;
    return Math.max(1, Math.min(mostInnerRepeats, loop.length ?? Math.ceil(mean)));
  }
}

function firstBlock(region: Region): number {
  return region.kind === "block" ? region.block : firstBlock(region.body[0]!);
}

function lastBlock(region: Region): number {
  return region.kind === "block" ? region.block : lastBlock(region.body.at(-1)!);
}
