/** A program with its data, as TypeScript sees it: functions to call, and a script to run. */

import { attachReport, type Certificate } from "../compiler/certificate.ts";
import type { NdArray } from "../compiler/core/array.ts";
import type {
  BoundProgram,
  CallOptions,
  DataDeclaration,
  DerivativeAnswer,
  DerivativeRequest,
  GraphRunner,
  PlotSpecification,
  Program,
  ScriptEvent,
  Value,
} from "../compiler/program.ts";
import { type Diagnostic, DiagnosticError, errorAt } from "../compiler/syntax/diagnostic.ts";
import { convert, countedAxes } from "./data/convert.ts";
import { codes, type DataSource, entryPlace, type RawArray } from "./data/format.ts";
import { nearest } from "./data/names.ts";
import { BindError } from "./errors.ts";
import type { Compiler } from "./script/compiler.ts";
import { diagnosticsOf, isUsersMistake } from "./script/diagnostics.ts";
import { type Input, type Output, toArray, toOutput, toValue } from "./values.ts";
import { UnheardWarnings, type WaitOptions, waitFor } from "./waiting.ts";

export interface LoadOptions {
  readonly data?: Readonly<Record<string, Input>>;
  readonly params?: Readonly<Record<string, Input>>;
}

/** The same options wherever something may take long. */
export type ModuleRunOptions = WaitOptions;

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
  given: LoadOptions,
  options: { readonly precision: "f64" | "f32"; readonly seed: number; readonly runner?: GraphRunner },
): BoundProgram {
  refuseOptions("load", given, ["data", "params"]);
  const { data = {}, params = {} } = given;
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
      return convert(valueSource(declaration, options.precision), rawOf(given));
    });
    if (array) arrays[name] = array;
  }
  const settings: Record<string, NdArray> = {};
  for (const { name, type, rank, span } of program.params) {
    if (params[name] === undefined) continue;
    const given = toArray(params[name], name);
    const array = collect(() => {
      if (given.shape.length !== rank)
        throw new DiagnosticError(
          errorAt(
            codes.wrongRank,
            span,
            `\`${name}\` is ${type === "int" ? "an" : "a"} ${type} with ${countedAxes(rank)}, but the value given for it has shape [${given.shape.join(", ")}].`,
          ),
        );
      const shape = given.shape.map((_, axis) => `axis${axis}`);
      const declaration = { name, span, type, shape, path: undefined, pathSpan: undefined, selection: undefined };
      return convert(valueSource(declaration, options.precision), rawOf(given));
    });
    if (array) settings[name] = array;
  }
  const bound =
    diagnostics.length > 0
      ? undefined
      : collect(() => compiler.bind(program, { data: arrays, params: settings, ...options }));
  if (bound === undefined) throw new BindError(diagnostics, program.sources);
  return bound;
}

function valueSource(declaration: DataDeclaration, precision: "f64" | "f32"): DataSource {
  const name = `the value given for ${declaration.name}`;
  return { name, noun: "the value", bytes: new Uint8Array(), declaration, overridden: true, precision };
}

function rawOf({ shape, data }: NdArray): RawArray {
  return { shape, values: data, where: (index) => entryPlace(shape, index) };
}

function refuseUnknown(what: string, given: readonly string[], declared: readonly string[]): void {
  for (const name of given)
    if (!declared.includes(name))
      throw new TypeError(
        `The program declares no ${what} named ${name}${declared.length > 0 ? `: it has ${declared.join(", ")}` : ""}.`,
      );
}

