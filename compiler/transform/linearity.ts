/**
 * Whether a graph is linear in some of its inputs, as far as its outermost equations tell. Transposition
 * alone would not notice `2 * dx + 1`: a constant that is added has no part in the transpose.
 */
import type { Atom, Graph } from "../core/graph.ts";

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

/** False when an output has a part that does not depend on the marked inputs, or is a product of two of them. */
export function isHomogeneous(graph: Graph, marked: readonly boolean[]): boolean {
  const linear = new Set<number>();
  const zero = new Set<number>();
  graph.inputs.forEach((v, i) => {
    if (marked[i]) linear.add(v.id);
  });
  const isLinear = (a: Atom): boolean => a.kind === "var" && linear.has(a.id);
  const isZero = (a: Atom): boolean => (a.kind === "literal" ? a.value === 0 : zero.has(a.id));
  for (const { primitive, inputs, outputs } of graph.equations) {
    const reals = inputs.filter((a) => a.type.dtype === "real");
    const depends = inputs.some(isLinear);
    if (!depends) {
      const vanishes = primitive.name === "mul" ? reals.some(isZero) : reals.length > 0 && reals.every(isZero);
      if (keepsZero.has(primitive.name) && vanishes) for (const v of outputs) zero.add(v.id);
      continue;
    }
    if (additive.has(primitive.name) && !reals.every((a) => isLinear(a) || isZero(a))) return false;
    if (primitive.name === "mul" && reals.every(isLinear)) return false;
    for (const v of outputs) linear.add(v.id);
  }
  return graph.outputs.every((a) => a.type.dtype !== "real" || isLinear(a) || isZero(a));
}
