/** Runs the programs of the specification: its code blocks, its conformance programs, its bad programs. */
import { cpSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { statusNames } from "../compiler/core/status.ts";
import * as compiler from "../compiler/index.ts";
import { BindFailure, bind, compile } from "../compiler/index.ts";
import type { ScriptEvent, Value } from "../compiler/program.ts";
import { type Diagnostic, DiagnosticError } from "../compiler/syntax/diagnostic.ts";
import { CpuRunner } from "../runtime/cpu/runner.ts";
import { readData } from "../runtime/data/readers.ts";
import { performScript, type RunMessage } from "../runtime/script/perform.ts";
import { renderDiagnostic } from "../runtime/show/diagnostics.ts";

export const specFolder = path.dirname(fileURLToPath(import.meta.url));

export interface Shown {
  /** As the comment beside it would say it. */
  readonly text: string;
  /** What the comment says; undefined without one. */
  readonly expected: string | undefined;
  readonly line: number;
}

export interface Outcome {
  readonly shown: readonly Shown[];
  readonly diagnostics: readonly Diagnostic[];
  /** The diagnostics as people read them. */
  readonly text: string;
  readonly failedAsserts: readonly string[];
}

/** Compiles a script and, when nothing is wrong, reads its data and runs it. */
export function runProgram(text: string, file: string, folder: string, checkOnly = false): Outcome {
  const { program, diagnostics } = compile(text, { file });
  const found: Diagnostic[] = [...diagnostics];
  const shown: Shown[] = [];
  const failedAsserts: string[] = [];
  if (program !== undefined && !checkOnly) {
    const onEvent = (event: ScriptEvent): void => {
      if (event.kind === "show") {
        const values = event.items.map((i) => (i.kind === "caption" ? i.text : showValue(i.value)));
        shown.push({ text: values.join(", "), ...commentBeside(text, event.span.end) });
      } else if (event.kind === "warning") found.push(event.diagnostic);
      else if (event.kind === "assert" && !event.passed) failedAsserts.push(event.expression);
    };
    try {
      const access = { folder, read: [], write: [] };
      const data = Object.fromEntries(program.data.map((d) => [d.name, readData(d, undefined, access)]));
      const bound = bind(program, { data, runner: new CpuRunner({ precision: "f64" }) });
      found.push(...bound.diagnostics);
      bound.run({ onEvent });
    } catch (error) {
      if (error instanceof BindFailure) found.push(...error.diagnostics);
      else if (error instanceof DiagnosticError) found.push(error.diagnostic);
      else throw error;
    }
  }
  const sources = new Map([...(program?.sources ?? []), [file, text]]);
  const rendered = found.map((d) => renderDiagnostic(d, sources, { color: false }));
  return { shown, diagnostics: found, text: rendered.join("\n\n"), failedAsserts };
}

function commentBeside(text: string, end: number): Pick<Shown, "expected" | "line"> {
  const rest = text.slice(end, text.indexOf("\n", end) < 0 ? undefined : text.indexOf("\n", end));
  const comment = /^[ \t]*\/\/\s*(.*?)\s*$/.exec(rest);
  return { expected: comment?.[1], line: text.slice(0, end).split("\n").length };
}

/** A value on one line, with all its digits. */
function showValue(value: Value): string {
  if (value.kind === "tuple")
    return `(${value.items.map((v, i) => (value.names ? `${value.names[i]}: ` : "") + showValue(v)).join(", ")})`;
  const { array, type } = value;
  const entry = (x: number): string => {
    if (type === "bool") return x ? "true" : "false";
    if (type === "status") return statusNames[x] ?? String(x);
    if (Number.isFinite(x)) return String(x === 0 ? 0 : x);
    return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
  };
  const nested = (axis: number, start: number): string => {
    if (axis === array.shape.length) return entry(array.data[start]!);
    const stride = array.shape.slice(axis + 1).reduce((s, n) => s * n, 1);
    const parts = Array.from({ length: array.shape[axis]! }, (_, i) => nested(axis + 1, start + i * stride));
    return `[${parts.join(", ")}]`;
  };
  return nested(0, 0);
}

const number = /(?<![\w.])-?\d+(?:\.(\d+))?(?:e([+-]?\d+))?(?![\w])/g;

/**
 * Whether a shown value is what a comment says: the same text, but for numbers, which agree to the digits
 * the comment gives. A number written as an integer is meant exactly (to 1e-9, relative).
 */
export function agrees(actual: string, expected: string): boolean {
  const pattern = (s: string) => s.replace(number, "#").replace(/\s+/g, " ");
  if (pattern(actual) !== pattern(expected)) return false;
  const found = [...actual.matchAll(number)].map((m) => Number(m[0]));
  return [...expected.matchAll(number)].every((m, i) => {
    const value = Number(m[0]);
    const exact = m[1] === undefined && m[2] === undefined;
    const unit = 10 ** (Number(m[2] ?? 0) - (m[1]?.length ?? 0));
    const slack = exact ? 1e-9 * Math.max(1, Math.abs(value)) : 0.5000001 * unit;
    return Math.abs(found[i]! - value) <= slack;
  });
}

export interface AloneOptions {
  readonly checkFinite?: boolean;
  readonly precision?: "f64" | "f32";
}

/** What the command line would print about a script that stands alone in a folder with `data/`. */
export async function performAlone(
  program: string,
  dataFolder: string | undefined,
  set: Readonly<Record<string, string>>,
  { checkFinite = false, precision = "f64" }: AloneOptions = {},
): Promise<RunMessage[]> {
  const before = process.cwd();
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), "karush-spec-")));
  try {
    if (dataFolder !== undefined) cpSync(dataFolder, path.join(folder, "data"), { recursive: true });
    writeFileSync(path.join(folder, "example.opt"), program);
    // Messages show paths as they are given, so the script is named from inside its folder.
    process.chdir(folder);
    const messages: RunMessage[] = [];
    const request = {
      file: "example.opt",
      backend: "cpu",
      checkFinite,
      data: {},
      set,
      precision,
      seed: 0,
      allowRead: [],
      allowWrite: [],
    } as const;
    await performScript(
      compiler,
      { ...request, render: { color: false, width: 100 } },
      {
        runner: new CpuRunner({ precision }),
        emit: (message) => messages.push(message),
        now: () => 0,
        isInterrupted: () => false,
      },
    );
    return messages;
  } finally {
    process.chdir(before);
    rmSync(folder, { recursive: true, force: true });
  }
}
