/** How linear primitives of one operand are made: the tangent is the primitive applied to the tangent. */
import type { NdArray } from "../core/array.ts";
import type { Dim } from "../core/dimension.ts";
import type { ArrayType, Atom } from "../core/graph.ts";
import type { Emitter, EvaluationContext, Params, Primitive } from "../core/primitive.ts";
import type { Lowering } from "../kernel/lowering.ts";

export interface LinearUnaryDefinition<P extends Params> {
  readonly name: string;
  readonly infer: (x: ArrayType, params: P) => ArrayType;
  readonly evaluate: (x: NdArray, params: P, context: EvaluationContext) => NdArray;
  /** The cotangent of operand `x`, given that of the result. */
  readonly transpose: (b: Emitter, x: Atom, params: P, cotangent: Atom) => Atom;
  /** The parameters that do the same below a new leading axis. */
  readonly batchParams: (params: P, size: Dim) => P;
  /** The parameters for tangents, where the primitive is affine and the constant falls away. */
  readonly tangentParams?: (params: P) => P;
  /** How it becomes loops over memory. */
  readonly lower: Lowering<P>;
}

/** A primitive that is linear (or affine) in its one operand. Ints and bools pass through it without tangents. */
export function linearUnary<P extends Params>(definition: LinearUnaryDefinition<P>): Primitive<P> {
  const primitive: Primitive<P> = {
    name: definition.name,
    lower: definition.lower,
    infer: ([x], params) => [definition.infer(x!, params)],
    evaluate: ([x], params, context) => [definition.evaluate(x!, params, context)],
    // d(L x) = L dx
    jvp: (b, call, [dx]) => ({
      outputs: b.emit(primitive, call.inputs, call.params),
      tangents: [dx && b.emit(primitive, [dx], definition.tangentParams?.(call.params) ?? call.params)[0]],
    }),
    transpose: (b, call, _linear, [ct]) => [ct && definition.transpose(b, call.inputs[0]!, call.params, ct)],
    batch: (b, call, _batched, size) => ({
      outputs: b.emit(primitive, call.inputs, definition.batchParams(call.params, size)),
      batched: [true],
    }),
  };
  return primitive;
}
