/**
 * What a primitive is: one object with every rule a required member, so that a primitive without its
 * shape rule, meaning, derivative, transpose or batching does not compile.
 *
 * Conventions all rules share:
 * - Elementwise primitives take operands of equal shape, or scalars (rank 0) beside arrays.
 * - Derivative and transpose rules may return a tangent or cotangent with fewer axes than asked for
 *   (a scalar for an array): the drivers in transform/ broadcast or sum it. `undefined` is zero.
 * - A batched operand carries the batch as its leading axis, axis 0.
 * - All primitives are total: an index out of range or a singular matrix gives some value, and a `check`
 *   equation beside it decides whether the run stops. So rules may be applied to lanes nobody will read.
 */
import type { Lowering } from "../kernel/lowering.ts";
import type { Span } from "../syntax/tree.ts";
import type { ArrayData, DType, NdArray } from "./array.ts";
import type { Dim } from "./dimension.ts";
import type { ArrayType, Atom, Graph, Pass } from "./graph.ts";

/** Parameters are plain data (numbers, strings, dimensions, arrays of them) and graphs. */
export type Params = Readonly<Record<string, unknown>>;

/** Where equations go: a builder, or the splitting builder of linearize. */
export interface Emitter {
  emit(primitive: Primitive, inputs: readonly Atom[], params: Params): readonly Atom[];
  /** Runs `body` with its equations attributed to `span` and `pass`. */
  at<T>(span: Span | undefined, body: () => T, pass?: Pass): T;
}

export interface PrimitiveCall<P> {
  readonly inputs: readonly Atom[];
  readonly params: P;
}

export interface JvpResult {
  readonly outputs: readonly Atom[];
  /** One for each output; undefined is zero. */
  readonly tangents: readonly (Atom | undefined)[];
}

export interface BatchResult {
  readonly outputs: readonly Atom[];
  readonly batched: readonly boolean[];
}

export interface Primitive<P extends Params = Params> {
  readonly name: string;
  /** An equation with an effect is never removed, merged or moved. */
  readonly effect?: boolean;
  /** Result types from operand types. Works on symbolic dimensions; users' mistakes were refused before. */
  infer(inputs: readonly ArrayType[], params: P): readonly ArrayType[];
  /** The meaning, in the simplest code that can be trusted. */
  evaluate(inputs: readonly NdArray[], params: P, context: EvaluationContext): readonly NdArray[];
  /** Emits the primal outputs and their tangents. `tangents[i]` is undefined where zero (always for ints and bools). */
  jvp(b: Emitter, call: PrimitiveCall<P>, tangents: readonly (Atom | undefined)[]): JvpResult;
  /**
   * Cotangents of the operands marked in `linear`, given cotangents of the outputs. Only called for
   * equations that are linear in the marked operands together; the others are at hand as values.
   */
  transpose(
    b: Emitter,
    call: PrimitiveCall<P>,
    linear: readonly boolean[],
    cotangents: readonly (Atom | undefined)[],
  ): readonly (Atom | undefined)[];
  /** The same for `size` lanes at once; at least one operand is batched. `guard` (bool[size]) marks lanes that count. */
  batch(
    b: Emitter,
    call: PrimitiveCall<P>,
    batched: readonly boolean[],
    size: Dim,
    guard: Atom | undefined,
  ): BatchResult;
  /**
   * Control primitives only: split an application some of whose operands are linear (tangents) into
   * equations on known values, emitted to `known`, and linear ones, emitted to `linear`.
   */
  split?(known: Emitter, linear: Emitter, call: PrimitiveCall<P>, isLinear: readonly boolean[]): readonly Atom[];
  /** How it becomes loops over memory. */
  readonly lower: Lowering<P>;
  /** Control primitives only: the graphs among the parameters, for printing, verification and clean-up. */
  graphs?(params: P): readonly Graph[];
}

/**
 * What a report is about: a solve that ended; the condition its solver or its call declares, at the answer; the linear
 * system of a derivative through it; or a number that tells how far that derivative can be trusted. `repeated`: spectral
 * values that are equal, where the derivative of their vectors is read.
 */
export type ReportRole = "solve" | "declared" | "adjoint" | "repeated" | CertificateQuantity;

/**
 * - `distance`: the Newton correction at the answer, relative to the answer: about its relative error. The status is 0
 *   where the condition determines the answer, `singularSystem` where it does not.
 * - `condition`: the condition number of the linearised condition, its rows and columns scaled.
 * - `residual`: the norm of the condition at the answer.
 * - `distance_before`, `residual_before`: the same two before the answer was polished; only where it was, and then
 *   `distance` and `residual` are those after it.
 * - `margin`: how far the nearest constraint is from starting or ceasing to bind, or the condition from a kink. The status is `vertex` where the
 *   constraints that bind determine the answer alone.
 * - `system`: the relative residual of a linear system of the function itself, where an iteration solves it.
 */
export type CertificateQuantity =
  | "distance"
  | "distance_before"
  | "condition"
  | "residual"
  | "residual_before"
  | "margin"
  | "system";

/** Flags in the place of a status. */
export const singularSystem = 1;
export const vertex = 2;

/** One finished solve, as `--json` lists it, or another report on one. */
export interface SolveEvent {
  readonly role: ReportRole;
  readonly expression: string;
  readonly span: Span | undefined;
  readonly status: number;
  readonly iterations: number;
  readonly error: number;
  /** True when a bad ending stops the script: nobody looks at the status. */
  readonly fatal: boolean;
  /** True when running out of iterations is what this solver does. */
  readonly quiet: boolean;
  /** True inside a function another solver is trying out. */
  readonly trial: boolean;
}

/** What an evaluation may ask of the outside; everything has a default in `evaluationContext`. */
export interface EvaluationContext {
  readonly precision: "f64" | "f32";
  /** Zeroed storage of the run's precision. */
  allocate(dtype: DType, size: number): ArrayData;
  /** Runs a closed graph. */
  run(graph: Graph, inputs: readonly NdArray[]): NdArray[];
  /** Called by `check` with a failure. Throws, unless the run collects failures. */
  fail(failure: CheckFailure): void;
  /** Called by `report` when a solve ends. */
  solved(event: SolveEvent): void;
  /** Runs one step of a loop; `taken` steps were taken before it. Left out where nobody wants to know. */
  readonly iterate?: <T>(taken: number, body: () => T) => T;
  /**
   * Called once per loop iteration: may throw to stop (abort, time limit) and reports progress. Where the back end can
   * be steered there is a `control`.
   */
  tick(
    progress?: {
      readonly iteration: number;
      readonly value: number;
      readonly error: number;
      readonly expression: string;
    },
    control?: TickControl,
  ): void;
  /** Ends the run at any time, in the middle of an equation too, where the back end can: `tick` is what it has to heed. */
  readonly signal?: AbortSignal;
}

/** What may be asked of a loop at a tick. */
export interface TickControl {
  /** Ends the solve that reports progress at the step it has just taken: its status stays `running`. */
  stop(): void;
  /** The next tick comes after one iteration of whatever loop runs. */
  watch(): void;
}

export interface CheckFailure {
  readonly code: string;
  readonly message: string;
  readonly help: string | undefined;
  readonly span: Span | undefined;
}

/** Makes a result of the run's precision. */
export function makeArray(context: EvaluationContext, dtype: DType, shape: readonly number[]): NdArray {
  let size = 1;
  for (const d of shape) size *= d;
  return { dtype, shape, data: context.allocate(dtype, size) };
}
