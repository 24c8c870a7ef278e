/** Reads the file of a `data` declaration. A new format is one file and one line in the list. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import type { NdArray } from "../../compiler/core/array.ts";
import type { DataDeclaration } from "../../compiler/program.ts";
import { fail } from "../../compiler/syntax/diagnostic.ts";
import { type FileAccess, resolveFor } from "./access.ts";
import { convert } from "./convert.ts";
import { codes, type DataReader, refuseLarge } from "./format.ts";
import { listed, nearest } from "./names.ts";
import { csvReader } from "./read-csv.ts";
import { jsonReader } from "./read-json.ts";
import { npyReader } from "./read-npy.ts";
import { npzReader } from "./read-npz.ts";

const readers: readonly DataReader[] = [csvReader, npyReader, npzReader, jsonReader];

/** Node reads no larger file at once. */
const largestFile = 2 ** 31 - 1;

/** What of a declaration says which file is read. */
type FileOf = Pick<DataDeclaration, "name" | "span" | "path" | "pathSpan">;

interface FoundFile {
  /** As it was given. */
  readonly name: string;
  readonly file: string;
  readonly size: number;
  readonly reader: DataReader;
}

/**
 * Reads the array a declaration asks for. `override` is a file named by the caller in place of the
 * declared one; it may lie anywhere and is relative to the current folder.
 */
export function readData(declaration: DataDeclaration, override: string | undefined, access: FileAccess): NdArray {
  const { name, file, size, reader } = findDataFile(declaration, override, access);
  const { maxMemory: mostBytes, precision } = access;
  const about = { name, declaration, overridden: override !== undefined, mostBytes, precision };
  refuseLarge({ ...about, bytes: new Uint8Array() }, size);
  const bytes = reading(file, name, declaration, () => readFileSync(file));
  const source = { ...about, bytes };
  return convert(source, reader.read(source));
}

/** Finds the file that `readData` would read. Throws a DiagnosticError when there is none, or it cannot be read. */
export function findDataFile(declaration: FileOf, override: string | undefined, access: FileAccess): FoundFile {
  const span = declaration.pathSpan ?? declaration.span;
  const name = override ?? declaration.path;
  if (name === undefined)
    fail(codes.noFile, declaration.span, `No data were given for ${declaration.name}.`, {
      help: `Run with --data ${declaration.name}=FILE, or write \`from "..."\` after its type.`,
    });
  const reader = readerFor(name);
  if (reader === undefined)
    fail(
      codes.unknownExtension,
      span,
      `karush cannot read ${path.extname(name) || `${name}, which has no extension`}.`,
      {
        help: `It reads ${listed(readers.flatMap((r) => r.extensions)).replaceAll('"', "")}.`,
      },
    );
  const file = override === undefined ? resolveFor("read", name, access, span) : path.resolve(override);
  const stats = reading(file, name, declaration, () => statSync(file));
  if (stats.isDirectory()) fail(codes.unreadable, span, `${name} is a folder.`);
  // A pipe or a device may never end.
  if (!stats.isFile()) fail(codes.unreadable, span, `${name} is no ordinary file.`);
  if (stats.size > largestFile) fail(codes.tooLarge, span, `${name} is larger than 2 GiB.`);
  return { name, file, size: stats.size, reader };
}

/** The access that is left after an array was read: all data of a program share the memory there may be. */
export function accessAfter(access: FileAccess, read: NdArray): FileAccess {
  return access.maxMemory === undefined ? access : { ...access, maxMemory: access.maxMemory - read.data.byteLength };
}

function readerFor(name: string): DataReader | undefined {
  const extension = path.extname(name).toLowerCase();
  return readers.find((reader) => reader.extensions.includes(extension));
}

/** What `read` gives; what the file system says against it, as a DiagnosticError. */
function reading<T>(file: string, name: string, declaration: FileOf, read: () => T): T {
  const span = declaration.pathSpan ?? declaration.span;
  try {
    return read();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR")
      return fail(codes.missingFile, span, `There is no file ${name}.`, { help: missingHelp(file, name) });
    if (code === undefined) throw error;
    return fail(codes.unreadable, span, `${name} cannot be read (${code}).`);
  }
}

/** What there is instead: the nearest name, or the data files beside it. */
function missingHelp(file: string, name: string): string {
  const folder = path.dirname(file);
  let entries: string[];
  try {
    entries = readdirSync(folder);
  } catch {
    return `There is no folder ${folder} either.`;
  }
  const near = nearest(path.basename(file), entries);
  if (near !== undefined) return `Did you mean ${JSON.stringify(path.posix.join(path.dirname(name), near))}?`;
  const readable = entries.filter((entry) => readerFor(entry) !== undefined);
  return readable.length > 0
    ? `In ${folder} there are ${listed(readable, 6)}.`
    : `There are no data files in ${folder}.`;
}
