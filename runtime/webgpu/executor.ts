/** Runs graphs on a WebGPU device, in f32: whole loops between one look at the device and the next. */
import type { NdArray } from "../../compiler/core/array.ts";
import type { Graph } from "../../compiler/core/graph.ts";
import type { EvaluationContext, TickControl } from "../../compiler/core/primitive.ts";
import { pinArrays } from "../../compiler/core/remote-array.ts";
import { buildPlan } from "../../compiler/kernel/build.ts";
import { deliverCheck, deliverReport, deliverTick } from "../../compiler/kernel/events.ts";
import type { Plan } from "../../compiler/kernel/plan.ts";
import type { GraphRunner, GraphRunOptions } from "../../compiler/program.ts";
import { finished, header, logEntryWords, paused } from "../../compiler/target/wgsl/control.ts";
import { flattenPlan } from "../../compiler/target/wgsl/flatten-plan.ts";
import { policyFor, type ResidentPolicy } from "../../compiler/target/wgsl/policy.ts";
import type { Program } from "../../compiler/target/wgsl/program.ts";
import { ArenaPool } from "./arena-pool.ts";
import { type Device, DeviceMemoryError } from "./device.ts";
import { DeviceArrays } from "./device-arrays.ts";
import { submit } from "./dispatch.ts";
import { controlOf, solveAtWork } from "./ending.ts";
import { Heat } from "./heat.ts";
import { History } from "./history.ts";
import type { Range } from "./memory.ts";
import { Operands, Results } from "./operands.ts";
import { arena, Recording } from "./recording.ts";
import { Rests } from "./rest.ts";
import { scheduleTurns, usefulDispatches } from "./schedule.ts";
import { untilAborted } from "./until-aborted.ts";

/** What a runner of graphs is told, and `label`, for messages: what is being run. */
export type WebGpuRunOptions = Pick<GraphRunOptions, "results" | "isLast"> & { readonly label?: string };

export interface WebGpuRunnerOptions {
  /** Milliseconds from any fixed moment. */
  readonly now?: () => number;
  /** When the resident workgroup does what could be dispatched, instead of as it suits the device: for tests. */
  readonly policy?: ResidentPolicy;
  /** Operations of a submission's resident workgroup, instead of as many as take some time: for tests. */
  readonly fuel?: number;
}

/** How long a submission should take: others use the device too, and browsers end what takes seconds. */
const targetMilliseconds = 100;
const firstBudget = 200;
const leastBudget = 40;
const largestBudget = 20_000;
/** Operations, one after the other, of the resident workgroup: a few milliseconds' worth on a slow device. */
const firstFuel = 100_000;
const leastFuel = 10_000;
const largestFuel = 2 ** 31;
/** Results of at most this many words are read with the state, whether they are there or not. */
const smallResults = 4096;
/** Of the log this much is read with the state: capacity is for more than usually happens. */
const fewEntries = 16;

interface Compiled {
  readonly plan: Plan;
  readonly program: Program;
  readonly recording: Recording;
  /** Settles when the last run that was asked for is over: runs of one graph share its memory. */
  last: Promise<unknown>;
  /** Dispatches of a submission: as many as took about `targetMilliseconds`; and what happens within them. */
  budget: number;
  fuel: number;
  readonly heat: Heat;
  readonly history: History;
  readonly rests: Rests;
}

/** What a run cost. */
export interface RunStatistics {
  submissions: number;
  dispatches: number;
  milliseconds: number;
}

export class WebGpuRunner implements GraphRunner {
  readonly device: Device;
  /** What stays on the device between runs. */
  readonly arrays: DeviceArrays;
  readonly #arenas: ArenaPool;
  readonly #now: () => number;
  readonly #options: WebGpuRunnerOptions;
  readonly #policy: ResidentPolicy;
  readonly #compiled = new Map<Graph, Promise<Compiled>>();
  #statistics: RunStatistics = { submissions: 0, dispatches: 0, milliseconds: 0 };

  private constructor(device: Device, options: WebGpuRunnerOptions) {
    this.device = device;
    this.arrays = new DeviceArrays(device);
    this.#arenas = new ArenaPool(device);
    this.#options = options;
    this.#policy = options.policy ?? policyFor(device);
    this.#now = options.now ?? (() => performance.now());
  }

  /** A runner on a device, which stays the caller's to close. */
  static create(device: Device, options: WebGpuRunnerOptions = {}): WebGpuRunner {
    return new WebGpuRunner(device, options);
  }

  /** Of the last run that ended. */
  get statistics(): Readonly<RunStatistics> {
    return this.#statistics;
  }

