/**
 * A Plan as one WebAssembly module: a function for each kernel and each function of the plan, loops and
 * branches between them. The host is called when a check fails, when a solve ends, and by loops every few
 * milliseconds.
 */
import type { Kernel } from "../../kernel/ir.ts";
import {
  type Buffer,
  elementBytes,
  type Launch,
  type LoopStep,
  noFailure,
  type Plan,
  type PlanFunction,
  type PlanStep,
} from "../../kernel/plan.ts";
import { type FunctionBuilder, type MemoryOptions, ModuleBuilder } from "./encoder.ts";
import { emitKernel } from "./kernel.ts";
import { emitMatrixProduct, matrixProductScratchBytes } from "./matmul.ts";

/** The functions of the host, module `host`. */
export const hostFunctions = {
  /** (event, address of the numbers to show): a promise is broken, and the run ends. */
  check: { parameters: ["i32", "i32"], results: [] },
  /** (event, status, iterations, error). */
  report: { parameters: ["i32", "i32", "i32", "f64"], results: [] },
  /**
   * (event or -1, iteration, value, error): a loop is at work. Returns how many iterations, of whatever loops, may pass
   * until the next call. Throws to stop the run.
   */
  tick: { parameters: ["i32", "i32", "f64", "f64"], results: ["i32"] },
} as const;

/** Operations that one call of a kernel should take: the engine replaces code by faster code between calls. */
const operationsPerCall = 200_000;

/** What the module's `run` takes: the addresses of the entry's inputs and outputs, and of `frameBytes` to work in. */
export interface PlanModule {
  readonly module: ModuleBuilder;
  /** Bytes the run needs beside inputs and outputs. */
  readonly frameBytes: number;
}

/** Builds the module of a plan; its export `run` returns 0, or 1 when a check failed. */
export function emitPlan(plan: Plan, memory: MemoryOptions): PlanModule {
  const emitter = new PlanEmitter(plan, memory);
  return { module: emitter.module, frameBytes: plan.frameBytes + emitter.scratchBytes };
}

class PlanEmitter {
  readonly module = new ModuleBuilder();
  readonly plan: Plan;
  readonly kernels = new Map<Kernel, number>();
  readonly functions = new Map<PlanFunction, number>();
  readonly host: Record<keyof typeof hostFunctions, number>;
  /** Iterations until the host is asked again. */
  readonly countdown: number;
  /** Matrix products pack their operands after all frames. */
  readonly scratchBytes: number;
  readonly #product: number;

  constructor(plan: Plan, memory: MemoryOptions) {
    this.plan = plan;
    this.module.importMemory(memory);
    const imported = (name: keyof typeof hostFunctions) =>
      this.module.importFunction("host", name, hostFunctions[name].parameters, hostFunctions[name].results);
    this.host = { check: imported("check"), report: imported("report"), tick: imported("tick") };
    this.countdown = this.module.addGlobal("i32", 1000);
    const products = plan.functions.some((f) => f.steps.some((s) => s.kind === "product"));
    this.scratchBytes = products ? matrixProductScratchBytes(plan.precision) : 0;
    this.#product = products ? emitMatrixProduct(this.module, plan.precision) : -1;
    for (const kernel of plan.kernels) this.kernels.set(kernel, emitKernel(this.module, kernel, plan.precision));
    plan.functions.forEach((f, i) => {
      this.functions.set(f, new FunctionEmitter(this, f, i === plan.functions.length - 1).index);
    });
  }

  get product(): number {
    return this.#product;
  }
}

/** Where a buffer is, while a function is written: a local with its address, or a place in the frame. */
type Place = { readonly local: number } | { readonly offset: number };

class FunctionEmitter {
  readonly index: number;
  readonly #emitter: PlanEmitter;
  readonly #function: PlanFunction;
  readonly #places = new Map<Buffer, Place>();
  readonly #frame: number;
  /** Address of the memory for matrix products. */
  readonly #scratch: number;

