/**
 * What the REPL remembers: the declarations so far. Each entry is compiled as one script with them and
 * the whole is run again, silently up to the entry: there is no second meaning of a program to keep in step.
 */
import type { ScriptEvent } from "../../compiler/program.ts";
import type { Diagnostic } from "../../compiler/syntax/diagnostic.ts";
import type { Pattern, Span, Statement } from "../../compiler/syntax/tree.ts";
import type { FileAccess } from "../data/access.ts";
import { saveValue } from "../data/writers.ts";
import { readModules } from "../modules.ts";
import type { Compiler } from "../script/compiler.ts";
import { diagnosticsOf } from "../script/diagnostics.ts";
import { Interrupted } from "../script/outcome.ts";
import { bindWithData } from "../script/perform.ts";
import { renderDiagnostic } from "../show/diagnostics.ts";
import { renderPlot } from "../show/plot-terminal.ts";
import { renderShown } from "../show/values.ts";

export interface SessionOptions {
  readonly precision: "f64" | "f32";
  readonly seed: number;
  readonly access: FileAccess;
  readonly color: boolean;
  readonly width: number;
}

export interface SessionHost {
  print(text: string): void;
  printError(text: string): void;
  isInterrupted(): boolean;
}

/** The name of what is being typed, and of what was typed before, in messages. */
const file = "repl";
const earlier = "earlier";

interface Entry {
  readonly names: readonly string[];
  readonly text: string;
}

export class Session {
  readonly #compiler: Compiler;
  readonly #options: SessionOptions;
  readonly #host: SessionHost;
  #entries: readonly Entry[] = [];

  constructor(compiler: Compiler, options: SessionOptions, host: SessionHost) {
    this.#compiler = compiler;
    this.#options = options;
    this.#host = host;
  }

  /** All that was declared, as a script. */
  get text(): string {
    return this.#entries.map((entry) => `${entry.text}\n`).join("");
  }

  reset(): void {
    this.#entries = [];
  }

  /** Runs one entry: a declaration, a statement, or an expression, whose value is shown. */
  feed(typed: string): void {
    const text = typed.trim();
    if (text === "") return;
    const { statements } = this.#compiler.parse(text, { file }).source;
    const only = statements.length === 1 ? statements[0]! : undefined;
    if (only?.kind === "expression") {
      this.#run(this.#entries, `show ${text}`, "show ".length);
      return;
    }
    const names = statements.flatMap(declaredNames);
    const { kept, lost } = withoutNames(this.#entries, names);
    const ran = this.#run(kept, text, 0);
    // Statements happen once; declarations stay.
    const declarations = statements.filter((statement) => declaredNames(statement).length > 0);
    if (!ran || declarations.length === 0) return;
    if (lost.length > 0) this.#host.print(`also forgotten, since declared with the old one: ${lost.join(", ")}`);
    this.#entries = [
      ...kept,
      { names, text: declarations.map((statement) => text.slice(statement.span.start, statement.span.end)).join("\n") },
    ];
  }

