/**
 * Laying out text in lines of limited width.
 *
 * A `Doc` says where a line may break; `render` decides. Where the user broke a line it breaks again: so everything
 * that is broken here because it is too wide must be laid out the same way when it is read back as the user's break,
 * or formatting twice would differ from formatting once.
 */

export type Doc = string | Concat | Nest | Line | Group | Fill | List;

interface DocNode {
  /** Contains a line break that must be. */
  readonly hard: boolean;
}
interface Concat extends DocNode {
  readonly kind: "concat";
  readonly parts: readonly Doc[];
}
/** Lines inside are indented by `by` more. */
interface Nest extends DocNode {
  readonly kind: "nest";
  readonly by: number;
  readonly doc: Doc;
  /** Not if the document is the first thing on its line. */
  readonly unlessFirst: boolean;
}
/** A line break, or `flat` when the group around it fits on a line. */
interface Line extends DocNode {
  readonly kind: "line";
  readonly flat: string;
}
/** All lines of a group break, or none. */
interface Group extends DocNode {
  readonly kind: "group";
  readonly doc: Doc;
}
/** Items with spaces between them, some of which become line breaks. `breaks[i]`: a line must break before item i. */
interface Fill extends DocNode {
  readonly kind: "fill";
  readonly items: readonly Doc[];
  readonly breaks: readonly boolean[];
}
/** A bracketed list; the items hold their own commas. */
interface List extends DocNode {
  readonly kind: "list";
  readonly open: string;
  readonly close: string;
  readonly items: readonly Doc[];
  readonly breaks: readonly boolean[];
  /** A line must break after the opening bracket. */
  readonly broken: boolean;
  /** The last item ends in a block, whose lines are indented as if the list were not there. */
  readonly hugs: boolean;
}

function isHard(doc: Doc): boolean {
  return typeof doc !== "string" && doc.hard;
}

export const hardline: Doc = { kind: "line", flat: "", hard: true };
/** A space, or a line break. */
export const line: Doc = { kind: "line", flat: " ", hard: false };

export function concat(...parts: Doc[]): Doc {
  return { kind: "concat", parts, hard: parts.some(isHard) };
}
export function nest(by: number, doc: Doc): Doc {
  return { kind: "nest", by, doc, unlessFirst: false, hard: isHard(doc) };
}
export function nestUnlessFirst(by: number, doc: Doc): Doc {
  return { kind: "nest", by, doc, unlessFirst: true, hard: isHard(doc) };
}
export function group(doc: Doc): Doc {
  return { kind: "group", doc, hard: isHard(doc) };
}
export function fill(items: readonly Doc[], breaks: readonly boolean[]): Doc {
  return { kind: "fill", items, breaks, hard: items.some(isHard) || breaks.some(Boolean) };
}
export function list(
  open: string,
  items: readonly Doc[],
  close: string,
  how: { readonly breaks: readonly boolean[]; readonly broken: boolean; readonly hugs: boolean },
): Doc {
  if (items.length === 0) return open + close;
  return {
    kind: "list",
    open,
    close,
    items,
    ...how,
    hard: how.broken || items.some(isHard) || how.breaks.some(Boolean),
  };
}

/** The width up to the first line break, if there is one. */
interface Width {
  readonly width: number;
  readonly ended: boolean;
}

/** Past this column a list that does not fit starts on a line of its own instead of under its bracket. */
const alignmentLimit = 80;

/** Lays out a document in lines of at most `width` columns, where that is possible. */
export function render(doc: Doc, width: number): string {
  return new Renderer(width).run(doc);
}

class Renderer {
  readonly #width: number;
  readonly #out: string[] = [];
  #column = 0;
  readonly #flat = new Map<Doc, Width>();
  readonly #lead = new Map<Doc, Width>();

  constructor(width: number) {
    this.#width = width;
  }

  run(doc: Doc): string {
    this.#print(doc, 0, false, 0);
    return this.#out.join("");
  }

