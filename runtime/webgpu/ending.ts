/** Ends a solve between two submissions: the loop that runs it gets no more steps than it has taken. */
import type { TickControl } from "../../compiler/core/primitive.ts";
import { header, loopWords, paused } from "../../compiler/target/wgsl/control.ts";
import { firstBlock, type LoopRegion, lastBlock, type Program } from "../../compiler/target/wgsl/program.ts";

/** The loop whose step was reported last, as long as it is at work and ends by its condition; see `scan` for the same. */
export function solveAtWork(program: Program, state: Uint32Array): LoopRegion | undefined {
  const event = state[header.progress]! - 1;
  const place = state[header.counter] === paused ? state[header.resume]! : state[header.counter]!;
  return program.loops.find(
    (loop) =>
      loop.step.progress?.event === event &&
      loop.step.condition !== undefined &&
      !loop.step.reverse &&
      firstBlock(loop) <= place &&
      place <= lastBlock(loop),
  );
}

/** What may be asked between two submissions. `write` changes a word of the state, on the device. */
export function controlOf(
  loop: LoopRegion | undefined,
  state: Uint32Array,
  write: (place: number, word: number) => void,
): TickControl {
  return {
    stop: () => {
      if (loop === undefined) return;
      // The step at work is the last one, whichever it is.
      const place = loop.row + loopWords.limit;
      state[place] = 0;
      write(place, 0);
    },
    watch: () => {},
  };
}
