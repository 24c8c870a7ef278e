/**
 * How a primitive becomes loops: the rule that stands beside its shape and derivative rules. Most are a
 * scalar expression for one element of the result; reductions give a step; what is neither writes its
 * loops itself.
 */
import type { DType } from "../core/array.ts";
import type { Accumulator, Expression, KernelArray, Local, Precision, Statement } from "./ir.ts";

/** A bound array: sizes are numbers. */
export interface BoundType {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

export interface LoweringContext<P> {
  readonly params: P;
  readonly precision: Precision;
  readonly inputs: readonly BoundType[];
  readonly outputs: readonly BoundType[];
}

/** The element of an operand at the given coordinates, one per axis. Only ever asked for places in range. */
export type Read = (operand: number, coordinates: readonly Expression[]) => Expression;

export type Lowering<P = Readonly<Record<string, unknown>>> =
  | MapLowering<P>
  | ReduceLowering<P>
  | RoutineLowering<P>
  | ProductLowering<P>
  | ControlLowering;

/** Each element of the (one) result is a scalar expression of elements of the operands. */
export interface MapLowering<P> {
  readonly kind: "map";
  /**
   * What one element costs beyond its operands: about 1 for arithmetic, 10 for exp, 0 for moving. A primitive that
   * only moves elements is never stored for its own sake.
   */
  readonly cost: number;
  element(context: LoweringContext<P>, read: Read, coordinates: readonly Expression[]): Expression;
}

/** Each element of the result is a reduction over axes of an iteration space. */
export interface ReduceLowering<P> {
  readonly kind: "reduce";
  reduction(context: LoweringContext<P>): Reduction;
}

export interface Reduction {
  /** The whole space, and the axes of it that are reduced; the others, in order, are the result's. */
  readonly shape: readonly number[];
  readonly axes: readonly number[];
  /**
   * The accumulators: the first value, and how two partial results join. `undefined` operators make a reduction
   * whose steps run in order of the reduced axes (argmax).
   */
  readonly initial: readonly Expression[];
  readonly operator: Accumulator["operator"] | undefined;
  readonly cost: number;
  /** With an operator: the one value to join, for the element at `coordinates` of the space. */
  readonly element: (read: Read, coordinates: readonly Expression[]) => Expression;
  /**
   * Without one: the accumulators' next values. `place` is the element's number among those reduced.
   */
  readonly step?: (state: readonly Expression[], element: Expression, place: Expression) => readonly Expression[];
  /** The result, from the accumulators. */
  readonly finish: (state: readonly Expression[]) => Expression;
}

/** Loops written out: a body for each of `grid` independent lanes. */
export interface RoutineLowering<P> {
  readonly kind: "routine";
  routine(context: LoweringContext<P>): Routine;
  /**
   * The (one) result as a reduction: more work in many more lanes, for targets that have them. Undefined where that is
   * no gain.
   */
  reduction?(context: LoweringContext<P>): Reduction | undefined;
  /**
   * The same results from several kernels, one after another, each of many more and much shorter lanes, for targets that
   * have them. Undefined where that is no gain.
   */
  stages?(context: LoweringContext<P>): StagedRoutine | undefined;
}

interface ScratchArray {
  readonly name: string;
  readonly kind: KernelArray["kind"];
  readonly length: number;
}

interface RoutineArrays {
  readonly inputs: readonly KernelArray[];
  readonly outputs: readonly KernelArray[];
  readonly scratch: readonly KernelArray[];
}

export interface Routine {
  readonly grid: number;
  /** The operand, if there is one, of which each element is read about once: it may be computed where it is read. */
  readonly pulled?: number;
  /** Arrays the lanes work in, all of them together; each lane uses a part of its own. */
  readonly scratch: readonly ScratchArray[];
  /**
   * `inputs` are read, `outputs` written (and may be read back); each lane writes elements of its own. `pull` reads the
   * element of the pulled operand that would be at a place of its array; without it that is an array like the others.
   */
  readonly body: (lane: Local, arrays: RoutineArrays, pull?: (place: Expression) => Expression) => readonly Statement[];
}

/** A routine as kernels that hand their results on to each other in scratch arrays. */
export interface StagedRoutine {
  readonly scratch: readonly ScratchArray[];
  readonly stages: readonly Stage[];
}

export interface Stage {
  /** Told after the primitive's name. */
  readonly name: string;
  /** For people: what it does. */
  readonly description: string;
  readonly grid: number;
  /** About how many operations a lane takes. */
  readonly cost: number;
  /** A lane reads what earlier stages wrote, and what it wrote itself; no two write the same element. */
  readonly body: (lane: Local, arrays: RoutineArrays) => readonly Statement[];
}

/** Matrix products, which have schedules of their own. */
export interface ProductLowering<P> {
  readonly kind: "product";
  axes(context: LoweringContext<P>): ProductAxes;
}

/** `[batch, m, n] = sum over k`: the axes of each operand, in the result's order; k's in pairs. */
export interface ProductAxes {
  readonly batch: readonly [readonly number[], readonly number[]];
  readonly contract: readonly [readonly number[], readonly number[]];
  readonly free: readonly [readonly number[], readonly number[]];
}

/** Loops, branches, calls and effects: the plan builder knows them by name. */
export interface ControlLowering {
  readonly kind: "control";
}
