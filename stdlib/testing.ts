/** For tests: runs a script in memory, wants all its asserts to hold, and gives what it shows and warns about. */
import assert from "node:assert/strict";
import { BindFailure } from "../compiler/bind.ts";
import type { NdArray } from "../compiler/core/array.ts";
import { statusNames } from "../compiler/core/status.ts";
import { bind, compile } from "../compiler/index.ts";
import type { DataDeclaration, GraphRunner, Value } from "../compiler/program.ts";
import { type Diagnostic, DiagnosticError } from "../compiler/syntax/diagnostic.ts";

/** A shown value without its types: a number, a status's name, a flat list, or fields. */
export type Plain = number | string | readonly number[] | { readonly [field: string]: Plain };

export interface Ran {
  /** What was shown, by its expression as written. */
  readonly shown: ReadonlyMap<string, Plain>;
  /** The texts of the warnings. */
  readonly warnings: readonly string[];
  /** Titles or expressions of the plots, and the paths that were saved to. */
  readonly outputs: readonly string[];
  /** How many asserts held. */
  readonly asserts: number;
}

export interface RunSettings {
  readonly file?: string;
  readonly precision?: "f64" | "f32";
  readonly seed?: number;
  readonly modules?: Readonly<Record<string, string>>;
  readonly read?: (declaration: DataDeclaration) => NdArray;
  /** What runs the graphs; the reference when left out. Large scripts want the CPU's compiled one. */
  readonly runner?: GraphRunner;
}

const describe = (text: string) => (d: Diagnostic) =>
  `${d.code} ${d.message} [${d.span ? `${d.span.file}: ${text.slice(d.span.start, d.span.end)}` : ""}] ${d.help ?? ""}`;

/** Runs a script; a diagnostic, or an assert that fails, fails the test. */
export function runScript(text: string, settings: RunSettings = {}): Ran {
  const file = settings.file ?? "test.opt";
  const describeIn = describe(text);
  const { program, diagnostics } = compile(text, { file, ...(settings.modules ? { modules: settings.modules } : {}) });
  assert.ok(program, diagnostics.map(describeIn).join("\n"));
  const data: Record<string, NdArray> = {};
  for (const d of program.data) if (settings.read) data[d.name] = settings.read(d);
  const shown = new Map<string, Plain>();
  const warnings: string[] = [];
  const outputs: string[] = [];
  let asserts = 0;
  try {
    const { precision = "f64", seed = 0, runner } = settings;
    bind(program, { data, precision, seed, ...(runner ? { runner } : {}) }).run({
      onEvent: (e) => {
        if (e.kind === "show") for (const i of e.items) i.kind === "value" && shown.set(i.expression, plain(i.value));
        if (e.kind === "warning") warnings.push(describeIn(e.diagnostic));
        if (e.kind === "plot") outputs.push(e.plot.title ?? e.plot.expression);
        if (e.kind === "save") outputs.push(e.path);
        if (e.kind !== "assert") return;
        assert.ok(e.passed, `${settings.precision ?? "f64"}: assert ${e.expression} ${JSON.stringify([...shown])}`);
        asserts += 1;
      },
    });
  } catch (error) {
    if (error instanceof DiagnosticError) assert.fail(describeIn(error.diagnostic));
    if (error instanceof BindFailure) assert.fail(error.diagnostics.map(describeIn).join("\n"));
    throw error;
  }
  return { shown, warnings, outputs, asserts };
}

/** A number that was shown. */
export function shownNumber(ran: Ran, expression: string): number {
  const value = ran.shown.get(expression);
  assert.equal(typeof value, "number", `\`${expression}\` was shown as ${JSON.stringify(value)}`);
  return Number(value);
}

function plain(value: Value): Plain {
  if (value.kind === "tuple")
    return Object.fromEntries(value.items.map((v, i) => [value.names?.[i] ?? String(i), plain(v)]));
  const { data, shape } = value.array;
  if (shape.length > 0) return [...data];
  return value.type === "status" ? statusNames[data[0]!]! : data[0]!;
}
