/** `karush explain`: what the compiler makes of a script. */
import { type ExitCode, exitCodes, UsageError } from "../../script/outcome.ts";
import { type BindingOptions, load, loadAndBind } from "../load.ts";
import type { Terminal } from "../terminal.ts";
import { printerOf, type Stage, type StageOptions, stages } from "./explain-stages.ts";

export async function explain(
  file: string,
  name: string | undefined,
  options: BindingOptions & Stages,
  terminal: Terminal,
): Promise<ExitCode> {
  if (options.conditions || options.latex) return conditions(file, name, options, terminal);
  const loaded = await loadAndBind(file, options, terminal);
  if (loaded === undefined) return exitCodes.wrongProgram;
  const { explainCore, explainGraphs, lifetimesOf } = await import("../../../compiler/index.ts");
  const later = async (later: Stage) => {
    const print = await printerOf(later, options, loaded.sources);
    return explainGraphs(loaded.bound, (graph) => print(graph).trimEnd().replaceAll("\n\n", `\n${keptEmpty}\n`));
  };
  const stage = stages.find((s) => options[s]) ?? "core";
  const text = stage === "core" ? explainCore(loaded.bound) : await later(stage);
  terminal.print(only(text, name).replaceAll(keptEmpty, "").trimEnd());
  if (stage === "memory" && options.backend === "webgpu" && name === undefined) {
    const { foreseeMemory } = await import("../../webgpu/foresee.ts");
    terminal.print(`\na run: at most ${foreseeMemory(lifetimesOf(loaded.bound))} bytes of the device at once`);
  }
  return exitCodes.done;
}

interface Stages extends Partial<Record<Stage, boolean>>, StageOptions {
  readonly conditions?: boolean;
  readonly latex?: boolean;
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

/** Stands in empty lines inside of a statement's text, while those between statements tell where one ends. */
const keptEmpty = "\u0000";

/** The parts of the text, one a statement, whose statement mentions a name. */
function only(text: string, name: string | undefined): string {
  if (name === undefined) return text;
  const parts = text.split(/\n\n(?=\/\/)/);
  const words = (part: string) => [...part.split("\n")[0]!.matchAll(/[\p{L}_][\p{L}\p{N}_]*/gu)].map(([word]) => word);
  const found = parts.filter((part) => words(part).includes(name));
  if (found.length === 0) throw new UsageError(`No statement of the script mentions ${name}.`);
  return found.join("\n\n");
}
