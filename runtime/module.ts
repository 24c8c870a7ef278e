/** A program with its data, as TypeScript sees it: functions to call, and a script to run. */

import { attachReport, type Certificate } from "../compiler/certificate.ts";
import type { NdArray } from "../compiler/core/array.ts";
import type { BoundProgram, GraphRunner, PlotSpecification, Program, ScriptEvent, Value } from "../compiler/program.ts";
import { type Diagnostic, DiagnosticError, errorAt } from "../compiler/syntax/diagnostic.ts";
import { convert } from "./data/convert.ts";
import { codes, entryPlace } from "./data/format.ts";
import { BindError, RunError } from "./errors.ts";
import type { Compiler } from "./script/compiler.ts";
import { diagnosticsOf, isUsersMistake } from "./script/diagnostics.ts";
import { type Progress, ProgressMeter, type Tick } from "./script/progress.ts";
import { type Input, type Output, toArray, toOutput, toValue } from "./values.ts";

export interface LoadOptions {
  readonly data?: Readonly<Record<string, Input>>;
  readonly params?: Readonly<Record<string, Input>>;
}

export interface ModuleRunOptions {
  /** Called while a solver runs, once it has for half a second. It may abort the signal. */
  readonly onProgress?: (progress: Progress) => void;
  /** Called as things happen. */
  readonly onEvent?: (event: ScriptEvent) => void;
  /**
   * Stops the run at its next step, after some twenty milliseconds on the CPU, or in the middle of a step that takes
   * longer, and rejects with the signal's reason. The evaluator of `reference` does not give way while it computes: there
   * only callbacks can abort.
   */
  readonly signal?: AbortSignal;
}

export interface ModuleRunResult {
  readonly shown: readonly { readonly expression: string; readonly value: Output }[];
  readonly asserts: readonly {
    readonly expression: string;
    readonly message: string | undefined;
    readonly passed: boolean;
  }[];
  readonly plots: readonly PlotSpecification[];
  /** What the script wants saved. Nothing is written: see `saveAll` of `./node.ts`. */
  readonly saves: readonly { readonly expression: string; readonly path: string; readonly value: Value }[];
  readonly solves: readonly {
    readonly expression: string;
    readonly status: string;
    readonly iterations: number;
    readonly error: number;
    /** What the derivatives through it told of themselves. */
    readonly certificate?: Certificate;
  }[];
  readonly warnings: readonly Diagnostic[];
}

/** Binds; all that does not fit is one BindError. */
export function bindProgram(
  compiler: Pick<Compiler, "bind">,
  program: Program,
  { data = {}, params = {} }: LoadOptions,
  options: { readonly precision: "f64" | "f32"; readonly seed: number; readonly runner?: GraphRunner },
): BoundProgram {
  const diagnostics: Diagnostic[] = [];
  const collect = <T>(body: () => T): T | undefined => {
    try {
      return body();
    } catch (error) {
      if (!isUsersMistake(error)) throw error;
      diagnostics.push(...diagnosticsOf(error));
      return undefined;
    }
  };
  refuseUnknown(
    "data",
    Object.keys(data),
    program.data.map((d) => d.name),
  );
  refuseUnknown(
    "param",
    Object.keys(params),
    program.params.map((p) => p.name),
  );
  const arrays: Record<string, NdArray> = {};
  for (const declaration of program.data) {
    const { name } = declaration;
    const array = collect(() => {
      if (data[name] === undefined)
        throw new DiagnosticError(
          errorAt(codes.noFile, declaration.span, `No data were given for ${name}.`, {
            help: `Give them to \`load\`: { data: { ${name} } }.`,
          }),
        );
      const given = toArray(data[name], name);
      return convert(
        { name: `the value given for ${name}`, bytes: new Uint8Array(), declaration, overridden: true },
        { shape: given.shape, values: given.data, where: (index) => entryPlace(given.shape, index) },
      );
    });
    if (array) arrays[name] = array;
  }
  const settings: Record<string, NdArray> = {};
  for (const { name, type, rank, span } of program.params) {
    if (params[name] === undefined) continue;
    const given = toArray(params[name], name);
    const shape = given.shape.map((_, axis) => `axis${axis}`);
    const declaration = {
      name,
      span,
      type,
      shape: shape.slice(0, rank),
      path: undefined,
      pathSpan: undefined,
      selection: undefined,
    };
    const raw = { shape: given.shape, values: given.data, where: (index: number) => entryPlace(given.shape, index) };
    const source = { name: `the value given for ${name}`, bytes: new Uint8Array(), declaration, overridden: true };
    const array = collect(() => convert(source, raw));
    if (array) settings[name] = array;
  }
  const bound =
    diagnostics.length > 0
      ? undefined
      : collect(() => compiler.bind(program, { data: arrays, params: settings, ...options }));
  if (bound === undefined) throw new BindError(diagnostics, program.sources);
  return bound;
}

function refuseUnknown(what: string, given: readonly string[], declared: readonly string[]): void {
  for (const name of given)
    if (!declared.includes(name))
      throw new TypeError(
        `The program declares no ${what} named ${name}${declared.length > 0 ? `: it has ${declared.join(", ")}` : ""}.`,
      );
}

/** One value for each argument. */
export type Outputs = { readonly [argument: string]: Output };

export class Module {
  readonly #bound: BoundProgram;

  constructor(bound: BoundProgram) {
    this.#bound = bound;
  }

  get program(): Program {
    return this.#bound.program;
  }

  get warnings(): readonly Diagnostic[] {
    return this.#bound.diagnostics;
  }

  /** Calls a function, objective or condition of the program, with its arguments by name. */
  async call(name: string, args: Readonly<Record<string, Input>> = {}): Promise<Output> {
    const values = toValues(args);
    return this.#guarded(async () => toOutput(await this.#bound.callLater(name, values)));
  }

