/** Compiling, and binding with data, for the commands that need no thread of their own. */
import path from "node:path";
import type { BoundProgram, GraphRunner, Program } from "../../compiler/program.ts";
import type { Diagnostic } from "../../compiler/syntax/diagnostic.ts";
import type { FileAccess } from "../data/access.ts";
import { diagnosticsOf, isUsersMistake, type LocatedDiagnostic, locate } from "../script/diagnostics.ts";
import { bindWithData, loadProgram } from "../script/perform.ts";
import { splitPairs } from "../script/settings.ts";
import { checkScriptFile } from "./options.ts";
import type { Terminal } from "./terminal.ts";

export interface Loaded {
  readonly program: Program;
  readonly sources: ReadonlyMap<string, string>;
  readonly access: FileAccess;
}

export interface BindingOptions {
  readonly data?: readonly string[];
  readonly set?: readonly string[];
  readonly allowRead?: readonly string[];
  readonly precision?: "f64" | "f32";
  readonly seed?: number;
  /** What runs the graphs; the reference evaluator when left out. */
  readonly runner?: GraphRunner | undefined;
}

/** Compiles a file and hands over what is wrong with it; undefined when that is an error. */
export async function load(
  file: string,
  terminal: Terminal,
  report: (d: LocatedDiagnostic) => void,
  allowRead: readonly string[] = [],
): Promise<Loaded | undefined> {
  checkScriptFile(file);
  const compiler = await import("../../compiler/index.ts");
  const access = { folder: path.dirname(path.resolve(file)), read: allowRead };
  const sources = new Map<string, string>();
  const program = loadProgram(compiler, file, access, sources, (d) => report(locateFor(terminal, d, sources)));
  return program && { program, sources, access };
}

/** Compiles a file and binds it to its data; what is wrong is printed, or handed to `report`. */
export async function loadAndBind(
  file: string,
  options: BindingOptions,
  terminal: Terminal,
  report: (d: LocatedDiagnostic) => void = (d) => terminal.printError(`${d.text}\n`),
): Promise<(Loaded & { readonly bound: BoundProgram }) | undefined> {
  const compiler = await import("../../compiler/index.ts");
  const loaded = await load(file, terminal, report, options.allowRead);
  if (loaded === undefined) return undefined;
  const print = (d: Diagnostic) => report(locateFor(terminal, d, loaded.sources));
  try {
    const given = { data: splitPairs(options.data ?? [], "--data"), set: splitPairs(options.set ?? [], "--set") };
    const bound = bindWithData(compiler, loaded.program, { ...options, ...given }, loaded.access, print);
    bound?.diagnostics.forEach(print);
    return bound && { ...loaded, bound };
  } catch (error) {
    if (!isUsersMistake(error)) throw error;
    diagnosticsOf(error).forEach(print);
    return undefined;
  }
}

export function locateFor(terminal: Terminal, d: Diagnostic, sources: ReadonlyMap<string, string>): LocatedDiagnostic {
  return locate(d, sources, { color: terminal.errorColor, width: terminal.width });
}
