/**
 * Branches between numbers as choices: where both sides are a few operations on numbers, to compute both and take one
 * costs less than to go one of two ways, and what is around them is one kernel.
 */
import { Builder } from "../core/builder.ts";
import type { Atom, Equation, Graph } from "../core/graph.ts";
import { select } from "../primitives/select.ts";
import { inlineGraph } from "../transform/inline.ts";
import type { MapLowering } from "./lowering.ts";

/** What both sides may cost, about: an exponential is 10. */
const mostWork = 60;

/**
 * The same graph without branches that are cheap. Of a branch whose predicate is seldom true, the other side may be dear:
 * it is computed always.
 */
export function flattenBranches(graph: Graph, isSeldom: (predicate: Atom) => boolean = () => false): Graph {
  if (!graph.equations.some((e) => e.primitive.name === "cond")) return graph;
  const b = new Builder();
  const values = new Map<number, Atom>(graph.inputs.map((v) => [v.id, b.input(v.type)]));
  const atom = (a: Atom): Atom => (a.kind === "literal" ? a : values.get(a.id)!);
  const choices = new Map<number, Choice>();
  for (const e of graph.equations) {
    const results = b.at(e.span, () => equation(b, e, e.inputs.map(atom), choices, isSeldom), e.pass);
    e.outputs.forEach((v, i) => {
      values.set(v.id, results[i]!);
    });
  }
  return b.close(graph.name, graph.outputs.map(atom)).graph;
}

/** What was made of a branch. */
interface Choice {
  readonly predicate: Atom;
  readonly sides: readonly [Atom, Atom];
}

function equation(
  b: Builder,
  e: Equation,
  inputs: readonly Atom[],
  choices: Map<number, Choice>,
  isSeldom: (predicate: Atom) => boolean,
): readonly Atom[] {
  if (e.primitive.name !== "cond") return b.emit(e.primitive, inputs, e.params);
  const [then, otherwise] = [e.params.then, e.params.otherwise].map((g) => flattenBranches(g as Graph)) as [
    Graph,
    Graph,
  ];
  const [first, second] = [workOf(then), workOf(otherwise)];
  const isCheap = isSeldom(e.inputs[0]!)
    ? first <= mostWork && second < Number.POSITIVE_INFINITY
    : first + second <= mostWork;
  if (!isCheap) return b.emit(e.primitive, inputs, e.params);
  const [predicate, ...operands] = inputs as readonly [Atom, ...Atom[]];
  const sides = [inlineGraph(b, then, operands), inlineGraph(b, otherwise, operands)] as const;
  return sides[0].map((_, i) => {
    // A side that was chosen by the same predicate, in a branch before, is known.
    const [yes, no] = sides.map((side, which) => {
      const a = side[i]!;
      const earlier = a.kind === "var" ? choices.get(a.id) : undefined;
      return earlier?.predicate === predicate ? earlier.sides[which]! : a;
    }) as [Atom, Atom];
    const chosen = select(b, predicate, yes, no);
    if (chosen.kind === "var" && chosen !== yes && chosen !== no)
      choices.set(chosen.id, { predicate, sides: [yes, no] });
    return chosen;
  });
}

/** What a function of numbers costs; infinite when it is more than arithmetic on numbers. */
function workOf(graph: Graph): number {
  if (graph.inputs.some(isArray)) return Number.POSITIVE_INFINITY;
  let work = 0;
  for (const { primitive, outputs } of graph.equations) {
    const { lower, effect } = primitive;
    if (lower?.kind !== "map" || effect || outputs.some(isArray)) return Number.POSITIVE_INFINITY;
    work += (lower as MapLowering<never>).cost;
  }
  return work;
}

const isArray = (a: Atom): boolean => a.type.shape.length > 0;
