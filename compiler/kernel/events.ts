/** What a running plan tells, as the evaluator would tell it. */
import type { EvaluationContext, TickControl } from "../core/primitive.ts";
import { type CheckParams, failureOf, type ReportParams, solveEventOf } from "../transform/control/effects.ts";
import type { Plan } from "./plan.ts";

export function deliverCheck(plan: Plan, event: number, shown: readonly number[], context: EvaluationContext): void {
  context.fail(failureOf(plan.events[event]!.params as CheckParams, shown));
}

export function deliverReport(
  plan: Plan,
  event: number,
  [status, iterations, error]: readonly [number, number, number],
  context: EvaluationContext,
): void {
  context.solved(solveEventOf(plan.events[event]!.params as ReportParams, status, iterations, error));
}

export function deliverTick(
  plan: Plan,
  event: number,
  [iteration, value, error]: readonly [number, number, number],
  context: EvaluationContext,
  control?: TickControl,
): void {
  const progress =
    event < 0 ? undefined : { expression: String(plan.events[event]!.params.expression), iteration, value, error };
  context.tick(progress, control);
}
