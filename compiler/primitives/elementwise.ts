/**
 * How elementwise primitives are made: shape rule, evaluation, batching and derivative drivers are the
 * same for all of them; a file that defines one gives the scalar meaning and the derivative.
 */
import type { DType, NdArray } from "../core/array.ts";
import { compareDims, type Dim } from "../core/dimension.ts";
import { type ArrayType, type Atom, showType } from "../core/graph.ts";
import {
  type BatchResult,
  type Emitter,
  makeArray,
  type Params,
  type Primitive,
  type PrimitiveCall,
} from "../core/primitive.ts";
import type { Expression, Precision } from "../kernel/ir.ts";
import type { Lowering, Read } from "../kernel/lowering.ts";
import { invariant } from "../syntax/diagnostic.ts";
import { broadcast } from "./shape.ts";

/** The common shape of elementwise operands: scalars (rank 0) go with anything. */
export function elementwiseShape(name: string, inputs: readonly ArrayType[]): readonly Dim[] {
  let shape: readonly Dim[] = [];
  for (const { shape: s } of inputs) {
    if (s.length === 0) continue;
    if (shape.length === 0) shape = s;
    else
      invariant(
        s.length === shape.length && s.every((d, i) => compareDims(d, shape[i]!) !== "different"),
        () => `${name} of ${inputs.map(showType).join(" and ")}`,
      );
  }
  return shape;
}

/**
 * Batched elementwise application. An operand whose lanes are scalars beside lanes that are arrays is
 * stretched, and so is an unbatched array beside batched ones.
 */
export function batchElementwise(
  b: Emitter,
  primitive: Primitive,
  call: PrimitiveCall<Params>,
  batched: readonly boolean[],
  size: Dim,
): BatchResult {
  const laneRank = Math.max(...call.inputs.map((a, i) => a.type.shape.length - (batched[i] ? 1 : 0)));
  const laneShape =
    call.inputs.map((a, i) => (batched[i] ? a.type.shape.slice(1) : a.type.shape)).find((s) => s.length === laneRank) ??
    [];
  const inputs = call.inputs.map((a, i) => {
    const rank = a.type.shape.length - (batched[i] ? 1 : 0);
    if (!batched[i]) {
      if (rank === 0) return a;
      return broadcast(
        b,
        a,
        [size, ...laneShape],
        laneShape.map((_, k) => k + 1),
      );
    }
    if (rank === laneRank) return a;
    return broadcast(b, a, [size, ...laneShape], [0]);
  });
  const outputs = b.emit(primitive, inputs, call.params);
  return { outputs, batched: outputs.map(() => true) };
}

/** The transpose of a primitive that is linear in nothing. */
export function notLinear(name: string): () => never {
  return () => {
    throw new Error(`internal error: ${name} is not linear, so it has no transpose`);
  };
}

/** No derivative at all: comparisons, integers, rounding. */
export function zeroJvp(getPrimitive: () => Primitive): Primitive["jvp"] {
  return (b, call) => {
    const outputs = b.emit(getPrimitive(), call.inputs, call.params);
    return { outputs, tangents: outputs.map(() => undefined) };
  };
}

interface ElementKernel {
  /** What one element costs beyond its operands, see `MapLowering`; 1, as for arithmetic, when left out. */
  readonly cost?: number;
}

/** An operand's element: a scalar beside arrays has no coordinates. */
function readElement(
  inputs: readonly { readonly shape: readonly number[] }[],
  read: Read,
  operand: number,
  coordinates: readonly Expression[],
): Expression {
  return read(operand, inputs[operand]!.shape.length === 0 ? [] : coordinates);
}

/** The lowering of a primitive whose elements are a function of its operands' elements. */
export function elementwiseLowering<P>(
  cost: number,
  element: (operands: readonly Expression[], precision: Precision, params: P) => Expression,
): Lowering<P> {
  return {
    kind: "map",
    cost,
    element: ({ inputs, precision, params }, read, at) =>
      element(
        inputs.map((_, i) => readElement(inputs, read, i, at)),
        precision,
        params,
      ),
  };
}

export interface UnaryDefinition extends ElementKernel {
  readonly name: string;
  /** The meaning of `scalar` as an expression. */
  readonly kernel: (x: Expression, precision: Precision) => Expression;
  /** The dtype of the result; the operand's when left out. */
  readonly result?: DType;
  readonly scalar: (x: number) => number;
  /** The tangent: given operand x, result y and tangent dx. Left out where the derivative is zero everywhere it exists. */
  readonly tangent?: (b: Emitter, x: Atom, y: Atom, dx: Atom) => Atom;
  /** For linear primitives: the cotangent of the operand. */
  readonly transpose?: (b: Emitter, cotangent: Atom) => Atom;
}