  /** Whether it compiled and ran to its end. `added` characters at the front of the text were not typed. */
  #run(entries: readonly Entry[], text: string, added: number): boolean {
    const prefix = entries.map((entry) => `${entry.text}\n`).join("");
    const { access, precision, seed, color, width } = this.#options;
    const sources = new Map([
      [file, text.slice(added)],
      [earlier, prefix],
    ]);
    const moved = (span: Span): Span => {
      if (span.file !== file) return span;
      const start = span.start - prefix.length - added;
      return start >= -added
        ? { file, start: Math.max(0, start), end: Math.max(0, span.end - prefix.length - added) }
        : { ...span, file: earlier };
    };
    const isNew = (span: Span | undefined) => span === undefined || span.file !== file || span.start >= prefix.length;
    const report = (d: Diagnostic) =>
      this.#host.printError(renderDiagnostic(movedDiagnostic(d, moved), sources, { color, width }));
    try {
      const whole = prefix + text;
      const { source } = this.#compiler.parse(whole, { file });
      const imported = readModules(source, access, this.#compiler.parse);
      for (const [name, module] of Object.entries(imported.modules)) sources.set(name, module);
      const { program, diagnostics } = this.#compiler.compile(whole, { file, modules: imported.modules });
      for (const [name, module] of program?.sources ?? []) if (name !== file) sources.set(name, module);
      for (const d of [...imported.diagnostics, ...diagnostics]) if (d.severity === "error" || isNew(d.span)) report(d);
      if (program === undefined || imported.diagnostics.length > 0) return false;
      const bound = bindWithData(this.#compiler, program, { data: {}, set: {}, precision, seed }, access, report);
      if (bound === undefined) return false;
      bound.run({
        onEvent: (event) => {
          if (isNew(spanOf(event))) this.#handle(event, report);
        },
        onTick: () => {
          if (this.#host.isInterrupted()) throw new Interrupted();
        },
      });
      return true;
    } catch (error) {
      if (error instanceof Interrupted) this.#host.printError("stopped");
      else diagnosticsOf(error).forEach(report);
      return false;
    }
  }

  #handle(event: ScriptEvent, report: (d: Diagnostic) => void): void {
    const { color, width, access } = this.#options;
    switch (event.kind) {
      case "show":
        this.#host.print(renderShown(event.items, { color, width }));
        break;
      case "plot":
        this.#host.print(renderPlot(event.plot, { color, width }));
        break;
      case "save":
        saveValue(event.value, event.path, access, event.span);
        this.#host.print(`saved ${event.path}`);
        break;
      case "assert":
        this.#host.print(event.passed ? "true" : `false: ${event.message ?? event.expression}`);
        break;
      case "warning":
        report(event.diagnostic);
        break;
      case "solve":
      case "certificate":
        break;
      default:
        event satisfies never;
    }
  }
}

function spanOf(event: ScriptEvent): Span | undefined {
  if (event.kind === "solve") return event.solve.span;
  return event.kind === "warning" ? event.diagnostic.span : event.span;
}

function movedDiagnostic(d: Diagnostic, moved: (span: Span) => Span): Diagnostic {
  return {
    ...d,
    span: d.span && moved(d.span),
    notes: d.notes.map((note) => (note.span ? { ...note, span: moved(note.span) } : note)),
  };
}

/**
 * The entries left when names are declared anew. What was declared with an old meaning goes, too: kept, it
 * would say one thing and hold another.
 */
function withoutNames(
  entries: readonly Entry[],
  names: readonly string[],
): { readonly kept: readonly Entry[]; readonly lost: readonly string[] } {
  const gone = new Set(names.filter((name) => entries.some((entry) => entry.names.includes(name))));
  const kept: Entry[] = [];
  const lost: string[] = [];
  for (const entry of entries) {
    const words = new Set(entry.text.match(/[\p{L}_][\p{L}\p{N}_]*/gu));
    if (![...gone].some((name) => words.has(name))) {
      kept.push(entry);
      continue;
    }
    for (const name of entry.names) {
      if (!names.includes(name)) lost.push(name);
      gone.add(name);
    }
  }
  return { kept, lost };
}

/** The names a statement declares; an import and a property declare something, too. */
function declaredNames(statement: Statement): readonly string[] {
  switch (statement.kind) {
    case "import":
      return statement.names.map(({ name, as }) => (as ?? name).name);
    case "let":
      return namesIn(statement.pattern);
    case "property":
    case "show":
    case "plot":
    case "save":
    case "assert":
    case "expression":
      return [];
    default:
      return [statement.name.name];
  }
}

function namesIn(pattern: Pattern): readonly string[] {
  if (pattern.kind === "tuple-pattern") return pattern.items.flatMap(namesIn);
  return pattern.kind === "name-pattern" ? [pattern.name] : [];
}
