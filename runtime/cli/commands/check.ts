/** `karush check`: what is wrong with scripts, without data. */
import type { LocatedDiagnostic } from "../../script/diagnostics.ts";
import { type ExitCode, exitCodes } from "../../script/outcome.ts";
import { jsonDiagnostic } from "../../show/document.ts";
import { counted } from "../../show/text.ts";
import { load } from "../load.ts";
import { checkScriptFile } from "../options.ts";
import type { Terminal } from "../terminal.ts";

export async function check(
  files: readonly string[],
  options: { readonly json?: boolean },
  terminal: Terminal,
): Promise<ExitCode> {
  // All names first: a misspelt one is no reason to read the others' messages.
  files.forEach(checkScriptFile);
  let wrong = false;
  const documents: unknown[] = [];
  for (const file of files) {
    const found: LocatedDiagnostic[] = [];
    const loaded = await load(file, terminal, (d) => found.push(d));
    const errors = found.filter((d) => d.severity === "error").length;
    wrong ||= errors > 0 || loaded === undefined;
    documents.push({ file, diagnostics: found.map(jsonDiagnostic) });
    if (options.json) continue;
    for (const d of found) terminal.printError(`${d.text}\n`);
    const warnings = found.length - errors;
    const parts = [
      ...(errors > 0 ? [counted(errors, "error")] : []),
      ...(warnings > 0 ? [counted(warnings, "warning")] : []),
    ];
    terminal.print(`${file}: ${parts.join(", ") || "no errors"}`);
  }
  if (options.json) terminal.print(JSON.stringify(documents));
  return wrong ? exitCodes.wrongProgram : exitCodes.done;
}
