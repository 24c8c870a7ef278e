/** What several commands take, checked before anything is loaded. */
import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import { nearest } from "../data/names.ts";
import { UsageError } from "../script/outcome.ts";

export interface CommonOptions {
  readonly backend: string;
  readonly precision: "f64" | "f32";
}

/** The back end that will run. */
export function checkBackend(name: string): "cpu" | "reference" {
  if (name === "auto" || name === "cpu") return "cpu";
  if (name === "reference") return "reference";
  if (name.startsWith("webgpu"))
    throw new UsageError(
      `--backend ${name}: this version of karush runs scripts on the CPU only.`,
      "Leave the option out, or write --backend cpu.",
    );
  throw new UsageError(`--backend ${name}: there is no such back end.`, "There are auto, cpu and reference.");
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