  /**
   * The outputs of a closed graph whose sizes are numbers; reals are rounded to f32 on their way in and come back as
   * f64. Reports are delivered in their order, and `context.tick` is called after each submission: what these throw
   * ends the run, as does a check that fails; an aborted `context.signal` ends the wait for shaders too, whose compilation
   * goes on for later runs. Throws DeviceLostError, and an error that says how much memory was asked
   * for when the device has not as much. Results may stay on the device: see `GraphRunOptions`.
   */
  async run(
    graph: Graph,
    inputs: readonly NdArray[],
    context: EvaluationContext,
    options: WebGpuRunOptions = {},
  ): Promise<NdArray[]> {
    // What is given back while it is waited for stays until it was used.
    const unpin = pinArrays(inputs);
    try {
      const compiled = await this.#compile(graph);
      const before = compiled.last;
      let isItsTurn = false;
      const result = (async () => {
        await untilAborted(context.signal, before);
        isItsTurn = true;
        return this.#execute(compiled, graph, inputs, context, options);
      })();
      // One that is aborted while it waits for its turn leaves the turn to those before.
      const last = Promise.all([before, result.catch(() => undefined)]);
      compiled.last = last;
      const forget = () => {
        if (options.isLast && compiled.last === last) this.#forget(graph, compiled);
      };
      return await result.finally(() => (isItsTurn ? forget() : void before.then(forget)));
    } finally {
      unpin();
    }
  }

  /** An array that stays on the device from when it is first used until it is released. */
  hold(array: NdArray): NdArray {
    return this.arrays.hold(array);
  }

  #forget(graph: Graph, compiled: Compiled): void {
    this.#compiled.delete(graph);
    compiled.recording.free();
  }

  /** Frees what the device holds for this runner, when runs are over. */
  async close(): Promise<void> {
    const all = [...this.#compiled.values()];
    this.#compiled.clear();
    for (const each of await Promise.allSettled(all)) {
      if (each.status === "rejected") continue;
      await each.value.last;
      each.value.recording.free();
    }
    this.#arenas.close();
    this.arrays.close();
  }

  #compile(graph: Graph): Promise<Compiled> {
    let compiled = this.#compiled.get(graph);
    if (!compiled) {
      compiled = (async () => {
        const { products } = this.#policy;
        const plan = buildPlan(graph, { precision: "f32", style: "invocations", products });
        const program = flattenPlan(plan, this.#policy);
        const recording = await Recording.create(this.device, program);
        return {
          plan,
          program,
          recording,
          last: Promise.resolve(),
          budget: firstBudget,
          fuel: this.#options.fuel ?? firstFuel,
          heat: new Heat(program.resident, this.#policy.patience),
          rests: new Rests(),
          history: new History(program),
        };
      })();
      this.#compiled.set(graph, compiled);
      // One that fails is tried again.
      compiled.catch(() => this.#compiled.delete(graph));
    }
    return compiled;
  }

  /** With memory that others had before, and will have afterwards. */
  async #execute(
    compiled: Compiled,
    graph: Graph,
    inputs: readonly NdArray[],
    context: EvaluationContext,
    options: WebGpuRunOptions,
  ): Promise<NdArray[]> {
    const { recording, program } = compiled;
    const operands = await Operands.bring(inputs, program, this.arrays).catch((error) => {
      if (!(error instanceof DeviceMemoryError)) throw error;
      this.#arenas.trim();
      return Operands.bring(inputs, program, this.arrays);
    });
    try {
      const data = await this.#arenas.take(program.dataWords, recording);
      try {
        recording.attach(data, operands.direct);
        recording.reset();
        const first = operands.write(recording.memory);
        const results = new Results(graph, program, options.results);
        const words = await this.#untilOver(compiled, first, results.ranges, context, options.label ?? graph.name);
        return await results.take(words, recording.memory, this.arrays);
      } finally {
        this.#arenas.give(data);
      }
    } finally {
      operands.release();
    }
  }

  /** Submits until the program has ended, and reads some words then. `first`: encodes what comes before it. */
  async #untilOver(
    compiled: Compiled,
    first: (encoder: GPUCommandEncoder) => void,
    results: readonly Range[],
    context: EvaluationContext,
    label: string,
  ): Promise<Uint32Array<ArrayBuffer>[]> {
    const { recording, program, plan, heat, history } = compiled;
    const { memory } = recording;
    const log = program.state[header.log]!;
    const stateRange = { arena: arena.state, offset: 0, length: log + fewEntries * logEntryWords };
    const { isPlain } = program;
    const isSmall = isPlain || results.reduce((n, r) => n + r.length, 0) <= smallResults;
    const statistics: RunStatistics = { submissions: 0, dispatches: 0, milliseconds: 0 };
    const begin = this.#now();
    let state: Uint32Array = recording.initialState;
    for (;;) {
      const now = state;
      // Asked once for a submission: a piece that becomes ready while others are compiled was not counted on.
      const isByPiece = remembered((piece) => recording.isReady(piece) || heat.isEnough(piece, now));
      await untilAborted(context.signal, recording.prepare(state[header.counter]!, isByPiece));
      const { turns } = scheduleTurns(program, state, compiled.budget, isByPiece, history);
      let dispatches = 0;
      memory.write(arena.state, header.fuel, Uint32Array.of(compiled.fuel));
      const start = this.#now();
      await submit(this.device, label, (encoder) => {
        if (statistics.submissions === 0) first(encoder);
        const pass = encoder.beginComputePass({ label });
        dispatches = recording.encode(pass, turns);
        pass.end();
      });
      const read = () => memory.read([stateRange, ...(isSmall ? results : [])], label);
      const [words, ...early] = this.device.isPolled
        ? await compiled.rests.until(`${now[header.counter]} ${dispatches}`, read, (rest) =>
            this.device.whileAlive(label, rest),
          )
        : await read();
      state = words!;
      if (state[header.logged]! > fewEntries) {
        const all = { arena: arena.state, offset: 0, length: log + state[header.logged]! * logEntryWords };
        state = (await memory.read([all], label))[0]!;
      }
      const useful = usefulDispatches(program, now, state, isByPiece);
      this.#adapt(compiled, dispatches, useful, state[header.fuel] === 0, this.#now() - start);
      statistics.submissions += 1;
      statistics.dispatches += dispatches;
      statistics.milliseconds = this.#now() - begin;
      this.#statistics = statistics;
      const solve = solveAtWork(program, state);
      const control = controlOf(solve, state, (place, word) => memory.write(arena.state, place, Uint32Array.of(word)));
      deliver(plan, state, context, solve !== undefined, control);
      const isOver = isPlain || state[header.counter] === finished;
      if (isOver) {
        heat.keep(state);
        history.keep(state);
        return isSmall ? early : memory.read(results, label);
      }
      if (state[header.logged]! > 0) memory.write(arena.state, header.logged, Uint32Array.of(0));
      if (state[header.counter] === paused) {
        state[header.counter] = state[header.resume]!;
        recording.goOn(state[header.counter]!);
      }
    }
  }

  #adapt(compiled: Compiled, dispatches: number, useful: number, isFuelUsed: boolean, milliseconds: number): void {
    const ratio = targetMilliseconds / Math.max(milliseconds, 0.1);
    // What was far from used up says nothing of what would take too long.
    if (2 * dispatches > compiled.budget) {
      const fit = within(dispatches * Math.min(ratio, 2), Math.min(largestBudget, compiled.budget * 2));
      // Where the way cannot be foreseen that far, the host is asked sooner.
      const foreseen = useful > dispatches / 2 ? fit : Math.min(fit, Math.ceil(compiled.budget / 2));
      compiled.budget = Math.max(leastBudget, foreseen);
    }
    if (isFuelUsed && this.#options.fuel === undefined)
      compiled.fuel = Math.max(leastFuel, within(compiled.fuel * Math.min(ratio, 8), largestFuel));
  }
}

