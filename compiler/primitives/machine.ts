/** What depends on the run's precision. */
import { type Atom, realScalar } from "../core/graph.ts";
import { type Emitter, makeArray, type Primitive } from "../core/primitive.ts";
import { real } from "../kernel/expressions.ts";
import { notLinear, zeroJvp } from "./elementwise.ts";

/** The distance from 1 to the next larger number of the run's precision. */
export function epsilonOf(precision: "f64" | "f32"): number {
  return precision === "f64" ? 2 ** -52 : 2 ** -23;
}

export const machineEpsilonPrimitive: Primitive<Record<string, never>> = {
  name: "machineEpsilon",
  infer: () => [realScalar],
  evaluate: (_inputs, _params, context) => {
    const out = makeArray(context, "real", []);
    out.data[0] = epsilonOf(context.precision);
    return [out];
  },
  lower: { kind: "map", cost: 0, element: ({ precision }) => real(epsilonOf(precision)) },
  jvp: zeroJvp(() => machineEpsilonPrimitive),
  transpose: notLinear("machineEpsilon"),
  batch: (b, call) => ({ outputs: b.emit(machineEpsilonPrimitive, call.inputs, call.params), batched: [false] }),
};

/** `epsilon` of the run: 2^-52 or 2^-23. A value of the run, not of the program, so never folded. */
export function machineEpsilon(b: Emitter): Atom {
  return b.emit(machineEpsilonPrimitive, [], {})[0]!;
}

export const machinePrimitives: readonly Primitive[] = [machineEpsilonPrimitive];
