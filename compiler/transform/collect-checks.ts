/**
 * Turns promises into a value: the graph without its `check`s, and one more output that is true when all
 * of them hold. So a solver can try a point where the objective fails, and reject it.
 */
import { Builder, removeDead } from "../core/builder.ts";
import { graphHasEffect } from "../core/effects.ts";
import { type Atom, boolLiteral, boolScalar, type Equation, type Graph, intLiteral } from "../core/graph.ts";
import type { Primitive } from "../core/primitive.ts";
import { fatalStatuses, statusCode } from "../core/status.ts";
import { and, equal, not, or } from "../primitives/comparison.ts";
import { reduceAll, reduceAny } from "../primitives/reduce.ts";
import { type CallParams, callPrimitive } from "./control/call.ts";
import { type CondParams, cond, condPrimitive } from "./control/cond.ts";
import { checkPrimitive, type ReportParams, reportPrimitive } from "./control/effects.ts";
import { type OperatorSolveParams, operatorSolvePrimitive } from "./control/operator-solve.ts";
import { type ScanParams, scan, scanOperands, scanPrimitive } from "./control/scan.ts";
import { emitEquations, inlineGraph, memoized } from "./inline.ts";

/** The graph with a last output, `ok`; the graph itself has no checks left. */
export function collectChecks(graph: Graph): Graph {
  return memoized(graph, "collect checks", () => {
    const b = new Builder();
    const inputs = graph.inputs.map((v) => b.input(v.type));
    let ok: Atom = boolLiteral(true);
    const note = (promise: Atom) => {
      ok = ok.kind === "literal" && ok.value ? promise : and(b, ok, promise);
    };
    const outputs = emitEquations(b, graph, inputs, (e, operands) => collectEquation(b, e, operands, note));
    return b.close(graph.name, [...outputs, ok]).graph;
  });
}

function collectEquation(
  b: Builder,
  e: Equation,
  inputs: readonly Atom[],
  note: (promise: Atom) => void,
): readonly Atom[] {
  const { primitive, params } = e;
  if (primitive === (checkPrimitive as Primitive)) {
    const promise = inputs[0]!;
    note(
      promise.type.shape.length === 0
        ? promise
        : reduceAll(
            b,
            promise,
            promise.type.shape.map((_, i) => i),
          ),
    );
    return [];
  }
  if (primitive === (reportPrimitive as Primitive)) {
    const report = params as ReportParams;
    // What a derivative tells of itself rejects nothing; where it can not be had its value is not finite.
    if ((report.role ?? "solve") !== "solve") return b.emit(primitive, inputs, { ...report, trial: true });
    if (report.watched.statusRead) return b.emit(primitive, inputs, params);
    const status = inputs[0]!;
    const failed = fatalStatuses
      .map((name) => equal(b, status, intLiteral(statusCode(name))))
      .reduce((s, t) => or(b, s, t));
    note(
      not(
        b,
        failed.type.shape.length === 0
          ? failed
          : reduceAny(
              b,
              failed,
              failed.type.shape.map((_, i) => i),
            ),
      ),
    );
    return b.emit(primitive, inputs, { ...report, trial: true });
  }
  const graphs = primitive.graphs?.(params) ?? [];
  if (!graphs.some(graphHasEffect)) return b.emit(primitive, inputs, params);
  if (primitive === (condPrimitive as Primitive)) {
    const { then, otherwise } = params as CondParams;
    const [predicate, ...operands] = inputs as [Atom, ...Atom[]];
    const results = cond(b, predicate, collectChecks(then), collectChecks(otherwise), operands);
    note(results.at(-1)!);
    return results.slice(0, -1);
  }
  if (primitive === (callPrimitive as Primitive)) {
    const { graph, recompute } = params as CallParams;
    const results = b.emit(callPrimitive as Primitive, inputs, { graph: collectChecks(graph), recompute });
    note(results.at(-1)!);
    return results.slice(0, -1);
  }
  if (primitive === (scanPrimitive as Primitive)) return collectScan(b, inputs, params as ScanParams, note);
  if (primitive === (operatorSolvePrimitive as Primitive)) {
    // A system that can not be solved gives values that are not finite.
    const { operator, transposed, solve, solveTransposed, constants } = params as OperatorSolveParams;
    return b.emit(primitive, inputs, {
      operator,
      transposed,
      solve: tried(solve),
      solveTransposed: solveTransposed && tried(solveTransposed),
      constants,
    });
  }
  // Functions with rules of their own: their checks stay, and stop the run.
  return b.emit(primitive, inputs, params);
}

/** The graph with failures that reject a trial instead of ending the run. */
function tried(graph: Graph): Graph {
  return memoized(graph, "tried", () => {
    const collected = collectChecks(graph);
    const outputs = collected.outputs.slice(0, -1);
    return { ...collected, outputs, equations: removeDead(collected.equations, outputs) };
  });
}

/** The loop carries `ok` last and stops at the first broken promise. */
function collectScan(
  b: Builder,
  inputs: readonly Atom[],
  params: ScanParams,
  note: (promise: Atom) => void,
): readonly Atom[] {
  const { body, condition } = params;
  const widened = (
    make: (nb: Builder, operands: readonly Atom[], ok: Atom) => readonly Atom[],
    name: string,
  ): Graph => {
    const nb = new Builder();
    const operands = body.inputs.slice(0, params.constants + params.carry).map((v) => nb.input(v.type));
    const ok = nb.input(boolScalar);
    const stacked = body.inputs.slice(params.constants + params.carry).map((v) => nb.input(v.type));
    return nb.close(name, make(nb, [...operands, ...stacked], ok)).graph;
  };
  const collectedCondition = condition && collectChecks(condition);
  const newBody = widened((nb, operands, ok) => {
    const results = inlineGraph(nb, collectChecks(body), operands);
    let promise = and(nb, ok, results.at(-1)!);
    if (collectedCondition) promise = and(nb, promise, inlineGraph(nb, collectedCondition, operands)[1]!);
    return [...results.slice(0, params.carry), promise, ...results.slice(params.carry, -1)];
  }, body.name);
  const newCondition = widened((nb, operands, ok) => {
    if (!collectedCondition) return [ok];
    const [go, fine] = inlineGraph(nb, collectedCondition, operands) as [Atom, Atom];
    return [and(nb, ok, or(nb, go, not(nb, fine)))];
  }, condition?.name ?? `${body.name}.ok`);
  const parts = scanOperands(inputs, params);
  const operands = [
    ...(parts.count ? [parts.count] : []),
    ...parts.constants,
    ...parts.carry,
    boolLiteral(true),
    ...parts.stacked,
  ];
  const results = scan(b, operands, { ...params, body: newBody, condition: newCondition, carry: params.carry + 1 });
  note(results[params.carry]!);
  return [...results.slice(0, params.carry), ...results.slice(params.carry + 1)];
}
