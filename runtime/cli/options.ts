/** What several commands take, checked before anything is loaded. */
import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import { fail } from "../../compiler/syntax/diagnostic.ts";
import { writeAtomically } from "../data/atomic.ts";
import { nearest } from "../data/names.ts";
import { UsageError } from "../script/outcome.ts";

export interface CommonOptions {
  readonly backend: string;
  /** What the back end has when left out. */
  readonly precision?: "f64" | "f32";
}

/** What was asked for; `auto` is decided where the script runs. */
export type AskedBackend = "auto" | "cpu" | "reference" | "webgpu" | "webgpu:software";

const backends: readonly AskedBackend[] = ["auto", "cpu", "webgpu", "webgpu:software", "reference"];

/** The back end that was asked for. WebGPU has f32 alone, so `auto` with f64 is the CPU. */
export function checkBackend({ backend: name, precision }: CommonOptions): AskedBackend {
  const asked = backends.find((b) => b === name);
  if (asked === undefined) {
    const near = nearest(name, backends);
    throw new UsageError(
      `--backend ${name}: there is no such back end.`,
      `There are ${backends.join(", ")}.${near === undefined || name === "gpu" ? "" : ` Did you mean ${near}?`}${name === "gpu" ? " A GPU is reached by webgpu." : ""}`,
    );
  }
  if (precision !== "f64") return asked;
  if (asked.startsWith("webgpu"))
    throw new UsageError(
      `--backend ${name} --precision f64: WebGPU has no 64-bit reals.`,
      "Write --precision f32, or leave it out.",
    );
  return asked === "auto" ? "cpu" : asked;
}

/** Refuses what is no script file, with the name that was probably meant. */
export function checkScriptFile(file: string): void {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats?.isDirectory()) throw new UsageError(`${file} is a folder, not a script.`, helpForFolder(file));
  if (stats !== undefined) return;
  const near = nearest(path.basename(file), scriptsIn(path.dirname(file)));
  throw new UsageError(
    `There is no file ${file}.`,
    near === undefined ? undefined : `Did you mean ${path.join(path.dirname(file), near)}?`,
  );
}

/**
 * Refuses a file that a command cannot mean to write, before anything is computed: a folder, or a file of another kind,
 * such as the script itself.
 */
export function checkOutputFile(option: string, file: string, extensions: readonly string[]): void {
  const named = extensions.join(" or ");
  if (!extensions.includes(path.extname(file).toLowerCase()))
    throw new UsageError(
      `${option} ${file}: this option writes a file whose name ends in ${named}.`,
      `Write ${option} ${path.basename(file, path.extname(file)) || "report"}${extensions[0]}.`,
    );
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory())
    throw new UsageError(
      `${option} ${file}: this is a folder.`,
      `Name a file in it: ${path.join(file, `report${extensions[0]}`)}.`,
    );
}

/** Writes what a command was asked to; what the file system says against it is a message with the option's name. */
export function writeOutput(option: string, file: string, content: string): void {
  try {
    writeAtomically(file, content);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    fail("K0331", undefined, `${option} ${file} cannot be written (${code}).`, {
      help: "Name a file in a folder that can be written to. What the command printed and saved is complete.",
    });
  }
}

function helpForFolder(folder: string): string {
  const scripts = scriptsIn(folder);
  return scripts.length === 0 ? "It has no .opt files." : `In it there is ${scripts.slice(0, 5).join(", ")}.`;
}

function scriptsIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(".opt"));
  } catch {
    return [];
  }
}
