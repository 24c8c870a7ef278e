/** What the TypeScript interface throws: each carries diagnostics, and shows them in its message. */
import type { Diagnostic } from "../compiler/syntax/diagnostic.ts";
import { renderDiagnostics } from "./show/diagnostics.ts";

class KarushError extends Error {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[], sources: ReadonlyMap<string, string>) {
    super(`\n${renderDiagnostics(diagnostics, sources, { color: false })}`);
    this.diagnostics = diagnostics;
  }
}

/** The program does not parse or check. */
export class CompileError extends KarushError {
  override readonly name = "CompileError";
}

/** The program and its data do not fit. */
export class BindError extends KarushError {
  override readonly name = "BindError";
}

/** The program failed while it ran. */
export class RunError extends KarushError {
  override readonly name = "RunError";
}
