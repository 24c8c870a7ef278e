/** Which solver to report on, and when: the outermost one that has run for half a second. */

export interface Tick {
  readonly iteration: number;
  readonly value: number;
  readonly error: number;
  readonly expression: string;
}

export interface Progress extends Tick {
  /** Iterations a second. */
  readonly rate: number;
}

const patience = 500;
const interval = 100;

interface Running {
  readonly since: number;
  readonly firstIteration: number;
  iteration: number;
}

export class ProgressMeter {
  readonly #running = new Map<string, Running>();
  readonly #now: () => number;
  #reported = Number.NEGATIVE_INFINITY;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** What to report after this tick, if anything. */
  tick(tick: Tick): Progress | undefined {
    const now = this.#now();
    let running = this.#running.get(tick.expression);
    if (running === undefined || tick.iteration < running.iteration) {
      // A solver that starts again, as an inner one does, is a new one.
      running = { since: now, firstIteration: tick.iteration, iteration: tick.iteration };
      this.#running.set(tick.expression, running);
    }
    running.iteration = tick.iteration;
    const elapsed = now - running.since;
    if (elapsed < patience || now - this.#reported < interval || this.#oldest() !== tick.expression) return undefined;
    this.#reported = now;
    return { ...tick, rate: ((tick.iteration - running.firstIteration) * 1000) / elapsed };
  }

  ended(expression: string): void {
    this.#running.delete(expression);
  }

  #oldest(): string | undefined {
    let oldest: [string, Running] | undefined;
    for (const entry of this.#running) if (oldest === undefined || entry[1].since < oldest[1].since) oldest = entry;
    return oldest?.[0];
  }
}