  #text(text: string): void {
    this.#out.push(text);
    const newline = text.lastIndexOf("\n");
    this.#column = newline < 0 ? this.#column + text.length : text.length - newline - 1;
  }

  #newline(indent: number): void {
    // A line of nothing but indentation is left empty.
    while (/^ *$/.test(this.#out.at(-1) ?? "x") && this.#out.length > 0) this.#out.pop();
    const last = this.#out.at(-1);
    if (last !== undefined) this.#out[this.#out.length - 1] = last.replace(/ +$/, "");
    this.#out.push("\n");
    if (indent > 0) this.#out.push(" ".repeat(indent));
    this.#column = indent;
  }

  /** `tail` is the width of what must follow on the same line. */
  #print(doc: Doc, indent: number, flat: boolean, tail: number): void {
    if (typeof doc === "string") {
      this.#text(doc);
      return;
    }
    switch (doc.kind) {
      case "line":
        if (flat) this.#text(doc.flat);
        else this.#newline(indent);
        return;
      case "nest":
        this.#print(doc.doc, doc.unlessFirst && this.#column === indent ? indent : indent + doc.by, flat, tail);
        return;
      case "group":
        this.#print(doc.doc, indent, flat || this.#fits(doc, tail), tail);
        return;
      case "concat":
        this.#printConcat(doc, indent, flat, tail);
        return;
      case "fill":
        this.#printItems(doc.items, doc.breaks, indent, flat, tail);
        return;
      case "list":
        this.#printList(doc, indent, flat, tail);
        return;
    }
  }

  #printConcat(doc: Concat, indent: number, flat: boolean, tail: number): void {
    const tails: number[] = new Array(doc.parts.length);
    let after = tail;
    for (let index = doc.parts.length - 1; index >= 0; index--) {
      tails[index] = after;
      const lead = flat ? this.#flatWidth(doc.parts[index] as Doc) : this.#leadWidth(doc.parts[index] as Doc);
      after = lead.ended ? lead.width : lead.width + after;
    }
    for (const [index, part] of doc.parts.entries()) this.#print(part, indent, flat, tails[index] ?? 0);
  }

  #printItems(items: readonly Doc[], breaks: readonly boolean[], indent: number, flat: boolean, tail: number): void {
    for (const [index, item] of items.entries()) {
      const itemTail = index === items.length - 1 ? tail : 0;
      if (flat) {
        if (index > 0) this.#text(" ");
        this.#print(item, indent, true, itemTail);
        continue;
      }
      if (index > 0) {
        const needed = this.#flatWidth(item);
        const end = this.#column + 1 + needed.width + (needed.ended ? 0 : itemTail);
        if (breaks[index] === true || end > this.#width) this.#newline(indent);
        else this.#text(" ");
      }
      this.#print(item, indent, this.#fits(item, itemTail), itemTail);
    }
  }

  #printList(doc: List, indent: number, flat: boolean, tail: number): void {
    const inner = tail + doc.close.length;
    if (flat || this.#fits(doc, tail)) {
      this.#text(doc.open);
      this.#printItems(doc.items, doc.breaks, indent, true, inner);
    } else if (doc.broken || !(this.#canHug(doc) || this.#canAlign(doc))) {
      this.#text(doc.open);
      this.#newline(indent + 2);
      this.#printItems(doc.items, doc.breaks, indent + 2, false, 0);
      this.#newline(indent);
    } else if (this.#canHug(doc)) {
      this.#text(doc.open);
      for (const [index, item] of doc.items.entries()) {
        if (index > 0) this.#text(" ");
        const last = index === doc.items.length - 1;
        this.#print(item, indent, !last, last ? inner : 0);
      }
    } else {
      this.#text(doc.open);
      this.#printItems(doc.items, doc.breaks, this.#column, false, inner);
    }
    this.#text(doc.close);
  }

  #canHug(doc: List): boolean {
    if (!doc.hugs || doc.breaks.some(Boolean)) return false;
    let column = this.#column + doc.open.length;
    for (const [index, item] of doc.items.entries()) {
      if (index > 0) column++;
      const last = index === doc.items.length - 1;
      if (!last && isHard(item)) return false;
      column += last ? this.#leadWidth(item).width : this.#flatWidth(item).width;
    }
    return column <= this.#width;
  }

  #canAlign(doc: List): boolean {
    return this.#column + doc.open.length <= alignmentLimit || doc.breaks.some(Boolean);
  }

  /** Whether a document fits on the rest of the line without a break. */
  #fits(doc: Doc, tail: number): boolean {
    return !isHard(doc) && this.#column + this.#flatWidth(doc).width + tail <= this.#width;
  }

  /** The width on one line, up to a line break that must be. */
  #flatWidth(doc: Doc): Width {
    if (typeof doc === "string") return textWidth(doc);
    const known = this.#flat.get(doc);
    if (known !== undefined) return known;
    const result = this.#measure(doc, (part) => this.#flatWidth(part), false);
    this.#flat.set(doc, result);
    return result;
  }

  /** The width up to the first line break that may be. */
  #leadWidth(doc: Doc): Width {
    if (typeof doc === "string") return textWidth(doc);
    const known = this.#lead.get(doc);
    if (known !== undefined) return known;
    const result = this.#measure(doc, (part) => this.#leadWidth(part), true);
    this.#lead.set(doc, result);
    return result;
  }

  #measure(doc: Exclude<Doc, string>, of: (part: Doc) => Width, breaking: boolean): Width {
    switch (doc.kind) {
      case "line":
        return doc.hard || breaking ? { width: 0, ended: true } : { width: doc.flat.length, ended: false };
      case "nest":
      case "group":
        return of(doc.doc);
      case "concat":
        return sequence(doc.parts, of);
      case "fill":
        return spaced(doc.items, doc.breaks, of, breaking);
      case "list": {
        if (doc.broken) return { width: doc.open.length, ended: true };
        const items = spaced(doc.items, doc.breaks, of, breaking && !doc.hugs);
        const width = doc.open.length + items.width;
        return items.ended ? { width, ended: true } : { width: width + doc.close.length, ended: false };
      }
    }
  }
}

function textWidth(text: string): Width {
  const newline = text.indexOf("\n");
  return newline < 0 ? { width: text.length, ended: false } : { width: newline, ended: true };
}

function sequence(parts: readonly Doc[], of: (part: Doc) => Width): Width {
  let width = 0;
  for (const part of parts) {
    const next = of(part);
    width += next.width;
    if (next.ended) return { width, ended: true };
  }
  return { width, ended: false };
}

function spaced(items: readonly Doc[], breaks: readonly boolean[], of: (part: Doc) => Width, breaking: boolean): Width {
  let width = 0;
  for (const [index, item] of items.entries()) {
    if (index > 0) {
      if (breaking || breaks[index] === true) return { width, ended: true };
      width++;
    }
    const next = of(item);
    width += next.width;
    if (next.ended) return { width, ended: true };
  }
  return { width, ended: false };
}
