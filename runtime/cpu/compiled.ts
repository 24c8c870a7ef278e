/** Graphs as WebAssembly modules. */
import type { Graph } from "../../compiler/core/graph.ts";
import { buildPlan } from "../../compiler/kernel/build.ts";
import type { Plan } from "../../compiler/kernel/plan.ts";
import type { TeamOptions } from "../../compiler/target/wasm/jobs.ts";
import { emitPlan } from "../../compiler/target/wasm/plan.ts";
import type { TimedStep } from "../../compiler/target/wasm/timing.ts";
import { type PlanWork, workOfPlan } from "../../compiler/target/wasm/work.ts";
import { bytesOfPlan } from "./memory-limit.ts";

export const pageBytes = 65_536;
export const mostPages = 65_536;

export interface CompiledPlan {
  /** Tells apart the plans that share a memory; from 1. */
  readonly id: number;
  readonly plan: Plan;
  readonly module: WebAssembly.Module;
  readonly frameBytes: number;
  /** Whether there are jobs for several threads. */
  readonly hasJobs: boolean;
  readonly work: PlanWork;
  /** What the host's `clock` is called around, in the order of their numbers. */
  readonly timedSteps: readonly TimedStep[];
}

export interface CompileOptions {
  readonly precision: "f64" | "f32";
  readonly shared: boolean;
  readonly team: TeamOptions;
  /** Whether steps are to be timed. */
  readonly timed?: boolean;
  /** Throws where a plan needs more bytes than there may be. */
  readonly checkMemory?: (bytes: number) => void;
}

let last = 0;

export function compileGraph(graph: Graph, options: CompileOptions): CompiledPlan {
  const { precision, shared, team, timed = false, checkMemory } = options;
  const plan = buildPlan(graph, { precision, style: "vector" });
  // Before code is made: addresses have 32 bits.
  checkMemory?.(bytesOfPlan(plan));
  const memory = { shared, initial: 1, maximum: mostPages };
  const { module, frameBytes, hasJobs, timedSteps } = emitPlan(plan, memory, { ...team, timed });
  last += 1;
  return {
    id: last,
    plan,
    module: new WebAssembly.Module(module.encode()),
    frameBytes,
    hasJobs,
    work: workOfPlan(plan),
    timedSteps,
  };
}

/** What an instance of a plan's module exports. */
export interface PlanExports {
  readonly run: (...addresses: number[]) => number;
  readonly countdown: WebAssembly.Global<"i32">;
  readonly team?: WebAssembly.Global<"i32">;
  readonly settle?: () => void;
}