/** An elementwise primitive of one operand. */
export function unaryPrimitive(definition: UnaryDefinition): Primitive<Record<string, never>> {
  const { name, scalar } = definition;
  const primitive: Primitive<Record<string, never>> = {
    name,
    lower: elementwiseLowering(definition.cost ?? 1, ([x], precision) => definition.kernel(x!, precision)),
    infer: ([x]) => [{ dtype: definition.result ?? x!.dtype, shape: x!.shape }],
    evaluate: ([x], _params, context) => [mapUnary(context, definition.result ?? x!.dtype, x!, scalar)],
    jvp: (b, call, [dx]) => {
      const outputs = b.emit(primitive, call.inputs, call.params);
      const [x] = call.inputs;
      const tangent = dx && definition.tangent ? definition.tangent(b, x!, outputs[0]!, dx) : undefined;
      return { outputs, tangents: [tangent] };
    },
    transpose: (b, _call, _linear, [ct]) => {
      if (!definition.transpose) return notLinear(name)();
      return [ct && definition.transpose(b, ct)];
    },
    batch: (b, call) => ({ outputs: b.emit(primitive, call.inputs, call.params), batched: [true] }),
  };
  return primitive;
}

export function mapUnary(
  context: Parameters<Primitive["evaluate"]>[2],
  dtype: DType,
  x: NdArray,
  scalar: (x: number) => number,
): NdArray {
  const result = makeArray(context, dtype, x.shape);
  const [from, to] = [x.data, result.data];
  for (let i = 0; i < to.length; i++) to[i] = scalar(from[i]!);
  return result;
}

export interface BinaryDefinition extends ElementKernel {
  readonly name: string;
  /** The meaning of `scalar`, or for ints of `integer`, as an expression. */
  readonly kernel: (x: Expression, y: Expression, precision: Precision) => Expression;
  readonly result?: DType;
  readonly scalar: (x: number, y: number) => number;
  /** Used when the operands are ints, where the meaning differs (wrapping). */
  readonly integer?: (x: number, y: number) => number;
  /** The tangent of the result for a tangent of either operand; both are summed. Left out where zero. */
  readonly tangents?: readonly [
    (b: Emitter, x: Atom, y: Atom, z: Atom, dx: Atom) => Atom,
    (b: Emitter, x: Atom, y: Atom, z: Atom, dy: Atom) => Atom,
  ];
  /** Cotangents of the operands marked linear. */
  readonly transpose?: (
    b: Emitter,
    x: Atom,
    y: Atom,
    linear: readonly boolean[],
    cotangent: Atom,
  ) => readonly (Atom | undefined)[];
  /** Adds two tangents; given by the file that defines `add`. */
  readonly combine?: (b: Emitter, s: Atom, t: Atom) => Atom;
}

/** An elementwise primitive of two operands. */
export function binaryPrimitive(definition: BinaryDefinition): Primitive<Record<string, never>> {
  const { name } = definition;
  const primitive: Primitive<Record<string, never>> = {
    name,
    lower: elementwiseLowering(definition.cost ?? 1, ([x, y], precision) => definition.kernel(x!, y!, precision)),
    infer: (inputs) => {
      invariant(inputs[0]!.dtype === inputs[1]!.dtype, () => `${name} of ${inputs.map(showType).join(" and ")}`);
      return [{ dtype: definition.result ?? inputs[0]!.dtype, shape: elementwiseShape(name, inputs) }];
    },
    evaluate: ([x, y], _params, context) => {
      const scalar = x!.dtype === "int" && definition.integer ? definition.integer : definition.scalar;
      return [mapBinary(context, definition.result ?? x!.dtype, x!, y!, scalar)];
    },
    jvp: (b, call, [dx, dy]) => {
      const outputs = b.emit(primitive, call.inputs, call.params);
      const [x, y] = call.inputs as readonly [Atom, Atom];
      const z = outputs[0]!;
      if (!definition.tangents) return { outputs, tangents: [undefined] };
      const [first, second] = definition.tangents;
      const s = dx && first(b, x, y, z, dx);
      const t = dy && second(b, x, y, z, dy);
      const tangent = s && t ? definition.combine!(b, s, t) : (s ?? t);
      return { outputs, tangents: [tangent] };
    },
    transpose: (b, call, linear, [ct]) => {
      if (!definition.transpose) return notLinear(name)();
      if (!ct) return [undefined, undefined];
      return definition.transpose(b, call.inputs[0]!, call.inputs[1]!, linear, ct);
    },
    batch: (b, call, batched, size) => batchElementwise(b, primitive, call, batched, size),
  };
  return primitive;
}

export function mapBinary(
  context: Parameters<Primitive["evaluate"]>[2],
  dtype: DType,
  x: NdArray,
  y: NdArray,
  scalar: (x: number, y: number) => number,
): NdArray {
  const result = makeArray(context, dtype, x.shape.length >= y.shape.length ? x.shape : y.shape);
  const [a, b, to] = [x.data, y.data, result.data];
  if (x.shape.length === 0 && y.shape.length > 0) {
    const value = a[0]!;
    for (let i = 0; i < to.length; i++) to[i] = scalar(value, b[i]!);
  } else if (y.shape.length === 0 && x.shape.length > 0) {
    const value = b[0]!;
    for (let i = 0; i < to.length; i++) to[i] = scalar(a[i]!, value);
  } else for (let i = 0; i < to.length; i++) to[i] = scalar(a[i]!, b[i]!);
  return result;
}
