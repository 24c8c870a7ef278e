/**
 * Turns what derivatives through solves report into values: the graph with an output more for each quantity, its worst
 * over all derivatives in it. So a script can look at them (`certificate`).
 */
import { Builder } from "../core/builder.ts";
import { type Atom, boolLiteral, type Equation, type Graph, realLiteral } from "../core/graph.ts";
import { type Primitive, type ReportRole, singularSystem, vertex } from "../core/primitive.ts";
import { equal, or } from "../primitives/comparison.ts";
import { reduceAny, reduceMax, reduceMin } from "../primitives/reduce.ts";
import { maximum, minimum } from "../primitives/rounding.ts";
import { type CallParams, callPrimitive } from "./control/call.ts";
import { type CondParams, cond, condPrimitive } from "./control/cond.ts";
import { type ReportParams, reportPrimitive } from "./control/effects.ts";
import { type OperatorSolveParams, operatorSolvePrimitive } from "./control/operator-solve.ts";
import { type ScanParams, scan, scanOperands, scanPrimitive } from "./control/scan.ts";
import { emitEquations, inlineGraph, memoized } from "./inline.ts";

/** The order of the outputs that are added. */
export const reported = [
  "distance",
  "distance_before",
  "residual",
  "residual_before",
  "condition",
  "adjoint",
  "margin",
  "singular",
  "vertex",
] as const;

/** Those that are true or false; the others are numbers. */
export const isFlag = (name: (typeof reported)[number]): boolean => name === "singular" || name === "vertex";

const nothing: readonly Atom[] = reported.map((name) =>
  isFlag(name) ? boolLiteral(false) : realLiteral(name === "margin" ? Number.POSITIVE_INFINITY : 0),
);

function worst(b: Builder, xs: readonly Atom[], ys: readonly Atom[]): readonly Atom[] {
  return xs.map((x, i) => {
    const y = ys[i]!;
    if (y === nothing[i]) return x;
    if (x === nothing[i]) return y;
    const name = reported[i]!;
    if (isFlag(name)) return or(b, x, y);
    return name === "margin" ? minimum(b, x, y) : maximum(b, x, y);
  });
}

/** Whether a derivative through a solve reports anything in the graph. */
export function reportsDerivatives(graph: Graph): boolean {
  return memoized(graph, "reports derivatives", () =>
    graph.equations.some(
      (e) =>
        (e.primitive === (reportPrimitive as Primitive) && !["solve", "declared"].includes(roleOf(e))) ||
        (e.primitive.graphs?.(e.params) ?? []).some(reportsDerivatives),
    ),
  );
}

function roleOf(e: Equation): ReportRole {
  return (e.params as ReportParams).role ?? "solve";
}

/** The graph with the outputs named in `reported` after its own. */
export function collectReports(graph: Graph): Graph {
  return memoized(graph, "collect reports", () => {
    const b = new Builder();
    const inputs = graph.inputs.map((v) => b.input(v.type));
    let found = nothing;
    const note = (more: readonly Atom[]) => {
      found = worst(b, found, more);
    };
    const outputs = emitEquations(b, graph, inputs, (e, operands) => collectEquation(b, e, operands, note));
    return b.close(graph.name, [...outputs, ...found]).graph;
  });
}

function collectEquation(
  b: Builder,
  e: Equation,
  inputs: readonly Atom[],
  note: (more: readonly Atom[]) => void,
): readonly Atom[] {
  const { primitive, params } = e;
  if (primitive === (reportPrimitive as Primitive)) {
    note(readingOf(b, e, inputs));
    // The host still hears of systems that were not solved: they end the run.
    return b.emit(primitive, inputs, params);
  }
  if (!(primitive.graphs?.(params) ?? []).some(reportsDerivatives)) return b.emit(primitive, inputs, params);
  const split = (results: readonly Atom[]) => {
    note(results.slice(-reported.length));
    return results.slice(0, -reported.length);
  };
  if (primitive === (condPrimitive as Primitive)) {
    const { then, otherwise } = params as CondParams;
    const [predicate, ...operands] = inputs as [Atom, ...Atom[]];
    return split(cond(b, predicate, collectReports(then), collectReports(otherwise), operands));
  }
  if (primitive === (callPrimitive as Primitive)) {
    const { graph, recompute } = params as CallParams;
    return split(b.emit(callPrimitive as Primitive, inputs, { graph: collectReports(graph), recompute }));
  }
  if (primitive === (operatorSolvePrimitive as Primitive)) {
    const graph = collectReports((params as OperatorSolveParams).solve);
    return split(b.emit(callPrimitive as Primitive, inputs, { graph, recompute: false }));
  }
  if (primitive === (scanPrimitive as Primitive)) return collectScan(b, inputs, params as ScanParams, split);
  return b.emit(primitive, inputs, params);
}

function readingOf(b: Builder, e: Equation, inputs: readonly Atom[]): readonly Atom[] {
  const role = roleOf(e);
  const { polished } = e.params as ReportParams;
  const [status, , value] = inputs as [Atom, Atom, Atom];
  const all = status.type.shape.map((_, i) => i);
  const flag = (wanted: number) => {
    const raised = equal(b, status, { kind: "literal", value: wanted, type: { dtype: "int", shape: [] } });
    return all.length === 0 ? raised : reduceAny(b, raised, all);
  };
  const number = all.length === 0 ? value : role === "margin" ? reduceMin(b, value, all) : reduceMax(b, value, all);
  return reported.map((name, i) => {
    if (name === role || (name === "adjoint" && role === "system")) return number;
    // An answer that is not polished is before what it is after.
    if (!polished && name === `${role}_before`) return number;
    if (name === "singular" && role === "distance") return flag(singularSystem);
    if (name === "vertex" && role === "margin") return flag(vertex);
    return nothing[i]!;
  });
}

/** The loop carries the readings last. */
function collectScan(
  b: Builder,
  inputs: readonly Atom[],
  params: ScanParams,
  split: (results: readonly Atom[]) => readonly Atom[],
): readonly Atom[] {
  const { body, condition, constants, carry } = params;
  const n = reported.length;
  const widened = (
    graph: Graph,
    make: (nb: Builder, operands: readonly Atom[], seen: readonly Atom[]) => readonly Atom[],
  ) => {
    const nb = new Builder();
    const operands = body.inputs.slice(0, constants + carry).map((v) => nb.input(v.type));
    const seen = nothing.map((a) => nb.input(a.type));
    const stacked = body.inputs.slice(constants + carry).map((v) => nb.input(v.type));
    return nb.close(graph.name, make(nb, [...operands, ...stacked], seen)).graph;
  };
  const newBody = widened(body, (nb, operands, seen) => {
    const results = inlineGraph(nb, collectReports(body), operands);
    const more = worst(nb, seen, results.slice(-n));
    return [...results.slice(0, carry), ...more, ...results.slice(carry, -n)];
  });
  const newCondition = condition && widened(condition, (nb, operands) => inlineGraph(nb, condition, operands));
  const parts = scanOperands(inputs, params);
  const operands = [
    ...(parts.count ? [parts.count] : []),
    ...parts.constants,
    ...parts.carry,
    ...nothing,
    ...parts.stacked,
  ];
  const results = scan(b, operands, { ...params, body: newBody, condition: newCondition, carry: carry + n });
  const rest = [...results.slice(0, carry), ...results.slice(carry + n)];
  return split([...rest, ...results.slice(carry, carry + n)]);
}
