/** For tests: runs a script and gives what it shows, by expression. */
import { bind } from "./bind.ts";
import { compile } from "./compile.ts";
import type { Value } from "./program.ts";
import type { Diagnostic } from "./syntax/diagnostic.ts";

export interface Shown {
  /** All numbers of each shown value, by the text of its expression. */
  readonly values: ReadonlyMap<string, readonly number[]>;
  readonly warnings: readonly Diagnostic[];
}

function numbersOf(value: Value): number[] {
  return value.kind === "array" ? [...value.array.data] : value.items.flatMap(numbersOf);
}

/** Compiles and runs a script without data; throws its first diagnostic. */
export function runScript(
  text: string,
  options: { readonly precision?: "f64" | "f32"; readonly seed?: number } = {},
): Shown {
  const { program, diagnostics } = compile(text, { file: "test.opt" });
  if (!program) throw new Error(diagnostics.map((d) => `${d.code} ${d.message}`).join("\n"));
  const values = new Map<string, number[]>();
  const warnings: Diagnostic[] = [];
  bind(program, { data: {}, ...options }).run({
    onEvent: (event) => {
      if (event.kind === "warning") warnings.push(event.diagnostic);
      if (event.kind === "assert" && !event.passed) throw new Error(`assert failed: ${event.expression}`);
      if (event.kind === "show")
        for (const item of event.items) if (item.kind === "value") values.set(item.expression, numbersOf(item.value));
    },
  });
  return { values, warnings };
}

/** The codes of a script's diagnostics when it is only checked. */
export function codesOf(text: string): string[] {
  return compile(text, { file: "test.opt" }).diagnostics.map((d) => d.code);
}
