/** Plots as text: lines and points in braille, eight dots a character; heat maps in shades. */
import type { PlotSpecification } from "../../compiler/program.ts";
import { type Palette, palette, seriesPaint } from "./colors.ts";
import { formatNumber } from "./numbers.ts";
import { drawable, extent } from "./plot-data.ts";
import { displayWidth, harmless, padStart } from "./text.ts";

export interface PlotStyle {
  readonly color: boolean;
  readonly width?: number;
}

/** Odd, so that the label in the middle stands exactly there. */
const rows = 13;
const widestPlot = 72;
const labelDigits = 4;
/** Where colours cannot tell lines apart, marks do. */
const marks = ["*", "+", "o", "x", "#", "@"];
const shades = [" ", "░", "▒", "▓", "█"];

export function renderPlot(plot: PlotSpecification, style: PlotStyle): string {
  const paint = palette(style.color);
  const width = style.width ?? 80;
  const title = paint.strong(harmless(plot.title ?? plot.expression.replace(/\s+/g, " ")));
  const body = plot.mark === "heat" ? heat(plot, width, paint) : points(plot, width, style.color, paint);
  return [title, ...body].join("\n");
}

function points(plot: PlotSpecification, width: number, color: boolean, paint: Palette): string[] {
  const { series, leftOut } = drawable(plot);
  const scale = plot.logarithmic ? Math.log10 : (y: number) => y;
  const xs = extent(series.map((s) => s.x));
  const ys = extent(series.map((s) => s.y.map(scale)));
  if (xs === undefined || ys === undefined) return [`  nothing to draw${leftOut ? `: ${leftOut}` : ""}`];
  const back = (y: number) => formatNumber(plot.logarithmic ? 10 ** y : y, labelDigits);
  const labels = [back(ys[1]), back((ys[0] + ys[1]) / 2), back(ys[0])];
  const gutter = Math.max(...labels.map(displayWidth)) + 1;
  const columns = Math.max(10, Math.min(widestPlot, width - gutter - 2));

  const canvas = new Canvas(columns, rows, series.length > 1 && !color ? "marks" : "braille");
  for (const [index, s] of series.entries()) {
    const place = (i: number) => ({
      x: (s.x[i]! - xs[0]) / (xs[1] - xs[0]),
      y: (scale(s.y[i]!) - ys[0]) / (ys[1] - ys[0]),
    });
    for (let i = 0; i < s.x.length; i++) {
      if (plot.mark === "line" && i > 0) canvas.line(place(i - 1), place(i), index);
      else canvas.dot(place(i), index);
    }
  }
  const labelRows = new Map([
    [0, labels[0]!],
    [Math.floor((rows - 1) / 2), labels[1]!],
    [rows - 1, labels[2]!],
  ]);
  const lines = canvas
    .lines((index, text) => seriesPaint(index, color)(text))
    .map((line, row) => {
      const label = labelRows.get(row);
      return `${padStart(label ?? "", gutter)} ${label === undefined ? "│" : "┤"}${line}`.trimEnd();
    });
  const [from, to] = [formatNumber(xs[0], labelDigits), formatNumber(xs[1], labelDigits)];
  const axis = `${" ".repeat(gutter + 1)}└${"─".repeat(columns)}`;
  const between = " ".repeat(Math.max(1, columns - displayWidth(from) - displayWidth(to)));
  const out = [...lines, axis, `${" ".repeat(gutter + 2)}${from}${between}${to}`];
  if (series.length > 1) out.push(legend(series, gutter, color));
  const notes = [...(plot.logarithmic ? ["logarithmic"] : []), ...(leftOut ? [leftOut] : [])];
  if (notes.length > 0) out.push(paint.faint(`${" ".repeat(gutter + 2)}${notes.join("; ")}`));
  return out;
}

function legend(series: readonly { readonly label: string }[], gutter: number, color: boolean): string {
  const entries = series.map((s, i) => {
    const mark = color ? "━" : marks[i % marks.length]!;
    return `${seriesPaint(i, color)(mark)} ${harmless(s.label)}`;
  });
  return `${" ".repeat(gutter + 2)}${entries.join("   ")}`;
}

/** A place on the canvas: both between 0 and 1, the origin at the lower left. */
interface Point {
  readonly x: number;
  readonly y: number;
}

/** The bits of a braille character, by column and row of the dot. https://www.unicode.org/charts/PDF/U2800.pdf */
const dotBits = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
];

class Canvas {
  readonly #columns: number;
  readonly #rows: number;
  /** Dots in a character: 2 by 4 in braille, one for marks. */
  readonly #across: number;
  readonly #down: number;
  readonly #bits: Uint8Array;
  /** The series drawn last in each character, or -1. */
  readonly #owner: Int8Array;

