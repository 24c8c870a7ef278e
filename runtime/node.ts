/** The part of the TypeScript interface that needs files: reading a script's data, saving what it asks to be saved. */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { NdArray } from "../compiler/core/array.ts";
import { parse } from "../compiler/index.ts";
import type { Program } from "../compiler/program.ts";
import { type Diagnostic, DiagnosticError } from "../compiler/syntax/diagnostic.ts";
import type { FileAccess } from "./data/access.ts";
import { accessAfter, readData } from "./data/readers.ts";
import { saveValue } from "./data/writers.ts";
import { BindError, CompileError, RunError } from "./errors.ts";
import { compileOrThrow } from "./index.ts";
import type { ModuleRunResult } from "./module.ts";
import { readModules } from "./modules.ts";

/** Reads and compiles a script with all it imports. */
export function compileFile(file: string): Program {
  const text = readFileSync(file, "utf8");
  const access = { folder: path.dirname(path.resolve(file)) };
  const { modules, diagnostics } = readModules(parse(text, { file }).source, access, parse);
  if (diagnostics.length > 0) throw new CompileError(diagnostics, new Map([[file, text], ...Object.entries(modules)]));
  return compileOrThrow(text, { file, modules });
}

/**
 * Reads the files that a program's `data` declarations name, to be given to `load`. Throws a BindError with all that is
 * wrong with them.
 */
export function readProgramData(program: Program, access: FileAccess): Record<string, NdArray> {
  const data: Record<string, NdArray> = {};
  const diagnostics: Diagnostic[] = [];
  let left = access;
  for (const declaration of program.data) {
    if (declaration.path === undefined) continue;
    try {
      const array = readData(declaration, undefined, left);
      left = accessAfter(left, array);
      data[declaration.name] = array;
    } catch (error) {
      if (!(error instanceof DiagnosticError)) throw error;
      diagnostics.push(error.diagnostic);
    }
  }
  if (diagnostics.length > 0) throw new BindError(diagnostics, program.sources);
  return data;
}

/**
 * Saves what a run asked for, each file whole or not at all; gives the files. Throws a RunError at the first that cannot be
 * saved; those before it are.
 */
export function saveAll(result: ModuleRunResult, access: FileAccess): string[] {
  try {
    return result.saves.map(({ value, path: written }) => saveValue(value, written, access, undefined));
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    throw new RunError([error.diagnostic], new Map());
  }
}
