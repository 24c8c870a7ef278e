/** Fuzzing: random programs for some minutes, every failure made small and printed. */
import fc from "fast-check";
import { ProgramChecker, propertyOf } from "./gradient-property.ts";
import { programs } from "./programs/arbitrary.ts";

export interface FuzzOptions {
  readonly minutes: number;
  /** The first batch's seed; each further batch has the next. */
  readonly seed: number;
  /** About how many expressions a program has at most. 30 when left out. */
  readonly size?: number;
  /** What has to agree with the reference evaluator: `["cpu"]` when left out. */
  readonly backends?: readonly ("cpu" | "webgpu")[];
  readonly print: (text: string) => void;
}

export interface FuzzResult {
  readonly programs: number;
  readonly failures: number;
}

/** Programs of one seed. Small, so that a seed brings a failure back soon. */
const batch = 20;

/** Checks random programs until the time is over; finishes the batch it is in. */
export async function fuzz({ minutes, seed, size = 30, backends, print }: FuzzOptions): Promise<FuzzResult> {
  const end = performance.now() + minutes * 60_000;
  const counts: Record<string, number> = {};
  let [looked, failures] = [0, 0];
  for (let i = 0; i === 0 || performance.now() < end; i++) {
    const checker = new ProgramChecker({ ...(backends ? { backends } : {}) });
    const onProgram = (_: unknown, outcome: string) => {
      counts[outcome] = (counts[outcome] ?? 0) + 1;
      looked += 1;
    };
    // Solves are slow, so most batches do without.
    const property = propertyOf(programs({ size, solves: i % 3 === 2 }), checker, { onProgram });
    const found = await fc.check(property, { seed: seed + i, numRuns: batch });
    await checker.dispose();
    if (found.failed) {
      failures += 1;
      const error = found.errorInstance;
      print(`seed ${seed + i}: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
  const outcomes = Object.entries(counts).map(([kind, n]) => `${n} ${words[kind] ?? kind}`);
  print(`${looked} programs from seed ${seed} on: ${outcomes.join(", ")}`);
  return { programs: looked, failures };
}

const words: Readonly<Record<string, string>> = {
  agrees: "agree",
  kink: "have a kink and agree otherwise",
  stops: "stop with a message",
  disagrees: "disagree",
  refused: "are refused",
};
