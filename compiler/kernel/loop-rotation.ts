/**
 * Loops whose bodies say whether another step follows. The condition on the state that a step gives is computed with that
 * step, in its kernels, and is asked by itself only before the first. State that a step keeps unless another follows,
 * `select(going, next, before)` as of the last step of a solve, is not chosen element by element: the loop takes the new
 * state or leaves the old one, where they lie.
 */
import { Builder, removeDead } from "../core/builder.ts";
import type { Atom, Equation, Graph } from "../core/graph.ts";
import type { ScanParams } from "../transform/control/scan.ts";
import { inlineGraph } from "../transform/inline.ts";
import { flattenBranches } from "./branches.ts";
import { Implications } from "./implications.ts";

export interface RotatedLoop {
  /** Gives what the body gave, and then whether the condition holds for the state that follows. */
  readonly body: Graph;
  /** For each carry whether it is only valid, and to be taken, when the condition holds. */
  readonly kept: readonly boolean[];
}

/** Of a body with its condition. Equal bodies of several statements are one graph, and stay one: plans share its function. */
const rotations = new WeakMap<Graph, WeakMap<Graph, RotatedLoop>>();

/** The loop's body with its condition; undefined where the condition is none or more than some arithmetic. */
export function rotateLoop(params: ScanParams): RotatedLoop | undefined {
  const { body, condition, constants, carry } = params;
  if (!condition || !isArithmetic(condition, constants + carry)) return undefined;
  const known = rotations.get(body) ?? new WeakMap<Graph, RotatedLoop>();
  rotations.set(body, known);
  const found = known.get(condition) ?? rotated(params, condition);
  known.set(condition, found);
  return found;
}

function rotated({ body, constants, carry }: ScanParams, condition: Graph): RotatedLoop {
  const b = new Builder();
  const inputs = body.inputs.map((v) => b.input(v.type));
  const results = inlineGraph(b, body, inputs);
  const following = [...inputs.slice(0, constants), ...results.slice(0, carry), ...inputs.slice(constants + carry)];
  const going = inlineGraph(b, condition, following)[0]!;
  const implications = new Implications(b.equations);
  const before = inputs.slice(constants, constants + carry);
  const chosen = results.slice(0, carry).map((a, i) => chosenIf(implications.producer(a), going, before[i]!));
  const outputs = [...results.map((a, i) => chosen[i] ?? a), going];
  const { graph } = b.close(body.name, outputs);
  // What a step that is thrown away would have done may be done all the same, if that is arithmetic.
  const isLast = (predicate: Atom) => implications.excludes(predicate, going);
  const kept = results.slice(0, carry).map((_, i) => chosen[i] !== undefined);
  return { body: withoutThrownAway(flattenBranches(graph, isLast), kept), kept };
}

/** State that is only taken when another step follows need not choose what it would be when none does. */
function withoutThrownAway(graph: Graph, kept: readonly boolean[]): Graph {
  const implications = new Implications(graph.equations);
  const going = graph.outputs.at(-1)!;
  const outputs = graph.outputs.map((a, i) => {
    const e = kept[i] ? implications.producer(a) : undefined;
    if (e?.primitive.name !== "select" || !implications.excludes(e.inputs[0]!, going)) return a;
    const otherwise = e.inputs[2]!;
    return otherwise.type.shape.length === a.type.shape.length ? otherwise : a;
  });
  return { ...graph, outputs, equations: removeDead(graph.equations, outputs) };
}

/** The x of `select(going, x, before)`. */
function chosenIf(e: Equation | undefined, going: Atom, before: Atom): Atom | undefined {
  if (e?.primitive.name !== "select" || going.kind === "literal" || e.inputs[0] !== going) return undefined;
  const [, next, otherwise] = e.inputs as readonly [Atom, Atom, Atom];
  const isWhole = next.type.shape.length === before.type.shape.length;
  return isWhole && otherwise === before ? next : undefined;
}

/** Whether a graph computes elements of what comes before the slices of a step, and nothing else. */
function isArithmetic(graph: Graph, most: number): boolean {
  const slices = new Set(graph.inputs.slice(most).map((v) => v.id));
  const isRead = (a: Atom) => a.kind === "var" && slices.has(a.id);
  const isMap = (e: Equation) => e.primitive.lower?.kind === "map" && !e.primitive.effect;
  return graph.equations.every((e) => isMap(e) && !e.inputs.some(isRead)) && !graph.outputs.some(isRead);
}
