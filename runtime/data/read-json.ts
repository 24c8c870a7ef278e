/**
 * JSON: nested arrays of numbers, an object of arrays (`array "w"`, or columns), or a list of objects
 * (columns). Infinities are the strings "Infinity" and "-Infinity", as `--json` and `save` write them.
 */
import { chooseColumns } from "./columns.ts";
import {
  badFile,
  badName,
  codes,
  type DataReader,
  type DataSource,
  entryPlace,
  type RawArray,
  refuseLarge,
} from "./format.ts";
import { listed, suggestion } from "./names.ts";

export const jsonReader: DataReader = {
  extensions: [".json"],
  read(source) {
    const document = parse(source);
    const { selection } = source.declaration;
    if (selection?.kind === "array")
      return flatten(source, member(source, document, selection.names[0]!), selection.names[0]!.value);
    if (selection !== undefined || isRecords(document)) return readTable(source, document);
    return flatten(source, only(source, document), "");
  },
};

type JsonObject = { readonly [name: string]: unknown };

/** Deeper than any array that makes sense. */
const mostAxes = 32;

function parse(source: DataSource): unknown {
  refuseManyValues(source);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(source.bytes));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return badFile(source, codes.damaged, `this is not JSON: ${reason}.`, {
      help: "JSON holds nested lists of numbers, or an object with a list for each column.",
    });
  }
}

/** Parsed, a value takes eight bytes at least, and two with its comma in the file: counted first where that may be too much. */
function refuseManyValues(source: DataSource): void {
  const { bytes, mostBytes } = source;
  if (mostBytes !== undefined && 4 * bytes.length > mostBytes) refuseLarge(source, 8 * countValues(bytes));
}

/** How many values there are in JSON that are neither lists nor objects; fewer or more in what is not JSON. */
function countValues(bytes: Uint8Array): number {
  const [space, quote, comma, backslash] = [0x20, 0x22, 0x2c, 0x5c];
  // A comma makes one item more; a list or object that is not empty has one more than commas, and is itself an item.
  let count = 1;
  let isInString = false;
  let hasOpened = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (isInString) {
      if (byte === backslash) i += 1;
      else if (byte === quote) isInString = false;
      continue;
    }
    if (byte <= space) continue;
    const closes = byte === 0x5d || byte === 0x7d;
    if (hasOpened && !closes) count += 1;
    hasOpened = byte === 0x5b || byte === 0x7b;
    if (hasOpened) count -= 1;
    else if (byte === comma) count += 1;
    else if (byte === quote) isInString = true;
  }
  return count;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isRecords(value: unknown): value is readonly JsonObject[] {
  return Array.isArray(value) && value.length > 0 && value.every(isObject);
}

/** The lone array of a file: itself, or the only member of an object. */
function only(source: DataSource, document: unknown): unknown {
  if (!isObject(document)) return document;
  const names = Object.keys(document);
  if (names.length === 1) return document[names[0]!];
  return badFile(source, codes.selection, `it is an object with ${names.length} members.`, {
    help: names.length === 0 ? "It should hold numbers." : `Choose one with \`array "..."\`: ${listed(names)}.`,
  });
}

/** A member by its name; `a.b` is b inside a, as `save` names nested tuples. */
function member(source: DataSource, document: unknown, name: { readonly value: string }): unknown {
  const { names: written } = source.declaration.selection!;
  const names = isObject(document) ? Object.keys(document) : [];
  let value: unknown = document;
  for (const part of names.includes(name.value) ? [name.value] : name.value.split(".")) {
    if (!isObject(value) || !Object.hasOwn(value, part))
      return badName(
        source,
        written[0]!,
        codes.unknownColumn,
        `has no member ${JSON.stringify(name.value)}.`,
        suggestion(name.value, names, "member"),
      );
    value = value[part];
  }
  return value;
}

