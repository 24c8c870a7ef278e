/** What a run spends its time on: gathered while graphs run, by statement and by what their plans are made of. */
import type { Plan, PlanStep } from "../../compiler/kernel/plan.ts";
import { elementBytes } from "../../compiler/kernel/plan.ts";
import { nameOfStep, trafficOf } from "../../compiler/kernel/print.ts";
import type { Span } from "../../compiler/syntax/tree.ts";
import { Lines } from "../show/text.ts";

/** The steps of a plan that do the computing; the others only decide what comes next. */
export type WorkStep = Extract<PlanStep, { kind: "launch" | "product" | "copy" }>;

export interface ProfiledStatement {
  readonly text: string;
  readonly file: string | undefined;
  /** From 1. */
  readonly line: number | undefined;
  /** From its first step to its last, compiling included. */
  readonly milliseconds: number;
  /** Of these, spent on making and compiling its plan; not known for devices. */
  readonly compiling: number | undefined;
}

export interface ProfiledKernel {
  /** As `explain --kernels` calls it. */
  readonly name: string;
  /** The place of its statement in `statements`. */
  readonly statement: number;
  readonly file: string | undefined;
  readonly line: number | undefined;
  /** The source it comes from. */
  readonly source: string | undefined;
  /** Launches; on a device also those that had nothing to do, since their loop was over. */
  readonly runs: number;
  readonly milliseconds: number;
  /** That one run reads and writes at least; undefined where it is not known. */
  readonly bytes: number | undefined;
  /** Of all the time of all statements, from 0 to 1. */
  readonly share: number;
}

/** Plain data, the costliest first. */
export interface Profile {
  /** How times were measured. */
  readonly clock: "host" | "device" | "submissions";
  readonly milliseconds: number;
  readonly statements: readonly ProfiledStatement[];
  readonly kernels: readonly ProfiledKernel[];
}

/** A kind of work inside a statement. */
interface Work {
  readonly name: string;
  readonly span: Span | undefined;
  readonly bytes: number | undefined;
  runs: number;
  milliseconds: number;
}

/** One statement's account. */
export class StatementMeter {
  readonly span: Span | undefined;
  readonly #work = new Map<string, Work>();
  milliseconds = 0;
  compiling: number | undefined;

  constructor(span: Span | undefined) {
    this.span = span;
  }

  get work(): Iterable<Readonly<Work>> {
    return this.#work.values();
  }

  /** The account of a kind of work, by its name. */
  account(name: string, span: Span | undefined, bytes: number | undefined): Work {
    let work = this.#work.get(name);
    if (!work) {
      work = { name, span, bytes, runs: 0, milliseconds: 0 };
      this.#work.set(name, work);
    }
    return work;
  }
}

export class Profiler {
  readonly #statements = new Map<string, StatementMeter>();
  clock: Profile["clock"] = "host";
  /** Measurements that have not arrived. */
  readonly #pending = new Set<Promise<void>>();

  /** The account of a statement; those without a place share one. */
  statement(span: Span | undefined): StatementMeter {
    const key = span ? `${span.file} ${span.start} ${span.end}` : "";
    let meter = this.#statements.get(key);
    if (!meter) {
      meter = new StatementMeter(span);
      this.#statements.set(key, meter);
    }
    return meter;
  }

  /** A measurement that comes later, and fills in accounts then. */
  expect(measurement: Promise<void>): void {
    const settled = measurement
      .catch(() => {}) // of a device that was lost
      .finally(() => this.#pending.delete(settled));
    this.#pending.add(settled);
  }

  /** All of it, with lines and texts from the sources. */
  async result(sources: ReadonlyMap<string, string>): Promise<Profile> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
    const meters = [...this.#statements.values()].sort((a, b) => b.milliseconds - a.milliseconds);
    const total = meters.reduce((sum, m) => sum + m.milliseconds, 0);
    const lines = new Map<string, Lines>();
    const place = (span: Span | undefined) => {
      const text = span && sources.get(span.file);
      if (!span || text === undefined) return { file: span?.file, line: undefined, source: undefined };
      if (!lines.has(span.file)) lines.set(span.file, new Lines(text));
      const { line } = lines.get(span.file)!.place(span.start);
      return { file: span.file, line, source: text.slice(span.start, span.end) };
    };
    const statements = meters.map(({ span, milliseconds, compiling }): ProfiledStatement => {
      const { file, line, source } = place(span);
      return { text: source ?? "(no statement)", file, line, milliseconds, compiling };
    });
    const kernels = meters.flatMap((meter, statement) =>
      [...meter.work]
        .filter((work) => work.runs > 0)
        .map(({ name, span, bytes, runs, milliseconds }): ProfiledKernel => {
          const share = total > 0 ? milliseconds / total : 0;
          return { name, statement, ...place(span), runs, milliseconds, bytes, share };
        }),
    );
    kernels.sort((a, b) => b.milliseconds - a.milliseconds);
    return { clock: this.clock, milliseconds: total, statements, kernels };
  }
}

/** The account of a step of a plan. */
export function accountOf(meter: StatementMeter, plan: Plan, step: WorkStep): ReturnType<StatementMeter["account"]> {
  return meter.account(nameOfStep(plan, step), spanOf(step), bytesOf(plan, step));
}

function spanOf(step: WorkStep): Span | undefined {
  return step.kind === "launch" ? step.kernel.span : step.kind === "product" ? step.span : undefined;
}

function bytesOf(plan: Plan, step: WorkStep): number {
  if (step.kind === "copy") return 2 * step.from.length * elementBytes(step.from.kind, plan.precision);
  if (step.kind === "product") {
    const { batch, m, n, k } = step;
    return batch * (m * k + k * n + m * n) * elementBytes("real", plan.precision);
  }
  const { read, written } = trafficOf(step, plan.precision);
  return read + written;
}