  constructor(emitter: PlanEmitter, f: PlanFunction, isEntry: boolean) {
    this.#emitter = emitter;
    this.#function = f;
    const buffers = [...f.inputs, ...f.outputs];
    buffers.forEach((b, i) => {
      this.#places.set(b, { local: i });
    });
    for (const { buffer, offset } of f.temporaries) this.#places.set(buffer, { offset });
    this.#frame = buffers.length;
    this.#scratch = buffers.length + 1;
    const parameters = [...buffers, "frame", "scratch"].map(() => "i32" as const);
    this.index = emitter.module.addFunction(isEntry ? "run" : f.name, parameters, ["i32"], (b) => this.#write(b), {
      export: isEntry,
    });
  }

  #write(b: FunctionBuilder): void {
    b.block((failed) => {
      b.block((finished) => {
        for (const step of this.#function.steps) this.#step(b, step, failed);
        b.branch(finished);
      });
      b.i32(0);
      b.emit("return");
    });
    b.i32(1);
  }

  #bytes(buffer: Buffer): number {
    return elementBytes(buffer.kind, this.#emitter.plan.precision);
  }

  #push(b: FunctionBuilder, buffer: Buffer): void {
    const place = this.#places.get(buffer);
    if (!place) throw new Error(`internal error: the buffer ${buffer.name} has no place in ${this.#function.name}`);
    if ("local" in place) b.get(place.local);
    else {
      b.get(this.#frame);
      if (place.offset > 0) {
        b.i32(place.offset);
        b.emit("i32.add");
      }
    }
  }

  /** A callee's frame begins where this one ends. */
  #pushCalleeFrame(b: FunctionBuilder): void {
    b.get(this.#frame);
    b.i32(this.#function.frameBytes);
    b.emit("i32.add");
    b.get(this.#scratch);
  }

  #step(b: FunctionBuilder, step: PlanStep, failed: number): void {
    switch (step.kind) {
      case "launch":
        this.#launch(b, step);
        return;
      case "product":
        this.#product(b, step);
        return;
      case "copy":
        if (step.from.length === 0) return;
        this.#push(b, step.to);
        this.#push(b, step.from);
        b.i32(step.from.length * this.#bytes(step.from));
        b.bulk("memory.copy");
        return;
      case "fill":
        this.#fill(b, step.buffer, step.value);
        return;
      case "branch": {
        const call = (f: PlanFunction) => {
          for (const buffer of [...step.inputs, ...step.outputs]) this.#push(b, buffer);
          this.#callPlanFunction(b, f, failed);
        };
        this.#push(b, step.predicate);
        b.memory("i32.load");
        b.if(
          () => call(step.then),
          () => call(step.otherwise),
        );
        return;
      }
      case "call":
        for (const buffer of [...step.inputs, ...step.outputs]) this.#push(b, buffer);
        this.#callPlanFunction(b, step.callee, failed);
        return;
      case "loop":
        this.#loop(b, step, failed);
        return;
      case "check":
        this.#push(b, step.failing);
        b.memory("i32.load");
        b.i32(noFailure);
        b.emit("i32.ne");
        b.if(() => {
          if (step.details) this.#launch(b, step.details);
          b.i32(step.event);
          if (step.shown) this.#push(b, step.shown);
          else b.i32(0);
          b.call(this.#emitter.host.check);
          b.branch(failed);
        });
        return;
      case "report":
        this.#report(b, step);
        return;
    }
  }

  #callPlanFunction(b: FunctionBuilder, f: PlanFunction, failed: number): void {
    this.#pushCalleeFrame(b);
    b.call(this.#emitter.functions.get(f)!);
    b.branchIf(failed);
  }

  #launch(b: FunctionBuilder, { kernel, buffers, cost }: Launch): void {
    const index = this.#emitter.kernels.get(kernel)!;
    const count = Number((kernel.grid.count as { readonly value: number }).value);
    // Chunks are whole vectors, so that the remainder loop runs at the very end only.
    const chunk = Math.max(64, Math.ceil(operationsPerCall / Math.max(cost, 1) / 64) * 64);
    const small = kernel.grid.vectorize ? chunk : Math.max(1, Math.ceil(operationsPerCall / Math.max(cost, 1)));
    if (count <= 2 * small) {
      for (const buffer of buffers) this.#push(b, buffer);
      b.i32(0);
      b.i32(count);
      b.call(index);
      return;
    }
    const begin = b.local("i32");
    const end = b.local("i32");
    b.i32(0);
    b.set(begin);
    b.loop((again) => {
      // end = min(begin + chunk, count)
      b.get(begin);
      b.i32(small);
      b.emit("i32.add");
      b.set(end);
      b.get(end);
      b.i32(count);
      b.get(end);
      b.i32(count);
      b.emit("i32.lt_s");
      b.emit("select");
      b.set(end);
      for (const buffer of buffers) this.#push(b, buffer);
      b.get(begin);
      b.get(end);
      b.call(index);
      b.get(end);
      b.tee(begin);
      b.i32(count);
      b.emit("i32.lt_s");
      b.branchIf(again);
    });
  }

  #fill(b: FunctionBuilder, buffer: Buffer, value: number): void {
    if (buffer.length === 0) return;
    if (buffer.length > 1) throw new Error("internal error: only scalars are filled");
    this.#push(b, buffer);
    const { precision } = this.#emitter.plan;
    if (buffer.kind === "real") {
      b.constant(precision, value);
      b.memory(`${precision}.store`);
    } else {
      b.i32(value);
      b.memory("i32.store");
    }
  }

  #product(b: FunctionBuilder, step: Extract<PlanStep, { kind: "product" }>): void {
    const bytes = elementBytes("real", this.#emitter.plan.precision);
    const batch = b.local("i32");
    const pushOperand = (o: typeof step.a) => {
      this.#push(b, o.buffer);
      if (o.offset > 0) {
        b.i32(o.offset * bytes);
        b.emit("i32.add");
      }
      if (step.batch > 1 && o.batch !== 0) {
        b.get(batch);
        b.i32(o.batch * bytes);
        b.emit("i32.mul");
        b.emit("i32.add");
      }
    };
    const once = () => {
      pushOperand(step.a);
      pushOperand(step.b);
      this.#push(b, step.result);
      if (step.batch > 1) {
        b.get(batch);
        b.i32(step.m * step.n * bytes);
        b.emit("i32.mul");
        b.emit("i32.add");
      }
      for (const n of [step.m, step.n, step.k, step.a.row, step.a.column, step.b.row, step.b.column]) b.i32(n);
      b.get(this.#scratch);
      b.i32(0);
      b.i32(step.m);
      b.call(this.#emitter.product);
    };
    if (step.batch === 1) {
      once();
      return;
    }
    if (step.batch === 0) return;
    b.i32(0);
    b.set(batch);
    b.loop((again) => {
      once();
      b.get(batch);
      b.i32(1);
      b.emit("i32.add");
      b.tee(batch);
      b.i32(step.batch);
      b.emit("i32.lt_s");
      b.branchIf(again);
    });
  }

  #report(b: FunctionBuilder, step: Extract<PlanStep, { kind: "report" }>): void {
    const { precision } = this.#emitter.plan;
    const bytes = elementBytes("real", precision);
    const lanes = step.status.length;
    const lane = b.local("i32");
    const load = (buffer: Buffer, size: number, opcode: "i32.load" | "f32.load" | "f64.load") => {
      this.#push(b, buffer);
      if (lanes > 1) {
        b.get(lane);
        b.i32(size);
        b.emit("i32.mul");
        b.emit("i32.add");
      }
      b.memory(opcode);
    };
    const one = () => {
      // A negative status marks a lane that was not asked for.
      load(step.status, 4, "i32.load");
      b.i32(0);
      b.emit("i32.ge_s");
      b.if(() => {
        b.i32(step.event);
        load(step.status, 4, "i32.load");
        load(step.iterations, 4, "i32.load");
        load(step.error, bytes, `${precision}.load`);
        if (precision === "f32") b.emit("f64.promote_f32");
        b.call(this.#emitter.host.report);
      });
    };
    if (lanes === 0) return;
    b.i32(0);
    b.set(lane);
    if (lanes === 1) {
      one();
      return;
    }
    b.loop((again) => {
      one();
      b.get(lane);
      b.i32(1);
      b.emit("i32.add");
      b.tee(lane);
      b.i32(lanes);
      b.emit("i32.lt_s");
      b.branchIf(again);
    });
  }

  #loop(b: FunctionBuilder, step: LoopStep, failed: number): void {
    const [taken, limit, place] = [b.local("i32"), b.local("i32"), b.local("i32")];
    /** Addresses of the state as it is, as it becomes, and of the memory that is neither. */
    const state = step.carry.map(() => ({ now: b.local("i32"), next: b.local("i32"), other: b.local("i32") }));
    if (step.count) {
      this.#push(b, step.count);
      b.memory("i32.load");
      b.set(limit);
      if (step.length !== undefined) this.#clamp(b, limit, step.length);
    } else {
      b.i32(step.length ?? noFailure);
      b.set(limit);
    }
    step.carry.forEach((c, i) => {
      this.#push(b, c.initial);
      b.set(state[i]!.now);
      this.#push(b, c.result);
      b.set(state[i]!.next);
      this.#push(b, c.spare);
      b.set(state[i]!.other);
    });
    b.i32(0);
    b.set(taken);
    const operands = () => {
      for (const c of step.constants) this.#push(b, c);
      for (const s of state) b.get(s.now);
      for (const x of step.stacked) this.#pushSlice(b, x, place);
    };
    b.block((done) => {
      b.loop((again) => {
        b.get(taken);
        b.get(limit);
        b.emit("i32.ge_s");
        b.branchIf(done);
        if (step.reverse) {
          b.get(limit);
          b.i32(1);
          b.emit("i32.sub");
          b.get(taken);
          b.emit("i32.sub");
        } else b.get(taken);
        b.set(place);
        if (step.condition) {
          // The condition's result goes to the memory of the step count, which is written after the loop.
          operands();
          this.#push(b, step.steps);
          this.#callPlanFunction(b, step.condition, failed);
          this.#push(b, step.steps);
          b.memory("i32.load");
          b.emit("i32.eqz");
          b.branchIf(done);
        }
        operands();
        for (const s of state) b.get(s.next);
        for (const r of step.results) this.#pushSlice(b, r, place);
        this.#callPlanFunction(b, step.body, failed);
        this.#tick(b, step, taken, place);
        for (const s of state) {
          // The first state read is the caller's own: from then on two places take turns.
          b.get(s.next);
          b.set(s.now);
          b.get(s.other);
          b.set(s.next);
          b.get(s.now);
          b.set(s.other);
        }
        b.get(taken);
        b.i32(1);
        b.emit("i32.add");
        b.set(taken);
        b.branch(again);
      });
    });
    step.carry.forEach((c, i) => {
      if (c.result.length === 0) return;
      b.get(state[i]!.now);
      this.#push(b, c.result);
      b.emit("i32.ne");
      b.if(() => {
        this.#push(b, c.result);
        b.get(state[i]!.now);
        b.i32(c.result.length * this.#bytes(c.result));
        b.bulk("memory.copy");
      });
    });
    this.#push(b, step.steps);
    b.get(taken);
    b.memory("i32.store");
    this.#clearRest(b, step, taken, limit);
  }

  /** Results of steps that were not taken are zero. */
  #clearRest(b: FunctionBuilder, step: LoopStep, taken: number, limit: number): void {
    const { length } = step;
    if (length === undefined || (!step.condition && !step.count)) return;
    const [from, to] = [b.local("i32"), b.local("i32")];
    if (step.reverse) {
      // Taken are the last of the first `limit`: those before them, and those after the limit, are left.
      b.i32(0);
      b.set(from);
      b.get(limit);
      b.get(taken);
      b.emit("i32.sub");
      b.set(to);
      this.#clear(b, step, from, to);
      b.get(limit);
      b.i32(0);
      b.get(limit);
      b.i32(0);
      b.emit("i32.gt_s");
      b.emit("select");
      b.set(from);
    } else {
      b.get(taken);
      b.set(from);
    }
    b.i32(length);
    b.set(to);
    this.#clear(b, step, from, to);
  }

  /** Zeros in the slices of the results from one place up to another. */
  #clear(b: FunctionBuilder, step: LoopStep, from: number, to: number): void {
    for (const r of step.results) {
      const slice = (r.length / Math.max(1, step.length!)) * this.#bytes(r);
      if (slice === 0) continue;
      b.get(from);
      b.get(to);
      b.emit("i32.lt_s");
      b.if(() => {
        this.#push(b, r);
        b.get(from);
        b.i32(slice);
        b.emit("i32.mul");
        b.emit("i32.add");
        b.i32(0);
        b.get(to);
        b.get(from);
        b.emit("i32.sub");
        b.i32(slice);
        b.emit("i32.mul");
        b.bulk("memory.fill");
      });
    }
  }

  #clamp(b: FunctionBuilder, local: number, most: number): void {
    b.get(local);
    b.i32(most);
    b.get(local);
    b.i32(most);
    b.emit("i32.lt_s");
    b.emit("select");
    b.set(local);
  }

  #pushSlice(b: FunctionBuilder, buffer: Buffer, place: number): void {
    this.#push(b, buffer);
    const slice = (buffer.length / Math.max(1, buffer.shape[0]!)) * this.#bytes(buffer);
    b.get(place);
    b.i32(slice);
    b.emit("i32.mul");
    b.emit("i32.add");
  }

  /** Asks the host now and then. */
  #tick(b: FunctionBuilder, step: LoopStep, taken: number, place: number): void {
    const { countdown, host, plan } = this.#emitter;
    b.global("global.get", countdown);
    b.i32(1);
    b.emit("i32.sub");
    b.global("global.set", countdown);
    b.global("global.get", countdown);
    b.i32(0);
    b.emit("i32.le_s");
    b.if(() => {
      b.i32(step.progress ? step.progress.event : -1);
      b.get(taken);
      for (const i of [0, 1]) {
        const r = step.progress ? step.results[i] : undefined;
        if (r?.kind === "real") {
          this.#pushSlice(b, r, place);
          b.memory(`${plan.precision}.load`);
          if (plan.precision === "f32") b.emit("f64.promote_f32");
        } else b.constant("f64", Number.NaN);
      }
      b.call(host.tick);
      b.global("global.set", countdown);
    });
  }
}
