/** The stages of compiling after the core graph, one statement's text at a time. */
import path from "node:path";
import type { Graph } from "../../../compiler/core/graph.ts";
import type { Span } from "../../../compiler/syntax/tree.ts";
import { Lines } from "../../show/text.ts";

export const stages = ["kernels", "memory", "wat", "wgsl"] as const;
export type Stage = (typeof stages)[number];

export interface StageOptions {
  readonly precision: "f64" | "f32";
  readonly backend: "cpu" | "webgpu";
}

/** What prints one statement's graph at a later stage; places are named with the help of the sources, by file. */
export async function printerOf(
  stage: Stage,
  { precision, backend }: StageOptions,
  sources: ReadonlyMap<string, string>,
): Promise<(graph: Graph) => string> {
  const { buildPlan } = await import("../../../compiler/kernel/build.ts");
  const { printMemory, printPlan } = await import("../../../compiler/kernel/print.ts");
  const forDevices = (graph: Graph) => buildPlan(graph, { precision: "f32", style: "invocations" });
  const plan = (graph: Graph) =>
    backend === "webgpu" ? forDevices(graph) : buildPlan(graph, { precision, style: "vector" });
  const locate = locator(sources);
  switch (stage) {
    case "wgsl": {
      const { flattenPlan } = await import("../../../compiler/target/wgsl/flatten-plan.ts");
      const { printProgram } = await import("../../../compiler/target/wgsl/print-program.ts");
      return (graph) => printProgram(flattenPlan(forDevices(graph), undefined, locate));
    }
    case "kernels": {
      const { flattenPlan } = await import("../../../compiler/target/wgsl/flatten-plan.ts");
      const { printKernelTraffic, printSummary } = await import("../../../compiler/target/wgsl/summary.ts");
      return (graph) => {
        const made = forDevices(graph);
        const summary = printSummary(made, flattenPlan(made), locate);
        // Numbers of kernels are those of one plan.
        const parts = backend === "webgpu" ? [printKernelTraffic(made), printPlan(made)] : [printPlan(plan(graph))];
        return [summary, ...parts].filter((part) => part !== "").join("\n");
      };
    }
    case "memory":
      return (graph) => printMemory(plan(graph));
    case "wat": {
      const { emitPlan } = await import("../../../compiler/target/wasm/plan.ts");
      const { printModule } = await import("../../../compiler/target/wasm/text.ts");
      return (graph) => printModule(emitPlan(plan(graph), {}).module);
    }
  }
}

/** Names places as `file:line:column`, without folders: texts are compared on other machines. */
function locator(sources: ReadonlyMap<string, string>): (span: Span) => string {
  const lines = new Map<string, Lines>();
  return ({ file, start }) => {
    const text = sources.get(file);
    if (text === undefined) return path.basename(file);
    const known = lines.get(file) ?? new Lines(text);
    lines.set(file, known);
    const { line, column } = known.place(start);
    return `${path.basename(file)}:${line}:${column}`;
  };
}
