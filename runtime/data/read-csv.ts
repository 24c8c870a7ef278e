/** Comma-separated values with a header row. Read record by record, so that a file may be far larger than its text in memory. */
import { CsvError, parse } from "csv-parse/sync";
import { type ChosenColumns, chooseColumns } from "./columns.ts";
import { badFile, codes, type DataReader, type DataSource, type RawArray, refuseLarge } from "./format.ts";

export const csvReader: DataReader = { extensions: [".csv", ".tsv"], read };

/** A quote that is never closed would otherwise swallow the rest of the file. */
const longestRecord = 2 ** 24;

/** Spellings of a cell that says there is no value. */
const missing = /^(|na|n\/a|nan|null|none|nil|missing|\?|-|\.|#n\/a)$/i;
const infinity = /^([+-]?)inf(inity)?$/i;
/** `Number` also takes these, and whoever wrote them meant something else. */
const notDecimal = /^[+-]?0[xXbBoO]/;

function read(source: DataSource): RawArray {
  const bytes = withoutMark(source);
  const delimiter = findDelimiter(bytes);
  const table = new Table(source, delimiter, () => countLines(bytes));
  try {
    parse(bytes, {
      delimiter,
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
      max_record_size: longestRecord,
      on_record: (record: string[], context: { readonly lines: number }) => {
        table.add(record, context.lines);
        return null; // kept in the table, not in the list of records
      },
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = /at line (\d+)/.exec(error.message)?.[1];
    if (error.code === "CSV_QUOTE_NOT_CLOSED")
      badFile(
        source,
        codes.damaged,
        `a quote \`"\` that opens a cell is never closed${line ? `, up to line ${line}` : ""}.`,
        {
          help: 'Close it, or write it twice, `""`, inside a quoted cell.',
        },
      );
    badFile(source, codes.damaged, lowerFirst(error.message.replace(/\.?$/, ".")), {
      help: "Quotes stand around whole cells only; a quote inside a quoted cell is written twice.",
    });
  }
  return table.finish();
}

class Table {
  readonly #source: DataSource;
  readonly #delimiter: string;
  readonly #countLines: () => number;
  #header: readonly string[] | undefined;
  #chosen: ChosenColumns = { positions: [], names: [], rank: 2 };
  #values = new Float64Array(16);
  #used = 0;
  /** The line of each row, for messages: blank lines make it differ from the row's number. */
  readonly #lines: number[] = [];

  /** `countLines` gives about how many lines the file has, the header included. */
  constructor(source: DataSource, delimiter: string, countLines: () => number) {
    this.#source = source;
    this.#delimiter = delimiter;
    this.#countLines = countLines;
  }

  add(record: readonly string[], line: number): void {
    if (this.#header === undefined) {
      this.#header = checkedHeader(this.#source, record);
      this.#chosen = chooseColumns(this.#source, this.#header);
      return;
    }
    if (record.length !== this.#header.length)
      badFile(
        this.#source,
        codes.ragged,
        `line ${line} has ${counted(record.length, "cell")}, but the header names ${counted(this.#header.length, "column")}.`,
        { help: this.#helpForRagged(record) },
      );
    this.#lines.push(line);
    if (this.#used + this.#chosen.positions.length > this.#values.length) this.#grow();
    for (const position of this.#chosen.positions) {
      const cell = record[position]!;
      const value = numberOf(cell);
      if (value === undefined) this.#refuse(cell);
      this.#values[this.#used++] = value;
    }
  }

  #helpForRagged(record: readonly string[]): string {
    const header = this.#header as readonly string[];
    if (/^[#%]|^\/\//.test(header[0] ?? ""))
      return "The first line is a comment: delete it, so that the names of the columns come first.";
    if (record.length === header.length + 1 && record.at(-1) === "")
      return "Delete the separator at the end of the line.";
    return "Every line has a cell for each column: complete the line, or delete it.";
  }

  /** Makes room for more rows: as many as there seem to be, or twice as many as there were. */
  #grow(): void {
    const columns = this.#chosen.positions.length;
    const needed = this.#used + columns;
    const { mostBytes = Number.POSITIVE_INFINITY } = this.#source;
    const likely = columns * (this.#countLines() - 1);
    if (8 * needed > mostBytes) refuseLarge(this.#source, 8 * Math.max(needed, likely));
    const room = Math.max(needed, likely > this.#values.length ? likely : 2 * this.#values.length);
    const larger = new Float64Array(Math.max(needed, Math.min(room, Math.floor(mostBytes / 8))));
    larger.set(this.#values.subarray(0, this.#used));
    this.#values = larger;
  }

  finish(): RawArray {
    if (this.#header === undefined)
      badFile(this.#source, codes.empty, "the file is empty.", {
        help: "A table has a line with the names of its columns, then a line for each row.",
      });
    if (this.#lines.length === 0)
      badFile(this.#source, codes.empty, "there is a header but no row below it.", {
        help: "Add the rows, or name another file with `--data`.",
      });
    const rows = this.#lines.length;
    const columns = this.#chosen.positions.length;
    const isNumber = this.#source.declaration.shape.length === 0 && rows === 1 && columns === 1;
    return {
      shape: isNumber ? [] : this.#chosen.rank === 1 ? [rows] : [rows, columns],
      values: this.#values.subarray(0, this.#used),
      where: (index) => this.#place(index),
    };
  }

  #place(index: number): string {
    const columns = this.#chosen.positions.length;
    const row = Math.floor(index / columns);
    return `row ${row + 1} (line ${this.#lines[row]}), column ${JSON.stringify(this.#chosen.names[index % columns])}`;
  }

  /** Reports the cell that was to be added next. */
  #refuse(cell: string): never {
    const place = this.#place(this.#used);
    if (missing.test(cell))
      badFile(
        this.#source,
        codes.missingValue,
        `${place} has no value${cell === "" ? "" : ` (${JSON.stringify(cell)})`}.`,
        {
          help: "Fill it in, remove the row, or leave the column out with `columns except`.",
        },
      );
    badFile(this.#source, codes.notANumber, `${place} is not a number: ${JSON.stringify(shorten(cell))}.`, {
      help: helpForCell(cell, this.#delimiter, this.#header?.length ?? 0),
    });
  }
}

function helpForCell(cell: string, delimiter: string, columns: number): string {
  if (/^[+-]?\d+,\d+$/.test(cell) && delimiter !== ",") return "Write decimal points instead of decimal commas.";
  if (/^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/.test(cell)) return "Write the number without commas between its digits.";
  if (Math.abs(Number(cell)) === Number.POSITIVE_INFINITY)
    return "It is too large: a real ends near 1.8e308. Infinity is written `inf`.";
  if (columns === 1 && /^[-+.\deE]+(\s+[-+.\deE]+)+$/.test(cell))
    return "Columns are separated by commas, semicolons or tabs, not by spaces.";
  return "Leave the column out with `columns except`, or turn it into numbers.";
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** The number in a cell, or undefined when there is none. Never NaN. */
function numberOf(cell: string): number | undefined {
  if (cell === "") return undefined;
  const value = Number(cell);
  if (Number.isFinite(value)) return notDecimal.test(cell) ? undefined : value;
  const infinite = infinity.exec(cell);
  if (infinite) return infinite[1] === "-" ? -Infinity : Infinity;
  if (/^true$/i.test(cell)) return 1;
  return /^false$/i.test(cell) ? 0 : undefined; // 1e999 too: too large is not infinite
}

function checkedHeader(source: DataSource, record: readonly string[]): readonly string[] {
  if (record.every((cell) => cell !== "" && Number.isFinite(Number(cell))))
    badFile(source, codes.noHeader, "the first row holds numbers where the names of the columns should be.", {
      help: "Add a line with names, such as `x1,x2,y`, at the top of the file.",
    });
  return record;
}

/** Drops the mark some programs put at the start of UTF-8, and refuses other encodings. */
function withoutMark(source: DataSource): Buffer {
  const { bytes } = source;
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    badFile(source, codes.damaged, "the file is in UTF-16.", { help: "Save it as UTF-8." });
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? all.subarray(3) : all;
}

/** The delimiter that splits the header into most parts: a comma, a semicolon or a tab. */
function findDelimiter(bytes: Buffer): string {
  const start = bytes.toString("utf8", 0, Math.min(bytes.length, 2 ** 16));
  const header = (/\S.*/.exec(start)?.[0] ?? "").replace(/"[^"]*"/g, "");
  const count = (delimiter: string) => header.split(delimiter).length;
  return [",", ";", "\t"].reduce((best, next) => (count(next) > count(best) ? next : best));
}

/** Lines that are not empty; those inside quotes belong to a cell. */
function countLines(bytes: Uint8Array): number {
  const [lineFeed, carriageReturn, quote] = [0x0a, 0x0d, 0x22];
  let count = 0;
  let isEmpty = true;
  let isQuoted = false;
  for (const byte of bytes) {
    if (byte === quote) isQuoted = !isQuoted;
    if (isQuoted) continue;
    if (byte === lineFeed || byte === carriageReturn) isEmpty = true;
    else if (isEmpty) {
      count += 1;
      isEmpty = false;
    }
  }
  return count;
}

function shorten(cell: string): string {
  return cell.length <= 40 ? cell : `${cell.slice(0, 37)}...`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
