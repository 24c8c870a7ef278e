/** Items in brackets and in braces, with the comments and line breaks of whoever wrote them. */
import { concat, type Doc, group, hardline, line, list, nest } from "./layout.ts";
import type { Span } from "./tree.ts";
import { asBlock, type Written } from "./written.ts";

/** Without `written`, nothing is known of the user's line breaks and comments. */
export class ListLayout {
  protected readonly written: Written | undefined;

  constructor(written: Written | undefined) {
    this.written = written;
  }

  /** Whether the user broke the line between two offsets. */
  protected broken(from: number, to: number): boolean {
    return this.written?.broken(from, to) ?? false;
  }

  /** Items separated by commas in brackets. `from` is an offset before the first item. */
  protected separated<T>(
    open: string,
    items: readonly T[],
    close: string,
    from: number,
    layout: (item: T) => Doc,
    place: (item: T) => Span,
    hugs = false,
    separators: (index: number) => string = (index) => (index < items.length - 1 ? "," : ""),
  ): Doc {
    const docs: Doc[] = [];
    const breaks: boolean[] = [];
    let previous = from;
    for (const [index, item] of items.entries()) {
      const span = place(item);
      breaks.push(this.broken(previous, span.start));
      const comments = this.written?.inline(span.start);
      const doc = layout(item);
      docs.push(concat(comments ?? "", doc, separators(index)));
      previous = span.end;
    }
    return list(open, docs, close, { broken: breaks[0] === true, breaks: [false, ...breaks.slice(1)], hugs });
  }

  /** One thing in braces, on a line of its own or not. */
  protected single(doc: Doc, broken: boolean): Doc {
    const edge = broken ? hardline : line;
    return group(concat("{", nest(2, concat(edge, doc)), edge, "}"));
  }

  /** Items in braces, one a line. */
  protected braces<T extends { readonly span: Span }>(items: readonly T[], span: Span, layout: (item: T) => Doc): Doc {
    const body = this.lines(items, span.start, span.end, layout);
    if (body === undefined) return "{}";
    return concat("{", nest(2, concat(hardline, body)), hardline, "}");
  }

  /** Items and comments, one a line, with the user's blank lines; nothing if there are none of either. */
  protected lines<T extends { readonly span: Span }>(
    items: readonly T[],
    start: number,
    end: number,
    layout: (item: T) => Doc,
  ): Doc | undefined {
    const docs: Doc[] = [];
    // The end of what was printed last; blank lines at the very beginning are dropped.
    let previous: number | undefined;
    let afterBlockComment = false;
    const add = (doc: Doc, from: number, to: number): void => {
      const onSameLine = afterBlockComment && previous !== undefined && !this.broken(previous, from);
      if (docs.length > 0) docs.push(onSameLine ? " " : hardline);
      if (previous !== undefined && this.written?.blankBetween(previous, from) === true) docs.push(hardline);
      docs.push(doc);
      previous = to;
    };
    const addComments = (before: number): void => {
      for (const comment of this.written?.takeBefore(before) ?? []) {
        // A `///` that stood before the brace must not become the documentation of what is inside.
        const text = comment.span.start < start ? comment.text.replace(/^\/\/\//, "//") : comment.text;
        add(text.trimEnd(), comment.span.start, comment.span.end);
        afterBlockComment = comment.kind === "block";
      }
    };
    for (const item of items) {
      const from = item.span.start;
      addComments(from);
      const doc = layout(item);
      const trailing = this.#trailing(item.span.end);
      add(trailing === undefined ? doc : concat(doc, trailing.text), from, trailing?.end ?? item.span.end);
      afterBlockComment = false;
    }
    addComments(end);
    return docs.length === 0 ? undefined : concat(...docs);
  }

  /** Comments inside a statement that no part of it took, and the one after it on its line. */
  #trailing(end: number): { readonly text: string; readonly end: number } | undefined {
    if (this.written === undefined) return undefined;
    const inside = this.written.takeBefore(end);
    const after = this.written.trailing(end);
    if (inside.length === 0) return after;
    const parts = inside.map(({ text }, index) => {
      const last = index === inside.length - 1 && after === undefined;
      return last ? text.trimEnd() : asBlock(text);
    });
    return { text: ` ${parts.join(" ")}${after?.text ?? ""}`, end: after?.end ?? end };
  }
}
