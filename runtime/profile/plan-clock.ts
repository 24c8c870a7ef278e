/** Times the steps of a plan that runs on this thread. */
import type { Plan } from "../../compiler/kernel/plan.ts";
import { accountOf, type StatementMeter, type WorkStep } from "./profiler.ts";

/**
 * What the host's `clock` does: called with the number of a step, from 1, it begins to count its time, and with 0 it
 * ends. A call costs some tenths of a microsecond, part of which is counted.
 */
export function planClock(
  meter: StatementMeter,
  plan: Plan,
  steps: readonly WorkStep[],
  now: () => number,
): (step: number) => void {
  const accounts = steps.map((step) => accountOf(meter, plan, step));
  let begun = 0;
  let current: (typeof accounts)[number] | undefined;
  return (step) => {
    if (step === 0) {
      current!.milliseconds += now() - begun;
      return;
    }
    current = accounts[step - 1]!;
    current.runs += 1;
    begun = now();
  };
}
