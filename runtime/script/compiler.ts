/** The compiler as the runtime uses it: an interface, so that tests may put a small one in its place. */
import type { BindOptions, BoundProgram, CompileOptions, CompileResult, Program } from "../../compiler/program.ts";
import type { Diagnostic } from "../../compiler/syntax/diagnostic.ts";
import type { SourceFile } from "../../compiler/syntax/tree.ts";

export interface Compiler {
  parse(
    text: string,
    options: { readonly file: string },
  ): {
    readonly source: SourceFile;
    readonly diagnostics: readonly Diagnostic[];
  };
  compile(text: string, options: CompileOptions): CompileResult;
  bind(program: Program, options: BindOptions): BoundProgram;
}