/** Refuses an option that a function has not, which would otherwise do nothing without a word. */
export function refuseOptions(what: string, given: object, known: readonly string[]): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    throw new TypeError(
      `\`${what}\` has no option \`${name}\`${near === undefined ? `: it has ${known.join(", ")}` : `: did you mean \`${near}\``}${near === undefined ? "." : "?"}`,
    );
  }
}

/** One value for each argument. */
export type Outputs = { readonly [argument: string]: Output };

export class Module {
  readonly #bound: BoundProgram;
  readonly #unheard: UnheardWarnings;
  readonly #isDisposed: () => boolean;

  /** `isDisposed` tells whether the runtime is: then nothing is computed any more. */
  constructor(bound: BoundProgram, isDisposed: () => boolean = () => false) {
    this.#bound = bound;
    this.#isDisposed = isDisposed;
    this.#unheard = new UnheardWarnings(bound.program.sources);
  }

  get program(): Program {
    return this.#bound.program;
  }

  get warnings(): readonly Diagnostic[] {
    return this.#bound.diagnostics;
  }

  /** Calls a function, objective or condition of the program, with its arguments by name. */
  async call(name: string, args: Readonly<Record<string, Input>> = {}, options: WaitOptions = {}): Promise<Output> {
    const values = toValues(args);
    return this.#called(options, async (heard) => toOutput(await this.#bound.callLater(name, values, heard)));
  }

  /**
   * Its value, and the gradient with respect to the unknowns or the first argument. Here, and in the derivatives below, a
   * NaN that no argument has is a RunError with the expression that made it (K0420); infinities are given as they are.
   */
  async valueAndGradient(
    name: string,
    args: Readonly<Record<string, Input>>,
    options: WaitOptions = {},
  ): Promise<{ readonly value: Output; readonly gradient: Output }> {
    const values = toValues(args);
    return this.#called(options, async (heard) => {
      const { value, gradient } = await this.#bound.valueAndGradientLater(name, values, heard);
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
    options: WaitOptions = {},
  ): Promise<{ readonly value: Output; readonly tangent: Output }> {
    const request = { kind: "jvp", tangents: toValues(tangents, "the tangents") } as const;
    const { first, second } = await this.#derivative(name, args, request, options);
    return { value: toOutput(first), tangent: toOutput(second) };
  }

  /** Its value, and the cotangents of the arguments named in `wrt`, given one of the value and shaped like it. */
  async vjp(
    name: string,
    args: Readonly<Record<string, Input>>,
    cotangent: Input,
    wrt: readonly string[],
    options: WaitOptions = {},
  ): Promise<{ readonly value: Output; readonly cotangents: Outputs }> {
    if (!Array.isArray(wrt))
      throw new TypeError('`wrt` lists the names of the arguments whose cotangents are wanted, such as ["x"].');
    const request = { kind: "vjp", wrt, cotangent: toValue(cotangent, "the cotangent") } as const;
    const { first, second } = await this.#derivative(name, args, request, options);
    return { value: toOutput(first), cotangents: toOutput(second) as Outputs };
  }

  /** The gradient of its real value in the arguments that move, and the derivative of that along `tangents`. */
  async hvp(
    name: string,
    args: Readonly<Record<string, Input>>,
    tangents: Readonly<Record<string, Input>>,
    options: WaitOptions = {},
  ): Promise<{ readonly gradient: Outputs; readonly tangent: Outputs }> {
    const request = { kind: "hvp", tangents: toValues(tangents, "the tangents") } as const;
    const { first, second } = await this.#derivative(name, args, request, options);
    return { gradient: toOutput(first) as Outputs, tangent: toOutput(second) as Outputs };
  }

  #derivative(
    name: string,
    args: Readonly<Record<string, Input>>,
    request: DerivativeRequest,
    options: WaitOptions,
  ): Promise<DerivativeAnswer> {
    const values = toValues(args);
    return this.#called(options, (heard) => this.#bound.derivativeLater(name, values, request, heard));
  }

  #called<T>(options: WaitOptions, body: (heard: CallOptions) => Promise<T>): Promise<T> {
    this.#refuseDisposed();
    const record = (event: ScriptEvent) => {
      if (event.kind === "warning" && !options.onEvent) this.#unheard.print(event.diagnostic);
    };
    return waitFor(options, { sources: this.program.sources, record }, body);
  }

  #refuseDisposed(): void {
    if (this.#isDisposed())
      throw new Error("The runtime of this module was disposed of: it computes nothing any more.");
  }

  /** Runs the script's statements. A failed assert or a failure while running is a RunError. */
  async run(options: ModuleRunOptions = {}): Promise<ModuleRunResult> {
    this.#refuseDisposed();
    const result = {
      shown: [] as { expression: string; value: Output }[],
      asserts: [] as ModuleRunResult["asserts"][number][],
      plots: [] as PlotSpecification[],
      saves: [] as ModuleRunResult["saves"][number][],
      solves: [] as ModuleRunResult["solves"][number][],
      warnings: [] as Diagnostic[],
    };
    let failure: Diagnostic | undefined;
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
    const afterwards = () => {
      if (failure) throw new DiagnosticError(failure);
    };
    const { sources } = this.program;
    await waitFor(options, { sources, record, afterwards }, (heard) => this.#bound.runLater(heard));
    return result;
  }
}

/** `what` says what is wanted: "the arguments", "the tangents". */
function toValues(args: Readonly<Record<string, Input>>, what = "the arguments"): Record<string, Value> {
  if (Object.prototype.toString.call(args) !== "[object Object]")
    throw new TypeError(`${capitalised(what)} go by name: give an object, such as { x: [1, 2] }.`);
  return Object.fromEntries(Object.entries(args).map(([name, input]) => [name, toValue(input, name)]));
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
