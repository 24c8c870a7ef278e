/** What a statement costs on a device, for people: dispatches and bytes, counted on its plan. */
import type { Launch, Plan } from "../../kernel/plan.ts";
import { nameOfStep, trafficOf } from "../../kernel/print.ts";
import {
  countLoopDispatches,
  countStepTraffic,
  countTraffic,
  type LoopDispatches,
  leastBytes,
  type Traffic,
} from "./budget.ts";
import type { Locate } from "./kernel.ts";
import type { Program } from "./program.ts";

/**
 * Lines for the whole and for each loop, indented by the loops around it; `program` is what the plan was written out as,
 * `locate` names places in the source.
 */
export function printSummary(plan: Plan, program: Program, locate?: Locate): string {
  const { run, loops } = countLoopDispatches(program);
  const entry = plan.functions.at(-1)!;
  const isOpen = loops.some(({ loop, dispatches }) => dispatches !== undefined && loop.length === undefined);
  const condition = isOpen ? ", with one step of each loop that may end early" : "";
  return [
    `on WebGPU: ${counted(plan.kernels.length, "kernel", "kernels")}, ${counted(run, "dispatch", "dispatches")} a run${condition}`,
    `  bytes of a run: ${printTraffic(countTraffic(entry), leastBytes(entry))}`,
    ...loops.flatMap((l) => printLoop(l, locate)),
  ].join("\n");
}

function printLoop({ loop: { step }, depth, dispatches }: LoopDispatches, locate: Locate | undefined): string[] {
  const name = step.name === "loop" ? "" : ` ${step.name.replace(/\s+/g, " ")}`;
  const place = step.span && locate ? ` (${locate(step.span)})` : "";
  const often =
    step.length === undefined
      ? "steps while its condition holds"
      : `${step.condition || step.count ? "at most " : ""}${counted(step.length, "step", "steps")}`;
  const how =
    dispatches === undefined
      ? "all in one dispatch, resident in a workgroup"
      : `${counted(dispatches, "dispatch", "dispatches")} a step`;
  const indent = "  ".repeat(depth + 1);
  const traffic = printTraffic(countStepTraffic(step), leastBytes(step.body));
  return [`${indent}loop${name}${place}: ${often}, ${how}`, `${indent}  bytes of a step: ${traffic}`];
}

/** A line for each kernel, with what a launch moves; what only a failure needs to show is left out. */
export function printKernelTraffic(plan: Plan): string {
  const launches = plan.functions.flatMap((f) => f.steps.filter((s): s is Launch => s.kind === "launch"));
  const lines = plan.kernels.flatMap((kernel) => {
    const launch = launches.find((l) => l.kernel === kernel);
    if (launch === undefined) return [];
    const { read, written } = trafficOf(launch, plan.precision);
    return [`  ${nameOfStep(plan, launch)}: ${read} bytes read, ${written} written`];
  });
  return lines.join("\n");
}

function printTraffic({ read, written }: Traffic, least: number): string {
  const bytes = `${read} read, ${written} written`;
  if (least === 0) return bytes;
  const ratio = (read + written) / least;
  return `${bytes}, ${ratio === 1 ? "the least there can be" : `${ratio.toFixed(1)} times the least`}`;
}

const counted = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;
