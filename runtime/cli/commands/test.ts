/** `karush test`: tries the properties of scripts on random inputs, and shows the smallest that fails. */
import type { BoundProgram, GraphRunner } from "../../../compiler/program.ts";
import type { PropertyResult } from "../../properties/run-property.ts";
import { diagnosticOf, type LocatedDiagnostic } from "../../script/diagnostics.ts";
import { type ExitCode, exitCodes, UsageError } from "../../script/outcome.ts";
import { placeOf } from "../../show/diagnostics.ts";
import { type BindingOptions, type Loaded, loadAndBind, locateFor } from "../load.ts";
import { checkOutputFile, checkScriptFile, writeOutput } from "../options.ts";
import type { Terminal } from "../terminal.ts";
import type { TestedFile, TestedProperty } from "./test-result.ts";

export interface TestOptions extends BindingOptions {
  readonly runs: number;
  readonly seed?: number;
  /** `N/PATH`: the N-th property, and fast-check's path to its failure. */
  readonly path?: string;
  readonly backend?: string;
  readonly json?: boolean;
  readonly tap?: boolean;
  /** Where to write a report in JUnit's format. */
  readonly junit?: string;
}

/** What a failure says to call, to see it again. */
const usualRuns = 100;
/** Milliseconds of a property's runs after which somebody wants to know how far they are, and between two lines. */
const patience = { first: 500, between: 100 };

export async function test(files: readonly string[], options: TestOptions, terminal: Terminal): Promise<ExitCode> {
  files.forEach(checkScriptFile);
  if (options.junit !== undefined) checkOutputFile("--junit", options.junit, [".xml"]);
  if (options.json && options.tap) throw new UsageError("--json and --tap both print one document.", "Choose one.");
  const replay = parseReplay(options, files);
  const runner = await runnerOf(options);
  // One seed for all, so that a run that passed can be had again, too.
  const seed = options.seed ?? Math.floor(Math.random() * 0x7fffffff);
  const tested: TestedFile[] = [];
  const printer = await printerOf(options, terminal);
  for (const file of files) {
    const diagnostics: LocatedDiagnostic[] = [];
    const report = (d: LocatedDiagnostic) => {
      diagnostics.push(d);
      if (!options.json) terminal.printError(`${d.text}\n`);
    };
    const loaded = await loadAndBind(file, { ...options, seed: 0, runner }, terminal, report);
    const properties = loaded
      ? await testFile(file, loaded, { ...options, seed, replay }, terminal, printer)
      : undefined;
    tested.push({ file, diagnostics, properties });
  }
  const all = tested.flatMap((t) => t.properties ?? []);
  printer.finish?.(tested, seed);
  if (options.junit !== undefined) {
    const { junitReport } = await import("./test-reports.ts");
    writeOutput("--junit", options.junit, junitReport(tested));
  }
  if (tested.some((t) => t.properties === undefined)) return exitCodes.wrongProgram;
  return all.every((p) => p.result.kind === "passed") ? exitCodes.done : exitCodes.failedCheck;
}

interface Printer {
  /** Called for each property as it is done, or for a file that has none. */
  property?(tested: TestedProperty): void;
  empty?(file: string): void;
  finish?(tested: readonly TestedFile[], seed: number): void;
}

async function printerOf(options: TestOptions, terminal: Terminal): Promise<Printer> {
  if (options.json) {
    const { jsonReport } = await import("./test-reports.ts");
    return { finish: (tested, seed) => terminal.print(JSON.stringify(jsonReport(tested, seed))) };
  }
  const { failureText, outcomeLine, summaryLine } = await import("./test-text.ts");
  const style = { color: terminal.color, width: terminal.width };
  if (options.tap) {
    const { tapReport } = await import("./test-reports.ts");
    return { finish: (tested) => terminal.print(tapReport(tested, (p) => failureText(p, { ...style, color: false }))) };
  }
  return {
    property: (tested) => {
      terminal.print(outcomeLine(tested, style));
      if (tested.result.kind !== "passed") terminal.print(`${failureText(tested, style)}\n`);
    },
    empty: (file) => terminal.print(`${file}: no properties`),
    finish: (tested, seed) => {
      const line = summaryLine(tested, seed);
      if (line !== undefined) terminal.print(line);
    },
  };
}

