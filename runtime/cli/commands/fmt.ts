/** `karush fmt`: writes scripts the one way they are written. */
import { readFileSync } from "node:fs";
import { format } from "../../../compiler/syntax/format.ts";
import { parse } from "../../../compiler/syntax/parse.ts";
import { writeAtomically } from "../../data/atomic.ts";
import { type ExitCode, exitCodes } from "../../script/outcome.ts";
import { locateFor } from "../load.ts";
import { checkScriptFile } from "../options.ts";
import type { Terminal } from "../terminal.ts";

export async function fmt(
  files: readonly string[],
  options: { readonly check?: boolean },
  terminal: Terminal,
): Promise<ExitCode> {
  files.forEach(checkScriptFile);
  let code: ExitCode = exitCodes.done;
  for (const file of files) {
    const text = readFileSync(file, "utf8");
    const { source, diagnostics } = parse(text, { file });
    const errors = diagnostics.filter((d) => d.severity === "error");
    if (errors.length > 0) {
      // Half of a program formatted is worse than none of it.
      for (const d of errors) terminal.printError(`${locateFor(terminal, d, new Map([[file, text]])).text}\n`);
      code = exitCodes.wrongProgram;
      continue;
    }
    const formatted = format(source);
    if (formatted === text) continue;
    if (options.check) {
      terminal.print(`${file}: not formatted`);
      if (code === exitCodes.done) code = exitCodes.failedCheck;
    } else {
      writeAtomically(file, formatted);
      terminal.print(`${file}: formatted`);
    }
  }
  return code;
}
