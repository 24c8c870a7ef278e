/** The workloads on karush's CPU target, in f32. */
import type { NdArray } from "../../compiler/core/array.ts";
import type { Graph } from "../../compiler/core/graph.ts";
import type { EvaluationContext } from "../../compiler/core/primitive.ts";
import { bind } from "../../compiler/index.ts";
import type { GraphRunner } from "../../compiler/program.ts";
import { CpuRunner } from "../../runtime/cpu/runner.ts";
import type { Inputs } from "./inputs.ts";
import { readWorkload } from "./script.ts";

interface Run {
  readonly graph: Graph;
  readonly inputs: readonly NdArray[];
  readonly context: EvaluationContext;
}

/** Runs graphs, and remembers them so that they can be run again. */
export class Recorder implements GraphRunner {
  readonly runs: Run[] = [];
  readonly #runner: CpuRunner;
  constructor(runner: CpuRunner) {
    this.#runner = runner;
  }
  run(graph: Graph, inputs: readonly NdArray[], context: EvaluationContext, options: { keep: boolean }): NdArray[] {
    this.runs.push({ graph, inputs, context });
    return this.#runner.run(graph, inputs, context, options);
  }
}

export interface Prepared {
  readonly runs: readonly Run[];
  /** Milliseconds from the text to a bound program, and those of the first run, which compiles. */
  readonly binding: number;
  readonly first: number;
  /** Computes everything again; the arrays of the last statement. */
  readonly again: () => readonly (readonly number[] | ArrayLike<number>)[];
}

/** Compiles a workload's script, runs it once, and gives what runs it again with its inputs in memory. */
export function prepare(workload: string, inputs: Inputs): Prepared {
  const started = performance.now();
  const { program, data } = readWorkload(workload, inputs);
  const runner = new CpuRunner({ precision: "f32" });
  const recorder = new Recorder(runner);
  const bound = bind(program, { data, precision: "f32", runner: recorder });
  const binding = performance.now() - started;
  const begun = performance.now();
  bound.run({ onEvent: () => undefined });
  const first = performance.now() - begun;
  const { runs } = recorder;
  const again = () => {
    let results: readonly NdArray[] = [];
    for (const { graph, inputs, context } of runs) results = runner.run(graph, inputs, context, { keep: false });
    return results.map((r) => r.data);
  };
  return { runs, binding, first, again };
}
