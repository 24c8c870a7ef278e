/** What a running plan calls its host with, as the evaluator would tell it. */
import type { EvaluationContext, TickControl } from "../../compiler/core/primitive.ts";
import { deliverCheck, deliverReport, deliverTick } from "../../compiler/kernel/events.ts";
import type { Plan } from "../../compiler/kernel/plan.ts";
import type { ThreadEvent } from "./thread-source.ts";

/** Tells the context. The numbers that a broken promise shows are still in the memory. */
export function deliverEvent(
  plan: Plan,
  event: ThreadEvent,
  memory: WebAssembly.Memory,
  context: EvaluationContext,
  control?: TickControl,
): void {
  switch (event.kind) {
    case "check":
      deliverCheck(plan, event.event, shownNumbers(plan, event, memory), context);
      return;
    case "report":
      deliverReport(plan, event.event, [event.status, event.iterations, event.error], context);
      return;
    case "tick":
      deliverTick(plan, event.event, [event.iteration, event.value, event.error], context, control);
  }
}

function shownNumbers(
  plan: Plan,
  { event, address, content }: Extract<ThreadEvent, { kind: "check" }>,
  memory: WebAssembly.Memory,
): number[] {
  if (address === 0) return [];
  const message = String(plan.events[event]!.params.message);
  const places = [...message.matchAll(/\{(\d+)\}/g)].map((found) => Number(found[1]) + 1);
  const View = plan.precision === "f64" ? Float64Array : Float32Array;
  const most = Math.max(0, ...places);
  return [...(content ? new View(content, 0, most) : new View(memory.buffer, address, most))];
}
