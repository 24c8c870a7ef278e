/**
 * Diagnostics as people read them:
 *
 *     error K0304 at ridge.opt:5:48
 *     diabetes.csv has no column "progresion".
 *
 *       5 | data target: real[n] from "diabetes.csv" column "progresion"
 *         |                                                 ^^^^^^^^^^^^
 *
 *     help: Did you mean "progression"?
 */
import type { Diagnostic } from "../../compiler/syntax/diagnostic.ts";
import type { Span } from "../../compiler/syntax/tree.ts";
import { type Palette, palette } from "./colors.ts";
import { displayWidth, harmless, Lines, wrap } from "./text.ts";

export interface DiagnosticStyle {
  readonly color: boolean;
  /** Columns messages are wrapped to; source lines longer than this are cut around the mark. */
  readonly width?: number;
}

const defaultWidth = 100;
const tabWidth = 4;
/** A longer span shows its first lines and its last. */
const mostLines = 6;

/** Renders one diagnostic; no line break at the end. */
export function renderDiagnostic(d: Diagnostic, sources: ReadonlyMap<string, string>, style: DiagnosticStyle): string {
  const paint = palette(style.color);
  const width = style.width ?? defaultWidth;
  const accent = d.severity === "error" ? paint.bad : paint.warn;
  const where = d.span ? ` at ${placeOf(d.span, sources)}` : "";
  const parts = [
    [
      accent(paint.strong(`${d.severity} ${d.code}`)) + paint.strong(where),
      ...wrap(harmless(d.message, "keep-lines"), width),
    ],
  ];
  if (d.span) parts.push(excerpt(d.span, sources, accent, paint, width));
  for (const note of d.notes) {
    const at = note.span ? ` (${placeOf(note.span, sources)})` : "";
    parts.push(labelled("note", `${harmless(note.message, "keep-lines")}${at}`, paint, width));
    if (note.span) parts.push(excerpt(note.span, sources, paint.name, paint, width));
  }
  if (d.help !== undefined) parts.push(labelled("help", harmless(d.help, "keep-lines"), paint, width));
  return parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}

/** Renders several, a blank line and a rule of nothing but space between them. */
export function renderDiagnostics(
  all: readonly Diagnostic[],
  sources: ReadonlyMap<string, string>,
  style: DiagnosticStyle,
): string {
  return all.map((d) => renderDiagnostic(d, sources, style)).join("\n\n\n");
}

/** `file:line:column`, or the file alone when its text is not at hand. */
export function placeOf(span: Span, sources: ReadonlyMap<string, string>): string {
  const text = sources.get(span.file);
  if (text === undefined) return span.file;
  const { line, column } = new Lines(text).place(start(span, text));
  return `${span.file}:${line}:${column}`;
}

function labelled(label: string, message: string, paint: Palette, width: number): string[] {
  const [first = "", ...rest] = wrap(message, width - label.length - 2);
  return [`${paint.name(label)}: ${first}`, ...rest.map((line) => " ".repeat(label.length + 2) + line)];
}

/** A span at the end of the file is shown behind the last thing in it, not on an empty line below. */
function start(span: Span, text: string): number {
  const at = Math.max(0, Math.min(span.start, text.length));
  return text.slice(at).trim() === "" ? Math.min(at, text.trimEnd().length) : at;
}

/** The span's lines with their numbers, and the marks below them or, for several lines, beside them. */
function excerpt(
  span: Span,
  sources: ReadonlyMap<string, string>,
  accent: (text: string) => string,
  paint: Palette,
  width: number,
): string[] {
  const text = sources.get(span.file);
  if (text === undefined) return [];
  const lines = new Lines(text);
  const from = start(span, text);
  // Blanks at the end of a span are nobody's mistake, and would make it one line longer.
  const to = from + text.slice(from, Math.max(from, span.end)).trimEnd().length;
  const first = lines.place(from);
  const last = lines.place(to);
  const gutter = Math.max(3, String(last.line).length + 2);
  const numbered = (line: number, mark: string, shown: string) =>
    `${paint.faint(`${String(line).padStart(gutter)} `)}${mark}${shown === "" ? "" : ` ${shown}`}`;

  if (first.line === last.line) {
    const shown = clip(lines.line(first.line), first.column - 1, last.column - 1, width - gutter - 3);
    const marks = " ".repeat(shown.before) + accent("^".repeat(Math.max(1, shown.marked)));
    return [
      numbered(first.line, paint.faint("|"), shown.text),
      `${" ".repeat(gutter + 1)}${paint.faint("|")} ${marks}`,
    ];
  }
  const all: string[] = [];
  for (let line = first.line; line <= last.line; line++) {
    if (last.line - first.line >= mostLines && line === first.line + mostLines - 2) {
      all.push(`${" ".repeat(gutter + 1)}${accent(">")} ...`);
      line = last.line;
    }
    all.push(numbered(line, accent(">"), clip(lines.line(line), 0, 0, width - gutter - 3).text));
  }
  return all;
}

interface Clipped {
  readonly text: string;
  /** Columns before the mark, and of the mark. */
  readonly before: number;
  readonly marked: number;
}

/** A source line as it is printed: tabs as blanks, no control characters, cut around the mark when long. */
function clip(line: string, from: number, to: number, width: number): Clipped {
  const before = expand(line.slice(0, from), 0);
  const marked = expand(line.slice(from, to), before.length);
  const after = expand(line.slice(to), before.length + marked.length);
  const room = Math.max(20, width);
  if (displayWidth(before + marked + after) <= room)
    return { text: (before + marked + after).trimEnd(), before: displayWidth(before), marked: displayWidth(marked) };

  const mark = takeStart(marked, Math.floor(room / 2));
  const left = takeEnd(before, Math.floor((room - displayWidth(mark)) / 2) - 3);
  const lead = left === before ? left : `...${left}`;
  const right = mark === marked ? takeStart(after, room - displayWidth(lead + mark) - 3) : "";
  const tail = mark === marked && right === after ? right : `${right}...`;
  return { text: lead + mark + tail, before: displayWidth(lead), marked: displayWidth(mark) };
}

function expand(text: string, column: number): string {
  let out = "";
  for (const character of text)
    out += character === "\t" ? " ".repeat(tabWidth - ((column + out.length) % tabWidth)) : character;
  return harmless(out);
}

function takeStart(text: string, width: number): string {
  let out = "";
  let used = 0;
  for (const character of text) {
    used += displayWidth(character);
    if (used > width) break;
    out += character;
  }
  return out;
}

function takeEnd(text: string, width: number): string {
  const characters = [...text];
  let used = 0;
  let i = characters.length;
  while (i > 0 && used + displayWidth(characters[i - 1]!) <= width) used += displayWidth(characters[--i]!);
  return characters.slice(i).join("");
}
