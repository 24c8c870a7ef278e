/** From text to a checked program. Pure and synchronous: imports come as texts. */
import { standardLibrary } from "../stdlib/sources.ts";
import { checkNames } from "./check/names.ts";
import { Elaborator } from "./elaborate/elaborator.ts";
import { preludeNames } from "./elaborate/prelude.ts";
import { checkProperties } from "./elaborate/property-runs.ts";
import { type ElaboratedScript, ScriptElaborator, type ScriptInputs } from "./elaborate/script.ts";
import type { CompileOptions, CompileResult, Program } from "./program.ts";
import { packedTrees } from "./standard-trees.ts";
import { type Diagnostic, errorAt } from "./syntax/diagnostic.ts";
import { unpackTree } from "./syntax/packed.ts";
import { parse } from "./syntax/parse.ts";
import type { SourceFile, Span } from "./syntax/tree.ts";

/** Everything binding needs, kept beside the program it belongs to. */
export interface CompiledProgram extends Program {
  readonly modules: ReadonlyMap<string, SourceFile>;
}

/**
 * Parses and checks a script: names, types, shapes as symbols. Nothing is run and no data are needed.
 * Several mistakes are reported at once.
 */
export function compile(text: string, options: CompileOptions): CompileResult {
  const diagnostics: Diagnostic[] = [];
  const main = parse(text, { file: options.file });
  diagnostics.push(...main.diagnostics);
  const sources = new Map<string, string>([[options.file, text]]);
  const modules = new Map<string, SourceFile>();
  const load = (source: SourceFile, importers: readonly string[]): void => {
    for (const s of source.statements) {
      if (s.kind !== "import") continue;
      const path = s.from.value;
      if (importers.includes(path))
        diagnostics.push(circularImport([...importers.slice(importers.indexOf(path)), path], s.from.span));
      if (modules.has(path)) continue;
      const standard = standardModule(path);
      if (standard) {
        modules.set(path, standard);
        load(standard, [...importers, path]);
        continue;
      }
      const module = options.modules?.[path];
      if (module === undefined) continue;
      sources.set(path, module);
      const parsed = parse(module, { file: path });
      diagnostics.push(...parsed.diagnostics);
      modules.set(path, parsed.source);
      load(parsed.source, [...importers, path]);
    }
  };
  load(main.source, []);
  // Modules whose solvers stand in when `by` is left out take part without being imported, with what they import.
  for (const [path, module] of Object.entries(standardLibrary)) sources.set(`${path}.opt`, module);
  if (diagnostics.some((d) => d.severity === "error"))
    return { program: undefined, diagnostics: sorted(diagnostics, options.file), sources };
  const e = new Elaborator({ mode: "check", sources, seed: 0, precision: "f64" });
  const prelude = preludeNames();
  // The standard library is checked by its tests, once, and not again for each script.
  const own = [...modules].filter(([path]) => standardLibrary[path] === undefined).map(([, source]) => source);
  for (const source of [main.source, ...own]) for (const d of checkNames(source, prelude, standardLibrary)) e.report(d);
  const script = elaborateScript(e, main.source, modules, { data: {}, params: {} }, options);
  e.recover(() => checkProperties(e, script), undefined);
  diagnostics.push(...e.diagnostics);
  const program: CompiledProgram = {
    file: options.file,
    source: main.source,
    sources,
    modules,
    data: script.data,
    params: script.params,
  };
  const failed = diagnostics.some((d) => d.severity === "error");
  return { program: failed ? undefined : program, diagnostics: sorted(diagnostics, options.file), sources };
}

export function elaborateScript(
  e: Elaborator,
  source: SourceFile,
  modules: ReadonlyMap<string, SourceFile>,
  inputs: Pick<ScriptInputs, "data" | "params">,
  options?: Pick<CompileOptions, "modules">,
): ElaboratedScript {
  const names = [...Object.keys(standardLibrary), ...Object.keys(options?.modules ?? {})];
  return new ScriptElaborator(e, {
    ...inputs,
    module: (path) => modules.get(path) ?? standardModule(path),
    moduleNames: names,
  }).run(source);
}

const parsedStandard = new Map<string, SourceFile>();

function standardModule(path: string): SourceFile | undefined {
  const text = standardLibrary[path];
  if (text === undefined) return undefined;
  let source = parsedStandard.get(path);
  if (!source) {
    const packed = packedTrees[path];
    source = packed ? unpackTree(packed(), text) : parse(text, { file: `${path}.opt` }).source;
    parsedStandard.set(path, source);
  }
  return source;
}

/** `circle` begins and ends with the same path. */
function circularImport(circle: readonly string[], span: Span): Diagnostic {
  const message =
    circle.length === 2
      ? `${circle[0]} imports itself.`
      : `These files import each other in a circle: ${circle.join(" imports ")}.`;
  return errorAt("K1173", span, message, {
    help: "Put what both need into a file of its own, which imports neither.",
  });
}

/** In the order of the file; what has no place comes first. */
function sorted(diagnostics: readonly Diagnostic[], file: string): Diagnostic[] {
  const place = (d: Diagnostic) =>
    d.span === undefined ? -1 : d.span.file === file ? d.span.start : 1e9 + d.span.start;
  return [...diagnostics].sort((a, b) => place(a) - place(b));
}
