/**
 * Runs a script file from beginning to end: reads it, compiles, reads its data, binds, runs, saves.
 * Prints nothing: everything that happens is a message, so that it may be watched from another thread.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { CertificateEvent } from "../../compiler/certificate.ts";
import type { NdArray } from "../../compiler/core/array.ts";
import type { TickControl } from "../../compiler/core/primitive.ts";
import type {
  BoundProgram,
  GraphRunner,
  PlotSpecification,
  Program,
  ScriptEvent,
  ShownItem,
} from "../../compiler/program.ts";
import { type Diagnostic, DiagnosticError, errorAt } from "../../compiler/syntax/diagnostic.ts";
import type { SourceFile } from "../../compiler/syntax/tree.ts";
import type { FileAccess } from "../data/access.ts";
import { accessAfter, findDataFile, readData } from "../data/readers.ts";
import { checkSavePath, saveValue } from "../data/writers.ts";
import { readModules } from "../modules.ts";
import type { Profile, Profiler } from "../profile/profiler.ts";
import type { Compiler } from "./compiler.ts";
import {
  diagnosticOf,
  diagnosticsOf,
  isUsersMistake,
  type LocatedDiagnostic,
  type LocateOptions,
  locate,
} from "./diagnostics.ts";
import { Interruption } from "./interruption.ts";
import { type ExitCode, exitCodes, Interrupted, UsageError } from "./outcome.ts";
import { type Progress, ProgressMeter, type Tick } from "./progress.ts";
import { checkDataNames, parseSettings } from "./settings.ts";

/** All of it plain data: it crosses to a worker thread. */
export interface RunRequest {
  readonly file: string;
  readonly backend: "cpu" | "reference" | "webgpu";
  readonly data: Readonly<Record<string, string>>;
  readonly set: Readonly<Record<string, string>>;
  readonly precision: "f64" | "f32";
  readonly seed: number;
  /** Of the CPU; as many as there are, up to eight, when left out. */
  readonly threads?: number | undefined;
  readonly checkFinite?: boolean;
  /** Whether to measure what takes how long. */
  readonly profile?: boolean;
  readonly allowRead: readonly string[];
  readonly allowWrite: readonly string[];
  /** The most bytes that arrays may take on the CPU. */
  readonly maxMemory?: number | undefined;
  /** Seconds after which whoever started the run ends it. */
  readonly timeout?: number | undefined;
  readonly render: LocateOptions;
}

export interface Timings {
  /** Milliseconds: parsing and checking, binding to data, running. */
  readonly check: number;
  readonly compile: number;
  readonly run: number;
}

export type RunMessage =
  | { readonly kind: "source"; readonly text: string }
  | { readonly kind: "show"; readonly items: readonly ShownItem[] }
  | { readonly kind: "plot"; readonly plot: PlotSpecification }
  | { readonly kind: "save"; readonly expression: string; readonly path: string }
  | {
      readonly kind: "assert";
      readonly expression: string;
      readonly message: string | undefined;
      readonly passed: boolean;
    }
  | {
      readonly kind: "solve";
      readonly expression: string;
      readonly status: string;
      readonly iterations: number;
      readonly error: number;
    }
  | { readonly kind: "certificate"; readonly report: CertificateEvent }
  | { readonly kind: "diagnostic"; readonly diagnostic: LocatedDiagnostic }
  | { readonly kind: "progress"; readonly progress: Progress }
  | { readonly kind: "profile"; readonly profile: Profile }
  | { readonly kind: "usage"; readonly message: string; readonly help: string | undefined }
  | { readonly kind: "done"; readonly code: ExitCode; readonly timings: Timings };

export interface RunHost {
  /** What runs the graphs; the reference evaluator when left out. */
  readonly runner?: GraphRunner;
  /** What the runner tells of what takes how long. */
  readonly profiler?: Profiler;
  emit(message: RunMessage): void;
  /** Milliseconds from any fixed moment. */
  now(): number;
  /** Asked often while solvers run; true stops the run. */
  isInterrupted(): boolean;
  /** Whether a solve is at work now, which may end where it is: called whenever one goes on or has ended. */
  onSolving?(isSolving: boolean): void;
}

const assertionFailed = "K0340";

/** Stops a script after a failed assert. */
class AssertStop extends Error {}