  /**
   * Its value, and the gradient with respect to the unknowns or the first argument. Here, and in the derivatives below, a
   * NaN that no argument has is a RunError with the expression that made it (K0420); infinities are given as they are.
   */
  async valueAndGradient(
    name: string,
    args: Readonly<Record<string, Input>>,
  ): Promise<{ readonly value: Output; readonly gradient: Output }> {
    const values = toValues(args);
    return this.#guarded(async () => {
      const { value, gradient } = await this.#bound.valueAndGradientLater(name, values);
      return { value: toOutput(value), gradient: toOutput(gradient) };
    });
  }

  /**
   * Its value, and the derivative of the value along `tangents`: one for each argument that moves, shaped like it.
   */
  async jvp(
    name: string,
    args: Readonly<Record<string, Input>>,
    tangents: Readonly<Record<string, Input>>,
  ): Promise<{ readonly value: Output; readonly tangent: Output }> {
    const [values, directions] = [toValues(args), toValues(tangents)];
    return this.#guarded(async () => {
      const answer = await this.#bound.derivativeLater(name, values, { kind: "jvp", tangents: directions });
      return { value: toOutput(answer.first), tangent: toOutput(answer.second) };
    });
  }

  /** Its value, and the cotangents of the arguments named in `wrt`, given one of the value and shaped like it. */
  async vjp(
    name: string,
    args: Readonly<Record<string, Input>>,
    cotangent: Input,
    wrt: readonly string[],
  ): Promise<{ readonly value: Output; readonly cotangents: { readonly [argument: string]: Output } }> {
    const [values, incoming] = [toValues(args), toValue(cotangent, "the cotangent")];
    return this.#guarded(async () => {
      const answer = await this.#bound.derivativeLater(name, values, { kind: "vjp", wrt, cotangent: incoming });
      const cotangents = toOutput(answer.second) as { readonly [argument: string]: Output };
      return { value: toOutput(answer.first), cotangents };
    });
  }

  /** The gradient of its real value in the arguments that move, and the derivative of that along `tangents`. */
  async hvp(
    name: string,
    args: Readonly<Record<string, Input>>,
    tangents: Readonly<Record<string, Input>>,
  ): Promise<{ readonly gradient: Outputs; readonly tangent: Outputs }> {
    const [values, directions] = [toValues(args), toValues(tangents)];
    return this.#guarded(async () => {
      const answer = await this.#bound.derivativeLater(name, values, { kind: "hvp", tangents: directions });
      return { gradient: toOutput(answer.first) as Outputs, tangent: toOutput(answer.second) as Outputs };
    });
  }

  /** Runs the script's statements. A failed assert or a failure while running is a RunError. */
  async run(options: ModuleRunOptions = {}): Promise<ModuleRunResult> {
    const { signal, onEvent, onProgress } = options;
    const result = {
      shown: [] as { expression: string; value: Output }[],
      asserts: [] as ModuleRunResult["asserts"][number][],
      plots: [] as PlotSpecification[],
      saves: [] as ModuleRunResult["saves"][number][],
      solves: [] as ModuleRunResult["solves"][number][],
      warnings: [] as Diagnostic[],
    };
    let failure: Diagnostic | undefined;
    const meter = new ProgressMeter(() => performance.now());
    const record = (event: ScriptEvent) => {
      switch (event.kind) {
        case "show":
          for (const item of event.items)
            if (item.kind === "value") result.shown.push({ expression: item.expression, value: toOutput(item.value) });
          break;
        case "assert":
          result.asserts.push({ expression: event.expression, message: event.message, passed: event.passed });
          if (!event.passed)
            failure = errorAt("K0340", event.span, `This is false: ${event.message ?? event.expression}.`);
          break;
        case "plot":
          result.plots.push(event.plot);
          break;
        case "save":
          result.saves.push({ expression: event.expression, path: event.path, value: event.value });
          break;
        case "solve": {
          const { expression, iterations, error, trial } = event.solve;
          meter.ended(expression);
          if (!trial) result.solves.push({ expression, status: event.statusName, iterations, error });
          break;
        }
        case "certificate":
          attachReport(result.solves, event);
          break;
        case "warning":
          result.warnings.push(event.diagnostic);
          break;
        default:
          event satisfies never;
      }
    };
    signal?.throwIfAborted();
    // What a callback throws is the caller's own and passes through; so does the reason of an abort.
    let thrown: { readonly error: unknown } | undefined;
    const callersOwn = (body: () => void) => {
      try {
        body();
      } catch (error) {
        thrown = { error };
        throw error;
      }
    };
    try {
      await this.#guarded(() =>
        this.#bound
          .runLater({
            ...(signal ? { signal } : {}),
            onEvent: (event) => {
              record(event);
              callersOwn(() => onEvent?.(event));
              if (failure) throw new DiagnosticError(failure);
            },
            onTick: (tick?: Tick) => {
              const progress = tick && meter.tick(tick);
              callersOwn(() => {
                if (progress) onProgress?.(progress);
                signal?.throwIfAborted();
              });
            },
          })
          .catch((error) => {
            if (signal?.aborted && error === signal.reason) thrown = { error };
            throw error;
          }),
      );
    } catch (error) {
      throw thrown ? thrown.error : error;
    }
    return result;
  }

  /** Turns what goes wrong in the program into a RunError. */
  async #guarded<T>(body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (error) {
      throw new RunError(diagnosticsOf(error), this.#bound.program.sources);
    }
  }
}

function toValues(args: Readonly<Record<string, Input>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(args).map(([name, input]) => [name, toValue(input, name)]));
}
