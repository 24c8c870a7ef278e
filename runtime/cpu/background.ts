/**
 * A thread that runs plans while the caller's thread goes on. It works in the caller's memory, and is ended when it
 * does not hear soon enough that it should stop: a large kernel has no ticks. Where memory cannot be shared the thread
 * has one of its own, the operands and results are copied, and it is stopped by ending it.
 */
import { elementBytes } from "../../compiler/kernel/plan.ts";
import { DiagnosticError, errorAt } from "../../compiler/syntax/diagnostic.ts";
import { control, controlBytes } from "../../compiler/target/wasm/team.ts";
import type { CompiledPlan } from "./compiled.ts";
import { startThread, type Thread } from "./platform.ts";
import type { PrivateData, ThreadEvent, ThreadMessage } from "./thread-source.ts";

export interface BackgroundRun {
  readonly plan: CompiledPlan;
  readonly addresses: readonly number[];
  /** Iterations until the first tick. */
  readonly countdown: number;
  /** Asked when the run begins: the number of the team that helps, or 0. */
  readonly team: () => number;
  /** Called in order. What it throws stops the run at its next tick, and is what the run ends with. */
  readonly onEvent: (event: ThreadEvent) => void;
  /** Stops the run, which ends with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called when the thread is ended in the middle of the run: see `Thread.terminate`. The run ends when this has. */
  readonly onCut?: (isGone: Promise<boolean>) => Promise<void>;
}

/** A run that has not stopped so many milliseconds after it was told to is ended with its thread. */
const graceMilliseconds = 100;

/** Whether there was a thread to run it. */
export type BackgroundEnding = "done" | "unavailable";

/** The thread went away by itself, and who knows how far it came. */
export class LostThread extends DiagnosticError {
  constructor(reason: Error) {
    super(
      errorAt("K0975", undefined, `The thread that computed this ended before it was done: ${reason.message}`, {
        help: "If memory ran out, use smaller sizes. What is computed next gets a new thread.",
      }),
    );
  }
}

