/** What a program did until now, in this run and earlier ones: how many steps its loops take, which ways its branches. */
import { branchWords, header, loopWords } from "../../compiler/target/wgsl/control.ts";
import {
  type Branch,
  firstBlock,
  type LoopRegion,
  lastBlock,
  type Program,
} from "../../compiler/target/wgsl/program.ts";

export class History {
  readonly #program: Program;
  /** The state's words, added up over the runs that are over. */
  readonly #before: Float64Array;

  constructor(program: Program) {
    this.#program = program;
    this.#before = new Float64Array(program.state.length);
  }

  /** Counts a run that is over. */
  keep(state: Uint32Array): void {
    const count = (place: number) => {
      this.#before[place]! += state[place]!;
    };
    for (const { row } of this.#program.loops)
      for (const w of [loopWords.entered, loopWords.iterations]) count(row + w);
    for (const { row } of this.#program.branches)
      for (const w of [branchWords.then, branchWords.otherwise]) count(row + w);
  }

  /** How many steps a loop took on average when it was over; undefined when it never was. */
  meanSteps(loop: LoopRegion, state: Uint32Array): number | undefined {
    const isInside = isInLoop(loop, state);
    const times = this.#all(loop.row + loopWords.entered, state) - (isInside ? 1 : 0);
    const steps = this.#all(loop.row + loopWords.iterations, state) - (isInside ? stepsTaken(loop, state) : 0);
    return times > 0 ? steps / times : undefined;
  }

  /** How likely the first way of a branch is. */
  likelihood(branch: Branch, state: Uint32Array): number {
    const then = this.#all(branch.row + branchWords.then, state);
    const otherwise = this.#all(branch.row + branchWords.otherwise, state);
    return (then + 0.5) / (then + otherwise + 1);
  }

  #all(place: number, state: Uint32Array): number {
    return this.#before[place]! + state[place]!;
  }
}

/** Whether a loop's step is to be gone on with. */
export function isInLoop(loop: LoopRegion, state: Uint32Array): boolean {
  const counter = state[header.counter]!;
  return firstBlock(loop) <= counter && counter <= lastBlock(loop);
}

/** Of the loop as it was last entered. */
export const stepsTaken = (loop: LoopRegion, state: Uint32Array): number => state[loop.row + loopWords.taken]!;