  constructor(columns: number, rowCount: number, kind: "braille" | "marks") {
    this.#columns = columns;
    this.#rows = rowCount;
    this.#across = kind === "braille" ? 2 : 1;
    this.#down = kind === "braille" ? 4 : 1;
    this.#bits = new Uint8Array(columns * rowCount);
    this.#owner = new Int8Array(columns * rowCount).fill(-1);
  }

  dot(at: Point, series: number): void {
    this.#set(...this.#pixel(at), series);
  }

  line(from: Point, to: Point, series: number): void {
    const [x0, y0] = this.#pixel(from);
    const [x1, y1] = this.#pixel(to);
    const steps = Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0), 1);
    for (let i = 0; i <= steps; i++)
      this.#set(Math.round(x0 + ((x1 - x0) * i) / steps), Math.round(y0 + ((y1 - y0) * i) / steps), series);
  }

  lines(paint: (series: number, text: string) => string): string[] {
    return Array.from({ length: this.#rows }, (_, row) => {
      let line = "";
      for (let column = 0; column < this.#columns; column++) {
        const cell = row * this.#columns + column;
        const owner = this.#owner[cell]!;
        if (owner < 0) line += " ";
        else if (this.#across === 1) line += marks[owner % marks.length]!;
        else line += paint(owner, String.fromCharCode(0x2800 + this.#bits[cell]!));
      }
      return line;
    });
  }

  #pixel(at: Point): [number, number] {
    const clamp = (value: number, most: number) => Math.max(0, Math.min(most, Math.round(value * most)));
    const height = this.#rows * this.#down - 1;
    return [clamp(at.x, this.#columns * this.#across - 1), height - clamp(at.y, height)];
  }

  #set(x: number, y: number, series: number): void {
    const cell = Math.floor(y / this.#down) * this.#columns + Math.floor(x / this.#across);
    this.#bits[cell]! |= dotBits[x % this.#across]![y % this.#down]!;
    this.#owner[cell] = series;
  }
}

const mostHeatRows = 24;

function heat(plot: PlotSpecification, width: number, paint: Palette): string[] {
  const values = plot.series[0]?.values;
  if (values === undefined || values.data.length === 0) return ["  nothing to draw"];
  const height = values.shape.length < 2 ? 1 : values.shape[0]!;
  const across = values.data.length / height;
  const finite = Array.from(values.data).filter((v) => Number.isFinite(v) && (!plot.logarithmic || v > 0));
  const scale = plot.logarithmic ? Math.log10 : (v: number) => v;
  const range = extent([finite.map(scale)]);
  if (range === undefined) return ["  nothing to draw"];
  // A character is about twice as high as wide, so a cell is two of them while there is room.
  const room = Math.min(width - 4, 2 * widestPlot);
  const cellWidth = 2 * across <= room ? 2 : 1;
  const columns = Math.min(across, Math.floor(room / cellWidth));
  const lines = Array.from(
    { length: Math.min(height, mostHeatRows) },
    (_, r, shown = Math.min(height, mostHeatRows)) => {
      let line = "";
      for (let c = 0; c < columns; c++) {
        const mean = blockMean(values.data, across, [r, shown, height], [c, columns]);
        const level = mean === undefined ? Number.NaN : (scale(mean) - range[0]) / (range[1] - range[0]);
        const shade = Number.isNaN(level) ? "?" : shades[Math.max(0, Math.min(4, Math.floor(level * shades.length)))]!;
        line += shade.repeat(cellWidth);
      }
      return `  ${paint.plot(line)}`;
    },
  );
  const back = (v: number) => formatNumber(plot.logarithmic ? 10 ** v : v, labelDigits);
  return [
    ...lines,
    paint.faint(
      `  ${height} x ${across}   ${shades[0]}${shades.slice(1).join("")}   ${back(range[0])} to ${back(range[1])}`,
    ),
  ];
}

/** The mean of the entries that one character stands for. */
function blockMean(
  data: ArrayLike<number>,
  across: number,
  [row, rowsShown, height]: readonly [number, number, number],
  [column, columnsShown]: readonly [number, number],
): number | undefined {
  let sum = 0;
  let count = 0;
  const [r0, r1] = [Math.floor((row * height) / rowsShown), Math.floor(((row + 1) * height) / rowsShown)];
  const [c0, c1] = [Math.floor((column * across) / columnsShown), Math.floor(((column + 1) * across) / columnsShown)];
  for (let i = r0; i < r1; i++)
    for (let j = c0; j < c1; j++) {
      const value = data[i * across + j]!;
      if (!Number.isFinite(value)) continue;
      sum += value;
      count++;
    }
  return count === 0 ? undefined : sum / count;
}
