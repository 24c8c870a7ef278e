/** `no_derivative`: the identity on a value that has none to be trusted. Differentiating it is an error, never a silent zero. */
import type { Atom } from "../../core/graph.ts";
import type { Emitter, Primitive } from "../../core/primitive.ts";
import { notLinear } from "../../primitives/elementwise.ts";
import { fail } from "../../syntax/diagnostic.ts";
import type { Span } from "../../syntax/tree.ts";

interface RefuseParams extends Readonly<Record<string, unknown>> {
  readonly message: string;
  readonly help: string;
  readonly span: Span | undefined;
}

export const noDerivativePrimitive: Primitive<RefuseParams> = {
  name: "no_derivative",
  lower: { kind: "map", cost: 0, element: (_context, read, at) => read(0, at) },
  infer: ([x]) => [x!],
  evaluate: ([x]) => [x!],
  jvp: (_b, { params }) => refuseDerivative(params),
  transpose: notLinear("no_derivative"),
  batch: (b, { inputs, params }) => ({
    outputs: b.emit(noDerivativePrimitive as Primitive, inputs, params),
    batched: [true],
  }),
};

/** The error of whoever differentiates such a value. */
export function refuseDerivative({ span, message, help }: RefuseParams): never {
  return fail("K0521", span, message, { help });
}

export function noDerivative(b: Emitter, x: Atom, span: Span | undefined, message: string, help: string): Atom {
  if (x.kind === "literal" || x.type.dtype !== "real") return x;
  return b.emit(noDerivativePrimitive as Primitive, [x], { message, help, span })[0]!;
}
