/** Runs graphs as WebAssembly, on this thread. */
import type { ArrayData, DType, NdArray } from "../../compiler/core/array.ts";
import { concreteShape, type Graph } from "../../compiler/core/graph.ts";
import type { EvaluationContext } from "../../compiler/core/primitive.ts";
import { buildPlan } from "../../compiler/kernel/build.ts";
import { deliverCheck, deliverReport, deliverTick } from "../../compiler/kernel/events.ts";
import { type Buffer, elementBytes, type Plan } from "../../compiler/kernel/plan.ts";
import type { GraphRunner } from "../../compiler/program.ts";
import { emitPlan } from "../../compiler/target/wasm/plan.ts";
import { Allocator } from "./allocator.ts";

/** How often a loop asks whether it should stop, about. */
const tickMilliseconds = 15;
const pageBytes = 65_536;
const mostPages = 65_536;

interface Compiled {
  readonly plan: Plan;
  readonly frameBytes: number;
  readonly run: (...addresses: number[]) => number;
}

export interface CpuRunnerOptions {
  readonly precision: "f64" | "f32";
  /** Milliseconds from any fixed moment. */
  readonly now?: () => number;
}

export class CpuRunner implements GraphRunner {
  readonly precision: "f64" | "f32";
  readonly memory: WebAssembly.Memory;
  readonly allocator: Allocator;
  readonly #shared: boolean;
  readonly #now: () => number;
  readonly #compiled = new WeakMap<Graph, Compiled>();
  /** Arrays that are in the memory: their addresses. */
  readonly #kept = new WeakMap<ArrayData, number>();
  #context: EvaluationContext | undefined;
  #plan: Plan | undefined;
  #thrown: { readonly error: unknown } | undefined;

  constructor(options: CpuRunnerOptions) {
    this.precision = options.precision;
    this.#now = options.now ?? (() => performance.now());
    // Views of a shared memory stay valid when it grows.
    this.#shared = typeof SharedArrayBuffer !== "undefined";
    this.memory = new WebAssembly.Memory({ initial: 1, maximum: mostPages, shared: this.#shared });
    this.allocator = new Allocator(1024, (bytes) => this.#reach(bytes));
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
    { keep }: { readonly keep: boolean },
  ): NdArray[] {
    const compiled = this.#compile(graph);
    const entry = compiled.plan.functions.at(-1)!;
    const borrowed: number[] = [];
    const take = (bytes: number) => {
      const address = this.allocator.allocate(bytes);
      borrowed.push(address);
      return address;
    };
    const results: number[] = [];
    try {
      const from = inputs.map((x, i) => this.#place(x, entry.inputs[i]!, keep, take));
      for (const b of entry.outputs) results.push(this.allocator.allocate(b.length * this.#bytes(b)));
      const frame = take(compiled.frameBytes);
      const scratch = frame + compiled.plan.frameBytes;
      this.#call(compiled, context, [...from, ...results, frame, scratch]);
      const arrays = graph.outputs.map((a, i) => {
        const buffer = entry.outputs[i]!;
        return this.#result(a.type.dtype, concreteShape(a.type.shape), buffer, results[i]!, keep);
      });
      return arrays;
    } catch (error) {
      for (const address of results) this.allocator.free(address);
      throw error;
    } finally {
      for (const address of borrowed) this.allocator.free(address);
    }
  }

  #bytes(b: Buffer): number {
    return elementBytes(b.kind, this.precision);
  }

  #compile(graph: Graph): Compiled {
    let found = this.#compiled.get(graph);
    if (found) return found;
    const plan = buildPlan(graph, { precision: this.precision, style: "vector" });
    const { module, frameBytes } = emitPlan(plan, { shared: this.#shared, initial: 1, maximum: mostPages });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), {
      env: { memory: this.memory },
      host: {
        check: (event: number, address: number) => this.#check(event, address),
        report: (event: number, status: number, iterations: number, error: number) =>
          deliverReport(this.#plan!, event, [status, iterations, error], this.#context!),
        tick: (event: number, iteration: number, value: number, error: number) =>
          this.#tick(event, iteration, value, error),
      },
    });
    found = { plan, frameBytes, run: instance.exports.run as Compiled["run"] };
    this.#compiled.set(graph, found);
    return found;
  }

  #call(compiled: Compiled, context: EvaluationContext, addresses: readonly number[]): void {
    const outside = [this.#context, this.#plan] as const;
    this.#context = context;
    this.#plan = compiled.plan;
    this.#thrown = undefined;
    try {
      const failed = compiled.run(...addresses);
      if (failed) {
        // The host was told, and did not throw by itself.
        const { thrown } = { thrown: this.#thrown as { readonly error: unknown } | undefined };
        if (thrown) throw thrown.error;
        throw new Error("internal error: a check failed without a failure");
      }
    } finally {
      [this.#context, this.#plan] = outside;
    }
  }

  #check(event: number, address: number): void {
    const { params } = this.#plan!.events[event]!;
    const count = String(params.message).match(/\{\d+\}/g)?.length ?? 0;
    const most = Math.max(count, ...[...String(params.message).matchAll(/\{(\d+)\}/g)].map((m) => Number(m[1]) + 1));
    const View = this.precision === "f64" ? Float64Array : Float32Array;
    const shown = address === 0 ? [] : [...new View(this.memory.buffer, address, most)];
    try {
      deliverCheck(this.#plan!, event, shown, this.#context!);
    } catch (error) {
      this.#thrown = { error };
    }
  }

  #lastTick = 0;
  #stride = 1000;
  /** Iterations until the next call: as many as take about `tickMilliseconds`. */
  #tick(event: number, iteration: number, value: number, error: number): number {
    const now = this.#now();
    const passed = Math.max(now - this.#lastTick, 0.01);
    if (this.#lastTick > 0)
      this.#stride = Math.max(
        1,
        Math.min(100_000_000, Math.round((this.#stride * tickMilliseconds) / passed), this.#stride * 4),
      );
    this.#lastTick = now;
    deliverTick(this.#plan!, event, [iteration, value, error], this.#context!);
    return this.#stride;
  }

  #place(x: NdArray, b: Buffer, keep: boolean, take: (bytes: number) => number): number {
    const known = this.#kept.get(x.data);
    if (known !== undefined) return known;
    const bytes = b.length * this.#bytes(b);
    const address = keep ? this.allocator.allocate(bytes) : take(bytes);
    this.#view(b.kind, address, b.length).set(x.data);
    if (keep) this.#kept.set(x.data, address);
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
      if (keep) this.#kept.set(data, address);
      else this.allocator.free(address);
      return { dtype, shape, data };
    }
    this.#kept.set(view, address);
    return { dtype, shape, data: view };
  }
}
