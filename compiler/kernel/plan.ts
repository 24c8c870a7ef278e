/**
 * The Plan: everything a target has to print and an executor has to run. Functions over buffers, made of
 * kernels and control flow; all sizes are numbers and all memory is counted.
 */
import type { Span } from "../syntax/tree.ts";
import type { ToldPlaces } from "../transform/control/scan.ts";
import type { Kernel, KernelArray, Precision } from "./ir.ts";

export interface Plan {
  readonly precision: Precision;
  /** Callees before callers: the last is the entry. */
  readonly functions: readonly PlanFunction[];
  readonly kernels: readonly Kernel[];
  readonly events: readonly PlanEvent[];
  /** Bytes of temporaries when the deepest call runs; inputs and outputs of the entry are the caller's. */
  readonly frameBytes: number;
}

/** An array in memory. Each is written before it is read, by one step (or one function). */
export interface Buffer {
  readonly id: number;
  readonly name: string;
  readonly kind: KernelArray["kind"];
  readonly shape: readonly number[];
  readonly length: number;
  readonly place: "input" | "output" | "temporary";
}

export interface PlanFunction {
  readonly name: string;
  readonly inputs: readonly Buffer[];
  readonly outputs: readonly Buffer[];
  /** Temporaries with their places, in bytes, in this function's frame. */
  readonly temporaries: readonly { readonly buffer: Buffer; readonly offset: number }[];
  /** Bytes of its own temporaries; those of functions it calls come after. */
  readonly frameBytes: number;
  readonly steps: readonly PlanStep[];
}

export type PlanStep = Launch | Product | Copy | Fill | LoopStep | Branch | CallStep | CheckStep | ReportStep;

export interface Launch {
  readonly kind: "launch";
  readonly kernel: Kernel;
  /** For each of the kernel's arrays. */
  readonly buffers: readonly Buffer[];
  /** About how many operations one iteration of the grid takes: what threads are worth. */
  readonly cost: number;
}

/** C[b, m, n] = sum over k of A[b, m, k] B[b, k, n], reals; strides in elements. C is row-major. */
export interface Product {
  readonly kind: "product";
  readonly span: Span | undefined;
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: ProductOperand;
  readonly b: ProductOperand;
  readonly result: Buffer;
}
export interface ProductOperand {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly batch: number;
  readonly row: number;
  readonly column: number;
}

/** Whether a product is of a matrix and its transpose, so that the result is symmetric. */
export const isGram = ({ m, n, a, b }: Product): boolean =>
  m === n &&
  a.buffer === b.buffer &&
  a.offset === b.offset &&
  a.batch === b.batch &&
  a.row === b.column &&
  a.column === b.row;

export interface Copy {
  readonly kind: "copy";
  readonly from: Buffer;
  readonly to: Buffer;
}
export interface Fill {
  readonly kind: "fill";
  readonly buffer: Buffer;
  readonly value: number;
}

/** Calls `body` up to `length` times; see `scan` for the meaning. */
export interface LoopStep {
  readonly kind: "loop";
  readonly name: string;
  readonly span: Span | undefined;
  readonly body: PlanFunction;
  readonly condition: PlanFunction | undefined;
  /** Undefined: until the condition fails. */
  readonly length: number | undefined;
  /** An int: at most this many steps. */
  readonly count: Buffer | undefined;
  readonly reverse: boolean;
  readonly constants: readonly Buffer[];
  /**
   * Where given, the body's last output, a bool: whether the condition holds for the state that follows. The condition is
   * then asked before the first step alone.
   */
  readonly going: Buffer | undefined;
  /**
   * Read from `initial` first; then `result` and `spare` take turns, and the last state ends in `result`. State that is
   * `kept` is replaced by what a step gives only when that step says that it is going on.
   */
  readonly carry: readonly {
    readonly initial: Buffer;
    readonly result: Buffer;
    readonly spare: Buffer;
    readonly kept: boolean;
  }[];
  /** Sliced along their first axis. */
  readonly stacked: readonly Buffer[];
  readonly results: readonly Buffer[];
  readonly steps: Buffer;
  /**
   * The solve this loop runs, and where the value and the error of each step are among what the body gives: state, then
   * slices of results. Undefined is NaN.
   */
  readonly progress: { readonly event: number; readonly told: ToldPlaces } | undefined;
}
export interface Branch {
  readonly kind: "branch";
  readonly predicate: Buffer;
  readonly then: PlanFunction;
  readonly otherwise: PlanFunction;
  readonly inputs: readonly Buffer[];
  readonly outputs: readonly Buffer[];
}
export interface CallStep {
  readonly kind: "call";
  readonly callee: PlanFunction;
  readonly inputs: readonly Buffer[];
  readonly outputs: readonly Buffer[];
}
/** Ends the run when `failing` (an int) is the place of a broken promise; `details` then tells numbers to show. */
export interface CheckStep {
  readonly kind: "check";
  readonly event: number;
  readonly failing: Buffer;
  readonly details: Launch | undefined;
  readonly shown: Buffer | undefined;
}
export interface ReportStep {
  readonly kind: "report";
  readonly event: number;
  readonly status: Buffer;
  readonly iterations: Buffer;
  readonly error: Buffer;
}

/** What the host is told about: `params` are those of the `check`, `report` or `scan` equation. */
export interface PlanEvent {
  readonly kind: "check" | "report" | "progress";
  readonly params: Readonly<Record<string, unknown>>;
}

/** In `failing`: no promise is broken. */
export const noFailure = 0x7fffffff;

export const elementBytes = (kind: KernelArray["kind"], precision: Precision): number =>
  kind === "real" && precision === "f64" ? 8 : 4;

/** What a plan is made for. */
export interface PlanOptions {
  readonly precision: Precision;
  /** `vector`: few fast threads with vectors; `invocations`: thousands of slow ones. */
  readonly style: "vector" | "invocations";
  /**
   * How products of matrices are computed in the style `invocations`: in tiles for which a workgroup shares memory, unless
   * told, or in blocks, each in the registers of one invocation.
   */
  readonly products?: "tiles" | "blocks";
}