export class Background {
  readonly #memory: WebAssembly.Memory;
  /** Undefined where the memory is not shared. */
  readonly #words: Int32Array | undefined;
  #thread: Thread | undefined;
  readonly #known = new Set<number>();
  /** Whether a thread has ever said anything: if not, threads may be forbidden here. */
  #answered = false;
  #available = true;
  /** The runs before, one after the other. */
  #before: Promise<unknown> = Promise.resolve();
  #listener: { readonly onMessage: (m: ThreadMessage) => void; readonly onEnd: (error: unknown) => void } | undefined;
  /** Runs that have not ended. */
  active = 0;

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
    if (!(memory.buffer instanceof ArrayBuffer)) this.#words = new Int32Array(memory.buffer, 0, 256);
  }

  /** Runs a plan after those that were asked for before it. Rejects with what was thrown, there or by `onEvent`. */
  async run(request: BackgroundRun): Promise<BackgroundEnding> {
    this.active += 1;
    const turn = this.#before.then(() => this.#run(request));
    this.#before = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      this.active -= 1;
    }
  }

  async #run(request: BackgroundRun): Promise<BackgroundEnding> {
    const { plan, addresses, countdown, team, onEvent, signal, onCut } = request;
    signal?.throwIfAborted();
    this.#thread ??= this.#start();
    const thread = this.#thread;
    if (!thread) return "unavailable";
    if (this.#words) Atomics.store(this.#words, control.stop / 4, 0);
    if (!this.#known.has(plan.id)) thread.post({ kind: "module", id: plan.id, module: plan.module });
    this.#known.add(plan.id);
    let thrown: { readonly error: unknown } | undefined;
    let patience: ReturnType<typeof setTimeout> | undefined;
    const stop = (error: unknown) => {
      if (thrown) return;
      thrown = { error };
      if (!this.#words) return this.#end(error);
      Atomics.store(this.#words, control.stop / 4, 1);
      patience = setTimeout(() => void this.#cut(error, onCut), graceMilliseconds);
    };
    const abort = () => stop(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    const deliver = (events: readonly ThreadEvent[]) => {
      for (const event of events)
        try {
          if (!thrown) onEvent(event);
        } catch (error) {
          stop(error);
        }
    };
    thread.hold();
    try {
      return await new Promise<BackgroundEnding>((resolve, reject) => {
        this.#listener = {
          onMessage: (message) => {
            this.#answered = true;
            deliver(message.events);
            if (message.kind !== "done") return;
            thrown ??= message.thrown;
            if (thrown) return reject(thrown.error);
            this.#takeOutputs(plan, addresses, message.outputs);
            resolve("done");
          },
          onEnd: (error) => {
            if (thrown) reject(thrown.error);
            else if (this.#answered) reject(error);
            else resolve("unavailable");
          },
        };
        const run = { kind: "run", id: plan.id, countdown } as const;
        if (this.#words) thread.post({ ...run, addresses, team: team(), data: undefined });
        else {
          const { data, places } = this.#copyOf(plan, addresses);
          const contents = data.inputs.map((x) => x.content);
          thread.post({ ...run, addresses: places, team: 0, data }, contents);
        }
      });
    } finally {
      clearTimeout(patience);
      signal?.removeEventListener("abort", abort);
      this.#listener = undefined;
      thread.letGo();
    }
  }

  /** What a plan works on, one after the other, for a memory that is empty. */
  #copyOf(plan: CompiledPlan, addresses: readonly number[]): { data: PrivateData; places: number[] } {
    let end = controlBytes;
    const places: number[] = [];
    const place = (bytes: number) => {
      const address = end;
      places.push(address);
      end += Math.ceil(bytes / 64) * 64;
      return address;
    };
    const { inputs, outputs } = sizesOf(plan);
    const data = {
      inputs: inputs.map((bytes, i) => ({
        address: place(bytes),
        content: (this.#memory.buffer as ArrayBuffer).slice(addresses[i]!, addresses[i]! + bytes),
      })),
      outputs: outputs.map((bytes) => ({ address: place(bytes), bytes })),
    };
    const frame = place(plan.frameBytes);
    places.push(frame + plan.plan.frameBytes);
    return { data: { ...data, bytes: end }, places };
  }

  /** Puts results where they would be if the memory was shared. */
  #takeOutputs(plan: CompiledPlan, addresses: readonly number[], outputs: readonly ArrayBuffer[]): void {
    const first = sizesOf(plan).inputs.length;
    outputs.forEach((content, i) => {
      new Uint8Array(this.#memory.buffer).set(new Uint8Array(content), addresses[first + i]);
    });
  }

  #start(): Thread | undefined {
    if (!this.#available) return undefined;
    // A thread that was ended may still be heard.
    const isCurrent = () => this.#thread === thread;
    const thread = startThread({
      onMessage: (message) => {
        if (isCurrent()) this.#listener?.onMessage(message);
      },
      onEnd: (error) => {
        if (!isCurrent()) return;
        this.#thread = undefined;
        this.#known.clear();
        this.#available &&= this.#answered;
        this.#listener?.onEnd(new LostThread(error));
      },
    });
    thread?.post({ kind: "start", memory: this.#words ? this.#memory : undefined, slot: 0 });
    return thread;
  }

  /** Ends the thread in the middle of a run; the next run gets a new one. */
  async #cut(error: unknown, onCut: BackgroundRun["onCut"]): Promise<void> {
    const [thread, listener] = [this.#thread, this.#listener];
    this.#thread = undefined; // what it still says is not heard
    this.#known.clear();
    await onCut?.(thread?.terminate() ?? Promise.resolve(true));
    listener?.onEnd(error);
  }

  /** A plan that nobody will run again. */
  forget(id: number): void {
    if (this.#known.delete(id)) this.#thread?.post({ kind: "forget", id });
  }

  /** Ends the thread; a run at work rejects. */
  dispose(): void {
    this.#available = false;
    this.#answered = true;
    this.#end(new Error("This runtime was disposed of."));
  }

  /** Ends the thread, and what it runs with an error. */
  #end(error: unknown): void {
    void this.#thread?.terminate();
    this.#thread = undefined;
    this.#known.clear();
    this.#listener?.onEnd(error);
  }
}

/** Bytes of each input and output. */
function sizesOf({ plan }: CompiledPlan): { readonly inputs: number[]; readonly outputs: number[] } {
  const { inputs, outputs } = plan.functions.at(-1)!;
  const bytes = (buffers: typeof inputs) => buffers.map((b) => b.length * elementBytes(b.kind, plan.precision));
  return { inputs: bytes(inputs), outputs: bytes(outputs) };
}
