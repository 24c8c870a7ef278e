/** `karush test`: tries the properties of scripts on random inputs, and shows the smallest that fails. */
import type { BoundProperty } from "../../../compiler/program.ts";
import { literal } from "../../properties/literal.ts";
import type { PropertyResult } from "../../properties/run-property.ts";
import { diagnosticOf } from "../../script/diagnostics.ts";
import { type ExitCode, exitCodes, UsageError } from "../../script/outcome.ts";
import { palette } from "../../show/colors.ts";
import { placeOf } from "../../show/diagnostics.ts";
import { counted } from "../../show/text.ts";
import { renderShown, renderValue } from "../../show/values.ts";
import { type BindingOptions, loadAndBind, locateFor } from "../load.ts";
import { checkScriptFile } from "../options.ts";
import type { Terminal } from "../terminal.ts";

export interface TestOptions extends BindingOptions {
  readonly runs: number;
  readonly seed?: number;
  /** `N/PATH`: the N-th property, and fast-check's path to its failure. */
  readonly path?: string;
}

export async function test(files: readonly string[], options: TestOptions, terminal: Terminal): Promise<ExitCode> {
  files.forEach(checkScriptFile);
  const replay = parseReplay(options, files);
  let code: ExitCode = exitCodes.done;
  for (const file of files) {
    const loaded = await loadAndBind(file, { ...options, seed: 0 }, terminal);
    if (loaded === undefined) {
      code = exitCodes.wrongProgram;
      continue;
    }
    const { properties } = loaded.bound;
    if (replay && properties[replay.index] === undefined)
      throw new UsageError(
        `--path: ${file} has ${counted(properties.length, "property").replace("propertys", "properties")}.`,
      );
    if (properties.length === 0) terminal.print(`${file}: no properties`);
    const { runProperty } = await import("../../properties/run-property.ts");
    for (const [index, property] of properties.entries()) {
      if (replay && replay.index !== index) continue;
      const result = runProperty(property, { runs: options.runs, seed: options.seed, path: replay?.path });
      print(file, index, property, result, loaded.sources, options, terminal);
      if (result.kind !== "passed" && code === exitCodes.done) code = exitCodes.failedCheck;
    }
  }
  return code;
}

function parseReplay(
  { path, seed }: TestOptions,
  files: readonly string[],
): { readonly index: number; readonly path: string } | undefined {
  if (path === undefined) return undefined;
  const parts = /^(\d+)\/(\d+(?::\d+)*)$/.exec(path);
  if (!parts) throw new UsageError(`--path ${path}: this is not what a failure printed.`);
  if (seed === undefined) throw new UsageError("--path needs the --seed it belongs to.");
  if (files.length !== 1) throw new UsageError("--path belongs to one file.");
  return { index: Number(parts[1]), path: parts[2]! };
}

/** Longer values are shown as `show` shows them; the seed brings them back in full. */
const longestLiteral = 400;

function print(
  file: string,
  index: number,
  property: BoundProperty,
  result: PropertyResult,
  sources: ReadonlyMap<string, string>,
  options: TestOptions,
  terminal: Terminal,
): void {
  const paint = palette(terminal.color);
  const name = `${file}: ${property.title}`;
  if (result.kind === "passed") {
    const discarded = result.discarded > 0 ? `, ${result.discarded} discarded` : "";
    terminal.print(`${paint.good("ok")}      ${name} ${paint.faint(`(${counted(result.runs, "run")}${discarded})`)}`);
    return;
  }
  terminal.print(`${paint.bad("failed")}  ${name} ${paint.faint(`(${placeOf(property.span, sources)})`)}`);
  if (result.kind === "exhausted") {
    terminal.print(
      `  The \`where\` clause let through ${result.runs} of ${result.runs + result.discarded} inputs: too few to say anything.`,
    );
    return;
  }
  const lines = [
    `after ${counted(result.runs, "run")} and ${counted(result.shrinks, "simplification")}, it is false for`,
    "",
  ];
  for (const { name, value } of result.inputs) {
    const text = literal(value);
    lines.push(
      `  let ${name} = ${text.length <= longestLiteral ? text : renderValue(value, { color: false, width: terminal.width - 6 })}`,
    );
  }
  if (result.details.length > 0) {
    const items = result.details.map(({ expression, value }) => ({ kind: "value" as const, expression, value }));
    lines.push(
      "",
      ...renderShown(items, { color: terminal.color, width: terminal.width - 4 })
        .split("\n")
        .map((l) => `  ${l}`),
    );
  }
  if (result.error !== undefined) lines.push("", locateFor(terminal, diagnosticOf(result.error), sources).text);
  const runs = options.runs === 100 ? "" : ` --runs ${options.runs}`;
  lines.push("", `See it again: karush test ${file} --seed ${result.seed} --path ${index}/${result.path}${runs}`, "");
  terminal.print(
    lines
      .map((line) =>
        line
          .split("\n")
          .map((l) => (l === "" ? "" : `  ${l}`))
          .join("\n"),
      )
      .join("\n"),
  );
}
