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
  /** What to compute with: WebAssembly, a GPU, or the slow and simple evaluator that says what programs mean. */
  readonly backend?: "cpu" | "webgpu" | "reference";
  /** The device to use; the back end is `webgpu` then. It stays the caller's to destroy. */
  readonly device?: GPUDevice;
  /** f64 when left out, but f32 on WebGPU, which has no other. */
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
  readonly backend: "cpu" | "webgpu" | "reference";
  readonly precision: "f64" | "f32";
  readonly #seed: number;
  #runner: GraphRunner | undefined;
  readonly #close: () => Promise<void>;
  #disposed = false;

  /** Made by `createRuntime`. */
  constructor(
    settings: { readonly backend: Runtime["backend"]; readonly precision: "f64" | "f32"; readonly seed: number },
    runner: GraphRunner | undefined,
    close: () => Promise<void> = async () => {},
  ) {
    this.backend = settings.backend;
    this.precision = settings.precision;
    this.#seed = settings.seed;
    this.#runner = runner;
    this.#close = close;
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
    if (this.#disposed) return;
    this.#disposed = true;
    this.#runner = undefined;
    // What the device still does is waited for in the background.
    void this.#close();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * A runtime with its back end. Throws a TypeError for options that do not go together, and a NoDeviceError where there is
 * no GPU.
 */
export async function createRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  const { device, backend = device ? "webgpu" : "cpu", seed = 0 } = options;
  if (!["cpu", "webgpu", "reference"].includes(backend))
    throw new TypeError(`There is no backend ${JSON.stringify(backend)}: there are "cpu", "webgpu" and "reference".`);
  if (device && backend !== "webgpu") throw new TypeError(`A device was given, but the backend is "${backend}".`);
  const { precision = backend === "webgpu" ? "f32" : "f64" } = options;
  const settings = { backend, precision, seed };
  if (backend === "webgpu") {
    if (precision === "f64") throw new TypeError('WebGPU has no 64-bit reals: its precision is "f32".');
    const { runner, close } = await (await import("./webgpu/open-runner.ts")).openRunner(device);
    return new Runtime(settings, runner, close);
  }
  if (backend === "reference") return new Runtime(settings, undefined);
  return new Runtime(settings, new (await import("./cpu/runner.ts")).CpuRunner({ precision }));
}
