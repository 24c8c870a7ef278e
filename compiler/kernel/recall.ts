/** Functions of plans made before, for plans that have them too: the statements of a script share their solvers. */
import type { Graph } from "../core/graph.ts";
import type { Launch, PlanEvent, PlanFunction, PlanOptions, PlanStep } from "./plan.ts";

interface Made {
  readonly made: PlanFunction;
  /** Of the plan that it was made for. */
  readonly events: readonly PlanEvent[];
}

const functions = new WeakMap<Graph, Map<string, Made>>();
const origins = new WeakMap<PlanFunction, Graph>();

const keyOf = ({ precision, style, products }: PlanOptions) => `${precision} ${style} ${products ?? "tiles"}`;

/** Keeps a function for as long as its graph is in use. Its steps name events by their places among `events`. */
export function rememberFunction(
  graph: Graph,
  options: PlanOptions,
  made: PlanFunction,
  events: readonly PlanEvent[],
): void {
  origins.set(made, graph);
  const known = functions.get(graph) ?? new Map<string, Made>();
  known.set(keyOf(options), { made, events });
  functions.set(graph, known);
}

/** The plan that a function is for now. */
export interface Adopter {
  functionOf(graph: Graph): PlanFunction;
  event(kind: PlanEvent["kind"], params: PlanEvent["params"]): number;
  shared(launch: Launch): Launch;
}

/** The function that was made of a graph for another plan, with events, kernels and callees of this one. */
export function recallFunction(graph: Graph, options: PlanOptions, plan: Adopter): PlanFunction | undefined {
  const found = functions.get(graph)?.get(keyOf(options));
  if (!found) return undefined;
  const { made, events } = found;
  const event = (number: number): number => plan.event(events[number]!.kind, events[number]!.params);
  const callee = (f: PlanFunction): PlanFunction => plan.functionOf(origins.get(f)!);
  const step = (s: PlanStep): PlanStep => {
    switch (s.kind) {
      case "launch":
        return plan.shared(s);
      case "check":
        return { ...s, event: event(s.event), details: s.details && plan.shared(s.details) };
      case "report":
        return { ...s, event: event(s.event) };
      case "branch":
        return { ...s, then: callee(s.then), otherwise: callee(s.otherwise) };
      case "call":
        return { ...s, callee: callee(s.callee) };
      case "loop":
        return {
          ...s,
          body: callee(s.body),
          condition: s.condition && callee(s.condition),
          progress: s.progress && { ...s.progress, event: event(s.progress.event) },
        };
      default:
        return s;
    }
  };
  return { ...made, steps: made.steps.map(step) };
}
