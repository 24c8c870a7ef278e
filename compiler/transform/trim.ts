/**
 * Loops, branches and calls give only what is read of them, and take only what they read. The derivative of a solve, for
 * one, keeps what each step saw, and whoever differentiates the solution by its conditions asks for none of that.
 */
import { hasEffect } from "../core/effects.ts";
import type { Atom, Equation, Graph, Var } from "../core/graph.ts";
import type { Params } from "../core/primitive.ts";
import type { CallParams } from "./control/call.ts";
import type { CondParams } from "./control/cond.ts";
import { movedPlaces, type ScanParams, scanOperands, toldPlaces } from "./control/scan.ts";
import { withoutUnreadTraces } from "./control/unread-trace.ts";
import { memoized } from "./inline.ts";

/** The same function without what nobody reads; effects stay. The graph itself when there is nothing to leave out. */
export const trim = (graph: Graph): Graph =>
  trimmed(
    graph,
    graph.outputs.map(() => true),
  );

/** A function that gives only the outputs that are wanted, and takes only the inputs it reads for them: `taken`. */
export function narrow(
  graph: Graph,
  wanted: readonly boolean[],
): { readonly graph: Graph; readonly taken: readonly boolean[] } {
  const less = trimmed(graph, wanted);
  const taken = inputsRead(less);
  return { graph: withInputs(less, taken), taken };
}

const keyOf = (wanted: readonly boolean[]): string => wanted.map((w) => (w ? "1" : "0")).join("");

/** Only those outputs that are wanted; all inputs. */
function trimmed(graph: Graph, wanted: readonly boolean[]): Graph {
  return memoized(graph, `trim ${keyOf(wanted)}`, () => {
    const outputs = graph.outputs.filter((_, i) => wanted[i]);
    const live = new Set<number>();
    const read = (a: Atom) => {
      if (a.kind === "var") live.add(a.id);
    };
    outputs.forEach(read);
    const kept: Equation[] = [];
    for (const e of graph.equations.toReversed()) {
      const asked = e.outputs.map((v) => live.has(v.id));
      if (!asked.includes(true) && !hasEffect(e)) continue;
      const equation = trimEquation(e, asked);
      equation.inputs.forEach(read);
      kept.push(equation);
    }
    const isWhole =
      outputs.length === graph.outputs.length &&
      kept.length === graph.equations.length &&
      kept.every((e, i) => e === graph.equations.at(-1 - i));
    return isWhole ? graph : { ...graph, outputs, equations: kept.reverse() };
  });
}

function trimEquation(e: Equation, asked: readonly boolean[]): Equation {
  switch (e.primitive.name) {
    case "cond":
      return trimCond(e, e.params as CondParams, asked);
    case "call":
      return trimCall(e, e.params as CallParams, asked);
    case "scan":
      return trimScan(e, asked);
    default:
      return e;
  }
}

/** Which inputs a graph reads. */
function inputsRead(graph: Graph): boolean[] {
  return memoized(graph, "inputs read", () => {
    const read = new Set<number>();
    for (const atoms of [graph.outputs, ...graph.equations.map((e) => e.inputs)])
      for (const a of atoms) if (a.kind === "var") read.add(a.id);
    return graph.inputs.map((v) => read.has(v.id));
  });
}

/** Without the inputs that are not `taken`: nothing in it may read them. */
function withInputs(graph: Graph, taken: readonly boolean[]): Graph {
  if (!taken.includes(false)) return graph;
  return memoized(graph, `take ${keyOf(taken)}`, () => ({ ...graph, inputs: only(graph.inputs, taken) }));
}

const only = <T>(all: readonly T[], chosen: readonly boolean[]): T[] => all.filter((_, i) => chosen[i]);

const changed = (e: Equation, inputs: readonly Atom[], outputs: readonly Var[], params: Params): Equation => ({
  ...e,
  inputs,
  outputs,
  params,
});

function trimCond(e: Equation, params: CondParams, asked: readonly boolean[]): Equation {
  const [predicate, ...operands] = e.inputs as readonly [Atom, ...Atom[]];
  const ways = [trimmed(params.then, asked), trimmed(params.otherwise, asked)] as const;
  const [a, b] = ways.map(inputsRead) as [boolean[], boolean[]];
  const taken = a.map((isRead, i) => isRead || b[i]!);
  const [then, otherwise] = ways.map((g) => withInputs(g, taken)) as [Graph, Graph];
  if (then === params.then && otherwise === params.otherwise) return e;
  return changed(e, [predicate, ...only(operands, taken)], only(e.outputs, asked), { ...params, then, otherwise });
}

function trimCall(e: Equation, params: CallParams, asked: readonly boolean[]): Equation {
  const graph = trimmed(params.graph, asked);
  const taken = inputsRead(graph);
  const smaller = withInputs(graph, taken);
  if (smaller === params.graph) return e;
  return changed(e, only(e.inputs, taken), only(e.outputs, asked), { ...params, graph: smaller });
}

function trimScan(whole: Equation, askedOfWhole: readonly boolean[]): Equation {
  const { e, asked } = withoutUnreadTraces(whole, askedOfWhole);
  const params = e.params as ScanParams;
  const { body, condition, carry, constants } = params;
  const told = toldPlaces(params);
  const inCondition = condition ? inputsRead(condition) : body.inputs.map(() => false);
  const stacked = asked.slice(carry, -1).map((w, i) => w || told.includes(carry + i));
  // State is needed when it is asked for or told, or when what is needed reads it.
  let state = asked.slice(0, carry).map((w, i) => w || told.includes(i) || inCondition[constants + i]!);
  let step: Graph;
  let inBody: boolean[];
  for (;;) {
    step = trimmed(body, [...state, ...stacked]);
    inBody = inputsRead(step);
    const needed = state.map((w, i) => w || inBody[constants + i]!);
    if (needed.every((w, i) => w === state[i])) break;
    state = needed;
  }
  const isRead = inBody.map((r, i) => r || inCondition[i]!);
  const taken = [...isRead.slice(0, constants), ...state, ...isRead.slice(constants + carry)];
  if (step === body && !taken.includes(false)) return e;
  const operands = scanOperands(e.inputs, params);
  const parts = scanOperands(params.counted ? [true, ...taken] : taken, params);
  const given = [...state, ...stacked];
  const count = (marks: readonly boolean[]) => marks.filter((m) => m).length;
  return changed(
    e,
    [
      ...(operands.count ? [operands.count] : []),
      ...only(operands.constants, parts.constants),
      ...only(operands.carry, parts.carry),
      ...only(operands.stacked, parts.stacked),
    ],
    only(e.outputs, [...given, true]),
    {
      ...params,
      body: withInputs(step, taken),
      condition: condition && withInputs(condition, taken),
      constants: count(parts.constants),
      carry: count(parts.carry),
      progress: params.progress && {
        ...params.progress,
        told: movedPlaces(told, (i) => count(given.slice(0, i))),
      },
      stacked: count(parts.stacked),
    },
  );
}
