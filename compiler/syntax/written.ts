/**
 * What the formatter wants to know about the text as it was written: where the user broke lines, and the comments.
 * Comments are handed out in the order of the text, each once.
 */
import { concat, type Doc, hardline } from "./layout.ts";
import type { Comment } from "./tree.ts";

export class Written {
  readonly #text: string;
  readonly #comments: readonly Comment[];
  #next = 0;

  constructor(text: string, comments: readonly Comment[]) {
    this.#text = text;
    this.#comments = comments;
  }

  /** Whether the user broke the line between two offsets, before the first comment there. */
  broken(from: number, to: number): boolean {
    const end = Math.min(to, this.#comments[this.#firstComment(from)]?.span.start ?? to);
    for (let at = from; at < end; at++) {
      if (this.#text[at] === "\n" || this.#text[at] === "\r") return true;
    }
    return false;
  }

  /** Whether the user left a blank line between two offsets. */
  blankBetween(from: number, to: number): boolean {
    return /(?:\n|\r\n?)[ \t]*(?:\n|\r\n?)/.test(this.#text.slice(from, to));
  }

  /** Where the last of these signs before an offset stands. */
  before(sign: string, offset: number): number {
    return Math.max(0, this.#text.lastIndexOf(sign, offset - 1));
  }

  /** The comments before an offset that nobody took yet. */
  takeBefore(offset: number): Comment[] {
    const taken: Comment[] = [];
    for (;;) {
      const comment = this.#comments[this.#next];
      if (comment === undefined || comment.span.start >= offset) return taken;
      taken.push(comment);
      this.#next++;
    }
  }

  hasBefore(offset: number): boolean {
    const comment = this.#comments[this.#next];
    return comment !== undefined && comment.span.start < offset;
  }

  /** Comments before a part of an expression, on the same line as far as they allow it. */
  inline(offset: number): Doc | undefined {
    if (!this.hasBefore(offset)) return undefined;
    const parts = this.takeBefore(offset).map((comment) =>
      comment.kind === "block" ? concat(comment.text, " ") : concat(comment.text.trimEnd(), hardline),
    );
    return concat(...parts);
  }

  /** The same where no line may end: line comments become block comments. */
  inlineOnly(offset: number): Doc {
    return concat(...this.takeBefore(offset).map((comment) => `${asBlock(comment.text)} `));
  }

  /** A comment that follows on the line where a statement ended at `end`, with the space before it. */
  trailing(end: number): { readonly text: string; readonly end: number } | undefined {
    let text = "";
    let at = end;
    for (;;) {
      const comment = this.#comments[this.#next];
      if (comment === undefined || comment.span.start < at) break;
      const between = this.#text.slice(at, comment.span.start);
      if (!/^[ \t;]*$/.test(between)) break;
      // Comments that the user aligned stay aligned.
      const spaces = between.replace(";", "").replaceAll("\t", " ");
      text += (spaces === "" ? " " : spaces) + comment.text.trimEnd();
      at = comment.span.end;
      this.#next++;
      if (comment.kind !== "block") break;
    }
    return text === "" ? undefined : { text, end: at };
  }

  /** The offset of the sign that follows `from`, comments passed over; `from` if there is none. */
  after(sign: string, from: number): number {
    let at = from;
    for (let index = this.#firstComment(from); index < this.#comments.length; index++) {
      const comment = this.#comments[index] as Comment;
      const found = this.#text.slice(at, comment.span.start).indexOf(sign);
      if (found >= 0) return at + found;
      at = comment.span.end;
    }
    const found = this.#text.indexOf(sign, at);
    return found < 0 ? from : found;
  }

  /** The index of the first comment that starts at an offset or after it. */
  #firstComment(offset: number): number {
    let [low, high] = [0, this.#comments.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#comments[middle] as Comment).span.start < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  get length(): number {
    return this.#text.length;
  }
}

/** A comment in a form that something may follow on its line. */
export function asBlock(text: string): string {
  if (!text.startsWith("//")) return text;
  return `/* ${text.replace(/^\/+/, "").replaceAll("*/", "* /").trim()} */`;
}
