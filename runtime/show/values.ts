/**
 * Values as people read them: rounded to six significant digits, aligned, shortened when long, with
 * the shape said wherever something is left out. What programs read is `json.ts`.
 */
import { sizeOf } from "../../compiler/core/array.ts";
import { fatalStatuses, type StatusName, statusNames } from "../../compiler/core/status.ts";
import type { ArrayValue, ScalarType, ShownItem, TupleValue, Value } from "../../compiler/program.ts";
import { type Palette, palette } from "./colors.ts";
import { formatNumber } from "./numbers.ts";
import { displayWidth, harmless, padEnd } from "./text.ts";

export interface ValueStyle {
  readonly color: boolean;
  /** Columns of the terminal. */
  readonly width?: number;
}

const defaultWidth = 80;
/** A longer vector shows its first entries and its last. */
const longestVector = 60;
/** More rows than this are cut to the first and the last few. */
const mostRows = 14;
/** A vector or tuple longer than this does not stand on the line of its name. */
const longestInline = 60;
const indent = "  ";

/** Renders what one `show` statement shows: a line or a block for each expression. */
export function renderShown(items: readonly ShownItem[], style: ValueStyle): string {
  const paint = palette(style.color);
  const out: string[] = [];
  for (let i = 0; i < items.length; i++) {
    const item = items[i]!;
    if (item.kind === "caption") {
      out.push(paint.strong(harmless(item.text, "keep-lines")));
      continue;
    }
    // Expressions that follow each other are aligned, up to the next caption.
    const group: { name: string; value: Value }[] = [];
    for (; items[i]?.kind === "value"; i++) {
      const value = items[i] as Extract<ShownItem, { kind: "value" }>;
      group.push({ name: oneLine(value.expression), value: value.value });
    }
    i--;
    out.push(...entries(group, "", paint, style.width ?? defaultWidth));
  }
  return out.join("\n");
}

/** Renders one value without a name. */
export function renderValue(value: Value, style: ValueStyle): string {
  const paint = palette(style.color);
  const width = style.width ?? defaultWidth;
  return (inline(value, paint, longestInline) ?? block(value, width, paint).join("\n")) || "()";
}

/** The type of a value in the language's own words: `real[3, 4]`, `(x: real[2], t: int)`. */
export function typeName(value: Value): string {
  if (value.kind === "array") {
    const shape = userShape(value);
    return shape.length === 0 ? value.type : `${value.type}[${shape.join(", ")}]`;
  }
  return `(${value.items.map((item, i) => (value.names ? `${value.names[i]}: ` : "") + typeName(item)).join(", ")})`;
}

/** The shape a user sees: the two words of a key are no axis. */
export function userShape(value: ArrayValue): readonly number[] {
  return value.type === "key" ? value.array.shape.slice(0, -1) : value.array.shape;
}

/** Expressions may span lines where they were written. */
function oneLine(text: string): string {
  return harmless(text.replace(/\s+/g, " ").trim());
}

/** Names in one column, values in the next; what needs several lines goes below its name. */
function entries(
  items: readonly { name: string; value: Value }[],
  lead: string,
  paint: Palette,
  width: number,
): string[] {
  const inlined = items.map(({ value }) => inline(value, paint, Math.min(longestInline, width - 20)));
  const widths = items.filter((_, i) => inlined[i] !== undefined).map(({ name }) => displayWidth(name));
  // One very long name shall not push all others to the right.
  const column = Math.max(0, ...widths.filter((w) => w <= 40));
  return items.flatMap(({ name, value }, i) => {
    const text = inlined[i];
    const label = paint.name(padEnd(name, text === undefined ? 0 : column));
    if (text !== undefined) return [`${lead}${label}  ${text}`];
    const head = `${lead}${label}  ${paint.faint(value.kind === "array" ? typeName(value) : "")}`.trimEnd();
    return [head, ...block(value, width - lead.length - indent.length, paint).map((line) => lead + indent + line)];
  });
}

/** A value on one line, or undefined when it needs more. */
function inline(value: Value, paint: Palette, room: number): string | undefined {
  if (value.kind === "array") {
    const shape = userShape(value);
    if (shape.length === 0) return paintScalar(scalarText(value, 0), value.type, paint);
    if (shape.length > 1 || shape[0]! > longestVector) return undefined;
    const texts = Array.from({ length: shape[0]! }, (_, i) => scalarText(value, i));
    if (displayWidth(texts.join(", ")) + 2 > room) return undefined;
    return `[${texts.map((text) => paintScalar(text, value.type, paint)).join(", ")}]`;
  }
  const items: string[] = [];
  let used = 2;
  for (const [i, item] of value.items.entries()) {
    const plain = inline(item, palette(false), room - used);
    if (plain === undefined) return undefined;
    const name = value.names ? `${value.names[i]}: ` : "";
    used += displayWidth(name + plain) + 2;
    if (used > room) return undefined;
    items.push(name + inline(item, paint, room));
  }
  return `(${items.join(", ")})`;
}

/** A value on lines of its own. */
function block(value: Value, width: number, paint: Palette): string[] {
  if (value.kind === "tuple") return tupleBlock(value, width, paint);
  const shape = userShape(value);
  if (sizeOf(shape) === 0) return ["[]"];
  if (shape.length === 0) return [paintScalar(scalarText(value, 0), value.type, paint)];
  if (shape.length === 1) return vectorBlock(value, width, paint);
  return sliceBlock(value, shape, 0, [], width, paint);
}

