/** Runs graphs as WebAssembly: on this thread, or on one that works in the background; large kernels on several. */
import type { ArrayData, DType, NdArray } from "../../compiler/core/array.ts";
import { concreteShape, type Graph } from "../../compiler/core/graph.ts";
import type { EvaluationContext } from "../../compiler/core/primitive.ts";
import { type Buffer, elementBytes } from "../../compiler/kernel/plan.ts";
import type { GraphRunner, GraphRunOptions } from "../../compiler/program.ts";
import type { TeamOptions } from "../../compiler/target/wasm/jobs.ts";
import { controlBytes } from "../../compiler/target/wasm/team.ts";
import { milliseconds } from "../clock.ts";
import { planClock } from "../profile/plan-clock.ts";
import type { Profiler } from "../profile/profiler.ts";
import { Allocator } from "./allocator.ts";
import { Background, LostThread } from "./background.ts";
import { type CompiledPlan, compileGraph, mostPages, pageBytes } from "./compiled.ts";
import { deliverEvent } from "./events.ts";
import { Foreground, Postponed } from "./foreground.ts";
import { bytesOfPlan, mostAddressableBytes, refuseMemory } from "./memory-limit.ts";
import { canShareMemory, hasThreads, mayWait } from "./platform.ts";
import { Team } from "./team.ts";

export interface CpuRunnerOptions {
  readonly precision: "f64" | "f32";
  /** How many threads share a large kernel, the one that runs the plan included; 1 when left out. */
  readonly threads?: number;
  /** How many instructions make a kernel worth sharing, and all of them worth starting threads; for tests. */
  readonly worth?: { readonly sharing: number; readonly starting: number };
  /** Whether what is asked for later may be run in a thread of its own. */
  readonly background?: boolean;
  /** Milliseconds that what is asked for later may take on this thread before it is given to the other one. */
  readonly patience?: number;
  /** The most memory that arrays may take, in bytes; all that can be addressed, 4 GiB, when left out. */
  readonly maxMemory?: number | undefined;
  /** Hears what takes how long; then everything runs on the thread that asks, and its team. */
  readonly profiler?: Profiler | undefined;
  /** Milliseconds from any fixed moment. */
  readonly now?: () => number;
}

/** Giving a run to another thread takes some tenths of a millisecond, and some ten when there is none yet. */
const usualPatience = 4;
/** How many instructions a millisecond has at least, for plans that were never run. */
const instructionsPerMillisecond = 2_000_000;
/** A run that was cut off waits so long for its thread to end; memory that is still in use then is given back later. */
const mostEndingMilliseconds = 300;
/** After so many milliseconds the caller's thread gets time for other things. */
const milliseondsBetweenPauses = 15;

interface Call {
  readonly plan: CompiledPlan;
  /** Held so that their memory is not freed while the call is at work. */
  readonly inputs: readonly NdArray[];
  readonly addresses: readonly number[];
  /** The results, once it was run. */
  finish(): NdArray[];
  /** Must be called in any case; without `finish` before it, the results' memory is free again too. */
  release(): void;
}

export class CpuRunner implements GraphRunner {
  readonly precision: "f64" | "f32";
  readonly memory: WebAssembly.Memory;
  readonly allocator: Allocator;
  readonly #shared: boolean;
  readonly #teamOptions: TeamOptions;
  readonly #now: () => number;
  readonly #profiler: Profiler | undefined;
  readonly #compiled = new WeakMap<Graph, CompiledPlan>();
  /** Arrays that are in the memory: their addresses. */
  readonly #kept = new WeakMap<ArrayData, number>();
  /** Frees what was kept once nothing refers to the array any more. */
  readonly #unused = new FinalizationRegistry<number>((address) => this.allocator.free(address));
  readonly #foreground: Foreground;
  readonly #background: Background | undefined;
  readonly #patience: number;
  readonly #maxMemory: number;
  readonly #team: Team | undefined;
  /** Milliseconds that plans took when they were last run. */
  readonly #measured = new WeakMap<CompiledPlan, number>();
  readonly #forgotten: FinalizationRegistry<number> | undefined;
  #lastPause: number;

