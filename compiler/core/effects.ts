/** Whether equations have an effect: a check, a report. */
import type { Equation, Graph } from "./graph.ts";

const known = new WeakMap<Graph, boolean>();

/** True when an equation, or one in the graphs it carries, has an effect. */
export const hasEffect = ({ primitive, params }: Pick<Equation, "primitive" | "params">): boolean =>
  (primitive.effect ?? false) || (primitive.graphs?.(params) ?? []).some(graphHasEffect);

export function graphHasEffect(graph: Graph): boolean {
  let has = known.get(graph);
  if (has === undefined) {
    has = graph.equations.some(hasEffect);
    known.set(graph, has);
  }
  return has;
}
