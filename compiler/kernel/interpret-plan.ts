/** Runs a Plan with interpreted kernels: what plans mean, and how fusion and scheduling are tested without a target. */
import { interpretKernel, type Storage } from "./interpret.ts";
import type { Precision } from "./ir.ts";
import { type Buffer, noFailure, type Plan, type PlanFunction, type PlanStep, type ProductOperand } from "./plan.ts";

export interface PlanEvents {
  readonly check?: (event: number, shown: readonly number[]) => void;
  readonly report?: (event: number, status: number, iterations: number, error: number) => void;
}

/** A check that failed ends the run. */
export class PlanFailure extends Error {
  readonly event: number;
  readonly shown: readonly number[];
  constructor(event: number, shown: readonly number[]) {
    super(`check ${event} failed`);
    this.event = event;
    this.shown = shown;
  }
}

export function allocate(kind: Buffer["kind"], length: number, precision: Precision): Storage {
  if (kind !== "real") return new Int32Array(length);
  return precision === "f64" ? new Float64Array(length) : new Float32Array(length);
}

/** Runs the entry on its inputs; gives its outputs. */
export function interpretPlan(plan: Plan, inputs: readonly Storage[], events: PlanEvents = {}): Storage[] {
  return new PlanInterpreter(plan.precision, events).call(plan.functions.at(-1)!, inputs);
}

class PlanInterpreter {
  readonly precision: Precision;
  readonly events: PlanEvents;

  constructor(precision: Precision, events: PlanEvents) {
    this.precision = precision;
    this.events = events;
  }

  call(f: PlanFunction, inputs: readonly Storage[]): Storage[] {
    const frame = new Map<Buffer, Storage>(f.inputs.map((b, i) => [b, inputs[i]!]));
    const at = (b: Buffer): Storage => {
      let storage = frame.get(b);
      if (!storage) {
        // Memory as it is found: nothing may be read before it is written.
        storage = allocate(b.kind, b.length, this.precision).fill(b.kind === "real" ? Number.NaN : 0x5a5a5a5a);
        frame.set(b, storage);
      }
      return storage;
    };
    for (const step of f.steps) this.#step(step, at, frame);
    return f.outputs.map(at);
  }

  #step(step: PlanStep, at: (b: Buffer) => Storage, frame: Map<Buffer, Storage>): void {
    switch (step.kind) {
      case "launch":
        interpretKernel(step.kernel, step.buffers.map(at), this.precision);
        return;
      case "product":
        product(step, at(step.a.buffer), at(step.b.buffer), at(step.result));
        return;
      case "copy":
        at(step.to).set(at(step.from));
        return;
      case "fill":
        at(step.buffer).fill(step.value);
        return;
      case "branch": {
        const chosen = at(step.predicate)[0] ? step.then : step.otherwise;
        const results = this.call(chosen, step.inputs.map(at));
        for (const [i, b] of step.outputs.entries()) at(b).set(results[i]!);
        return;
      }
      case "call": {
        const results = this.call(step.callee, step.inputs.map(at));
        for (const [i, b] of step.outputs.entries()) at(b).set(results[i]!);
        return;
      }
      case "loop":
        this.#loop(step, at, frame);
        return;
      case "check": {
        if (at(step.failing)[0] === noFailure) return;
        if (step.details) interpretKernel(step.details.kernel, step.details.buffers.map(at), this.precision);
        const shown = step.shown ? [...at(step.shown)] : [];
        this.events.check?.(step.event, shown);
        throw new PlanFailure(step.event, shown);
      }
      case "report": {
        const [status, iterations, error] = [at(step.status), at(step.iterations), at(step.error)];
        status.forEach((s, i) => {
          if (s >= 0) this.events.report?.(step.event, s, iterations[i]!, error[i]!);
        });
      }
    }
  }

  #loop(step: Extract<PlanStep, { kind: "loop" }>, at: (b: Buffer) => Storage, frame: Map<Buffer, Storage>): void {
    const length = step.length ?? Number.POSITIVE_INFINITY;
    const steps = step.count ? Math.min(at(step.count)[0]!, length) : length;
    const constants = step.constants.map(at);
    let carry = step.carry.map((c) => at(c.initial));
    const slice = (b: Buffer, i: number) => {
      const size = b.length / Math.max(b.shape[0]!, 1);
      return at(b).subarray(i * size, (i + 1) * size);
    };
    // Slices of steps that are not taken are zero.
    for (const b of step.results) at(b).fill(0);
    let taken = 0;
    for (; taken < steps; taken++) {
      const place = step.reverse ? steps - 1 - taken : taken;
      const operands = [...constants, ...carry, ...step.stacked.map((b) => slice(b, place))];
      const asks = step.condition && (taken === 0 || !step.going);
      if (asks && !this.call(step.condition, operands)[0]![0]) break;
      const next = this.call(step.body, operands);
      const goesOn = !step.going || next.at(-1)![0] !== 0;
      carry = step.carry.map((c, i) => (c.kept && !goesOn ? carry[i]! : next[i]!));
      for (const [i, b] of step.results.entries()) slice(b, place).set(next[carry.length + i]!);
      if (!goesOn) {
        taken += 1;
        break;
      }
    }
    step.carry.forEach((c, i) => {
      frame.set(c.result, carry[i]!.slice());
    });
    at(step.steps)[0] = taken;
  }
}

function product(step: Extract<PlanStep, { kind: "product" }>, a: Storage, b: Storage, c: Storage): void {
  const place = (o: ProductOperand, batch: number, row: number, column: number) =>
    o.offset + batch * o.batch + row * o.row + column * o.column;
  for (let t = 0; t < step.batch; t++)
    for (let i = 0; i < step.m; i++)
      for (let j = 0; j < step.n; j++) {
        let sum = 0;
        for (let k = 0; k < step.k; k++) sum += a[place(step.a, t, i, k)]! * b[place(step.b, t, k, j)]!;
        c[(t * step.m + i) * step.n + j] = sum;
      }
}
