/** Calls of the host around each step of a plan that computes: what a profile is made from. */
import type { PlanStep } from "../../kernel/plan.ts";
import type { FunctionBuilder, ModuleBuilder } from "./encoder.ts";

/** The steps that are timed; the others only decide what comes next. */
export type TimedStep = Extract<PlanStep, { kind: "launch" | "product" | "copy" }>;

/**
 * The host's function `clock` is called with the number of a step, from 1, before it runs, and with 0 after. In a team
 * the thread that runs the plan calls it, when all have done their part.
 */
export class Timing {
  /** In the order of their numbers. */
  readonly steps: TimedStep[] = [];
  readonly #clock: number;

  constructor(module: ModuleBuilder) {
    this.#clock = module.importFunction("host", "clock", ["i32"], []);
  }

  around(b: FunctionBuilder, step: TimedStep, emit: () => void): void {
    b.i32(this.steps.push(step));
    b.call(this.#clock);
    emit();
    b.i32(0);
    b.call(this.#clock);
  }
}