interface Replay {
  readonly index: number;
  readonly path: string;
}

async function testFile(
  file: string,
  { bound, sources }: Loaded & { readonly bound: BoundProgram },
  options: TestOptions & { readonly seed: number; readonly replay: Replay | undefined },
  terminal: Terminal,
  printer: Printer,
): Promise<TestedProperty[]> {
  const { properties } = bound;
  const { replay, runs, seed } = options;
  if (replay && properties[replay.index] === undefined)
    throw new UsageError(
      `--path ${options.path}: ${file} has ${properties.length === 1 ? "1 property" : `${properties.length} properties`}.`,
    );
  if (properties.length === 0) printer.empty?.(file);
  const { runProperty } = await import("../../properties/run-property.ts");
  const tested: TestedProperty[] = [];
  for (const [index, property] of properties.entries()) {
    if (replay && replay.index !== index) continue;
    const start = performance.now();
    let shown = start + patience.first - patience.between;
    const onRun = (done: number) => {
      const now = performance.now();
      if (now - shown < patience.between) return;
      shown = now;
      terminal.showActivity(property.title, done < runs ? `${done} of ${runs} runs` : "looking for a smaller failure");
    };
    const result = runProperty(property, { runs, seed, path: replay?.path, onRun });
    terminal.clearProgress();
    const done: TestedProperty = {
      file,
      title: property.title,
      place: placeOf(property.span, sources),
      milliseconds: performance.now() - start,
      result,
      replay: replayOf(file, index, result, options),
      error:
        result.kind === "failed" && result.error !== undefined
          ? locateFor(terminal, diagnosticOf(result.error), sources)
          : undefined,
    };
    tested.push(done);
    printer.property?.(done);
  }
  return tested;
}

/** WebAssembly, as scripts run; or the evaluator that says what programs mean. */
async function runnerOf({ backend = "cpu", precision = "f64" }: TestOptions): Promise<GraphRunner | undefined> {
  if (backend === "reference") return undefined;
  const { CpuRunner } = await import("../../cpu/runner.ts");
  return new CpuRunner({ precision });
}

function parseReplay({ path, seed }: TestOptions, files: readonly string[]): Replay | undefined {
  if (path === undefined) return undefined;
  const parts = /^(\d+)\/(\d+(?::\d+)*)$/.exec(path);
  if (!parts) throw new UsageError(`--path ${path}: this is not what a failure printed.`);
  if (seed === undefined) throw new UsageError("--path needs the --seed it belongs to.");
  if (files.length !== 1) throw new UsageError("--path belongs to one file.");
  return { index: Number(parts[1]), path: parts[2]! };
}

/** The command line that brings a failure back. */
function replayOf(file: string, index: number, result: PropertyResult, options: TestOptions): string | undefined {
  if (result.kind !== "failed") return undefined;
  const repeated = (flag: string, values: readonly string[] | undefined) => (values ?? []).flatMap((v) => [flag, v]);
  return [
    ...["karush", "test", file, "--seed", String(result.seed), "--path", `${index}/${result.path}`],
    ...(options.runs === usualRuns ? [] : ["--runs", String(options.runs)]),
    ...(options.precision === "f32" ? ["--precision", "f32"] : []),
    ...(options.backend === "reference" ? ["--backend", "reference"] : []),
    ...repeated("--data", options.data),
    ...repeated("--set", options.set),
    ...repeated("--allow-read", options.allowRead),
  ]
    .map((word) => (/^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(" ");
}