  constructor(options: CpuRunnerOptions) {
    const { precision, threads = 1, worth, background = false, now = milliseconds } = options;
    this.precision = precision;
    this.#patience = options.patience ?? usualPatience;
    this.#maxMemory = Math.min(options.maxMemory ?? mostAddressableBytes, mostAddressableBytes);
    this.#now = now;
    this.#profiler = options.profiler;
    this.#lastPause = now();
    // Views of a shared memory stay valid when it grows.
    this.#shared = typeof SharedArrayBuffer !== "undefined";
    this.#teamOptions = {
      threads: canShareMemory() ? threads : 1,
      ...(worth && { leastInstructions: worth.sharing }),
    };
    this.memory = new WebAssembly.Memory({ initial: 1, maximum: mostPages, shared: this.#shared });
    this.allocator = new Allocator(controlBytes, (bytes) => this.#reach(bytes));
    this.#foreground = new Foreground(this.memory, now);
    if (background && hasThreads()) this.#background = new Background(this.memory);
    if (this.#teamOptions.threads > 1) this.#team = new Team(this.memory, this.#teamOptions.threads, worth?.starting);
    if (this.#background || this.#team)
      this.#forgotten = new FinalizationRegistry((id) => {
        this.#background?.forget(id);
        this.#team?.forget(id);
      });
  }

  /** Chunks of kernels that other threads than the one which ran the plan have done. */
  get helped(): number {
    return this.#team?.helped ?? 0;
  }

  #reach(bytes: number): void {
    const missing = Math.ceil((bytes - this.memory.buffer.byteLength) / pageBytes);
    if (missing <= 0) return;
    const have = this.memory.buffer.byteLength / pageBytes;
    if (have + missing > mostPages) throw new RangeError("Array buffer allocation failed");
    // A quarter more, so that growing does not happen once an array.
    const wanted = Math.min(mostPages - have, missing + Math.ceil(have / 4));
    try {
      this.memory.grow(wanted);
    } catch {
      this.memory.grow(missing);
    }
  }

  run(
    graph: Graph,
    inputs: readonly NdArray[],
    context: EvaluationContext,
    options: { readonly keep: boolean },
  ): NdArray[];
  run(
    graph: Graph,
    inputs: readonly NdArray[],
    context: EvaluationContext,
    options: GraphRunOptions,
  ): NdArray[] | Promise<NdArray[]>;
  run(
    graph: Graph,
    inputs: readonly NdArray[],
    context: EvaluationContext,
    options: GraphRunOptions,
  ): NdArray[] | Promise<NdArray[]> {
    const { keep, later = false } = options;
    if (this.#profiler) return this.#runTimed(graph, inputs, context, options, this.#profiler);
    if (later) {
      context.tick();
      if (this.#now() - this.#lastPause > milliseondsBetweenPauses)
        return pause().then(() => {
          this.#lastPause = this.#now();
          return this.#runLater(this.#prepare(graph, inputs, keep), context);
        });
      return this.#runLater(this.#prepare(graph, inputs, keep), context);
    }
    const call = this.#prepare(graph, inputs, keep);
    try {
      this.#runHere(call, context);
      return call.finish();
    } finally {
      call.release();
    }
  }

  #runTimed(
    graph: Graph,
    inputs: readonly NdArray[],
    context: EvaluationContext,
    { keep, span }: GraphRunOptions,
    profiler: Profiler,
  ): NdArray[] {
    context.tick();
    const meter = profiler.statement(span);
    const begun = this.#now();
    const isCompiled = this.#compiled.has(graph);
    const plan = this.#compile(graph);
    meter.compiling = (meter.compiling ?? 0) + (isCompiled ? 0 : this.#now() - begun);
    try {
      const call = this.#prepare(graph, inputs, keep);
      try {
        this.#runHere(call, context, planClock(meter, plan.plan, plan.timedSteps, this.#now));
        return call.finish();
      } finally {
        call.release();
      }
    } finally {
      meter.milliseconds += this.#now() - begun;
    }
  }

  #runHere({ plan, addresses }: Call, context: EvaluationContext, clock?: (step: number) => void): void {
    this.#foreground.run(plan, addresses, context, { team: this.#teamHere(plan), ...(clock && { clock }) });
  }

  /** The number of the team for a run on this thread: the threads help one plan at a time. */
  #teamHere(plan: CompiledPlan): number {
    return mayWait() && !this.#background?.active ? (this.#team?.gather(plan) ?? 0) : 0;
  }

  /** Here if that is done in a moment, and otherwise in the background. */
  #runLater(call: Call, context: EvaluationContext): NdArray[] | Promise<NdArray[]> {
    const { plan, addresses } = call;
    let isGivenAway = false;
    try {
      if (!this.#background) this.#runHere(call, context);
      else if ((this.#measured.get(plan) ?? plan.work.once / instructionsPerMillisecond) >= this.#patience)
        isGivenAway = true;
      else
        try {
          const begun = this.#now();
          this.#foreground.attempt(plan, addresses, context, { team: this.#teamHere(plan), patience: this.#patience });
          this.#measured.set(plan, this.#now() - begun);
        } catch (error) {
          if (!(error instanceof Postponed)) throw error;
          isGivenAway = true;
        }
      if (!isGivenAway) return call.finish();
    } finally {
      if (!isGivenAway) call.release();
    }
    return this.#runInBackground(call, context);
  }

  async #runInBackground(call: Call, context: EvaluationContext): Promise<NdArray[]> {
    const { plan, addresses } = call;
    const begun = this.#now();
    let isLost = false;
    try {
      const ending = await this.#background!.run({
        plan,
        addresses,
        countdown: Math.max(1, Math.min(1000, Math.round(1e7 / Math.max(1, plan.work.iteration)))),
        team: () => this.#team?.gather(plan) ?? 0,
        onEvent: (event) => deliverEvent(plan.plan, event, this.memory, context),
        signal: context.signal,
        onCut: async (isGone) => {
          isLost = true;
          // The others work on the same kernel, for somebody who is not there any more.
          const areGone = this.#team?.end(isGone) ?? isGone;
          const free = areGone.then((areGone) => {
            if (areGone) call.release();
          });
          await Promise.race([free, new Promise((resolve) => setTimeout(resolve, mostEndingMilliseconds))]);
        },
      });
      if (ending === "unavailable") this.#foreground.run(plan, addresses, context, { team: 0 });
      this.#lastPause = this.#now();
      this.#measured.set(plan, this.#lastPause - begun);
      return call.finish();
    } catch (error) {
      if (error instanceof LostThread) {
        // Others may still write where it made them write.
        isLost = true;
        this.#team?.dispose();
      }
      throw error;
    } finally {
      if (!isLost) call.release();
    }
  }