/** Columns from `{"a": [1, 2], "b": [3, 4]}` or `[{"a": 1, "b": 3}, {"a": 2, "b": 4}]`. */
function readTable(source: DataSource, document: unknown): RawArray {
  const header = isRecords(document)
    ? Object.keys(document[0]!)
    : isObject(document)
      ? Object.keys(document)
      : undefined;
  if (header === undefined)
    return badFile(
      source,
      codes.selection,
      "it has no columns: it is neither an object of arrays nor a list of objects.",
    );
  const { positions, names, rank } = chooseColumns(source, header);
  const columns = positions.map((position) => column(source, document, header[position]!));
  const rows = columns[0]!.length;
  for (const [i, values] of columns.entries())
    if (values.length !== rows)
      badFile(
        source,
        codes.ragged,
        `column ${JSON.stringify(names[i])} has ${values.length} values, but ${JSON.stringify(names[0])} has ${rows}.`,
      );
  if (rows === 0) badFile(source, codes.empty, "its columns are empty.");
  const values = new Float64Array(rows * columns.length);
  const where = (index: number) =>
    `row ${Math.floor(index / columns.length) + 1}, column ${JSON.stringify(names[index % columns.length])}`;
  for (let i = 0; i < values.length; i++)
    values[i] = toNumber(source, columns[i % columns.length]![Math.floor(i / columns.length)], where(i));
  return { shape: rank === 1 ? [rows] : [rows, columns.length], values, where };
}

function column(source: DataSource, document: unknown, name: string): readonly unknown[] {
  if (isRecords(document)) return document.map((record) => record[name]);
  const values = (document as JsonObject)[name];
  return Array.isArray(values) ? values : badFile(source, codes.notANumber, `${JSON.stringify(name)} is not a list.`);
}

/** Nested lists of one shape as one array. */
function flatten(source: DataSource, value: unknown, path: string): RawArray {
  const shape: number[] = [];
  for (let at = value; Array.isArray(at); at = at[0]) {
    if (shape.length === mostAxes) badFile(source, codes.tooLarge, `its lists are more than ${mostAxes} deep.`);
    shape.push(at.length);
  }
  const values: number[] = [];
  const place = (indices: readonly number[]) => `${path}${indices.map((i) => `[${i}]`).join("")}` || "the file";
  const indices: number[] = []; // of the item being visited; one list for all, since there may be millions
  const visit = (item: unknown) => {
    const depth = indices.length;
    if (depth < shape.length !== Array.isArray(item))
      badFile(
        source,
        codes.ragged,
        `${place(indices)} is ${describe(item)}, but ${place(firstOf(depth))} is ${depth < shape.length ? "a list" : "no list"}.`,
      );
    if (!Array.isArray(item)) {
      values.push(typeof item === "number" && Number.isFinite(item) ? item : toNumber(source, item, place(indices)));
      return;
    }
    if (item.length !== shape[depth])
      badFile(
        source,
        codes.ragged,
        `${place(indices)} has ${item.length} ${item.length === 1 ? "entry" : "entries"}, but ${place(firstOf(depth))} has ${shape[depth]}.`,
      );
    for (let i = 0; i < item.length; i++) {
      indices.push(i);
      visit(item[i]);
      indices.pop();
    }
  };
  visit(value);
  return { shape, values, where: (index) => entryPlace(shape, index) };
}

/** The indices of the first item at a depth: the one that set the shape. */
function firstOf(depth: number): number[] {
  return new Array<number>(depth).fill(0);
}

function describe(item: unknown): string {
  if (item === null) return "null";
  if (Array.isArray(item)) return "a list";
  return typeof item === "object" ? "an object" : JSON.stringify(item).slice(0, 40);
}

function toNumber(source: DataSource, item: unknown, place: string): number {
  if (typeof item === "boolean") return item ? 1 : 0;
  if (item === "Infinity") return Infinity;
  if (item === "-Infinity") return -Infinity;
  if (item === null || item === undefined || item === "NaN" || item === "")
    return badFile(source, codes.missingValue, `${place} has no value.`, { help: "Fill it in, or remove the row." });
  if (typeof item !== "number")
    return badFile(source, codes.notANumber, `${place} is ${describe(item)}, not a number.`);
  // JSON has no infinities, so this is a number such as 1e999.
  return Number.isFinite(item) ? item : badFile(source, codes.notANumber, `${place} is too large for a number.`);
}