function remembered(isByPiece: (piece: number) => boolean): (piece: number) => boolean {
  const known = new Map<number, boolean>();
  return (piece) => {
    const answer = known.get(piece) ?? isByPiece(piece);
    known.set(piece, answer);
    return answer;
  };
}

const within = (x: number, most: number): number => Math.max(1, Math.min(Math.round(x), most));

const asReal = (state: Uint32Array, place: number): number =>
  new Float32Array(state.buffer, state.byteOffset + place * 4, 1)[0]!;

/** Tells the host what happened since the last time, in its order. Throws when a check failed. */
function deliver(
  plan: Plan,
  state: Uint32Array,
  context: EvaluationContext,
  isSolving: boolean,
  control: TickControl,
): void {
  const log = state[header.log]!;
  for (let i = 0; i < state[header.logged]!; i++) {
    const entry = log + i * logEntryWords;
    const [event, status, iterations] = state.subarray(entry, entry + 3);
    deliverReport(plan, event!, [status! | 0, iterations! | 0, asReal(state, entry + 3)], context);
  }
  const failure = state[header.failure]!;
  if (failure > 0) {
    const [shown, end] = [state[header.shown]!, log];
    const numbers = new Float32Array(state.buffer, state.byteOffset + shown * 4, end - shown);
    deliverCheck(plan, failure - 1, [...numbers], context);
    throw new Error("internal error: a check failed without a failure");
  }
  const [progress, iteration] = [state[header.progress]!, state[header.iteration]!];
  const step = [iteration, asReal(state, header.value), asReal(state, header.error)] as const;
  // The step of a solve that is over is no news.
  deliverTick(plan, isSolving ? progress - 1 : -1, step, context, control);
}
