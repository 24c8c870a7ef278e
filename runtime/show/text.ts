/** Text for terminals: widths, harmless control characters, and places in a source text. */

/** Marks that sit on the character before them, and characters that take no room. */
const zeroWidth = /^[\p{Mn}\p{Me}\p{Cf}]$/u;

/** Characters that take two columns: East Asian wide and full-width forms, and emoji shown as pictures. */
const wide =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303F\uFF01-\uFF60\uFFE0-\uFFE6]$/u;

/** The number of terminal columns a text takes. Colours must not be in it yet. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    // The test by code first: nearly all text is ASCII, and the expressions are slow.
    width += code < 0x300 ? 1 : zeroWidth.test(character) ? 0 : wide.test(character) ? 2 : 1;
  }
  return width;
}

export function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - displayWidth(text)));
}

export function padStart(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - displayWidth(text))) + text;
}

/**
 * Replaces control characters by their pictures, so that a text from a file cannot move the cursor,
 * change colours or set the window's title. Line breaks stay where `lines` says so.
 */
export function harmless(text: string, lines: "keep-lines" | "one-line" = "one-line"): string {
  // Marks that reorder what is on the screen would let a line read otherwise than it runs.
  return text.replace(/\p{Bidi_Control}/gu, "\uFFFD").replace(/\p{Cc}/gu, (character) => {
    const code = character.charCodeAt(0);
    if (character === "\n" && lines === "keep-lines") return character;
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "\u2421" : "\uFFFD";
  });
}

/** A place as people and editors count it: both from 1, the column in UTF-16 units. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** The lines of a text and where each starts. */
export class Lines {
  readonly #text: string;
  readonly #starts: readonly number[];

  constructor(text: string) {
    this.#text = text;
    const starts = [0];
    for (let i = text.indexOf("\n"); i >= 0; i = text.indexOf("\n", i + 1)) starts.push(i + 1);
    this.#starts = starts;
  }

  get count(): number {
    return this.#starts.length;
  }

  /** The place of an offset; offsets outside the text are moved to its ends. */
  place(offset: number): Place {
    const at = Math.max(0, Math.min(offset, this.#text.length));
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle]! <= at) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: at - this.#starts[low]! + 1 };
  }

  /** A line without its line break. */
  line(number: number): string {
    const start = this.#starts[number - 1] ?? this.#text.length;
    const end = number < this.#starts.length ? this.#starts[number]! - 1 : this.#text.length;
    return this.#text.slice(start, end).replace(/\r$/, "");
  }
}

/** Breaks a text into lines of at most `width` columns, between words. Existing line breaks stay. */
export function wrap(text: string, width: number): string[] {
  return text.split("\n").flatMap((paragraph) => {
    const indent = /^\s*/.exec(paragraph)![0];
    const lines: string[] = [];
    let line = "";
    for (const word of paragraph.slice(indent.length).split(" ")) {
      if (line !== "" && displayWidth(indent) + displayWidth(line) + 1 + displayWidth(word) > width) {
        lines.push(indent + line);
        line = word;
      } else line = line === "" ? word : `${line} ${word}`;
    }
    lines.push(indent + line);
    return lines;
  });
}

/** `1 row`, `2 rows`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
