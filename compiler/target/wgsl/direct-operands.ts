/**
 * Operands that kernels read where the caller has them, each through a binding of its own, instead of from a copy in the
 * data. Kernels can, when they are dispatched; whatever else a program does sees the data alone.
 */
import type { Buffer, Launch, PlanFunction, PlanStep } from "../../kernel/plan.ts";
import { largestArenaCount } from "./kernel.ts";
import { costOfLaunch, isWorthDispatch, largestWorkgroup } from "./launch-cost.ts";
import type { ResidentPolicy } from "./policy.ts";

/** Places in the data come before these. */
const firstPlace = 2 ** 32;

/** A place, in words, for an operand that is not in the data: no other place is near. */
export const directPlace = (input: number): number => firstPlace * (input + 1);

/** The operand that has a place, if the place is none in the data. */
export const directAt = (place: number): number | undefined =>
  place < firstPlace ? undefined : Math.floor(place / firstPlace) - 1;

/** Besides the data, which a kernel writes to. */
const mostBindings = largestArenaCount - 1;

/** The inputs of a function that can be read where they are: at least `leastDirectWords` long, and only read by kernels. */
export function directOperands(
  entry: PlanFunction,
  policy: Pick<ResidentPolicy, "leastDirectWords" | "sharesReductions">,
): ReadonlySet<number> {
  const long = entry.inputs.flatMap((b, i) => (b.length >= Math.max(policy.leastDirectWords, 1) ? [i] : []));
  const search = new Search(long, policy.sharesReductions);
  search.visit(entry, new Map(long.map((i) => [entry.inputs[i]!, i])), false);
  return search.direct;
}

/** Which operand a buffer is, in a function. */
type Operands = ReadonlyMap<Buffer, number>;

class Search {
  readonly direct: Set<number>;
  readonly #sharesReductions: boolean;

  constructor(candidates: readonly number[], sharesReductions: boolean) {
    this.direct = new Set(candidates);
    this.#sharesReductions = sharesReductions;
  }

  visit(f: PlanFunction, operands: Operands, isRepeated: boolean): void {
    if (operands.size > 0) for (const step of f.steps) this.#step(step, operands, isRepeated);
  }

  #step(step: PlanStep, operands: Operands, isRepeated: boolean): void {
    switch (step.kind) {
      case "launch":
        this.#launch(step, operands, isRepeated);
        return;
      case "call":
        this.#inside(step.callee, step.inputs, operands, isRepeated);
        return;
      case "branch":
        this.#copied([step.predicate], operands);
        for (const way of [step.then, step.otherwise]) this.#inside(way, step.inputs, operands, isRepeated);
        return;
      case "loop":
        // State begins as a copy, and each step's slices are copies.
        this.#copied([...step.carry.map((c) => c.initial), ...step.stacked], operands);
        if (step.count) this.#copied([step.count], operands);
        for (const f of step.condition ? [step.condition, step.body] : [step.body])
          this.#inside(f, step.constants, operands, true);
        return;
      case "copy":
        this.#copied([step.from], operands);
        return;
      case "check":
        if (step.details) this.#launch(step.details, operands, isRepeated);
        this.#copied([step.failing, ...(step.shown ? [step.shown] : [])], operands);
        return;
      case "report":
        this.#copied([step.status, step.iterations, step.error], operands);
        return;
      case "fill":
      case "product":
        return;
    }
  }

  #inside(f: PlanFunction, given: readonly Buffer[], operands: Operands, isRepeated: boolean): void {
    const inside = new Map<Buffer, number>();
    given.forEach((b, i) => {
      const operand = operands.get(b);
      if (operand !== undefined) inside.set(f.inputs[i]!, operand);
    });
    this.visit(f, inside, isRepeated);
  }

  /**
   * A kernel that is not worth a dispatch gets one all the same, unless a loop would be left by the resident workgroup for
   * it, step by step.
   */
  #launch(launch: Launch, operands: Operands, isRepeated: boolean): void {
    const { kernel, buffers } = launch;
    const isDispatched =
      !isRepeated || isWorthDispatch(costOfLaunch(launch, largestWorkgroup, false, this.#sharesReductions));
    this.#copied(
      buffers.filter((_, i) => !isDispatched || kernel.arrays[i]!.access !== "read"),
      operands,
    );
    const bound = new Set(buffers.flatMap((b) => operands.get(b) ?? []).filter((i) => this.direct.has(i)));
    for (const i of [...bound].slice(mostBindings)) this.direct.delete(i);
  }

  #copied(buffers: readonly Buffer[], operands: Operands): void {
    for (const b of buffers) {
      const operand = operands.get(b);
      if (operand !== undefined) this.direct.delete(operand);
    }
  }
}