/** Runs the script. The last message is `done`. */
export async function performScript(compiler: Compiler, request: RunRequest, host: RunHost): Promise<void> {
  const timings = { check: 0, compile: 0, run: 0 };
  const sources = new Map<string, string>();
  const report = (d: Diagnostic) => host.emit({ kind: "diagnostic", diagnostic: locate(d, sources, request.render) });
  const timed: Timer = async (phase, body) => {
    const start = host.now();
    try {
      return await body();
    } finally {
      timings[phase] += host.now() - start;
    }
  };
  let code: ExitCode;
  try {
    code = await perform(compiler, request, await watched(request, host), { sources, report, timed });
  } catch (error) {
    if (error instanceof UsageError) {
      host.emit({ kind: "usage", message: error.message, help: error.help });
      code = exitCodes.usage;
    } else {
      diagnosticsOf(error).forEach(report);
      code = isUsersMistake(error) ? exitCodes.wrongProgram : exitCodes.failedRun;
    }
  }
  const hasRun = code !== exitCodes.usage && code !== exitCodes.wrongProgram;
  if (host.profiler && hasRun) host.emit({ kind: "profile", profile: await host.profiler.result(sources) });
  host.emit({ kind: "done", code, timings });
}

/** With `--check-finite` the reference evaluator, which sees every number, takes the place of the back end. */
async function watched(request: RunRequest, host: RunHost): Promise<RunHost> {
  if (request.checkFinite !== true) return host;
  const { ReferenceRunner } = await import("../reference-runner.ts");
  const { precision, maxMemory } = request;
  return { ...host, runner: new ReferenceRunner({ precision, maxMemory, checkFinite: true }) };
}

type Timer = <T>(phase: keyof Timings, body: () => T | Promise<T>) => Promise<T>;

interface Performance {
  readonly sources: Map<string, string>;
  report(d: Diagnostic): void;
  readonly timed: Timer;
}

async function perform(
  compiler: Compiler,
  request: RunRequest,
  host: RunHost,
  { sources, report, timed }: Performance,
): Promise<ExitCode> {
  const access: FileAccess = {
    folder: path.dirname(path.resolve(request.file)),
    read: request.allowRead,
    write: request.allowWrite,
    maxMemory: request.maxMemory,
  };
  const program = await timed("check", () => loadProgram(compiler, request.file, access, sources, report, host));
  if (program === undefined) {
    const { source } = compiler.parse(sources.get(request.file) ?? "", { file: request.file });
    reportMissingFiles(source, request.data, access, report);
    reportBadSaves(source, access, report);
    return exitCodes.wrongProgram;
  }
  const bound = await timed("compile", () => {
    const savesAreGood = reportBadSaves(program.source, access, report);
    const bound = bindWithData(compiler, program, { ...request, runner: host.runner }, access, report);
    return savesAreGood ? bound : undefined;
  });
  if (bound === undefined) return exitCodes.wrongProgram;
  bound.diagnostics.forEach(report);
  const meter = new ProgressMeter(host.now);
  const interruption = new Interruption(host.isInterrupted, host.now);
  const onTick = (tick?: Tick, control?: TickControl) => {
    if (tick) host.onSolving?.(true);
    interruption.tick(tick, control);
    const progress = tick && meter.tick(tick);
    if (progress) host.emit({ kind: "progress", progress });
  };
  try {
    await timed("run", () =>
      bound.runLater({
        isLast: true,
        onEvent: (event) => {
          handle(event, access, meter, report, host);
          if (event.kind !== "solve") return;
          host.onSolving?.(false);
          const { iterations, error, span } = event.solve;
          const warning = interruption.ended(event.statusName, iterations, error, span);
          if (warning) report(warning);
        },
        onTick,
      }),
    );
    return interruption.stopped ? exitCodes.interrupted : exitCodes.done;
  } catch (error) {
    if (error instanceof Interrupted || interruption.stopped) {
      if (!(error instanceof Interrupted || error instanceof AssertStop)) report(diagnosticOf(error));
      return exitCodes.interrupted;
    }
    if (error instanceof AssertStop) return exitCodes.failedCheck;
    report(diagnosticOf(error));
    return exitCodes.failedRun;
  }
}

/** Reads a script and what it imports, and compiles it. Reports what is wrong; undefined when that is an error. */
export function loadProgram(
  compiler: Compiler,
  file: string,
  access: FileAccess,
  sources: Map<string, string>,
  report: (d: Diagnostic) => void,
  host?: { emit(message: RunMessage): void },
): Program | undefined {
  const text = readFileSync(file, "utf8");
  sources.set(file, text);
  host?.emit({ kind: "source", text });
  const { source } = compiler.parse(text, { file });
  const imported = readModules(source, access, compiler.parse);
  for (const [name, module] of Object.entries(imported.modules)) sources.set(name, module);
  const { program, diagnostics, sources: all } = compiler.compile(text, { file, modules: imported.modules });
  for (const [name, module] of all) sources.set(name, module);
  // What is said here about a missing file is more than the compiler can know, so it goes first and alone.
  const missing = new Set(imported.diagnostics.map((d) => d.span?.start));
  imported.diagnostics.forEach(report);
  diagnostics.filter((d) => !(d.severity === "error" && missing.has(d.span?.start))).forEach(report);
  return imported.diagnostics.length > 0 ? undefined : program;
}

