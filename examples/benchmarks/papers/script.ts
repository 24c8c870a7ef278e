/** The scripts of the papers' loops on karush's CPU target, in f64. */
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { NdArray } from "../../../compiler/core/array.ts";
import * as compiler from "../../../compiler/index.ts";
import { CpuRunner } from "../../../runtime/cpu/runner.ts";
import { loadProgram } from "../../../runtime/script/perform.ts";
import { Recorder } from "../karush.ts";
import type { Inputs, Paper } from "./paper.ts";

export interface PreparedScript {
  /** Milliseconds of the first run, and of what comes before it. */
  readonly first: number;
  /** Computes the last statement again, with what it reads in memory. */
  readonly again: () => readonly ArrayLike<number>[];
}

/** Compiles a paper's loop and runs it once. */
export function prepareScript({ name }: Paper, inputs: Inputs, steps: number): PreparedScript {
  const started = performance.now();
  const file = fileURLToPath(new URL(`./${name}.opt`, import.meta.url));
  const problems: string[] = [];
  const access = { folder: path.dirname(file), read: [fileURLToPath(new URL("../..", import.meta.url))] };
  const program = loadProgram(compiler, file, access, new Map(), (d) => problems.push(d.message));
  if (program === undefined) throw new Error(problems.join("\n"));
  const data = Object.fromEntries(
    Object.entries(inputs).map(([key, { shape, values }]): [string, NdArray] => [
      key,
      { dtype: values instanceof Int32Array ? "int" : "real", shape, data: values },
    ]),
  );
  const runner = new CpuRunner({ precision: "f64" });
  const recorder = new Recorder(runner);
  const params = { steps: { dtype: "int" as const, shape: [], data: Int32Array.of(steps) } };
  compiler.bind(program, { data, params, precision: "f64", runner: recorder }).run({ onEvent: () => undefined });
  const first = performance.now() - started;
  const { graph, inputs: operands, context } = recorder.runs.at(-1)!;
  const again = () => runner.run(graph, operands, context, { keep: false }).map((r) => r.data);
  return { first, again };
}
