/** What Ctrl-C does to a running script: the solve at work ends at its current iterate, and is shown and saved as such. */
import type { TickControl } from "../../compiler/core/primitive.ts";
import { countedIterations, shortNumber } from "../../compiler/numbers.ts";
import { type Diagnostic, warningAt } from "../../compiler/syntax/diagnostic.ts";
import type { Span } from "../../compiler/syntax/tree.ts";
import { Interrupted } from "./outcome.ts";
import type { Tick } from "./progress.ts";

/**
 * Milliseconds in which a solve must come to the end of a step, once it is known that one runs: less than the command
 * waits for.
 */
const patience = 2500;
/** The same before any solve has reported: there may be none. */
const patienceWithoutSolve = 300;

export class Interruption {
  readonly #isInterrupted: () => boolean;
  readonly #now: () => number;
  #runningSolve = false;
  #asked: number | undefined;
  #stopped = false;
  #told = false;

  constructor(isInterrupted: () => boolean, now: () => number) {
    this.#isInterrupted = isInterrupted;
    this.#now = now;
  }

  /** True when a solve was ended before its time. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /**
   * One iteration of a loop has passed. Throws Interrupted when the run is to stop and there is no solve that could end
   * where it is, or one has ended so already: what follows from it may be shown, but nothing new is solved.
   */
  tick(progress: Tick | undefined, control: TickControl | undefined): void {
    if (progress) this.#runningSolve = true;
    if (!this.#isInterrupted()) return;
    if (this.#stopped) {
      if (progress) throw new Interrupted();
      control?.watch();
      return;
    }
    if (!control) throw new Interrupted();
    if (progress) {
      this.#stopped = true;
      control.stop();
      return;
    }
    const now = this.#now();
    this.#asked ??= now;
    if (now - this.#asked > (this.#runningSolve ? patience : patienceWithoutSolve)) throw new Interrupted();
    control.watch();
  }

  /** A solve has ended; gives the warning that it ended early, if it is the one. */
  ended(statusName: string, iterations: number, error: number, span: Span | undefined): Diagnostic | undefined {
    this.#runningSolve = false;
    if (!this.#stopped || this.#told || statusName !== "running") return undefined;
    this.#told = true;
    const reached = Number.isNaN(error) ? "" : `, with error ${shortNumber(error)}`;
    return warningAt(
      "K1095",
      span,
      `This solve was interrupted after ${countedIterations(iterations)}${reached}: it is not finished.`,
      { help: "What is shown and saved from here on is made of the best point it had found." },
    );
  }
}
