/**
 * A Plan as one WebAssembly module: a function for each kernel and each function of the plan, loops and
 * branches between them. The host is called when a check fails, when a solve ends, and by loops every few
 * milliseconds.
 */
import type { Kernel } from "../../kernel/ir.ts";
import { type Buffer, noFailure, type Plan, type PlanFunction, type PlanStep } from "../../kernel/plan.ts";
import { emitCopy } from "./copies.ts";
import { type FunctionBuilder, type MemoryOptions, ModuleBuilder } from "./encoder.ts";
import { Frame, hostFunctions, type PlanContext } from "./frame.ts";
import { Jobs, type TeamOptions } from "./jobs.ts";
import { emitKernel } from "./kernel.ts";
import { emitLaunch, emitProductStep } from "./launches.ts";
import { emitLoop } from "./loops.ts";
import { emitMatrixProduct, matrixProductScratchBytes } from "./matmul.ts";
import { type TimedStep, Timing } from "./timing.ts";

/** What the module's `run` takes: the addresses of the entry's inputs and outputs, and of `frameBytes` to work in. */
export interface PlanModule {
  readonly module: ModuleBuilder;
  /** Bytes the run needs beside inputs and outputs. */
  readonly frameBytes: number;
  /** Whether there is work that several threads would share. */
  readonly hasJobs: boolean;
  /** What the host's `clock` is called with are numbers of these, from 1; none unless they are to be timed. */
  readonly timedSteps: readonly TimedStep[];
}

export interface PlanModuleOptions extends TeamOptions {
  /** Whether the host is called around each step that computes. */
  readonly timed?: boolean;
}

/**
 * Builds the module of a plan. Its export `run` returns 0, or 1 when a check failed; `countdown` is how many iterations
 * of loops may pass before the host is called. For several threads the memory has to be shared.
 */
export function emitPlan(plan: Plan, memory: MemoryOptions, team: PlanModuleOptions = { threads: 1 }): PlanModule {
  const module = new ModuleBuilder();
  module.importMemory(memory);
  const imported = (name: keyof typeof hostFunctions) =>
    module.importFunction("host", name, hostFunctions[name].parameters, hostFunctions[name].results);
  const host = { check: imported("check"), report: imported("report"), tick: imported("tick") };
  const timing = team.timed ? new Timing(module) : undefined;
  const jobs = team.threads > 1 && memory.shared ? new Jobs(module, plan, team) : undefined;
  const countdown = module.addGlobal("i32", 1000, { export: "countdown" });
  const products = plan.functions.some((f) => f.steps.some((s) => s.kind === "product"));
  // Matrix products pack their operands after all frames.
  const scratchBytes = products ? matrixProductScratchBytes(plan.precision) : 0;
  const product = products ? emitMatrixProduct(module, plan.precision) : -1;
  const kernels = new Map<Kernel, number>();
  const functions = new Map<PlanFunction, number>();
  for (const kernel of plan.kernels) kernels.set(kernel, emitKernel(module, kernel, plan.precision));
  jobs?.write(kernels, product, scratchBytes);
  const context: PlanContext = {
    module,
    plan,
    kernels,
    functions,
    host,
    countdown,
    product,
    jobs,
    spilled: [],
    timing,
  };
  for (const f of plan.functions) functions.set(f, emitFunction(context, f, f === plan.functions.at(-1)));
  const hasJobs = jobs?.any ?? false;
  const frameBytes = plan.frameBytes + scratchBytes * (hasJobs ? team.threads : 1);
  return { module, frameBytes, hasJobs, timedSteps: timing?.steps ?? [] };
}

function emitFunction(context: PlanContext, f: PlanFunction, isEntry: boolean): number {
  const frame = new Frame(f, context.plan.precision);
  const write = (b: FunctionBuilder) => {
    frame.begin(b, context);
    const steps = new StepWriter(b, context, frame);
    b.block((failed) => {
      b.block((finished) => {
        for (const step of f.steps) steps.write(step, failed);
        b.branch(finished);
      });
      b.i32(0);
      b.emit("return");
    });
    b.i32(1);
  };
  return context.module.addFunction(isEntry ? "run" : f.name, frame.parameters, ["i32"], write, { export: isEntry });
}

/** Writes the steps of one function. */
class StepWriter {
  readonly #b: FunctionBuilder;
  readonly #context: PlanContext;
  readonly #frame: Frame;

  constructor(b: FunctionBuilder, context: PlanContext, frame: Frame) {
    this.#b = b;
    this.#context = context;
    this.#frame = frame;
  }

  /** A branch to `failed` leaves the function. */
  write(step: PlanStep, failed: number): void {
    const { timing } = this.#context;
    const isTimed = step.kind === "launch" || step.kind === "product" || step.kind === "copy";
    if (timing && isTimed) timing.around(this.#b, step, () => this.#write(step, failed));
    else this.#write(step, failed);
  }

  #write(step: PlanStep, failed: number): void {
    const b = this.#b;
    switch (step.kind) {
      case "launch":
        emitLaunch(b, this.#context, this.#frame, step);
        return;
      case "product":
        emitProductStep(b, this.#context, this.#frame, step);
        return;
      case "copy":
        emitCopy(
          b,
          () => this.#frame.push(b, step.to),
          () => this.#frame.push(b, step.from),
          step.from.length * this.#frame.bytes(step.from),
        );
        return;
      case "fill":
        this.#fill(step.buffer, step.value);
        return;
      case "branch": {
        const call = (f: PlanFunction) => {
          for (const buffer of [...step.inputs, ...step.outputs]) this.#frame.push(b, buffer);
          this.#frame.call(b, this.#context, f, failed);
        };
        this.#frame.push(b, step.predicate);
        b.memory("i32.load");
        b.if(
          () => call(step.then),
          () => call(step.otherwise),
        );
        return;
      }
      case "call":
        for (const buffer of [...step.inputs, ...step.outputs]) this.#frame.push(b, buffer);
        this.#frame.call(b, this.#context, step.callee, failed);
        return;
      case "loop":
        emitLoop(b, this.#context, this.#frame, step, failed);
        return;
      case "check":
        this.#frame.push(b, step.failing);
        b.memory("i32.load");
        b.i32(noFailure);
        b.emit("i32.ne");
        b.if(() => {
          if (step.details) emitLaunch(b, this.#context, this.#frame, step.details);
          b.i32(step.event);
          if (step.shown) this.#frame.push(b, step.shown);
          else b.i32(0);
          b.call(this.#context.host.check);
          b.branch(failed);
        });
        return;
      case "report":
        this.#report(step);
        return;
    }
  }

  #fill(buffer: Buffer, value: number): void {
    const b = this.#b;
    if (buffer.length === 0) return;
    if (buffer.length > 1) throw new Error("internal error: only scalars are filled");
    this.#frame.push(b, buffer);
    const { precision } = this.#context.plan;
    if (buffer.kind === "real") {
      b.constant(precision, value);
      b.memory(`${precision}.store`);
    } else {
      b.i32(value);
      b.memory("i32.store");
    }
  }

  #report(step: Extract<PlanStep, { kind: "report" }>): void {
    const b = this.#b;
    const { precision } = this.#context.plan;
    const bytes = this.#frame.bytes(step.error);
    const lanes = step.status.length;
    const lane = b.local("i32");
    const load = (buffer: Buffer, size: number, opcode: "i32.load" | "f32.load" | "f64.load") => {
      this.#frame.push(b, buffer);
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
        b.call(this.#context.host.report);
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
}