  /** Puts the inputs into the memory. */
  #prepare(graph: Graph, inputs: readonly NdArray[], keep: boolean): Call {
    const plan = this.#compile(graph);
    const entry = plan.plan.functions.at(-1)!;
    const there = inputs.reduce(
      (sum, x, i) => sum + (this.#kept.has(x.data) ? entry.inputs[i]!.length * this.#bytes(entry.inputs[i]!) : 0),
      0,
    );
    refuseMemory(bytesOfPlan(plan.plan) - there, this.allocator.used, this.#maxMemory);
    const borrowed: number[] = [];
    const results: number[] = [];
    let isFinished = false;
    const release = () => {
      for (const address of borrowed) this.allocator.free(address);
      if (!isFinished) for (const address of results) this.allocator.free(address);
    };
    const take = (bytes: number) => {
      const address = this.allocator.allocate(bytes);
      borrowed.push(address);
      return address;
    };
    try {
      const from = inputs.map((x, i) => this.#place(x, entry.inputs[i]!, keep, take));
      for (const b of entry.outputs) results.push(this.allocator.allocate(b.length * this.#bytes(b)));
      const frame = take(plan.frameBytes);
      const finish = () => {
        isFinished = true;
        return graph.outputs.map((a, i) =>
          this.#result(a.type.dtype, concreteShape(a.type.shape), entry.outputs[i]!, results[i]!, keep),
        );
      };
      const addresses = [...from, ...results, frame, frame + plan.plan.frameBytes];
      return { plan, inputs, addresses, finish, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  #bytes(b: Buffer): number {
    return elementBytes(b.kind, this.precision);
  }

  #compile(graph: Graph): CompiledPlan {
    let found = this.#compiled.get(graph);
    if (found) return found;
    found = compileGraph(graph, {
      precision: this.precision,
      shared: this.#shared,
      team: this.#teamOptions,
      timed: this.#profiler !== undefined,
      checkMemory: (bytes) => refuseMemory(bytes, 0, mostAddressableBytes),
    });
    this.#compiled.set(graph, found);
    this.#forgotten?.register(found, found.id);
    return found;
  }

  #place(x: NdArray, b: Buffer, keep: boolean, take: (bytes: number) => number): number {
    const known = this.#kept.get(x.data);
    if (known !== undefined) return known;
    const bytes = b.length * this.#bytes(b);
    const address = keep ? this.allocator.allocate(bytes) : take(bytes);
    this.#view(b.kind, address, b.length).set(x.data);
    if (keep) this.#keep(x.data, address);
    return address;
  }

  #view(kind: Buffer["kind"], address: number, length: number): Float64Array | Float32Array | Int32Array {
    const { buffer } = this.memory;
    if (kind !== "real") return new Int32Array(buffer, address, length);
    return this.precision === "f64"
      ? new Float64Array(buffer, address, length)
      : new Float32Array(buffer, address, length);
  }

  #result(dtype: DType, shape: number[], b: Buffer, address: number, keep: boolean): NdArray {
    const view = this.#view(b.kind, address, b.length);
    // Bools are bytes outside, and what is not kept is the caller's own.
    if (dtype === "bool" || !keep || !this.#shared) {
      const data: ArrayData = dtype === "bool" ? Uint8Array.from(view) : view.slice();
      if (keep) this.#keep(data, address);
      else this.allocator.free(address);
      return { dtype, shape, data };
    }
    this.#keep(view, address);
    return { dtype, shape, data: view };
  }

  #keep(data: ArrayData, address: number): void {
    this.#kept.set(data, address);
    this.#unused.register(data, address);
  }

  /** Ends the threads. Runs at work in the background reject. */
  dispose(): void {
    this.#background?.dispose();
    this.#team?.dispose();
  }
}

/** Lets everything else that waits on this thread have its turn. */
function pause(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") setImmediate(resolve);
    else setTimeout(resolve);
  });
}
