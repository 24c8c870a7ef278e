/**
 * Whether a graph is linear in some of its inputs, as far as its outermost equations tell. Transposition
 * alone would not notice `2 * dx + 1`: a constant that is added has no part in the transpose.
 */
import type { Atom, Equation, Graph } from "../core/graph.ts";

/** What adds its real operands up, so that each of them has to be linear or zero. */
const additive = new Set(["add", "sub", "concat", "select", "pad", "scatterAdd", "scatterSet"]);
/** What gives zeros for zeros. */
const keepsZero = new Set([
  "broadcast",
  "reshape",
  "convert",
  "transpose",
  "neg",
  "mul",
  "slice",
  "gather",
  "reverse",
  "reduceSum",
]);

/** What has the entries of its operand, in another type or shape. */
const spreads = new Set(["broadcast", "convert", "reshape"]);

/** Whether an atom is a zero spread out over an array, as far as the equations that made it tell. */
export function isZeroArray(a: Atom, producer: (a: Atom) => Equation | undefined): boolean {
  if (a.kind === "literal") return a.value === 0;
  const made = producer(a);
  return made !== undefined && spreads.has(made.primitive.name) && isZeroArray(made.inputs[0]!, producer);
}

/**
 * False when an output has a part that does not depend on the marked inputs, or is a product of two of them. `zeros` are
 * inputs known to be zero: sums start from such, and share them with the scopes around.
 */
export function isHomogeneous(graph: Graph, marked: readonly boolean[], zeros: readonly boolean[] = []): boolean {
  const linear = new Set<number>();
  const zero = new Set<number>();
  graph.inputs.forEach((v, i) => {
    if (marked[i]) linear.add(v.id);
    else if (zeros[i]) zero.add(v.id);
  });
  const isLinear = (a: Atom): boolean => a.kind === "var" && linear.has(a.id);
  const isZero = (a: Atom): boolean => (a.kind === "literal" ? a.value === 0 : zero.has(a.id));
  for (const { primitive, inputs, outputs } of graph.equations) {
    const reals = inputs.filter((a) => a.type.dtype === "real");
    const depends = inputs.some(isLinear);
    if (!depends) {
      // The zeros that sums start from may be converted ints.
      const values = primitive.name === "convert" ? inputs : reals;
      const vanishes = primitive.name === "mul" ? reals.some(isZero) : values.length > 0 && values.every(isZero);
      if (keepsZero.has(primitive.name) && vanishes) for (const v of outputs) zero.add(v.id);
      continue;
    }
    if (additive.has(primitive.name) && !reals.every((a) => isLinear(a) || isZero(a))) return false;
    if (primitive.name === "mul" && reals.every(isLinear)) return false;
    for (const v of outputs) linear.add(v.id);
  }
  return graph.outputs.every((a) => a.type.dtype !== "real" || isLinear(a) || isZero(a));
}
