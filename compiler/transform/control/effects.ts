/**
 * Equations with effects: `check` stops a run that broke a promise, `report` lists a finished solve.
 * And `stopGradient`, whose only effect is on derivatives.
 */
import type { Atom } from "../../core/graph.ts";
import type { CheckFailure, Emitter, Primitive, ReportRole, SolveEvent } from "../../core/primitive.ts";
import { and, not, or } from "../../primitives/comparison.ts";
import { convert } from "../../primitives/convert.ts";
import { notLinear } from "../../primitives/elementwise.ts";
import { select } from "../../primitives/select.ts";
import { broadcast } from "../../primitives/shape.ts";
import type { Span } from "../../syntax/tree.ts";
import { withLanes } from "../batch.ts";

export interface CheckParams extends Readonly<Record<string, unknown>> {
  readonly code: string;
  /** `{0}`, `{1}`: replaced by the operands after the first, at the first place that fails. */
  readonly message: string;
  readonly help: string | undefined;
  readonly span: Span | undefined;
}

/** Operands: the promise (bool, any shape), then numbers to show, each of the promise's shape or scalar. */
export const checkPrimitive: Primitive<CheckParams> = {
  name: "check",
  lower: { kind: "control" },
  effect: true,
  infer: () => [],
  evaluate: ([promise, ...details], params, context) => {
    const at = promise!.data.indexOf(0);
    if (at < 0) return [];
    const shown = details.map((d) => (d.data.length === promise!.data.length ? d.data[at]! : d.data[0]!));
    context.fail(failureOf(params, shown));
    return [];
  },
  jvp: (b, { inputs, params }) => ({ outputs: b.emit(checkPrimitive as Primitive, inputs, params), tangents: [] }),
  transpose: notLinear("check"),
  batch: (b, { inputs, params }, batched, size, guard) => {
    const laid = inputs.map((a, i) => withLanes(b, a, batched[i]!, size));
    const [promise, ...details] = laid as unknown as readonly [Atom, ...Atom[]];
    const wide = guard && promise.type.shape.length > 1 ? broadcast(b, guard, promise.type.shape, [0]) : guard;
    const kept = wide ? or(b, promise, not(b, wide)) : promise;
    const shown = details.map((d) =>
      d.type.shape.length === promise.type.shape.length ? d : broadcast(b, d, promise.type.shape, [0]),
    );
    b.emit(checkPrimitive as Primitive, [kept, ...shown], params);
    return { outputs: [], batched: [] };
  },
};

/** What a broken promise says. */
export function failureOf(params: CheckParams, shown: readonly number[]): CheckFailure {
  return {
    code: params.code,
    message: params.message.replace(/\{(\d+)\}/g, (_, i) => String(shown[Number(i)])),
    help: params.help,
    span: params.span,
  };
}

/** Emits a promise; one that is known to hold costs nothing. */
export function check(b: Emitter, promise: Atom, details: readonly Atom[], params: CheckParams): void {
  if (promise.kind === "literal" && promise.value) return;
  b.emit(checkPrimitive as Primitive, [promise, ...details], params);
}

export interface ReportParams extends Readonly<Record<string, unknown>> {
  readonly expression: string;
  readonly span: Span | undefined;
  /** Read when the equation runs: the script may look at the status after the solve was compiled. */
  readonly watched: { statusRead: boolean };
  /** True inside a function that a solver is trying out: a bad ending rejects the trial and is only a warning. */
  readonly trial: boolean;
  /** True when running out of iterations is what the solver does: nothing to warn about. */
  readonly quiet: boolean;
  /** What it tells; a solve that ended when left out. */
  readonly role?: ReportRole;
  /** True where Newton steps came before: a report of another role tells of the state before them. */
  readonly polished?: boolean;
}

/** Operands: status, iterations, error; scalars, or one per lane. */
export const reportPrimitive: Primitive<ReportParams> = {
  name: "report",
  lower: { kind: "control" },
  effect: true,
  infer: () => [],
  evaluate: ([status, iterations, error], params, context) => {
    for (let i = 0; i < status!.data.length; i++) {
      // A negative status marks a lane that was not asked for.
      if (status!.data[i]! < 0) continue;
      context.solved(solveEventOf(params, status!.data[i]!, iterations!.data[i]!, error!.data[i]!));
    }
    return [];
  },
  jvp: (b, { inputs, params }) => ({ outputs: b.emit(reportPrimitive as Primitive, inputs, params), tangents: [] }),
  transpose: notLinear("report"),
  batch: (b, { inputs, params }, batched, size, guard) => {
    const [status, iterations, error] = inputs.map((a, i) => withLanes(b, a, batched[i]!, size));
    const unasked = convert(b, { kind: "literal", value: -1, type: { dtype: "int", shape: [] } }, "int");
    const wide = guard && status!.type.shape.length > 1 ? broadcast(b, guard, status!.type.shape, [0]) : guard;
    const kept = wide ? select(b, wide, status!, unasked) : status!;
    b.emit(reportPrimitive as Primitive, [kept, iterations!, error!], params);
    return { outputs: [], batched: [] };
  },
};

/** What a finished solve is reported as. */
export function solveEventOf(params: ReportParams, status: number, iterations: number, error: number): SolveEvent {
  return {
    role: params.role ?? "solve",
    expression: params.expression,
    span: params.span,
    status,
    iterations,
    error,
    quiet: params.quiet,
    trial: params.trial,
    fatal: !params.watched.statusRead && !params.trial,
  };
}

/** The identity, with derivative zero. */
export const stopGradientPrimitive: Primitive = {
  name: "stop_gradient",
  lower: { kind: "map", cost: 0, element: (_context, read, at) => read(0, at) },
  infer: ([x]) => [x!],
  evaluate: ([x]) => [x!],
  jvp: (b, { inputs, params }) => ({ outputs: b.emit(stopGradientPrimitive, inputs, params), tangents: [undefined] }),
  transpose: (_b, { params }) => (params.gate ? [undefined] : notLinear("stop_gradient")()),
  batch: (b, { inputs, params }) => ({ outputs: b.emit(stopGradientPrimitive, inputs, params), batched: [true] }),
};

export function stopGradient(b: Emitter, x: Atom): Atom {
  if (x.kind === "literal" || x.type.dtype !== "real") return x;
  return b.emit(stopGradientPrimitive, [x], {})[0]!;
}

/** The same where nobody reads the value: it may be a tangent, for its cotangent is zero anyway. */
export function stopUnread(b: Emitter, x: Atom): Atom {
  if (x.kind === "literal" || x.type.dtype !== "real") return x;
  return b.emit(stopGradientPrimitive, [x], { gate: true })[0]!;
}

/** All of several promises. */
export function allOf(b: Emitter, promises: readonly Atom[]): Atom {
  return promises.reduce((s, t) => and(b, s, t));
}
