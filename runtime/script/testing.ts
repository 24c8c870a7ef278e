/** A stand-in for the compiler: a program is what a test says it is. */
import { ndArray } from "../../compiler/core/array.ts";
import type {
  BindOptions,
  BoundProgram,
  DataDeclaration,
  ParamDeclaration,
  RunOptions,
  Value,
} from "../../compiler/program.ts";
import { type Diagnostic, warningAt } from "../../compiler/syntax/diagnostic.ts";
import { parse } from "../../compiler/syntax/parse.ts";
import type { Compiler } from "./compiler.ts";

export const span = { file: "t.opt", start: 0, end: 3 };

export function realValue(shape: readonly number[], values: readonly number[]): Value {
  return { kind: "array", type: "real", array: ndArray("real", shape, values) };
}

/** A bound program that answers at once, also to those who would wait. */
export function answering(
  bound: Omit<BoundProgram, "runLater" | "callLater" | "valueAndGradientLater" | "derivativeLater">,
): BoundProgram {
  return {
    ...bound,
    runLater: async (options) => bound.run(options),
    callLater: async (name, args) => bound.call(name, args),
    valueAndGradientLater: async (name, args) => bound.valueAndGradient(name, args),
    derivativeLater: () => Promise.reject(new Error("this program has no derivatives")),
  };
}

export interface FakeProgram {
  readonly diagnostics?: readonly Diagnostic[];
  readonly data?: readonly DataDeclaration[];
  readonly params?: readonly ParamDeclaration[];
  run?(options: RunOptions, bindings: BindOptions, file: string): void;
}

/** A compiler whose programs run a function, given the text, the data and the params. */
export function fakeCompiler(fake: FakeProgram): Compiler {
  return {
    parse,
    compile: (text, { file }) => {
      const { source } = parse(text, { file });
      const diagnostics = fake.diagnostics ?? [];
      const program = {
        file,
        source,
        sources: new Map([[file, text]]),
        data: fake.data ?? [],
        params: fake.params ?? [],
      };
      const failed = diagnostics.some((d) => d.severity === "error");
      return { program: failed ? undefined : program, diagnostics, sources: program.sources };
    },
    bind: (program, bindings): BoundProgram =>
      answering({
        program,
        diagnostics: [warningAt("K0999", { ...span, file: program.file }, "a warning")],
        run: (options) => fake.run?.(options, bindings, program.file),
        call: () => realValue([], [0]),
        valueAndGradient: () => ({ value: realValue([], [0]), gradient: realValue([], [0]) }),
        properties: [],
      }),
  };
}
