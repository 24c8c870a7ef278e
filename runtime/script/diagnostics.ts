/** Diagnostics ready to leave the compiler's side: rendered for people, located for programs. */
import { BackendError } from "../../compiler/backend-error.ts";
import { CheckError } from "../../compiler/core/evaluate.ts";
import { type Diagnostic, DiagnosticError, errorAt } from "../../compiler/syntax/diagnostic.ts";
import type { Span } from "../../compiler/syntax/tree.ts";
import { renderDiagnostic } from "../show/diagnostics.ts";
import { Lines } from "../show/text.ts";

export interface LocatedDiagnostic {
  readonly code: string;
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly place: LocatedSpan | undefined;
  readonly notes: readonly { readonly message: string; readonly place?: LocatedSpan }[];
  readonly help: string | undefined;
  /** As the terminal shows it. */
  readonly text: string;
}

/** Lines and columns count from 1; the end is behind the last character. */
export interface LocatedSpan {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

export interface LocateOptions {
  readonly color: boolean;
  readonly width?: number;
}

export function locate(d: Diagnostic, sources: ReadonlyMap<string, string>, options: LocateOptions): LocatedDiagnostic {
  return {
    code: d.code,
    severity: d.severity,
    message: d.message,
    place: placeOf(d.span, sources),
    notes: d.notes.map((note) => {
      const place = placeOf(note.span, sources);
      return place ? { message: note.message, place } : { message: note.message };
    }),
    help: d.help,
    text: renderDiagnostic(d, sources, options),
  };
}

function placeOf(span: Span | undefined, sources: ReadonlyMap<string, string>): LocatedSpan | undefined {
  const text = span && sources.get(span.file);
  if (!span || text === undefined) return undefined;
  const lines = new Lines(text);
  const [start, end] = [lines.place(span.start), lines.place(span.end)];
  return { file: span.file, line: start.line, column: start.column, endLine: end.line, endColumn: end.column };
}

/** Codes of failures that no part of a program is to blame for. */
const outOfMemory = "K0341";
const internalError = "K0342";
const noDevice = "K0962";

/** All that an error says: binding may find several things wrong at once. */
export function diagnosticsOf(error: unknown): readonly Diagnostic[] {
  return isBindFailure(error) ? error.diagnostics : [diagnosticOf(error)];
}

/** The user's mistake, as opposed to ours or the machine's. */
export function isUsersMistake(error: unknown): boolean {
  return error instanceof DiagnosticError || isBindFailure(error);
}

/** Known by its name: to load the compiler for its class alone would cost more than all of this file. */
function isBindFailure(error: unknown): error is Error & { readonly diagnostics: readonly Diagnostic[] } {
  return error instanceof Error && error.name === "BindFailure" && "diagnostics" in error;
}

/** Whatever was thrown, as a diagnostic: what is not one yet is our own fault, or the machine's. */
export function diagnosticOf(error: unknown): Diagnostic {
  if (error instanceof DiagnosticError) return error.diagnostic;
  if (error instanceof CheckError) {
    const { code, span, message, help } = error.failure;
    return errorAt(code, span, message, help === undefined ? {} : { help });
  }
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof BackendError) return errorAt(error.code, undefined, error.message, { help: error.help });
  if (error instanceof Error && error.name === "NoDeviceError")
    return errorAt(noDevice, undefined, message, { help: "--backend cpu runs everywhere." });
  if (error instanceof RangeError && /allocation failed|Invalid (typed )?array (buffer )?length/i.test(message))
    return errorAt(outOfMemory, undefined, "There is not enough memory for an array of the program.", {
      help: "Use smaller sizes, or --precision f32.",
    });
  const frames =
    error instanceof Error
      ? (error.stack ?? "")
          .split("\n")
          .slice(1, 6)
          .map((line) => line.trim())
      : [];
  return errorAt(internalError, undefined, `karush made a mistake: ${message.replace(/^internal error: /, "")}`, {
    notes: frames.length > 0 ? [{ message: frames.join("\n") }] : [],
    help: "This is a bug in karush, not in your program. Please report it with the script.",
  });
}
