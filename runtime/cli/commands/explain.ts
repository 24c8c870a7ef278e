/** `karush explain`: what the compiler makes of a script. */
import { type ExitCode, exitCodes, UsageError } from "../../script/outcome.ts";
import { type BindingOptions, loadAndBind } from "../load.ts";
import type { Terminal } from "../terminal.ts";

export async function explain(
  file: string,
  name: string | undefined,
  options: BindingOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const loaded = await loadAndBind(file, options, terminal);
  if (loaded === undefined) return exitCodes.wrongProgram;
  const { explainCore } = await import("../../../compiler/index.ts");
  terminal.print(only(explainCore(loaded.bound), name).trimEnd());
  return exitCodes.done;
}

/** The parts of the text, one a statement, whose statement mentions a name. */
function only(text: string, name: string | undefined): string {
  if (name === undefined) return text;
  const parts = text.split(/\n\n(?=\/\/)/);
  const words = (part: string) =>
    [...part.split(/^graph/m)[0]!.matchAll(/[\p{L}_][\p{L}\p{N}_]*/gu)].map(([word]) => word);
  const found = parts.filter((part) => words(part).includes(name));
  if (found.length === 0) throw new UsageError(`No statement of the script mentions ${name}.`);
  return found.join("\n\n");
}
