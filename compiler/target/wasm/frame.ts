/** Where the buffers of a plan's function are, while the function is written. */
import type { Kernel, Precision } from "../../kernel/ir.ts";
import { type Buffer, elementBytes, type Plan, type PlanFunction } from "../../kernel/plan.ts";
import type { FunctionBuilder, ModuleBuilder } from "./encoder.ts";
import type { Jobs } from "./jobs.ts";
import type { Timing } from "./timing.ts";

/** The functions of the host, module `host`. */
export const hostFunctions = {
  /** (event, address of the numbers to show): a promise is broken, and the run ends. */
  check: { parameters: ["i32", "i32"], results: [] },
  /** (event, status, iterations, error). */
  report: { parameters: ["i32", "i32", "i32", "f64"], results: [] },
  /**
   * (event or -1, iteration, value, error): a loop is at work. Returns how many iterations, of whatever loops, may pass
   * until the next call; a negative number where a solve at work shall end as it is. Throws to stop the run.
   */
  tick: { parameters: ["i32", "i32", "f64", "f64"], results: ["i32"] },
} as const;

/** What all functions of a plan share while they are written. */
export interface PlanContext {
  readonly module: ModuleBuilder;
  readonly plan: Plan;
  /** The indices of functions that are written already. */
  readonly kernels: ReadonlyMap<Kernel, number>;
  readonly functions: ReadonlyMap<PlanFunction, number>;
  readonly host: Readonly<Record<keyof typeof hostFunctions, number>>;
  /** A global: iterations until the host is asked again. */
  readonly countdown: number;
  /** The function that multiplies matrices; -1 where the plan has no product. */
  readonly product: number;
  /** What several threads may do together; undefined where there is one. */
  readonly jobs: Jobs | undefined;
  /** Globals that hold the addresses for which a call has no parameters left; more are made when wanted. */
  readonly spilled: number[];
  /** Undefined unless steps are to be timed. */
  readonly timing: Timing | undefined;
}

/** WebAssembly engines take functions of at most 1,000 parameters: what is more travels in globals. */
const mostAddresses = 900;

/** A local with an address, or a place in the frame. */
type Place = { readonly local: number } | { readonly offset: number };

/**
 * A function of a plan takes the addresses of its inputs and outputs, of its frame, and of the memory for matrix
 * products, which all functions share. Addresses past the limit on parameters come in globals, and are copied at once.
 */
export class Frame {
  readonly function: PlanFunction;
  readonly parameters: readonly "i32"[];
  readonly #precision: Precision;
  readonly #places = new Map<Buffer, Place>();
  readonly #frame: number;
  readonly #scratch: number;

  constructor(f: PlanFunction, precision: Precision) {
    this.function = f;
    this.#precision = precision;
    const buffers = [...f.inputs, ...f.outputs];
    const passed = buffers.slice(0, mostAddresses);
    passed.forEach((b, i) => {
      this.#places.set(b, { local: i });
    });
    for (const { buffer, offset } of f.temporaries) this.#places.set(buffer, { offset });
    this.#frame = passed.length;
    this.#scratch = passed.length + 1;
    this.parameters = [...passed, "frame", "scratch"].map(() => "i32" as const);
  }

  /** Written first: takes the addresses that came in globals. */
  begin(b: FunctionBuilder, context: PlanContext): void {
    const buffers = [...this.function.inputs, ...this.function.outputs];
    for (const [i, buffer] of buffers.slice(mostAddresses).entries()) {
      const local = b.local("i32");
      b.global("global.get", spill(context, i));
      b.set(local);
      this.#places.set(buffer, { local });
    }
  }

  bytes(buffer: Buffer): number {
    return elementBytes(buffer.kind, this.#precision);
  }

  /** Pushes the address of a buffer. */
  push(b: FunctionBuilder, buffer: Buffer): void {
    const place = this.#places.get(buffer);
    if (!place) throw new Error(`internal error: the buffer ${buffer.name} has no place in ${this.function.name}`);
    if ("local" in place) b.get(place.local);
    else {
      b.get(this.#frame);
      if (place.offset > 0) {
        b.i32(place.offset);
        b.emit("i32.add");
      }
    }
  }

  /** Pushes the address of a slice of a buffer along its first axis; `place` is a local with its number. */
  pushSlice(b: FunctionBuilder, buffer: Buffer, place: number): void {
    this.push(b, buffer);
    const slice = (buffer.length / Math.max(1, buffer.shape[0]!)) * this.bytes(buffer);
    b.get(place);
    b.i32(slice);
    b.emit("i32.mul");
    b.emit("i32.add");
  }

  pushScratch(b: FunctionBuilder): void {
    b.get(this.#scratch);
  }

  /** Calls another function of the plan, whose buffers are pushed already; its frame begins where this one ends. */
  call(b: FunctionBuilder, context: PlanContext, f: PlanFunction, failed: number): void {
    const count = f.inputs.length + f.outputs.length;
    for (let i = count - 1; i >= mostAddresses; i--) b.global("global.set", spill(context, i - mostAddresses));
    b.get(this.#frame);
    b.i32(this.function.frameBytes);
    b.emit("i32.add");
    b.get(this.#scratch);
    b.call(context.functions.get(f)!);
    b.branchIf(failed);
  }
}

/** The global for the i-th address that is not a parameter. */
function spill({ module, spilled }: PlanContext, i: number): number {
  while (spilled.length <= i) spilled.push(module.addGlobal("i32", 0));
  return spilled[i]!;
}
