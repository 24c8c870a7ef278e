/** The values of a script's variables: computed once, wherever a back end has them, and given back when nobody reads on. */
import type { NdArray } from "./core/array.ts";
import type { Atom, Graph, Var } from "./core/graph.ts";
import { isElsewhere, RemoteArray } from "./core/remote-array.ts";
import type { Effect, ElaboratedScript, Step } from "./elaborate/script.ts";
import { traceIterations } from "./elaborate/solver-record.ts";
import type { Term } from "./elaborate/terms.ts";
import { leafArrays, literalValue } from "./elaborate/values.ts";
import type { Flow } from "./flow.ts";
import type { GraphRunner, GraphRunOptions, ResultPlace, RunOptions, StatementLifetimes } from "./program.ts";
import { narrow } from "./transform/trim.ts";

export type EvaluateGraph = (
  graph: Graph,
  inputs: readonly NdArray[],
  options: Partial<RunOptions> | undefined,
  how: Omit<GraphRunOptions, "later" | "warn">,
) => Flow<NdArray[]>;

/** Losses that are survived are followed by a run on the CPU, which has no device to lose. */
const mostAttempts = 3;

/** What of a statement is computed. */
export type StepPart = Pick<Step, "graph" | "captured" | "outputs">;

interface LastRun {
  readonly parts: ReadonlyMap<Step, StepPart>;
  /** By variable: the last step that reads it. */
  readonly readers: ReadonlyMap<number, number>;
}

export class ScriptValues {
  readonly #script: ElaboratedScript;
  readonly #precision: "f64" | "f32";
  readonly #runner: GraphRunner | undefined;
  readonly #evaluate: EvaluateGraph;
  readonly #values: Map<number, NdArray>;
  /** Data and parameters that the back end holds. */
  readonly #held = new Map<number, RemoteArray>();
  readonly #ran = new Set<Step>();
  #lastRun: LastRun | undefined;

  constructor(
    script: ElaboratedScript,
    precision: "f64" | "f32",
    runner: GraphRunner | undefined,
    evaluate: EvaluateGraph,
  ) {
    this.#script = script;
    this.#precision = precision;
    this.#runner = runner;
    this.#evaluate = evaluate;
    this.#values = new Map(script.values);
  }

  hasRun(step: Step): boolean {
    return this.#ran.has(step);
  }

