/**
 * The reference evaluator: runs a graph one equation at a time in f64 (or f32, rounding every result).
 * It is the specification of every primitive, so it stays simple.
 */
import type { NdArray } from "./array.ts";
import type { Atom, Equation, Graph, Var } from "./graph.ts";
import type { CheckFailure, EvaluationContext } from "./primitive.ts";

/** A failed `check`: the run ends unless somebody asked for the status. */
export class CheckError extends Error {
  readonly failure: CheckFailure;
  constructor(failure: CheckFailure) {
    super(failure.message);
    this.name = "CheckError";
    this.failure = failure;
  }
}

export interface ContextOptions {
  readonly precision?: "f64" | "f32";
  readonly solved?: EvaluationContext["solved"];
  readonly tick?: EvaluationContext["tick"];
  readonly fail?: EvaluationContext["fail"];
  readonly iterate?: EvaluationContext["iterate"];
  readonly signal?: EvaluationContext["signal"];
  /** Called after each equation: how a non-finite value is traced to the expression that made it. */
  readonly observe?: (equation: Equation, inputs: readonly NdArray[], outputs: readonly NdArray[]) => void;
}

/** A context for one run. */
export function evaluationContext(options: ContextOptions = {}): EvaluationContext {
  const precision = options.precision ?? "f64";
  const context: EvaluationContext = {
    precision,
    allocate: (dtype, size) =>
      dtype === "real"
        ? precision === "f64"
          ? new Float64Array(size)
          : new Float32Array(size)
        : dtype === "int"
          ? new Int32Array(size)
          : new Uint8Array(size),
    run: (graph, inputs) => runGraph(graph, inputs, context, options.observe),
    fail:
      options.fail ??
      ((failure) => {
        throw new CheckError(failure);
      }),
    solved: options.solved ?? (() => {}),
    tick: options.tick ?? (() => {}),
    ...(options.iterate ? { iterate: options.iterate } : {}),
    ...(options.signal ? { signal: options.signal } : {}),
  };
  return context;
}

export const plainContext: EvaluationContext = evaluationContext();

/** Evaluates a closed graph. */
export function evaluate(
  graph: Graph,
  inputs: readonly NdArray[],
  context: EvaluationContext = plainContext,
): NdArray[] {
  return context.run(graph, inputs);
}

interface Compiled {
  /** Slot of each variable; slots after the last use are cleared, so that memory follows liveness. */
  readonly slots: number;
  readonly inputSlots: readonly number[];
  readonly steps: readonly Step[];
  readonly outputs: readonly (number | NdArray)[];
}
interface Step {
  readonly equation: Equation;
  readonly inputs: readonly (number | NdArray)[];
  readonly outputs: readonly number[];
  readonly release: readonly number[];
}

const compiledGraphs = new WeakMap<Graph, Map<string, Compiled>>();

function compile(graph: Graph, context: EvaluationContext): Compiled {
  const slots = new Map<number, number>();
  const slotOf = (v: Var) => {
    let slot = slots.get(v.id);
    if (slot === undefined) {
      slot = slots.size;
      slots.set(v.id, slot);
    }
    return slot;
  };
  const operand = (a: Atom): number | NdArray => {
    if (a.kind === "literal") {
      const data = context.allocate(a.type.dtype, 1);
      data[0] = a.value;
      return { dtype: a.type.dtype, shape: [], data };
    }
    const slot = slots.get(a.id);
    if (slot === undefined)
      throw new Error(`internal error: variable ${a.id} is used before it is computed in ${graph.name}`);
    return slot;
  };
  const inputSlots = graph.inputs.map(slotOf);
  const lastUse = new Map<number, number>();
  const steps: { equation: Equation; inputs: (number | NdArray)[]; outputs: number[]; release: number[] }[] = [];
  graph.equations.forEach((equation, i) => {
    const inputs = equation.inputs.map(operand);
    const outputs = equation.outputs.map(slotOf);
    for (const slot of [...inputs, ...outputs]) if (typeof slot === "number") lastUse.set(slot, i);
    steps.push({ equation, inputs, outputs, release: [] });
  });
  const outputs = graph.outputs.map(operand);
  for (const slot of outputs) if (typeof slot === "number") lastUse.delete(slot);
  for (const [slot, i] of lastUse) steps[i]!.release.push(slot);
  return { slots: slots.size, inputSlots, steps, outputs };
}

function runGraph(
  graph: Graph,
  inputs: readonly NdArray[],
  context: EvaluationContext,
  observe: ContextOptions["observe"],
): NdArray[] {
  let byPrecision = compiledGraphs.get(graph);
  if (!byPrecision) {
    byPrecision = new Map();
    compiledGraphs.set(graph, byPrecision);
  }
  let compiled = byPrecision.get(context.precision);
  if (!compiled) {
    compiled = compile(graph, context);
    byPrecision.set(context.precision, compiled);
  }
  if (inputs.length !== compiled.inputSlots.length)
    throw new Error(`internal error: ${graph.name} takes ${compiled.inputSlots.length} values, not ${inputs.length}`);
  const values = new Array<NdArray | undefined>(compiled.slots);
  compiled.inputSlots.forEach((slot, i) => {
    values[slot] = inputs[i];
  });
  for (const step of compiled.steps) {
    const { equation } = step;
    const operands = step.inputs.map((s) => (typeof s === "number" ? values[s]! : s));
    const results = equation.primitive.evaluate(operands, equation.params, context);
    observe?.(equation, operands, results);
    for (let i = 0; i < results.length; i++) values[step.outputs[i]!] = results[i];
    for (const slot of step.release) values[slot] = undefined;
  }
  return compiled.outputs.map((s) => (typeof s === "number" ? values[s]! : s));
}
