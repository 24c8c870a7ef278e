/**
 * `scan`: the one loop of the core graph.
 *
 * `body` takes constants, carry and one slice of each stacked operand, and gives the next carry and one
 * slice of each stacked result. `condition`, tested on the same operands before each step, ends the loop.
 * `length` undefined is a loop without a bound: it has no stacked operands or results, and no reverse
 * derivative. The last result is the number of steps taken.
 *
 * This file: shape rule and meaning. The derivative rules are in scan-derivatives.ts, lanes in scan-batch.ts.
 */
import type { NdArray } from "../../core/array.ts";
import { sizeOf } from "../../core/array.ts";
import type { Dim } from "../../core/dimension.ts";
import { type Atom, concreteShape, type Graph, intScalar } from "../../core/graph.ts";
import {
  type Emitter,
  type EvaluationContext,
  makeArray,
  type Primitive,
  type TickControl,
} from "../../core/primitive.ts";
import { batchScan } from "./scan-batch.ts";
import { jvpScan, splitScan, transposeScan } from "./scan-derivatives.ts";

export interface ScanParams extends Readonly<Record<string, unknown>> {
  readonly body: Graph;
  readonly condition: Graph | undefined;
  readonly length: Dim | undefined;
  /** How many operands are constants, carry and stacked, in this order. */
  readonly constants: number;
  readonly carry: number;
  readonly stacked: number;
  /** The last slice first. */
  readonly reverse: boolean;
  /** True when the first operand is an int: how many of the `length` steps to take. */
  readonly counted: boolean;
  /** The solve this loop runs. */
  readonly progress?: {
    readonly expression: string;
    /** Where `body` gives the value and the error that each step tells, when these are not its first stacked results. */
    readonly told?: ToldPlaces;
  };
}

/** Places of the value and the error among what a step gives; a step tells NaN for undefined. */
export type ToldPlaces = readonly [value: number | undefined, error: number | undefined];

/** What each step of a solve tells; nothing when the loop runs none. */
export function toldPlaces({ progress, carry }: ScanParams): ToldPlaces {
  return progress ? (progress.told ?? [carry, carry + 1]) : [undefined, undefined];
}

/** What is told, after each place has become another one. */
export function movedPlaces([value, error]: ToldPlaces, move: (place: number) => number | undefined): ToldPlaces {
  return [value === undefined ? undefined : move(value), error === undefined ? undefined : move(error)];
}

export const scanPrimitive: Primitive<ScanParams> = {
  name: "scan",
  lower: { kind: "control" },
  graphs: ({ body, condition }) => (condition ? [body, condition] : [body]),
  infer: (_inputs, { body, carry, length }) => [
    ...body.outputs.slice(0, carry).map((a) => a.type),
    ...body.outputs.slice(carry).map((a) => ({ dtype: a.type.dtype, shape: [length ?? 0, ...a.type.shape] })),
    intScalar,
  ],
  evaluate: (inputs, params, context) => evaluateScan(inputs, params, context),
  jvp: (b, call, tangents) => jvpScan(b, call, tangents),
  split: (known, linear, call, isLinear) => splitScan(known, linear, call, isLinear),
  transpose: (b, call, linear, cotangents) => transposeScan(b, call, linear, cotangents),
  batch: (b, call, batched, size, guard) => batchScan(b, call, batched, size, guard),
};

/** Emits a scan; the results are the final carry, the stacked results, and the number of steps. */
export function scan(b: Emitter, inputs: readonly Atom[], params: ScanParams): readonly Atom[] {
  return b.emit(scanPrimitive as Primitive, inputs, params);
}

/** The operands by their part in the loop. */
export function scanOperands<T>(inputs: readonly T[], params: ScanParams) {
  const first = params.counted ? 1 : 0;
  const afterConstants = first + params.constants;
  const afterCarry = afterConstants + params.carry;
  return {
    count: params.counted ? inputs[0] : undefined,
    constants: inputs.slice(first, afterConstants),
    carry: inputs.slice(afterConstants, afterCarry),
    stacked: inputs.slice(afterCarry),
  };
}

function evaluateScan(inputs: readonly NdArray[], params: ScanParams, context: EvaluationContext): readonly NdArray[] {
  const { count, constants, carry: initial, stacked } = scanOperands(inputs, params);
  const length = params.length === undefined ? Number.POSITIVE_INFINITY : concreteShape([params.length])[0]!;
  const steps = count ? Math.min(count.data[0]!, length) : length;
  const slices = stacked.map((x) => slicer(x));
  const results = params.body.outputs.slice(params.carry).map((a) => {
    const shape = concreteShape(a.type.shape);
    return {
      array: makeArray(context, a.type.dtype, [params.length === undefined ? 0 : length, ...shape]),
      size: sizeOf(shape),
    };
  });
  let carry: readonly NdArray[] = initial;
  let taken = 0;
  let stopped = false;
  const control: TickControl = {
    stop: () => {
      if (params.progress && params.condition && !params.reverse) stopped = true;
    },
    watch: () => {},
  };
  const told = toldPlaces(params);
  for (; taken < steps && !stopped; taken++) {
    const at = params.reverse ? steps - 1 - taken : taken;
    const operands = [...constants, ...carry, ...slices.map((slice) => slice(at))];
    if (params.condition && !context.run(params.condition, operands)[0]!.data[0]) break;
    const body = () => context.run(params.body, operands);
    const next = context.iterate ? context.iterate(taken, body) : body();
    const [value, error] = told.map((i) => (i === undefined ? Number.NaN : (next[i]?.data[0] ?? Number.NaN)));
    context.tick(
      params.progress && {
        expression: params.progress.expression,
        iteration: taken,
        value: value!,
        error: error!,
      },
      control,
    );
    carry = next.slice(0, params.carry);
    results.forEach(({ array, size }, i) => {
      array.data.set(next[params.carry + i]!.data, at * size);
    });
  }
  const total = makeArray(context, "int", []);
  total.data[0] = taken;
  return [...carry, ...results.map((r) => r.array), total];
}

/** Views of an array's leading axis. */
function slicer(x: NdArray): (at: number) => NdArray {
  const shape = x.shape.slice(1);
  const size = sizeOf(shape);
  return (at) => ({ dtype: x.dtype, shape, data: x.data.subarray(at * size, (at + 1) * size) });
}