  /** Variables of the script, computed when they have not been yet; their numbers may be on a device. */
  *operands(atoms: readonly Atom[], options?: Partial<RunOptions>, until?: number): Flow<NdArray[]> {
    const values: NdArray[] = [];
    for (const a of atoms) {
      const value = yield* this.#value(a, options);
      values.push(a.kind === "literal" ? value : this.#hold((a as Var).id, value, until));
    }
    return values;
  }

  /** The same with their numbers here. */
  *numbers(atoms: readonly Atom[], options?: Partial<RunOptions>): Flow<NdArray[]> {
    for (let attempt = 1; ; attempt++) {
      const values: NdArray[] = [];
      for (const a of atoms) values.push(yield* this.#value(a, options));
      if (!values.some(isElsewhere)) return values;
      try {
        return yield { kind: "fetch", arrays: values };
      } catch (error) {
        if (attempt === mostAttempts || !values.some((x) => this.#isGone(x))) throw error;
      }
    }
  }

  *#value(a: Atom, options: Partial<RunOptions> | undefined): Flow<NdArray> {
    const literal = literalValue(a, this.#precision);
    if (literal) return literal;
    const v = a as Var;
    const known = this.#values.get(v.id);
    if (known && !this.#isGone(known)) return known;
    const step = this.#script.steps.find((s) => s.outputs.some((o) => o.id === v.id));
    if (!step) throw new Error(`internal error: variable ${v.id} belongs to no statement`);
    // What was told of it before is not told again.
    yield* this.run(step, this.#ran.has(step) ? silent(options) : options);
    return this.#values.get(v.id)!;
  }

  /** Whether an array went away with a device that is not needed to make it again. */
  #isGone(x: NdArray): boolean {
    return x instanceof RemoteArray && x.isLost && this.#runner?.outlivesDevice === true;
  }

  /** Values from outside go to the device once, when there are several runs that read them. */
  #hold(id: number, value: NdArray, until: number | undefined): NdArray {
    if (!this.#runner?.hold || value instanceof RemoteArray) return value;
    const known = this.#held.get(id);
    if (known) return known;
    if (until !== undefined && this.#lastReader(id) <= until) return value;
    const held = this.#runner.hold(value);
    if (held instanceof RemoteArray) this.#held.set(id, held);
    return held;
  }

  /** Runs a statement, whether it has run before or not. */
  *run(step: Step, options: Partial<RunOptions> | undefined): Flow<void> {
    const number = this.#script.steps.indexOf(step);
    const isLast = options?.isLast === true;
    for (let attempt = 1; ; attempt++) {
      const { graph, captured, outputs } = isLast ? this.readOf(step) : step;
      const inputs = yield* this.operands(captured, options, isLast ? number : undefined);
      try {
        const results = yield* this.#evaluate(graph, inputs, options, {
          keep: true,
          span: step.span,
          results: this.#places(step, outputs, isLast ? number : undefined),
          isLast,
        });
        outputs.forEach((v, i) => {
          this.#values.set(v.id, results[i]!);
        });
        this.#ran.add(step);
        return;
      } catch (error) {
        if (attempt === mostAttempts || !inputs.some((x) => this.#isGone(x))) throw error;
      }
    }
  }

  /** What a statement computes in a run that is the last. */
  readOf(step: Step): StepPart {
    this.#lastRun ??= lastRunOf(this.#script.steps);
    return this.#lastRun.parts.get(step)!;
  }

  #places(step: Step, outputs: readonly Var[], until: number | undefined): ResultPlace[] {
    const shown = new Set(step.effect ? readBy(step.effect) : []);
    return outputs.map(({ id }) => {
      const isReadOn = until === undefined || this.#lastReader(id) > until;
      if (!shown.has(id)) return "there";
      return isReadOn ? "both" : "here";
    });
  }

  /** The last step that reads a variable, in a run that is the last. */
  #lastReader(id: number): number {
    this.#lastRun ??= lastRunOf(this.#script.steps);
    return this.#lastRun.readers.get(id) ?? -1;
  }

  /** What happens to a device's memory, statement by statement. */
  lifetimes(): StatementLifetimes[] {
    const { steps } = this.#script;
    const all = new Set([...this.#script.values.keys(), ...steps.flatMap((s) => s.outputs.map((v) => v.id))]);
    return steps.map((step, n) => {
      const { graph, captured, outputs } = this.readOf(step);
      const places = this.#places(step, outputs, n);
      return {
        graph,
        operands: captured.map(({ id }) => ({ id, isReadOn: this.#lastReader(id) > n })),
        results: outputs.map(({ id }, i) => ({ id, place: places[i]! })),
        shown: step.effect ? readBy(step.effect) : [],
        released: [...all].filter((id) => this.#lastReader(id) <= n),
      };
    });
  }

  /** Gives back what a device holds of variables that no statement after this one reads. */
  release(step: Step): void {
    const number = this.#script.steps.indexOf(step);
    for (const values of [this.#values, this.#held] as const)
      for (const [id, value] of values) {
        if (!(value instanceof RemoteArray) || this.#lastReader(id) > number) continue;
        value.release();
        values.delete(id);
      }
  }
}

/**
 * The results that a later statement reads, or the statement's own effect: only they are computed. All of them where none
 * is read, which then is what the statement is there for.
 */
function lastRunOf(steps: readonly Step[]): LastRun {
  const parts = new Map<Step, StepPart>();
  const readers = new Map<number, number>();
  for (const [n, step] of [...steps.entries()].reverse()) {
    const read = (id: number) => {
      if (!readers.has(id)) readers.set(id, n);
    };
    for (const id of step.effect ? readBy(step.effect) : []) read(id);
    const part = partOf(
      step,
      step.outputs.map(({ id }) => readers.has(id)),
    );
    for (const v of part.captured) read(v.id);
    parts.set(step, part);
  }
  return { parts, readers };
}

function partOf(step: Step, isRead: readonly boolean[]): StepPart {
  if (!isRead.includes(true) || !isRead.includes(false)) return step;
  const { graph, taken } = narrow(step.graph, isRead);
  return {
    graph,
    captured: step.captured.filter((_, i) => taken[i]),
    outputs: step.outputs.filter((_, i) => isRead[i]),
  };
}

function silent({ onTick, signal }: Partial<RunOptions> = {}): Partial<RunOptions> {
  return { ...(onTick ? { onTick } : {}), ...(signal ? { signal } : {}) };
}

/** The variables whose numbers an effect reads. */
function readBy(effect: Effect): number[] {
  const ids = (term: Term): number[] =>
    leafArrays(term).flatMap(({ atom }) => {
      const iterations = effect.kind === "plot" ? traceIterations.get(atom) : undefined;
      return [atom, ...(iterations ? [iterations] : [])].flatMap((a) => (a.kind === "literal" ? [] : [a.id]));
    });
  switch (effect.kind) {
    case "show":
      return effect.items.flatMap((item) => ids(item.term));
    case "assert":
      return ids(effect.condition);
    case "save":
      return ids(effect.value);
    case "plot":
      return [...(effect.x ? [effect.x] : []), ...effect.series.map((s) => s.term)].flatMap(ids);
  }
}
