/**
 * How far a condition is from its nearest kink in x: the least difference of two things that it compares, by `max`, `abs`,
 * `<` and their kin. A kink that other branches hide counts too, so the distance is a lower bound.
 */
import { Builder } from "../core/builder.ts";
import { type Atom, type Equation, type Graph, realLiteral } from "../core/graph.ts";
import type { Emitter, Primitive } from "../core/primitive.ts";
import { sub } from "../primitives/arithmetic.ts";
import { greaterEqual } from "../primitives/comparison.ts";
import { reduceMin } from "../primitives/reduce.ts";
import { abs, minimum } from "../primitives/rounding.ts";
import { select } from "../primitives/select.ts";
import { type CondParams, cond } from "../transform/control/cond.ts";
import { Environment } from "../transform/inline.ts";

/** Kinks where the two operands are equal. */
const pairs = new Set(["maximum", "minimum", "less", "lessEqual", "greater", "greaterEqual"]);
/** Kinks, or jumps, where the operand is zero. */
const atZero = new Set(["abs", "sign"]);
/** Kinks or jumps that no difference of two operands tells. */
const untold = new Set([
  "reduceMax",
  "reduceMin",
  "argmax",
  "argmin",
  "argsort",
  "sort",
  "cumarg",
  "floor",
  "ceil",
  "round",
]);

export interface KinkDistance {
  /** A number; undefined where the condition has no kinks. */
  readonly distance: Atom | undefined;
  /** The operation whose kinks are not measured, if there is one. */
  readonly unknown: string | undefined;
}

/** The distance at the inputs, of which those after the first `fixed` are x. */
export function kinkDistance(b: Emitter, graph: Graph, inputs: readonly Atom[], fixed: number): KinkDistance {
  const walk = new Walk(b);
  walk.graph(
    graph,
    inputs,
    inputs.map((_, i) => i >= fixed),
    graph.outputs.map(() => true),
  );
  return { distance: walk.distance, unknown: walk.unknown };
}

class Walk {
  readonly b: Emitter;
  distance: Atom | undefined;
  unknown: string | undefined;

  constructor(b: Emitter) {
    this.b = b;
  }

  /** Emits the graph, noting the kinks of the outputs asked for; gives its outputs and which of them vary with x. */
  graph(
    graph: Graph,
    inputs: readonly Atom[],
    varying: readonly boolean[],
    asked: readonly boolean[],
  ): readonly (readonly [Atom, boolean])[] {
    const followed = followedBy(graph, asked);
    const environment = new Environment(graph, inputs);
    const vary = new Set(graph.inputs.filter((_, i) => varying[i]).map((v) => v.id));
    const varies = (a: Atom) => a.kind === "var" && vary.has(a.id);
    for (const e of graph.equations) {
      const operands = e.inputs.map((a) => environment.get(a));
      const mask = e.inputs.map(varies);
      const wanted = e.outputs.map((v) => followed.has(v.id));
      const outputs =
        mask.some(Boolean) && wanted.some(Boolean)
          ? this.#equation(e, operands, mask, wanted)
          : this.b.emit(e.primitive, operands, e.params).map((a) => [a, false] as const);
      e.outputs.forEach((v, i) => {
        const [atom, moves] = outputs[i]!;
        environment.set(v.id, atom);
        if (moves) vary.add(v.id);
      });
    }
    return graph.outputs.map((a) => [environment.get(a), varies(a)] as const);
  }

  #equation(
    e: Equation,
    operands: readonly Atom[],
    mask: readonly boolean[],
    wanted: readonly boolean[],
  ): readonly (readonly [Atom, boolean])[] {
    const { primitive, params } = e;
    const { name } = primitive;
    if (name === "call" || name === "custom_derivative")
      return this.graph((params as unknown as { readonly graph: Graph }).graph, operands, mask, wanted);
    if (name === "cond") return this.#cond(params as unknown as CondParams, operands, mask, wanted);
    const nested = primitive.graphs?.(params) ?? [];
    if (nested.some(hasKinks)) this.unknown ??= name === "scan" ? "a loop with comparisons" : `\`${name}\``;
    if (untold.has(name)) this.unknown ??= `\`${name}\``;
    if (pairs.has(name) && operands[0]!.type.dtype === "real") this.#note(sub(this.b, operands[0]!, operands[1]!));
    if (atZero.has(name) && operands[0]!.type.dtype === "real") this.#note(operands[0]!);
    const moves = name !== "stop_gradient";
    return this.b.emit(primitive, operands, params).map((a) => [a, moves] as const);
  }

  /** Only the branch that is taken has a distance. */
  #cond(
    { then, otherwise }: CondParams,
    operands: readonly Atom[],
    mask: readonly boolean[],
    wanted: readonly boolean[],
  ): readonly (readonly [Atom, boolean])[] {
    const [predicate, ...rest] = operands as [Atom, ...Atom[]];
    const branch = (graph: Graph) => {
      const inner = new Builder();
      const walk = new Walk(inner);
      const inputs = graph.inputs.map((v) => inner.input(v.type));
      const outputs = walk.graph(graph, inputs, mask.slice(1), wanted);
      this.unknown ??= walk.unknown;
      const distance = walk.distance ?? realLiteral(Number.POSITIVE_INFINITY);
      return { graph: inner.close(graph.name, [...outputs.map(([a]) => a), distance]).graph, outputs };
    };
    const [a, c] = [branch(then), branch(otherwise)];
    const results = cond(this.b, predicate, a.graph, c.graph, rest);
    this.#keep(results.at(-1)!);
    const moves = (i: number) => mask[0]! || a.outputs[i]![1] || c.outputs[i]![1];
    return results.slice(0, -1).map((atom, i) => [atom, moves(i)] as const);
  }

  #note(difference: Atom): void {
    const { b } = this;
    const size = abs(b, difference);
    // The difference of two infinities is none.
    const known = select(b, greaterEqual(b, size, realLiteral(0)), size, realLiteral(Number.POSITIVE_INFINITY));
    const axes = known.type.shape.map((_, i) => i);
    this.#keep(axes.length === 0 ? known : reduceMin(b, known, axes));
  }

  #keep(distance: Atom): void {
    this.distance = this.distance ? minimum(this.b, this.distance, distance) : distance;
  }
}

/** The variables that the outputs asked for depend on other than through `stop_gradient`. */
function followedBy(graph: Graph, asked: readonly boolean[]): ReadonlySet<number> {
  const followed = new Set<number>();
  const follow = (a: Atom) => {
    if (a.kind === "var") followed.add(a.id);
  };
  graph.outputs.forEach((a, i) => {
    if (asked[i]) follow(a);
  });
  for (const e of graph.equations.toReversed())
    if (e.primitive.name !== "stop_gradient" && e.outputs.some((v) => followed.has(v.id))) e.inputs.forEach(follow);
  return followed;
}

function hasKinks(graph: Graph): boolean {
  return graph.equations.some(
    ({ primitive, params, inputs }) =>
      (pairs.has(primitive.name) && inputs[0]!.type.dtype === "real") ||
      atZero.has(primitive.name) ||
      untold.has(primitive.name) ||
      ((primitive as Primitive).graphs?.(params) ?? []).some(hasKinks),
  );
}
