/** The workloads on karush's WebGPU back end. */
import type { NdArray } from "../../compiler/core/array.ts";
import type { Graph } from "../../compiler/core/graph.ts";
import type { EvaluationContext } from "../../compiler/core/primitive.ts";
import { fetchArrays } from "../../compiler/core/remote-array.ts";
import { bind } from "../../compiler/index.ts";
import { requestAdapter } from "../../runtime/webgpu/adapter.ts";
import { openRunner } from "../../runtime/webgpu/open-runner.ts";
import type { Inputs } from "./inputs.ts";
import { readWorkload } from "./script.ts";

/** Opens the device; what it gives compiles a workload and computes it. */
export async function openWebGpu(): Promise<
  (workload: string, inputs: Inputs) => () => Promise<readonly ArrayLike<number>[]>
> {
  const { runner } = await openRunner(undefined, { adapter: await requestAdapter() });
  return (workload, inputs) => {
    const { program, data } = readWorkload(workload, inputs);
    type Run = readonly [Graph, readonly NdArray[], EvaluationContext];
    let last: Run | undefined;
    const recorder: typeof runner = {
      run: async (graph, operands, context, options) => {
        await fetchArrays(operands);
        last = [graph, operands.map((x) => runner.hold?.(x) ?? x), context];
        return runner.run(graph, operands, context, options);
      },
    };
    const bound = bind(program, { data, precision: "f32", runner: recorder });
    return async () => {
      if (last === undefined) await bound.runLater({ onEvent: () => undefined });
      const results = await runner.run(...last!, { keep: false });
      await fetchArrays(results);
      return results.map((r) => r.data);
    };
  };
}
