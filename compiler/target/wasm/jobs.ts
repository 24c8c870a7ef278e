/**
 * The kernels and matrix products that several threads share, as jobs: the iterations of each are cut into chunks, and a
 * function of the module does those of one chunk.
 */
import type { Kernel } from "../../kernel/ir.ts";
import { elementBytes, isGram, type Launch, type Plan, type PlanFunction, type Product } from "../../kernel/plan.ts";
import { call, count, define, minus, plus, push, pushSmaller, times, value } from "./assembly.ts";
import type { FunctionBuilder, ModuleBuilder } from "./encoder.ts";
import { control, controlBytes, emitAbandon, emitLead, emitParticipate, emitServe, emitSettle } from "./team.ts";
import { workOfStep } from "./work.ts";

const mostOperands = (controlBytes - control.operands) / 4;

/** Below this many instructions, some thirty microseconds, waking a thread takes too much of what it saves. */
const worthSharing = 100_000;
const mostChunks = 64;

/** What the threads do together in place of one kernel or product: the job's number, and its iterations. */
export interface Job {
  readonly number: number;
  readonly count: number;
  readonly chunk: number;
}

export interface TeamOptions {
  /** How many threads a module is for, at most. */
  readonly threads: number;
  /** How many instructions make a kernel worth sharing, where the usual is not wanted. */
  readonly leastInstructions?: number;
}

const i32s = (n: number) => new Array<"i32">(n).fill("i32");

/** Adds to a module what threads need, given the functions of its kernels and of matrix products. */
export class Jobs {
  /** A global: the number of the team in which this instance runs the plan; 0 when it is alone. */
  readonly team: number;
  readonly #module: ModuleBuilder;
  readonly #plan: Plan;
  readonly #threads: number;
  readonly #leastInstructions: number;
  readonly #kernels = new Map<Kernel, Job>();
  readonly #products = new Map<Product, Job>();
  /** The function of each job: (first iteration, end). */
  readonly #functions: number[] = [];
  /** A global: which part of the memory for matrix products is this thread's. */
  readonly #slot: number;
  readonly #fault: number;
  #lead = -1;

  /** Imports come before functions, so this does too. */
  constructor(module: ModuleBuilder, plan: Plan, { threads, leastInstructions = worthSharing }: TeamOptions) {
    this.#module = module;
    this.#plan = plan;
    this.#threads = threads;
    this.#leastInstructions = leastInstructions;
    this.#fault = module.importFunction("host", "fault", [], []);
    this.team = module.addGlobal("i32", 0, { export: "team" });
    this.#slot = module.addGlobal("i32", 0, { export: "slot" });
  }

  /** Whether there is work for several threads. */
  get any(): boolean {
    return this.#functions.length > 0;
  }

  of(step: Launch | Product): Job | undefined {
    return step.kind === "product" ? this.#products.get(step) : this.#kernels.get(step.kernel);
  }

  /** Writes the functions of all jobs of the plan, and those that share them out. */
  write(kernels: ReadonlyMap<Kernel, number>, product: number, scratchBytes: number): void {
    for (const f of this.#plan.functions)
      for (const step of launchesOf(f))
        if (step.kind === "product") this.#addProduct(step, product, scratchBytes);
        else this.#addKernel(step, kernels.get(step.kernel)!);
    if (!this.any) return;
    const dispatch = this.#module.addFunction("dispatch", i32s(3), [], (f) => {
      this.#functions.forEach((index, number) => {
        push(f, ["i32.eq", 0, value(number)]);
        f.if(() => call(f, index, 1, 2));
      });
    });
    const participate = emitParticipate(this.#module, dispatch);
    this.#lead = emitLead(this.#module, participate, { team: this.team, fault: this.#fault });
    emitServe(this.#module, participate);
    emitSettle(this.#module);
    emitAbandon(this.#module);
  }

  #addKernel(step: Launch, index: number): void {
    const { kernel, buffers } = step;
    if (this.#kernels.has(kernel) || buffers.length > mostOperands) return;
    const iterations = Number((kernel.grid.count as { readonly value: number }).value);
    const instructions = workOfStep(step, this.#plan.precision);
    if (instructions < this.#leastInstructions) return;
    const wanted = (Math.max(this.#leastInstructions / 4, instructions / mostChunks) / instructions) * iterations;
    // Chunks are whole vectors, so that an iteration is computed in the same way whoever computes it.
    const unit = kernel.grid.vectorize ? 64 : 1;
    const chunk = Math.ceil(wanted / unit) * unit;
    if (chunk >= iterations) return;
    this.#kernels.set(kernel, { number: this.#functions.length, count: iterations, chunk });
    const name = `${kernel.name}.chunk`;
    this.#functions.push(
      this.#module.addFunction(name, i32s(2), [], (f) => {
        buffers.forEach((_, i) => {
          pushOperand(f, i);
        });
        call(f, index, 0, 1);
      }),
    );
  }

  /** Iterations of a product are blocks of rows, for each matrix of a batch. */
  #addProduct(step: Product, index: number, scratchBytes: number): void {
    const { batch, m, n, k, a, b } = step;
    if (workOfStep(step, this.#plan.precision) < this.#leastInstructions) return;
    const rows = Math.max(32, Math.ceil(m / (2 * this.#threads) / 8) * 8);
    const blocks = Math.ceil(m / rows);
    if (blocks * batch < 2) return;
    const chunk = Math.max(1, Math.floor((blocks * batch) / mostChunks));
    this.#products.set(step, { number: this.#functions.length, count: blocks * batch, chunk });
    const bytes = elementBytes("real", this.#plan.precision);
    this.#functions.push(
      this.#module.addFunction("product.chunk", i32s(2), [], (f) => {
        const scratch = define(f, 0);
        pushOperand(f, 3);
        f.global("global.get", this.#slot);
        f.i32(scratchBytes);
        f.emit("i32.mul");
        f.emit("i32.add");
        f.set(scratch);
        count(f, 0, 1, 1, (unit) => {
          const matrix = define(f, ["i32.div_u", unit, value(blocks)]);
          const first = define(f, times(minus(unit, times(matrix, value(blocks))), value(rows)));
          [a.batch, b.batch, m * n].forEach((step, i) => {
            pushOperand(f, i);
            push(f, times(matrix, value(step * bytes)));
            f.emit("i32.add");
          });
          for (const x of [m, n, k, a.row, a.column, b.row, b.column]) f.i32(x);
          f.get(scratch);
          f.get(first);
          pushSmaller(f, plus(first, value(rows)), value(m));
          f.i32(Number(isGram(step)));
          f.call(index);
        });
      }),
    );
  }

  /** Shares a job out and waits until it is done; the addresses it works on are pushed by `operands`, one a call. */
  share(b: FunctionBuilder, job: Job, operands: readonly (() => void)[]): void {
    operands.forEach((pushAddress, i) => {
      b.i32(0);
      pushAddress();
      b.memory("i32.store", control.operands + 4 * i);
    });
    for (const x of [job.number, job.count, job.chunk]) b.i32(x);
    b.call(this.#lead);
  }
}

/** All kernels and products that a function of a plan launches. */
function launchesOf(f: PlanFunction): (Launch | Product)[] {
  return f.steps.flatMap((s): (Launch | Product)[] => {
    if (s.kind === "launch" || s.kind === "product") return [s];
    return s.kind === "check" && s.details ? [s.details] : [];
  });
}

function pushOperand(f: FunctionBuilder, i: number): void {
  f.i32(0);
  f.memory("i32.load", control.operands + 4 * i);
}
