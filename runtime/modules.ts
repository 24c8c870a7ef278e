/**
 * Finds the files a script imports. The compiler reads no files, it takes texts: `"./x.opt"` is read
 * here, relative to the file that imports it; `"std/..."` is the compiler's own.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { type Diagnostic, DiagnosticError, errorAt, fail } from "../compiler/syntax/diagnostic.ts";
import type { SourceFile, Statement, StringLiteral } from "../compiler/syntax/tree.ts";
import { type FileAccess, resolveFor } from "./data/access.ts";
import { listed, nearest } from "./data/names.ts";

export interface ImportedModules {
  /** Texts by the path in the import, as the compiler asks for them. */
  readonly modules: Readonly<Record<string, string>>;
  readonly diagnostics: readonly Diagnostic[];
}

type Parse = (text: string, options: { readonly file: string }) => { readonly source: SourceFile };

const missingModule = "K0320";

/** Reads everything a parsed script imports, directly or through others. */
export function readModules(script: SourceFile, access: FileAccess, parse: Parse): ImportedModules {
  const modules: Record<string, string> = {};
  const keys = new Map<string, string>();
  const diagnostics: Diagnostic[] = [];
  const visit = (source: SourceFile, folder: string) => {
    for (const from of importsOf(source.statements)) {
      const key = moduleKey(folder, from.value);
      const known = keys.get(from.value);
      if (known === key) continue;
      try {
        // The compiler knows a module by the path in its import, so one such path cannot mean two files.
        if (known !== undefined)
          fail(missingModule, from.span, `${from.value} is ${key} here, but ${known} in another file.`, {
            help: "Give the two files different names, or put the files that import them into one folder.",
          });
        keys.set(from.value, key);
        const text = readModule(from, key, access);
        modules[from.value] = text;
        visit(parse(text, { file: from.value }).source, path.posix.dirname(key));
      } catch (error) {
        if (!(error instanceof DiagnosticError)) throw error;
        diagnostics.push(error.diagnostic);
      }
    }
  };
  visit(script, ".");
  return { modules, diagnostics };
}

/** The path of a module from the script, with `./` or `../` in front. */
function moduleKey(importerFolder: string, written: string): string {
  const joined = path.posix.join(importerFolder, written);
  return joined.startsWith("../") ? joined : `./${joined}`;
}

function importsOf(statements: readonly Statement[]): readonly StringLiteral[] {
  return statements.flatMap((s) => (s.kind === "import" && /^\.\.?\//.test(s.from.value) ? [s.from] : []));
}

function readModule(from: StringLiteral, key: string, access: FileAccess): string {
  const refuse = (message: string, help?: string): never => {
    throw new DiagnosticError(errorAt(missingModule, from.span, message, help === undefined ? {} : { help }));
  };
  if (!key.endsWith(".opt"))
    refuse(
      `${from.value} is no .opt file.`,
      `An import names a file of karush: ${JSON.stringify(`${from.value.replace(/\.\w*$/, "")}.opt`)}.`,
    );
  const file = resolveFor("read", key, access, from.span);
  try {
    if (statSync(file).isFile()) return readFileSync(file, "utf8");
    return refuse(`${from.value} is no file.`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || error instanceof DiagnosticError) throw error;
    const stem = (name: string) => name.slice(0, -".opt".length);
    const there = namesIn(path.dirname(file));
    const near = nearest(stem(path.basename(file)), there.map(stem));
    return refuse(
      code === "ENOENT" || code === "ENOTDIR"
        ? `There is no file ${from.value}.`
        : `${from.value} cannot be read (${code}).`,
      near === undefined
        ? there.length === 0
          ? "There are no .opt files in that folder."
          : `In that folder there is ${listed(there, 5)}.`
        : `Did you mean ${JSON.stringify(`${path.posix.dirname(from.value)}/${near}.opt`)}?`,
    );
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(".opt"));
  } catch {
    return [];
  }
}
