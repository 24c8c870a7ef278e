/** `karush explain`: what the compiler makes of a script. */
import type { Graph } from "../../../compiler/core/graph.ts";
import { type ExitCode, exitCodes, UsageError } from "../../script/outcome.ts";
import { type BindingOptions, load, loadAndBind } from "../load.ts";
import type { Terminal } from "../terminal.ts";

export async function explain(
  file: string,
  name: string | undefined,
  options: BindingOptions & Stages,
  terminal: Terminal,
): Promise<ExitCode> {
  if (options.conditions || options.latex) return conditions(file, name, options, terminal);
  const loaded = await loadAndBind(file, options, terminal);
  if (loaded === undefined) return exitCodes.wrongProgram;
  const { explainCore, explainGraphs } = await import("../../../compiler/index.ts");
  const stage = stages.find((s) => options[s]) ?? "core";
  const text =
    stage === "core" ? explainCore(loaded.bound) : explainGraphs(loaded.bound, await printerOf(stage, options));
  terminal.print(only(text, name).trimEnd());
  return exitCodes.done;
}

const stages = ["kernels", "memory", "wat", "wgsl"] as const;
type Stage = (typeof stages)[number];

interface Stages extends Partial<Record<Stage, boolean>> {
  readonly conditions?: boolean;
  readonly latex?: boolean;
  readonly precision: "f64" | "f32";
  readonly backend: "cpu" | "webgpu";
}

/** The optimality conditions of problems, objectives and conditions as mathematics: no data are needed. */
async function conditions(
  file: string,
  name: string | undefined,
  options: BindingOptions & Stages,
  terminal: Terminal,
): Promise<ExitCode> {
  const loaded = await load(file, terminal, (d) => terminal.printError(`${d.text}\n`), options.allowRead);
  if (loaded === undefined) return exitCodes.wrongProgram;
  const { explainConditions } = await import("../../../compiler/index.ts");
  const text = explainConditions(loaded.program, name, options.latex ? "latex" : "unicode");
  if (text === undefined)
    throw new UsageError(
      name === undefined
        ? `${file} declares no problem, no objective and no condition.`
        : `${file} declares no problem, objective or condition ${name}.`,
    );
  terminal.print(text);
  return exitCodes.done;
}

/** What prints one statement's graph at a later stage. */
async function printerOf(stage: Stage, { precision, backend }: Stages): Promise<(graph: Graph) => string> {
  const { buildPlan } = await import("../../../compiler/kernel/build.ts");
  const { printMemory, printPlan } = await import("../../../compiler/kernel/print.ts");
  if (stage === "wgsl") {
    const { printKernel } = await import("../../../compiler/target/wgsl/kernel.ts");
    return (graph) => {
      const plan = buildPlan(graph, { precision: "f32", style: "invocations" });
      return plan.kernels
        .map(
          (k) =>
            printKernel(
              k,
              k.arrays.map(() => 0),
            ).text,
        )
        .join("\n");
    };
  }
  const plan = (graph: Graph) =>
    buildPlan(
      graph,
      backend === "webgpu" ? { precision: "f32", style: "invocations" } : { precision, style: "vector" },
    );
  if (stage === "kernels") return (graph) => printPlan(plan(graph));
  if (stage === "memory") return (graph) => printMemory(plan(graph));
  const { emitPlan } = await import("../../../compiler/target/wasm/plan.ts");
  const { printModule } = await import("../../../compiler/target/wasm/text.ts");
  return (graph) => printModule(emitPlan(plan(graph), {}).module);
}

/** The parts of the text, one a statement, whose statement mentions a name. */
function only(text: string, name: string | undefined): string {
  if (name === undefined) return text;
  const parts = text.split(/\n\n(?=\/\/)/);
  const words = (part: string) => [...part.split("\n")[0]!.matchAll(/[\p{L}_][\p{L}\p{N}_]*/gu)].map(([word]) => word);
  const found = parts.filter((part) => words(part).includes(name));
  if (found.length === 0) throw new UsageError(`No statement of the script mentions ${name}.`);
  return found.join("\n\n");
}
