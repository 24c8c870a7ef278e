/** The workloads on karush's WebGPU back end. */
import { readFileSync } from "node:fs";
import type { NdArray } from "../../compiler/core/array.ts";
import type { Graph } from "../../compiler/core/graph.ts";
import type { EvaluationContext } from "../../compiler/core/primitive.ts";
import { bind, compile } from "../../compiler/index.ts";
import { requestAdapter } from "../../runtime/webgpu/adapter.ts";
import { openRunner } from "../../runtime/webgpu/open-runner.ts";
import type { Inputs } from "./inputs.ts";

/** Opens the device; what it gives compiles a workload and computes it. */
export async function openWebGpu(): Promise<
  (workload: string, inputs: Inputs) => () => Promise<readonly ArrayLike<number>[]>
> {
  const { runner } = await openRunner(undefined, { adapter: await requestAdapter() });
  return (workload, inputs) => {
    const file = new URL(`./workloads/${workload}.opt`, import.meta.url);
    const { program, diagnostics } = compile(readFileSync(file, "utf8"), { file: `${workload}.opt` });
    if (program === undefined) throw new Error(diagnostics.map((d) => d.message).join("\n"));
    const data = Object.fromEntries(
      Object.entries(inputs).map(([name, { shape, values }]): [string, NdArray] => [
        name,
        { dtype: values instanceof Int32Array ? "int" : "real", shape, data: values },
      ]),
    );
    type Run = readonly [Graph, readonly NdArray[], EvaluationContext];
    let last: Run | undefined;
    const recorder: typeof runner = {
      run: (graph, operands, context, options) => {
        last = [graph, operands, context];
        return runner.run(graph, operands, context, options);
      },
    };
    const bound = bind(program, { data, precision: "f32", runner: recorder });
    return async () => {
      if (last === undefined) await bound.runLater({ onEvent: () => undefined });
      const results = await runner.run(...last!, { keep: false });
      return results.map((r) => r.data);
    };
  };
}