function tupleBlock(value: TupleValue, width: number, paint: Palette): string[] {
  const names = value.names ?? value.items.map((_, i) => `${i}:`);
  return entries(
    value.items.map((item, i) => ({ name: names[i]!, value: item })),
    "",
    paint,
    width,
  );
}

/** Entries in columns, as many to a line as fit; the middle of a long vector is left out. */
function vectorBlock(value: ArrayValue, width: number, paint: Palette): string[] {
  const n = userShape(value)[0]!;
  const shown = n <= longestVector ? range(0, n) : [...range(0, longestVector / 2), undefined, ...range(n - 5, n)];
  const texts = shown.map((i) => (i === undefined ? "..." : scalarText(value, i)));
  const cells = aligned(texts);
  const column = displayWidth(cells[0] ?? "") + 2;
  const perLine = Math.max(1, Math.floor((width - 1) / column));
  const lines: string[] = [];
  for (let i = 0; i < cells.length; i += perLine) {
    const line = cells.slice(i, i + perLine).map((cell) => paintScalar(cell, value.type, paint));
    lines.push(line.join("  ").trimEnd());
  }
  return lines;
}

/** Matrices of the last two axes, each below its index. */
function sliceBlock(
  value: ArrayValue,
  shape: readonly number[],
  offset: number,
  index: readonly number[],
  width: number,
  paint: Palette,
): string[] {
  if (index.length === shape.length - 2) {
    const lines = matrixBlock(value, offset, shape.at(-2)!, shape.at(-1)!, width, paint);
    return index.length === 0 ? lines : [paint.faint(`[${index.join(", ")}, :, :]`), ...lines.map((l) => indent + l)];
  }
  const n = shape[index.length]!;
  const stride = sizeOf(shape.slice(index.length + 1));
  const shown = n <= 4 ? range(0, n) : range(0, 2);
  const lines = shown.flatMap((i) => sliceBlock(value, shape, offset + i * stride, [...index, i], width, paint));
  return shown.length === n ? lines : [...lines, paint.faint(`... ${n - shown.length} more`)];
}

/** A matrix with its columns aligned at the decimal point; rows and columns in the middle may be left out. */
function matrixBlock(
  value: ArrayValue,
  offset: number,
  rows: number,
  columns: number,
  width: number,
  paint: Palette,
): string[] {
  const shownRows = rows <= mostRows ? range(0, rows) : [...range(0, 8), undefined, ...range(rows - 3, rows)];
  const column = (j: number) =>
    aligned(shownRows.map((i) => (i === undefined ? "..." : scalarText(value, offset + i * columns + j))));
  // Columns from the left while they fit, the last one kept: only as many as fit are ever formatted.
  const left: string[][] = [];
  const last = column(columns - 1);
  let used = displayWidth(last[0]!) + 5;
  for (let j = 0; j < columns - 1; j++) {
    const cells = column(j);
    used += displayWidth(cells[0]!) + 2;
    if (used > width) break;
    left.push(cells);
  }
  const complete = left.length === columns - 1;
  return shownRows.map((_, r) => {
    const cells = [...left.map((cells) => cells[r]!), ...(complete ? [] : ["..."]), last[r]!];
    return cells
      .map((cell) => (cell === "..." ? cell : paintScalar(cell, value.type, paint)))
      .join("  ")
      .trimEnd();
  });
}

/** Pads texts to one width, numbers with their decimal points below each other. */
function aligned(texts: readonly string[]): string[] {
  const parts = texts.map((text) => {
    const numeric = /^-?\d/.test(text);
    const split = numeric ? text.search(/[.e]|$/) : text.length;
    return { whole: text.slice(0, split), rest: text.slice(split), numeric };
  });
  const wholes = Math.max(...parts.filter((p) => p.numeric).map((p) => displayWidth(p.whole)), 0);
  const rests = Math.max(...parts.filter((p) => p.numeric).map((p) => displayWidth(p.rest)), 0);
  const width = Math.max(wholes + rests, ...parts.map((p) => displayWidth(p.whole + p.rest)));
  return parts.map((p) => {
    const text = p.numeric ? " ".repeat(wholes - displayWidth(p.whole)) + padEnd(p.whole + p.rest, 0) : p.whole;
    const padded = p.numeric ? text + " ".repeat(rests - displayWidth(p.rest)) : text;
    return " ".repeat(Math.max(0, width - displayWidth(padded))) + padded;
  });
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** One entry of an array, by its index in row-major order. */
function scalarText(value: ArrayValue, index: number): string {
  const { data } = value.array;
  switch (value.type) {
    case "key":
      return `key(${hex(data[2 * index]!)} ${hex(data[2 * index + 1]!)})`;
    case "bool":
      return data[index] ? "true" : "false";
    case "status":
      return statusName(data[index]!);
    case "int":
    case "real":
      return formatNumber(data[index]!);
  }
  return value.type satisfies never;
}

/** The name of a status by its code. */
export function statusName(code: number): string {
  return statusNames[code] ?? `status ${code}`;
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}

function paintScalar(text: string, type: ScalarType, paint: Palette): string {
  if (type === "status") {
    const name = text.trim() as StatusName;
    if (name === "converged") return paint.good(text);
    return fatalStatuses.includes(name) ? paint.bad(text) : paint.warn(text);
  }
  if (type === "key") return paint.faint(text);
  return type === "real" && /nan|inf/.test(text) ? paint.bad(text) : text;
}
