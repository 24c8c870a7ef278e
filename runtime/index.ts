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
import { bindProgram, type LoadOptions, Module, refuseOptions } from "./module.ts";
import { fetchInputs } from "./values.ts";
import type { AdapterDiscovery } from "./webgpu/adapter.ts";

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
export type { Progress } from "./script/progress.ts";
export { renderDiagnostic } from "./show/diagnostics.ts";
export { type Input, type Output, type Shaped, Tensor } from "./values.ts";
export type { WaitOptions } from "./waiting.ts";

export interface RuntimeOptions {
  /**
   * What to compute with: WebAssembly, a GPU, or the slow and simple evaluator that says what programs mean. `auto` takes a
   * GPU where there is one, with the CPU for what it fails at, and the CPU elsewhere and for f64: `backend` of the runtime
   * tells which. `cpu` when left out.
   */
  readonly backend?: "auto" | "cpu" | "webgpu" | "reference";
  /** The device to use; the back end is `webgpu` then. It stays the caller's to destroy. */
  readonly device?: GPUDevice;
  /** f64 when left out, but f32 on WebGPU, which has no other. */
  readonly precision?: "f64" | "f32";
  /** What `key()` starts from. */
  readonly seed?: number;
  /**
   * How many threads of the CPU share what takes long; as many as the machine has, up to eight, when left out. Results are
   * the same with any number.
   */
  readonly threads?: number;
  /**
   * The most bytes that arrays may take on the CPU, or with the evaluator: a RunError says K1090 before any is taken that
   * would be more. The 4 GiB that WebAssembly addresses when left out. A GPU has limits of its own.
   */
  readonly maxMemory?: number;
}

/** Parses and checks a program: pure and synchronous, errors are in `diagnostics`. */
export function compile(source: string, options: CompileOptions): CompileResult {
  if (typeof source !== "string")
    throw new TypeError('`compile` takes the text of a program; a file is read by `readFileSync(file, "utf8")`.');
  if (typeof options?.file !== "string")
    throw new TypeError('`compile` wants the name that messages show the program under: { file: "ridge.opt" }.');
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
  /** What the device calls itself, where there is one. */
  readonly deviceName: string | undefined;
  readonly precision: "f64" | "f32";
  readonly #seed: number;
  #runner: GraphRunner | undefined;
  readonly #close: () => Promise<void>;
  #disposed = false;

  /** Made by `createRuntime`. */
  constructor(
    settings: {
      readonly backend: Runtime["backend"];
      readonly precision: "f64" | "f32";
      readonly seed: number;
      readonly deviceName?: string;
    },
    runner: GraphRunner | undefined,
    close: () => Promise<void> = async () => {},
  ) {
    this.backend = settings.backend;
    this.deviceName = settings.deviceName;
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
    if (typeof program !== "object" || !("source" in program))
      throw new TypeError("`load` takes a program that `compile` made, not its text.");
    await fetchInputs([...Object.values(options.data ?? {}), ...Object.values(options.params ?? {})]);
    const settings = { precision: this.precision, seed: this.#seed, ...(this.#runner ? { runner: this.#runner } : {}) };
    return new Module(bindProgram(compiler, program, options, settings), () => this.#disposed);
  }

  /** Gives back what it holds. Its modules compute nothing any more. */
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
 * no GPU and nothing else will do. `discovery`: where adapters are looked for, if not where this program runs.
 */
export async function createRuntime(options: RuntimeOptions = {}, discovery?: AdapterDiscovery): Promise<Runtime> {
  refuseOptions("createRuntime", options, ["backend", "device", "precision", "seed", "threads", "maxMemory"]);
  const { device, seed = 0, threads, maxMemory } = options;
  const asked = options.backend ?? (device ? "webgpu" : "cpu");
  if (!["auto", "cpu", "webgpu", "reference"].includes(asked))
    throw new TypeError(
      `There is no backend ${JSON.stringify(asked)}: there are "auto", "cpu", "webgpu" and "reference".`,
    );
  if (options.precision !== undefined && !["f64", "f32"].includes(options.precision))
    throw new TypeError(`There is no precision ${JSON.stringify(options.precision)}: there are "f64" and "f32".`);
  if (maxMemory !== undefined && !(Number.isSafeInteger(maxMemory) && maxMemory > 0))
    throw new TypeError(`maxMemory is ${maxMemory}: it is a whole number of bytes.`);
  if (device && asked !== "webgpu") throw new TypeError(`A device was given, but the backend is "${asked}".`);
  if (asked === "webgpu" && options.precision === "f64")
    throw new TypeError('WebGPU has no 64-bit reals: its precision is "f32".');
  if (asked === "webgpu" || (asked === "auto" && options.precision !== "f64")) {
    const { openHardware, openRunner } = await import("./webgpu/open-runner.ts");
    const opened = asked === "auto" ? await openHardware(discovery) : await openRunner(device);
    if ("runner" in opened)
      return new Runtime(
        { backend: "webgpu", precision: "f32", seed, deviceName: opened.name },
        opened.runner,
        opened.close,
      );
  }
  const { precision = "f64" } = options;
  if (asked === "reference") {
    const { ReferenceRunner } = await import("./reference-runner.ts");
    const runner = maxMemory === undefined ? undefined : new ReferenceRunner({ precision, maxMemory });
    return new Runtime({ backend: "reference", precision, seed }, runner);
  }
  const { openCpu } = await import("./cpu/open-runner.ts");
  const { runner, close } = openCpu({ precision, threads, maxMemory });
  return new Runtime({ backend: "cpu", precision, seed }, runner, close);
}
