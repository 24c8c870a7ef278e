/** `karush types`: TypeScript declarations beside a script. */
import { writeAtomically } from "../../data/atomic.ts";
import { type ExitCode, exitCodes } from "../../script/outcome.ts";
import { declarationsOf } from "../../script/types.ts";
import { load } from "../load.ts";
import { checkScriptFile } from "../options.ts";
import type { Terminal } from "../terminal.ts";

/** Writes `ridge.opt.d.ts` for `ridge.opt`, or prints it. Nothing is written for a script with errors. */
export async function types(
  file: string,
  options: { readonly print?: boolean },
  terminal: Terminal,
): Promise<ExitCode> {
  checkScriptFile(file);
  const loaded = await load(file, terminal, (d) => terminal.printError(`${d.text}\n`));
  if (loaded === undefined) return exitCodes.wrongProgram;
  const text = declarationsOf(loaded.program.source, file.split(/[\\/]/).at(-1)!);
  if (options.print) terminal.print(text.trimEnd());
  else {
    writeAtomically(`${file}.d.ts`, text);
    terminal.print(`wrote ${file}.d.ts`);
  }
  return exitCodes.done;
}
