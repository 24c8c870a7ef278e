/**
 * Diagnostics are data: every stage makes them, only the command line prints them.
 * A message names the place, what was expected and found in the user's own names, and what to do.
 */
import type { Span } from "./tree.ts";

export interface Diagnostic {
  /** `K0101` and the like; each has a page in spec/errors.md. */
  readonly code: string;
  readonly severity: "error" | "warning";
  /** One or two sentences: what is wrong. */
  readonly message: string;
  readonly span: Span | undefined;
  /** Other places that explain it, each shown with its line. */
  readonly notes: readonly { readonly message: string; readonly span?: Span }[];
  /** What to do. */
  readonly help: string | undefined;
}

export interface DiagnosticExtras {
  readonly notes?: readonly { readonly message: string; readonly span?: Span }[];
  readonly help?: string;
}

/** Builds an error. */
export function errorAt(
  code: string,
  span: Span | undefined,
  message: string,
  extras: DiagnosticExtras = {},
): Diagnostic {
  return { code, severity: "error", message, span, notes: extras.notes ?? [], help: extras.help };
}

/** Builds a warning. */
export function warningAt(
  code: string,
  span: Span | undefined,
  message: string,
  extras: DiagnosticExtras = {},
): Diagnostic {
  return { ...errorAt(code, span, message, extras), severity: "warning" };
}

/** Thrown by a stage that cannot go on past a user's mistake; caught where the stage recovers. */
export class DiagnosticError extends Error {
  readonly diagnostic: Diagnostic;
  constructor(diagnostic: Diagnostic) {
    super(`${diagnostic.code}: ${diagnostic.message}`);
    this.name = "DiagnosticError";
    this.diagnostic = diagnostic;
  }
}

/** Throws the diagnostic of a user's mistake. */
export function fail(code: string, span: Span | undefined, message: string, extras: DiagnosticExtras = {}): never {
  throw new DiagnosticError(errorAt(code, span, message, extras));
}

/** For our own mistakes: a broken invariant is a bug in karush, never the user's fault. */
export function invariant(condition: unknown, message: () => string): asserts condition {
  if (!condition) throw new Error(`internal error: ${message()}`);
}
