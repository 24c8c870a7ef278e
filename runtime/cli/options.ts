/** What several commands take, checked before anything is loaded. */
import { readdirSync, statSync } from "node:fs";
import path from "node:path";
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
      near === undefined ? `There are ${backends.join(", ")}.` : `Did you mean ${near}?`,
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
