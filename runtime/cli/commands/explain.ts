/** `karush explain`: what the compiler makes of a script. */
import { type ExitCode, exitCodes } from "../../script/outcome.ts";
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
  terminal.print(explainCore(loaded.bound).trimEnd());
  return exitCodes.done;
}
