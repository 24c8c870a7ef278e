/** Runs lowering rules through the interpreter: for tests, no part of the compiler. */
import { type ArrayData, type NdArray, sizeOf } from "../core/array.ts";
import { concreteShape } from "../core/graph.ts";
import type { Params, Primitive } from "../core/primitive.ts";
import { binary, coordinatesOf, kernelArray, linearIndex, load, local, loop } from "./expressions.ts";
import { interpretKernel, type Storage } from "./interpret.ts";
import type { Accumulator, Expression, Kernel, KernelArray, Precision, Statement } from "./ir.ts";
import type {
  BoundType,
  LoweringContext,
  MapLowering,
  Read,
  ReduceLowering,
  Reduction,
  RoutineLowering,
} from "./lowering.ts";
import { verifyLanes } from "./testing-lanes.ts";
import { reversedKernel, verifyKernel } from "./testing-verify.ts";

/**
 * What the lowering of `primitive` computes, by the interpreter. Arrays that the kernel is to write are full of
 * garbage before, so that reading what was never written shows. Works for map, reduce and routine lowerings. With
 * `direction` "backward" all loops whose order is free run from their ends.
 */
export function lowerAndInterpret<P extends Params>(
  primitive: Primitive<P>,
  inputs: readonly NdArray[],
  params: P,
  precision: Precision,
  direction: "forward" | "backward" = "forward",
): NdArray[] {
  const { kernel, outputs } = kernelOf(primitive, inputs, params, precision);
  verifyKernel(kernel);
  const before = () =>
    kernel.arrays.map((array, i) =>
      i < inputs.length ? storageOf(inputs[i]!.data, array.kind, precision) : garbage(array, precision),
    );
  if (direction === "forward") verifyLanes(kernel, before, precision);
  const storage = before();
  interpretKernel(direction === "forward" ? kernel : reversedKernel(kernel), storage, precision);
  return outputs.map(({ dtype, shape }, i) => {
    const data = storage[inputs.length + i]!;
    return { dtype, shape, data: dtype === "bool" ? Uint8Array.from(data) : (data as ArrayData) };
  });
}

/** The kernel of one primitive alone: its arrays are the inputs, the outputs and scratch. */
export function kernelOf<P extends Params>(
  primitive: Primitive<P>,
  inputs: readonly BoundType[],
  params: P,
  precision: Precision,
): { kernel: Kernel; outputs: readonly BoundType[] } {
  const outputs = primitive
    .infer(
      inputs.map(({ dtype, shape }) => ({ dtype, shape })),
      params,
    )
    .map(({ dtype, shape }) => ({ dtype, shape: concreteShape(shape) }));
  const context: LoweringContext<P> = { params, precision, inputs, outputs };
  const arrays = {
    inputs: inputs.map((x, i) => kernelArray(`input${i}`, x.dtype, sizeOf(x.shape), "read")),
    outputs: outputs.map((x, i) => kernelArray(`output${i}`, x.dtype, sizeOf(x.shape), "both")),
  };
  const lowering = primitive.lower;
  if (lowering?.kind === "map") return { kernel: mapKernel(lowering, context, arrays), outputs };
  if (lowering?.kind === "reduce") return { kernel: reduceKernel(lowering, context, arrays), outputs };
  if (lowering?.kind === "routine") return { kernel: routineKernel(lowering, context, arrays), outputs };
  throw new Error(`no lowering of ${primitive.name} that can be interpreted`);
}

interface Arrays {
  readonly inputs: readonly KernelArray[];
  readonly outputs: readonly KernelArray[];
}

function kernelWith(arrays: readonly KernelArray[], count: number, body: (index: Expression) => readonly Statement[]) {
  const grid = loop("lane", count, "independent", body);
  return { name: "test", span: undefined, arrays, grid, description: "" };
}

function readOf({ inputs }: LoweringContext<unknown>, arrays: Arrays): Read {
  return (operand, at) => load(arrays.inputs[operand]!, linearIndex(at, inputs[operand]!.shape));
}

function mapKernel<P>(lowering: MapLowering<P>, context: LoweringContext<P>, arrays: Arrays): Kernel {
  const { shape } = context.outputs[0]!;
  return kernelWith([...arrays.inputs, ...arrays.outputs], sizeOf(shape), (index) => {
    const value = lowering.element(context, readOf(context, arrays), coordinatesOf(index, shape));
    return [{ op: "store", array: arrays.outputs[0]!, index, value }];
  });
}

function reduceKernel<P>(lowering: ReduceLowering<P>, context: LoweringContext<P>, arrays: Arrays): Kernel {
  const reduction = lowering.reduction(context);
  const { shape, axes } = reduction;
  const kept = shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const sizes = (which: readonly number[]) => which.map((i) => shape[i]!);
  return kernelWith([...arrays.inputs, ...arrays.outputs], sizeOf(sizes(kept)), (index) => {
    const state = reduction.initial.map((e, i) => local(e.kind, `state${i}`));
    const steps = loop("place", sizeOf(sizes(axes)), "serial", (place) => {
      const coordinates = new Array<Expression>(shape.length);
      coordinatesOf(index, sizes(kept)).forEach((c, i) => {
        coordinates[kept[i]!] = c;
      });
      coordinatesOf(place, sizes(axes)).forEach((c, i) => {
        coordinates[axes[i]!] = c;
      });
      return reductionStep(reduction, state, reduction.element(readOf(context, arrays), coordinates), place);
    });
    return [
      ...state.map((s, i) => ({ op: "variable" as const, local: s, value: reduction.initial[i]! })),
      steps,
      { op: "store", array: arrays.outputs[0]!, index, value: reduction.finish(state) },
    ];
  });
}

function reductionStep(
  reduction: Reduction,
  state: readonly Accumulator["local"][],
  element: Expression,
  place: Expression,
): readonly Statement[] {
  if (reduction.operator)
    return [{ op: "assign", local: state[0]!, value: binary(reduction.operator, state[0]!, element) }];
  const next = reduction.step!(state, element, place).map((e, i) => ({ value: e, local: local(e.kind, `next${i}`) }));
  return [
    ...next.map(({ local, value }) => ({ op: "let" as const, local, value })),
    ...next.map((n, i) => ({ op: "assign" as const, local: state[i]!, value: n.local })),
  ];
}

function routineKernel<P>(lowering: RoutineLowering<P>, context: LoweringContext<P>, arrays: Arrays): Kernel {
  const routine = lowering.routine(context);
  const scratch = routine.scratch.map(({ name, kind, length }) => kernelArray(name, kind, length, "both"));
  const grid = loop("lane", routine.grid, "independent", (lane) => routine.body(lane, { ...arrays, scratch }));
  return {
    name: "test",
    span: undefined,
    arrays: [...arrays.inputs, ...arrays.outputs, ...scratch],
    grid,
    description: "",
  };
}

function storageOf(data: ArrayLike<number>, kind: KernelArray["kind"], precision: Precision): Storage {
  if (kind !== "real") return Int32Array.from(data);
  return precision === "f64" ? Float64Array.from(data) : Float32Array.from(data);
}

function garbage(array: KernelArray, precision: Precision): Storage {
  const values = { length: array.length };
  if (array.kind !== "real") return Int32Array.from(values, () => 0x5a5a5a5a);
  return storageOf(
    Array.from(values, () => Number.NaN),
    "real",
    precision,
  );
}
