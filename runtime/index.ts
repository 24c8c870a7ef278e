/**
 * karush from TypeScript. Nothing here needs Node: files are `./node.ts`'s business.
 *
 *     const { program } = compile(source, { file: "ridge.opt" });
 *     const runtime = await createRuntime({ backend: "cpu" });
 *     const module = await runtime.load(program, { data: { X, y }, params: { penalty: 0.1 } });
 *     await module.call("ridge", { w, log_penalty: 0.5 });
 */
import * as compiler from "../compiler/index.ts";
import type { CompileOptions, CompileResult, GraphRunner, Program } from "../compiler/program.ts";
import { CompileError } from "./errors.ts";
import { bindProgram, type LoadOptions, Module } from "./module.ts";

export type {
  CompileOptions,
  CompileResult,
  PlotSpecification,
  Program,
  ScriptEvent,
  Value,
} from "../compiler/program.ts";
export type { Diagnostic } from "../compiler/syntax/diagnostic.ts";
export { BindError, CompileError, RunError } from "./errors.ts";
export type { LoadOptions, Module, ModuleRunOptions, ModuleRunResult } from "./module.ts";
export { renderDiagnostic } from "./show/diagnostics.ts";
export { type Input, type Output, type Shaped, Tensor } from "./values.ts";

export interface RuntimeOptions {
  /** What to compute with: WebAssembly, or the slow and simple evaluator that says what programs mean. */
  readonly backend?: "cpu" | "reference";
  readonly precision?: "f64" | "f32";
  /** What `key()` starts from. */
  readonly seed?: number;
}

/** Parses and checks a program: pure and synchronous, errors are in `diagnostics`. */
export function compile(source: string, options: CompileOptions): CompileResult {
  return compiler.compile(source, options);
}

/** The same for those who would throw anyway. */
export function compileOrThrow(source: string, options: CompileOptions): Program {
  const { program, diagnostics } = compile(source, options);
  if (program !== undefined) return program;
  throw new CompileError(diagnostics, new Map([[options.file, source], ...Object.entries(options.modules ?? {})]));
}

export class Runtime {
  readonly backend: "cpu" | "reference";
  readonly precision: "f64" | "f32";
  readonly #seed: number;
  #runner: GraphRunner | undefined;
  #disposed = false;

  /** Made by `createRuntime`. */
  constructor(options: RuntimeOptions, runner: GraphRunner | undefined) {
    this.backend = options.backend ?? "cpu";
    this.precision = options.precision ?? "f64";
    this.#seed = options.seed ?? 0;
    this.#runner = runner;
  }

  /** Binds a program to its data and parameters. Throws a BindError when they do not fit. */
  async load(program: Program | undefined, options: LoadOptions = {}): Promise<Module> {
    if (this.#disposed) throw new Error("This runtime was disposed of.");
    if (program === undefined)
      throw new TypeError("There is no program to load: look at the diagnostics of `compile`.");
    const settings = { precision: this.precision, seed: this.#seed, ...(this.#runner ? { runner: this.#runner } : {}) };
    return new Module(bindProgram(compiler, program, options, settings));
  }

  dispose(): void {
    this.#disposed = true;
    this.#runner = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

export async function createRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  const { backend = "cpu" } = options;
  if (backend !== "cpu" && backend !== "reference")
    throw new TypeError(
      `There is no backend ${JSON.stringify(backend)} in this version: there are "cpu" and "reference".`,
    );
  const { precision = "f64" } = options;
  const runner = backend === "cpu" ? new (await import("./cpu/runner.ts")).CpuRunner({ precision }) : undefined;
  return new Runtime(options, runner);
}
