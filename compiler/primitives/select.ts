/** Elementwise choice by a bool: only the side taken has a derivative. */
import { type Atom, concreteShape, showType } from "../core/graph.ts";
import { type Emitter, makeArray, type Primitive } from "../core/primitive.ts";
import * as ir from "../kernel/expressions.ts";
import { invariant } from "../syntax/diagnostic.ts";
import { batchElementwise, elementwiseLowering, elementwiseShape } from "./elementwise.ts";

const zeroLike = (x: Atom): Atom => ({ kind: "literal", value: 0, type: { dtype: x.type.dtype, shape: [] } });

export const selectPrimitive: Primitive<Record<string, never>> = {
  name: "select",
  infer: (inputs) => {
    const [c, x, y] = inputs;
    invariant(c!.dtype === "bool" && x!.dtype === y!.dtype, () => `select of ${inputs.map(showType).join(", ")}`);
    return [{ dtype: x!.dtype, shape: elementwiseShape("select", inputs) }];
  },
  evaluate: (inputs, _params, context) => {
    const [c, x, y] = inputs;
    const shape = concreteShape(elementwiseShape("select", inputs));
    const result = makeArray(context, x!.dtype, shape);
    const [choice, yes, no, to] = [c!.data, x!.data, y!.data, result.data];
    // A scalar operand is read again and again at place 0.
    const stride = (rank: number) => (rank === 0 ? 0 : 1);
    const [sc, sx, sy] = [stride(c!.shape.length), stride(x!.shape.length), stride(y!.shape.length)];
    for (let i = 0; i < to.length; i++) to[i] = choice[i * sc]! ? yes[i * sx]! : no[i * sy]!;
    return [result];
  },
  lower: elementwiseLowering(1, ([c, x, y]) => ir.select(c!, x!, y!)),
  // d select(c, x, y) = select(c, dx, dy): a partial of the side not taken, even a NaN, goes nowhere.
  jvp: (b, call, [, dx, dy]) => {
    const outputs = b.emit(selectPrimitive, call.inputs, call.params);
    if (!dx && !dy) return { outputs, tangents: [undefined] };
    const [c, x, y] = call.inputs as readonly [Atom, Atom, Atom];
    return { outputs, tangents: [select(b, c, dx ?? zeroLike(x), dy ?? zeroLike(y))] };
  },
  transpose: (b, { inputs }, linear, [ct]) => {
    if (!ct) return [undefined, undefined, undefined];
    const [c] = inputs as readonly [Atom];
    const zero = zeroLike(ct);
    return [undefined, linear[1] ? select(b, c, ct, zero) : undefined, linear[2] ? select(b, c, zero, ct) : undefined];
  },
  batch: (b, call, batched, size) => batchElementwise(b, selectPrimitive, call, batched, size),
};

/** `x` where `c` is true, `y` elsewhere. Operands have one shape or are scalars; x and y share a dtype. */
export function select(b: Emitter, c: Atom, x: Atom, y: Atom): Atom {
  if (c.kind === "literal") {
    const [taken, other] = c.value ? [x, y] : [y, x];
    if (taken.type.shape.length >= other.type.shape.length) return taken;
  }
  return b.emit(selectPrimitive, [c, x, y], {})[0]!;
}

export const selectPrimitives: readonly Primitive[] = [selectPrimitive];
