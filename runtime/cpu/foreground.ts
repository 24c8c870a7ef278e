/** Runs plans on this thread. */
import type { EvaluationContext, TickControl } from "../../compiler/core/primitive.ts";
import type { CompiledPlan, PlanExports } from "./compiled.ts";
import { deliverEvent } from "./events.ts";
import { faultMessage, type ThreadEvent, tickMilliseconds } from "./thread-source.ts";

/** A run that would have taken too long here: nothing of it was told, and it may be run again. */
export class Postponed extends Error {}

/** Instructions that may pass before an attempt looks at the clock for the first time. */
const instructionsBeforeLook = 1_000_000;

interface Host {
  onEvent(event: ThreadEvent): void;
  /** Iterations that may pass until the next call; a negative number ends the solve whose loop it is. */
  onTick(tick: Extract<ThreadEvent, { kind: "tick" }>): number;
  /** Around each step, where plans are timed. */
  readonly onClock?: ((step: number) => void) | undefined;
}

export class Foreground {
  readonly #memory: WebAssembly.Memory;
  readonly #now: () => number;
  readonly #instances = new WeakMap<CompiledPlan, PlanExports>();
  /** What the run at work tells; runs may begin while another one is being told about. */
  #host: Host | undefined;
  #lastTick = 0;
  #stride = 1000;

  constructor(memory: WebAssembly.Memory, now: () => number) {
    this.#memory = memory;
    this.#now = now;
  }

  /** Runs a plan to its end; throws what the context throws. */
  run(
    plan: CompiledPlan,
    addresses: readonly number[],
    context: EvaluationContext,
    { team, clock }: { readonly team: number; readonly clock?: (step: number) => void },
  ): void {
    let thrown: { readonly error: unknown } | undefined;
    const deliver = (event: ThreadEvent) => deliverEvent(plan.plan, event, this.#memory, context);
    const failed = this.#call(plan, addresses, team, {
      onEvent: (event) => {
        if (event.kind !== "check") return deliver(event);
        // Kept until the plan has returned, which frees what it holds.
        try {
          deliver(event);
        } catch (error) {
          thrown = { error };
        }
      },
      onTick: (tick) => {
        let answer = this.#nextStride();
        const control: TickControl = {
          stop: () => {
            answer = -1;
          },
          watch: () => {
            answer = 1;
          },
        };
        deliverEvent(plan.plan, tick, this.#memory, context, control);
        return answer;
      },
      onClock: clock,
    });
    if (thrown) throw thrown.error;
    if (failed) throw new Error("internal error: a check failed without a failure");
  }

  /** Runs a plan if it ends within some milliseconds; otherwise throws Postponed before the context hears anything. */
  attempt(
    plan: CompiledPlan,
    addresses: readonly number[],
    context: EvaluationContext,
    { team, patience }: { readonly team: number; readonly patience: number },
  ): void {
    const events: ThreadEvent[] = [];
    const begun = this.#now();
    let stride = Math.max(1, Math.min(1000, Math.round(instructionsBeforeLook / Math.max(1, plan.work.iteration))));
    let last = begun;
    this.#exportsOf(plan).countdown.value = stride;
    this.#call(plan, addresses, team, {
      onEvent: (event) => events.push(event),
      onTick: () => {
        const now = this.#now();
        if (now - begun > patience) throw new Postponed();
        stride = Math.max(1, Math.round(stride * Math.min(2, patience / 4 / Math.max(now - last, 0.001))));
        last = now;
        return stride;
      },
    });
    for (const event of events) deliverEvent(plan.plan, event, this.#memory, context);
  }

  #call(plan: CompiledPlan, addresses: readonly number[], team: number, host: Host): boolean {
    const exports = this.#exportsOf(plan);
    const outside = this.#host;
    this.#host = host;
    if (exports.team) exports.team.value = team;
    try {
      return exports.run(...addresses) !== 0;
    } catch (error) {
      exports.settle?.();
      throw error;
    } finally {
      this.#host = outside;
    }
  }

  /** As many iterations as take about `tickMilliseconds`. */
  #nextStride(): number {
    const now = this.#now();
    const passed = Math.max(now - this.#lastTick, 0.01);
    if (this.#lastTick > 0)
      this.#stride = Math.max(
        1,
        Math.min(100_000_000, Math.round((this.#stride * tickMilliseconds) / passed), this.#stride * 4),
      );
    this.#lastTick = now;
    return this.#stride;
  }

  #exportsOf(plan: CompiledPlan): PlanExports {
    let found = this.#instances.get(plan);
    if (found) return found;
    const instance = new WebAssembly.Instance(plan.module, {
      env: { memory: this.#memory },
      host: {
        check: (event: number, address: number) => this.#host!.onEvent({ kind: "check", event, address }),
        report: (event: number, status: number, iterations: number, error: number) =>
          this.#host!.onEvent({ kind: "report", event, status, iterations, error }),
        tick: (event: number, iteration: number, value: number, error: number) =>
          this.#host!.onTick({ kind: "tick", event, iteration, value, error }),
        clock: (step: number) => this.#host!.onClock?.(step),
        fault: () => {
          throw new Error(faultMessage);
        },
      },
    });
    found = instance.exports as unknown as PlanExports;
    this.#instances.set(plan, found);
    return found;
  }
}
