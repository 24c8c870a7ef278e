/** A program's optimality conditions as mathematics: `karush explain --conditions`. */
import type { CompiledProgram } from "./compile.ts";
import { conditionsOf } from "./mathematics/conditions.ts";
import type { Program } from "./program.ts";

/** The declarations of a script that have conditions, or the one of that name; undefined when there is none. */
export function explainConditions(
  program: Program,
  name: string | undefined,
  notation: "unicode" | "latex",
): string | undefined {
  return conditionsOf((program as CompiledProgram).source, name, notation);
}
