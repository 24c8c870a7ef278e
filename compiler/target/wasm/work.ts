/**
 * About how many instructions, vectors counting as one, a plan takes: some three of them a nanosecond. Decides where
 * plans are run and what threads are worth.
 */
import { operandsOf } from "../../kernel/affine.ts";
import { upperBound } from "../../kernel/expressions.ts";
import type { Expression, Kernel, Precision, ScalarFunction, Statement } from "../../kernel/ir.ts";
import type { Launch, Plan, PlanFunction, PlanStep, Product } from "../../kernel/plan.ts";

export interface PlanWork {
  /** When every loop of the plan is run once. */
  readonly once: number;
  /** In one iteration of the loop whose iterations take the most. */
  readonly iteration: number;
  /** With loops as long as they may be, ten iterations where nobody knows. */
  readonly total: number;
}

const unknownLength = 10;
const lanesOf = (precision: Precision) => (precision === "f64" ? 2 : 4);

export function workOfPlan(plan: Plan): PlanWork {
  const known = new Map<PlanFunction, PlanWork>();
  for (const f of plan.functions)
    known.set(
      f,
      workOfSteps(f.steps, plan.precision, (g) => known.get(g)!),
    );
  return known.get(plan.functions.at(-1)!)!;
}

const nothing: PlanWork = { once: 0, iteration: 0, total: 0 };

function workOfSteps(steps: readonly PlanStep[], precision: Precision, of: (f: PlanFunction) => PlanWork): PlanWork {
  let [once, iteration, total] = [0, 0, 0];
  const add = (work: PlanWork, times = 1) => {
    once += work.once;
    iteration = Math.max(iteration, work.iteration);
    total += work.total * times;
  };
  const addPlain = (operations: number) => add({ once: operations, iteration: 0, total: operations });
  for (const step of steps)
    switch (step.kind) {
      case "launch":
      case "product":
        addPlain(workOfStep(step, precision));
        break;
      case "copy":
        addPlain(step.from.length / lanesOf(precision));
        break;
      case "call":
        add(of(step.callee));
        break;
      case "branch": {
        const [a, b] = [of(step.then), of(step.otherwise)];
        add(a.total > b.total ? a : b);
        break;
      }
      case "loop": {
        const [body, condition] = [of(step.body), step.condition ? of(step.condition) : nothing];
        const length = step.length ?? unknownLength;
        add(body, length);
        add(condition, step.going ? 1 : length);
        iteration = Math.max(iteration, body.once + condition.once);
        break;
      }
      default:
        addPlain(1);
    }
  return { once, iteration, total };
}

/** Instructions of all iterations of a kernel, or of a batch of products. */
export function workOfStep(step: Launch | Product, precision: Precision): number {
  if (step.kind === "product") return (2 * step.batch * step.m * step.n * step.k) / lanesOf(precision);
  return workOfKernel(step.kernel, precision);
}

const kernels: Readonly<Record<Precision, WeakMap<Kernel, number>>> = { f64: new WeakMap(), f32: new WeakMap() };

function workOfKernel(kernel: Kernel, precision: Precision): number {
  let found = kernels[precision].get(kernel);
  if (found === undefined) {
    found = new Counter(lanesOf(precision)).statements([kernel.grid], 1);
    kernels[precision].set(kernel, found);
  }
  return found;
}

/** Counts what is computed, each expression once. */
class Counter {
  readonly #lanes: number;
  readonly #seen = new Set<Expression>();

  constructor(lanes: number) {
    this.#lanes = lanes;
  }

  /** `lanes` at once. */
  statements(statements: readonly Statement[], lanes: number): number {
    let work = 0;
    for (const s of statements)
      switch (s.op) {
        case "loop": {
          const inside = this.statements(s.body, s.vectorize ? this.#lanes : lanes);
          work += this.#expression(s.count, lanes) + (mostOf(s.count) ?? unknownLength) * inside;
          break;
        }
        case "while":
          work += unknownLength * (this.#expression(s.condition, lanes) + this.statements(s.body, lanes));
          break;
        case "if":
          work += this.#expression(s.condition, lanes);
          work += Math.max(this.statements(s.then, lanes), this.statements(s.otherwise, lanes));
          break;
        case "store":
          work += this.#expression(s.index, lanes) + this.#expression(s.value, lanes) + 1 / lanes;
          break;
        default:
          work += this.#expression(s.value, lanes);
      }
    return work;
  }

  #expression(e: Expression, lanes: number): number {
    if (this.#seen.has(e)) return 0;
    this.#seen.add(e);
    let work = 0;
    for (const operand of operandsOf(e)) work += this.#expression(operand, lanes);
    switch (e.op) {
      case "constant":
      case "local":
        return work;
      case "call":
        return work + (e.function.isExceptional ? 2 / lanes : workOfFunction(e.function));
      default:
        // Indices are mostly added up before loops, or part of an access.
        return work + (e.kind === "int" && e.op !== "load" ? 0.2 : 1 / lanes);
    }
  }
}

/** The most iterations of a loop, as in blocks of which the last one is shorter. */
function mostOf(count: Expression): number | undefined {
  if (count.op === "binary" && count.name === "min") {
    const most = [mostOf(count.a), mostOf(count.b)].filter((x) => x !== undefined);
    return most.length > 0 ? Math.min(...most) : undefined;
  }
  const bound = upperBound(count);
  return bound === undefined ? undefined : bound - 1;
}

const functions = new WeakMap<ScalarFunction, number>();

/** Functions with control flow inside run one element after the other. */
function workOfFunction(f: ScalarFunction): number {
  let found = functions.get(f);
  if (found === undefined) {
    found = new Counter(1).statements(f.body, 1);
    functions.set(f, found);
  }
  return found;
}