export interface Bindings {
  readonly data: Readonly<Record<string, string>>;
  readonly set: Readonly<Record<string, string>>;
  readonly seed?: number;
  readonly precision?: "f64" | "f32";
  readonly runner?: GraphRunner | undefined;
}

/** Reads the data and binds. Undefined when a file is bad, which was reported; other errors are thrown. */
export function bindWithData(
  compiler: Compiler,
  program: Program,
  bindings: Bindings,
  access: FileAccess,
  report: (d: Diagnostic) => void,
): BoundProgram | undefined {
  checkDataNames(program.data, bindings.data);
  const params = parseSettings(program.params, bindings.set);
  const { seed = 0, precision = "f64", runner } = bindings;
  const data = readAll(program, bindings.data, { ...access, precision }, report);
  if (data === undefined) return undefined;
  return compiler.bind(program, { data, params, seed, precision, ...(runner ? { runner } : {}) });
}

/** Reads all data files; reports every bad one, not just the first. */
function readAll(
  program: Program,
  overrides: Readonly<Record<string, string>>,
  access: FileAccess,
  report: (d: Diagnostic) => void,
): Record<string, NdArray> | undefined {
  const data: Record<string, NdArray> = {};
  let left = access;
  const isGood = program.data
    .map((declaration) =>
      reporting(report, () => {
        const array = readData(declaration, overrides[declaration.name], left);
        left = accessAfter(left, array);
        data[declaration.name] = array;
      }),
    )
    .every(Boolean);
  return isGood ? data : undefined;
}

/** Reports data files that are not there, of a script that is wrong in other ways too: they can be mended together. */
function reportMissingFiles(
  source: SourceFile,
  overrides: Readonly<Record<string, string>>,
  access: FileAccess,
  report: (d: Diagnostic) => void,
): void {
  for (const statement of source.statements) {
    if (statement.kind !== "data") continue;
    const { name, span, from } = statement;
    const override = overrides[name.name];
    if (from === undefined && override === undefined) continue;
    const file = { name: name.name, span, path: from?.value, pathSpan: from?.span };
    reporting(report, () => findDataFile(file, override, access));
  }
}

/** A path nobody can save to is reported before an hour is spent on the result. Gives whether there was none. */
function reportBadSaves(source: SourceFile, access: FileAccess, report: (d: Diagnostic) => void): boolean {
  return source.statements
    .map(
      (statement) =>
        statement.kind !== "save" ||
        reporting(report, () => checkSavePath(statement.to.value, access, statement.to.span)),
    )
    .every(Boolean);
}

/** Does something, and reports its DiagnosticError; gives whether there was none. */
function reporting(report: (d: Diagnostic) => void, body: () => unknown): boolean {
  try {
    body();
    return true;
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    report(error.diagnostic);
    return false;
  }
}

function handle(
  event: ScriptEvent,
  access: FileAccess,
  meter: ProgressMeter,
  report: (d: Diagnostic) => void,
  host: RunHost,
): void {
  switch (event.kind) {
    case "show":
      host.emit({ kind: "show", items: event.items });
      break;
    case "plot":
      host.emit({ kind: "plot", plot: event.plot });
      break;
    case "save": {
      const { expression } = event;
      const saved = saveValue(event.value, event.path, access, event.span);
      host.emit({ kind: "save", expression, path: path.relative(process.cwd(), saved) || saved });
      break;
    }
    case "assert": {
      const { expression, message, passed } = event;
      host.emit({ kind: "assert", expression, message, passed });
      if (passed) break;
      report(
        errorAt(
          assertionFailed,
          event.span,
          message === undefined ? `This is false: ${expression}` : `This is false: ${message}.`,
        ),
      );
      throw new AssertStop();
    }
    case "solve": {
      const { expression, iterations, error, trial } = event.solve;
      meter.ended(expression);
      // A solve inside one that tries things out may happen thousands of times, and is no result.
      if (!trial) host.emit({ kind: "solve", expression, status: event.statusName, iterations, error });
      break;
    }
    case "certificate":
      host.emit({ kind: "certificate", report: event });
      break;
    case "warning":
      report(event.diagnostic);
      break;
    default:
      event satisfies never;
  }
}
