/** Threads that help whoever runs a plan with its large kernels. */
import { control } from "../../compiler/target/wasm/team.ts";
import type { CompiledPlan } from "./compiled.ts";
import { startThread, type Thread } from "./platform.ts";

/** Starting threads takes some ten milliseconds: it is worth it after this many instructions of such kernels. */
const worthStarting = 30_000_000;

export class Team {
  readonly #memory: WebAssembly.Memory;
  readonly #words: Int32Array;
  /** The one that runs the plan counts. */
  readonly #threads: number;
  #helpers: { readonly thread: Thread; readonly known: Set<number> }[] | undefined;
  readonly #instructionsBeforeStart: number;
  #instructions = 0;
  #current = 0;
  /** How often threads were ended that may still do something. */
  #ending = 0;

  constructor(memory: WebAssembly.Memory, threads: number, instructionsBeforeStart = worthStarting) {
    this.#memory = memory;
    this.#threads = threads;
    this.#instructionsBeforeStart = instructionsBeforeStart;
    this.#words = new Int32Array(memory.buffer, 0, 256);
  }

  /** Calls the threads to help with a plan; gives the number of the team, or 0 when it is to be run alone. */
  gather(plan: CompiledPlan): number {
    if (this.#threads < 2 || !plan.hasJobs || this.#ending > 0) return 0;
    this.#instructions += plan.work.total;
    if (!this.#helpers && this.#instructions < this.#instructionsBeforeStart) return 0;
    this.#helpers ??= this.#start();
    if (this.#helpers.length === 0) return 0;
    if (this.#current === plan.id) return plan.id;
    this.#current = plan.id;
    for (const { thread, known } of this.#helpers) {
      if (!known.has(plan.id)) thread.post({ kind: "module", id: plan.id, module: plan.module });
      known.add(plan.id);
      thread.post({ kind: "serve", id: plan.id });
    }
    Atomics.store(this.#words, control.team / 4, plan.id);
    this.#wake();
    return plan.id;
  }

  /** Chunks of kernels that the threads have done so far. */
  get helped(): number {
    return Atomics.load(this.#words, control.helped / 4);
  }

  #start() {
    const helpers: { readonly thread: Thread; readonly known: Set<number> }[] = [];
    for (let slot = 1; slot < this.#threads; slot++) {
      const listener = { onMessage: () => {}, onEnd: () => {} };
      const thread = startThread(listener);
      if (!thread) break;
      thread.post({ kind: "start", memory: this.#memory, slot });
      helpers.push({ thread, known: new Set() });
    }
    return helpers;
  }

  #wake(): void {
    Atomics.add(this.#words, control.generation / 4, 1);
    Atomics.notify(this.#words, control.generation / 4);
  }

  /** A plan that nobody will run again. */
  forget(id: number): void {
    for (const { thread, known } of this.#helpers ?? []) if (known.delete(id)) thread.post({ kind: "forget", id });
    if (this.#current !== id) return;
    this.#current = 0;
    Atomics.store(this.#words, control.team / 4, 0);
    this.#wake();
  }

  /**
   * Ends the threads in the middle of what they do, and the one that ran the plan is ended too: `isGone`. Whether all are
   * known to do nothing any more. Plans are run alone until then, since these would take part; later ones get new threads.
   */
  async end(isGone: Promise<boolean>): Promise<boolean> {
    const helpers = this.#helpers ?? [];
    if (this.#helpers?.length) this.#helpers = undefined;
    this.#current = 0;
    this.#ending += 1;
    const areGone = await Promise.all([isGone, ...helpers.map(({ thread }) => thread.terminate())]);
    if (areGone.includes(false)) return false;
    this.#ending -= 1;
    if (this.#ending > 0) return true;
    // The job that nobody finishes is not to be found by those who come next.
    for (const word of ["team", "claim", "unfinished", "fault"] as const) this.#words[control[word] / 4] = 0;
    this.#words[control.claim / 4 + 1] = 0;
    return true;
  }

  dispose(): void {
    for (const { thread } of this.#helpers ?? []) void thread.terminate();
    this.#helpers = [];
  }
}
