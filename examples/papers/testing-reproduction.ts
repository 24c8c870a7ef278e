/** For tests: the scripts in a paper's folder, run on the CPU. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CpuRunner } from "../../runtime/cpu/runner.ts";
import { type Ran, runScript } from "../../stdlib/testing.ts";

export const precisions = ["f64", "f32"] as const;

export interface PaperScripts {
  readonly folder: string;
  /** The names of its scripts, without `small.opt`, which runs on a device, and without what the scripts import. */
  readonly names: readonly string[];
  readonly read: (name: string) => string;
  /** Runs a script, its text changed by `edit` first; an assert that fails, fails the test. */
  readonly run: (name: string, precision: "f64" | "f32", edit?: (text: string) => string) => Ran;
}

/** The scripts beside a test, whose URL is given; `imported` are those that others import. */
export function paperScripts(test: string, imported: readonly string[]): PaperScripts {
  const folder = fileURLToPath(new URL(".", test));
  const read = (name: string) => readFileSync(join(folder, name), "utf8");
  const modules = Object.fromEntries(imported.map((name) => [`./${name}`, read(name)]));
  return {
    folder,
    names: readdirSync(folder).filter((f) => f.endsWith(".opt") && f !== "small.opt" && !imported.includes(f)),
    read,
    run: (name, precision, edit = (text) => text) =>
      runScript(edit(read(name)), { file: name, precision, modules, runner: new CpuRunner({ precision }) }),
  };
}
