/**
 * `opaque`: stands, while a program is only checked, for work that needs numbers for its sizes
 * (derivatives, maps, factorisations). It has types and dependencies, and can not be run.
 */
import type { ArrayType, Atom } from "./graph.ts";
import type { Emitter, Primitive } from "./primitive.ts";

interface OpaqueParams extends Readonly<Record<string, unknown>> {
  readonly name: string;
  readonly types: readonly ArrayType[];
}

const refuse = (): never => {
  throw new Error("internal error: a checked program was run without its data");
};

export const opaquePrimitive: Primitive<OpaqueParams> = {
  name: "opaque",
  // Carries no graphs, but like those that do it is never folded.
  graphs: () => [],
  infer: (_inputs, { types }) => types,
  evaluate: refuse,
  jvp: refuse,
  transpose: refuse,
  batch: refuse,
  lower: { kind: "control" },
};

let unique = 0;

export function opaque(
  b: Emitter,
  name: string,
  inputs: readonly Atom[],
  types: readonly ArrayType[],
): readonly Atom[] {
  // A name of its own for each: what was left out of a checked equation must not make two of them one.
  unique += 1;
  return b.emit(opaquePrimitive as Primitive, inputs, { name: `${name} #${unique}`, types });
}
