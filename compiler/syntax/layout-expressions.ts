/** Expressions, patterns and types as documents to lay out. */
import { concat, type Doc, fill, group, hardline, line, list, nest, nestUnlessFirst } from "./layout.ts";
import { precedence } from "./operators.ts";
import { stringText } from "./strings.ts";
import type {
  Argument,
  ArrayOfType,
  Binary,
  Block,
  Comparison,
  Expression,
  Lambda,
  Let,
  Loop,
  Pattern,
  Place,
  Span,
  TupleType,
  TypeExpression,
} from "./tree.ts";
import { asBlock, type Written } from "./written.ts";

/** What the place of an expression demands: anything looser needs parentheses there. */
const any = -1;
const withLevel = 0;
const atomLevel = 10;

/** How tightly the outermost operator of an expression binds. */
export function level(e: Expression): number {
  switch (e.kind) {
    case "lambda":
    case "if":
    case "loop":
      return any;
    case "with":
      return withLevel;
    case "unary":
      return e.operator === "not" ? precedence.not : precedence.negation;
    case "binary":
      return binaryLevel(e);
    case "comparison":
      return precedence.comparison;
    case "range":
      return precedence.range;
    default:
      return atomLevel;
  }
}

function binaryLevel(e: Binary): number {
  switch (e.operator) {
    case "or":
      return precedence.or;
    case "and":
      return precedence.and;
    case "~=":
      return precedence.comparison;
    case "+":
    case "-":
      return precedence.sum;
    case "^":
      return precedence.power;
    default:
      return precedence.product;
  }
}

/** Whether the lines of an expression break inside it rather than before it. */
function breaksInside(e: Expression): boolean {
  switch (e.kind) {
    case "tuple":
    case "array":
    case "comprehension":
    case "block":
    case "call":
    case "index":
    case "lambda":
    case "if":
    case "loop":
    case "with":
      return true;
    default:
      return false;
  }
}

function endsInBlock(e: Expression): boolean {
  if (e.parenthesized === true) return false;
  if (e.kind === "lambda") return endsInBlock(e.body);
  return e.kind === "block" || e.kind === "loop";
}

/** Turns trees into documents. Without `written`, nothing is known of the user's line breaks and comments. */
export class ExpressionLayout {
  protected readonly written: Written | undefined;

  constructor(written: Written | undefined) {
    this.written = written;
  }

  /** An expression in a place that takes operators at least as tight as `required`. */
  expression(e: Expression, required: number = any): Doc {
    const comments = this.written?.inline(e.span.start);
    const doc =
      e.parenthesized === true || level(e) < required ? concat("(", nest(1, this.#bare(e)), ")") : this.#bare(e);
    return comments === undefined ? doc : concat(comments, doc);
  }

  #bare(e: Expression): Doc {
    switch (e.kind) {
      case "number":
        return e.text;
      case "string":
        return stringText(e.value);
      case "boolean":
        return e.value ? "true" : "false";
      case "name":
        return e.name;
      case "tuple":
        return this.#bracketed("(", e.items, ")", e.span, (item) => this.#tupleItem(item), tupleItemSpan);
      case "array":
        return this.#bracketed("[", e.items, "]", e.span, (item) => this.expression(item), spanOf);
      case "comprehension":
        return this.#comprehension(e);
      case "block":
        return this.block(e);
      case "call":
      case "index":
      case "field":
      case "transpose":
        return this.#postfix(e);
      case "unary": {
        const required = e.operator === "not" ? precedence.not : precedence.negation;
        return concat(e.operator === "not" ? "not " : "-", this.expression(e.operand, required));
      }
      case "binary":
        return this.#binary(e);
      case "comparison":
        return this.#comparison(e);
      case "range":
        return concat(this.expression(e.from, precedence.sum), "..", this.expression(e.to, precedence.sum));
      case "with":
        return this.#with(e);
      case "lambda":
        return this.lambda(e);
      case "if":
        return this.#conditional(e);
      case "loop":
        return this.#loop(e);
    }
  }

  // ---------------------------------------------------------------- lists

  /** Whether the user broke the line between two offsets. */
  protected broken(from: number, to: number): boolean {
    return this.written?.broken(from, to) ?? false;
  }

  /** A list in brackets that starts at the beginning of `span`. */
  #bracketed<T>(
    open: string,
    items: readonly T[],
    close: string,
    span: Span,
    layout: (item: T) => Doc,
    place: (item: T) => Span,
  ): Doc {
    return this.separated(open, items, close, span.start, layout, place);
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

  #tupleItem(item: { readonly name?: { readonly name: string }; readonly value: Expression }): Doc {
    const value = this.expression(item.value);
    return item.name === undefined ? value : concat(item.name.name, ": ", value);
  }

  protected argument(argument: Argument): Doc {
    const value = this.expression(argument.value);
    return argument.name === undefined ? value : concat(argument.name.name, " = ", value);
  }

  #comprehension(e: Extract<Expression, { kind: "comprehension" }>): Doc {
    const breaks = [this.broken(e.span.start, e.body.span.start)];
    const items = [this.expression(e.body)];
    let previous = e.body.span.end;
    for (const clause of e.clauses) {
      breaks.push(this.broken(previous, clause.pattern.span.start));
      items.push(concat("for ", this.pattern(clause.pattern), " in ", this.expression(clause.source)));
      previous = clause.source.span.end;
    }
    return list("[", items, "]", { broken: breaks[0] === true, breaks: [false, ...breaks.slice(1)], hugs: false });
  }

  // ---------------------------------------------------------------- operators

  #postfix(e: Expression): Doc {
    // Chains such as `f(x)(y).z'` may be long: they are taken apart without recursion.
    const chain: Expression[] = [];
    let base: Expression = e;
    while (isPostfix(base) && (base === e || base.parenthesized !== true)) {
      chain.push(base);
      base = "callee" in base ? base.callee : base.base;
    }
    // A dot after the digits of a number would belong to the number.
    const first = chain.at(-1)?.kind === "field" && base.kind === "number" && base.parenthesized !== true;
    const parts: Doc[] = [first ? concat("(", this.expression(base), ")") : this.expression(base, atomLevel)];
    for (const part of chain.reverse()) {
      if (part.kind === "field") parts.push(`.${part.name.name}`);
      else if (part.kind === "transpose") parts.push("'");
      else if (part.kind === "index") parts.push(this.places(part.places, part.base.span.end));
      else if (part.kind === "call") parts.push(this.#arguments(part));
    }
    return concat(...parts);
  }

  #arguments(call: Extract<Expression, { kind: "call" }>): Doc {
    const before = call.arguments.length;
    const all = [...call.arguments, ...(call.parameters ?? [])];
    if (call.parameters === undefined) {
      const last = all.at(-1);
      const hugs = last !== undefined && endsInBlock(last.value);
      return this.separated("(", all, ")", call.callee.span.end, (item) => this.argument(item), spanOf, hugs);
    }
    const open = before === 0 ? "(; " : "(";
    if (all.length === before) {
      const separators = (index: number): string => (index < before - 1 ? "," : ";");
      return this.separated(
        "(",
        all,
        before === 0 ? ";)" : ")",
        call.callee.span.end,
        (item) => this.argument(item),
        spanOf,
        false,
        separators,
      );
    }
    const separators = (index: number): string => (index === before - 1 ? ";" : index < all.length - 1 ? "," : "");
    return this.separated(
      open,
      all,
      ")",
      call.callee.span.end,
      (item) => this.argument(item),
      spanOf,
      false,
      separators,
    );
  }

  places(places: readonly Place[], from: number): Doc {
    return this.separated("[", places, "]", from, (place) => this.#place(place), spanOf);
  }

  #place(place: Place): Doc {
    switch (place.kind) {
      case "at":
        return this.expression(place.value);
      case "dimension":
        return concat(place.name.name, " = ", this.expression(place.value));
      case "slice": {
        const part = (e: Expression | undefined): Doc => (e === undefined ? "" : this.expression(e));
        const range = concat(part(place.start), ":", part(place.stop));
        return place.step === undefined ? range : concat(range, ":", part(place.step));
      }
    }
  }

  #binary(e: Binary): Doc {
    const own = binaryLevel(e);
    if (e.operator === "^") {
      return concat(this.expression(e.left, atomLevel), "^", this.expression(e.right, precedence.negation));
    }
    if (e.operator === "~=") {
      const items = [concat(this.expression(e.left, own + 1), " ~="), this.expression(e.right, own + 1)];
      const breaks = [false, this.broken(e.left.span.end, e.right.span.start)];
      if (e.within === undefined) return nest(2, fill(items, breaks));
      // No line may end after `within`.
      const comments = this.written?.inlineOnly(e.within.span.start) ?? "";
      return concat(nest(2, fill(items, breaks)), " within ", comments, this.expression(e.within, own + 1));
    }
    // `a + b - c` is one chain; its left parts are taken apart without recursion.
    const chain: Binary[] = [];
    let first: Expression = e;
    while (first.kind === "binary" && first.operator !== "~=" && first.operator !== "^" && binaryLevel(first) === own) {
      if (first !== e && first.parenthesized === true) break;
      chain.push(first);
      first = first.left;
    }
    chain.reverse();
    const operands = [this.expression(first, own)];
    const breaks = [false];
    for (const link of chain) {
      breaks.push(this.broken(link.left.span.end, link.right.span.start));
      operands.push(this.expression(link.right, own + 1));
    }
    const items = operands.map((operand, index) => {
      const link = chain[index];
      return link === undefined ? operand : concat(operand, ` ${link.operator}`);
    });
    return nest(2, fill(items, breaks));
  }

  #comparison(e: Comparison): Doc {
    const breaks: boolean[] = [];
    const items = e.operands.map((operand, index) => {
      const before = e.operands[index - 1];
      breaks.push(before !== undefined && this.broken(before.span.end, operand.span.start));
      const doc = this.expression(operand, precedence.range);
      const operator = e.operators[index];
      return operator === undefined ? doc : concat(doc, ` ${operator}`);
    });
    return nest(2, fill(items, breaks));
  }

  #with(e: Extract<Expression, { kind: "with" }>): Doc {
    const chain: Extract<Expression, { kind: "with" }>[] = [];
    let base: Expression = e;
    while (base.kind === "with" && (base === e || base.parenthesized !== true)) {
      chain.push(base);
      base = base.base;
    }
    const items = [this.expression(base, precedence.or)];
    const breaks = [false];
    for (const { base: before, update } of chain.reverse()) {
      if (update.kind === "fields") {
        breaks.push(this.broken(before.span.end, update.fields.span.start));
        items.push(concat("with ", this.expression(update.fields)));
      } else {
        const open = this.written?.after("[", before.span.end) ?? 0;
        breaks.push(this.broken(before.span.end, open));
        const places = this.places(update.places, open);
        items.push(concat("with ", places, ` ${update.operator} `, this.expression(update.value, precedence.or)));
      }
    }
    return nest(2, fill(items, breaks));
  }

  // ---------------------------------------------------------------- functions, choices, loops

  lambda(e: Lambda): Doc {
    const [only] = e.parameters;
    const bare = e.parameters.length === 1 && only !== undefined && only.kind !== "tuple-pattern";
    const head = bare ? this.pattern(only) : concat("(", ...joined(e.parameters.map((p) => this.pattern(p))), ")");
    const end = e.parameters.at(-1)?.span.end ?? e.span.start;
    return this.defined(concat(head, " =>"), e.body, end);
  }

  /** `head value`, where the value may go to a line of its own. */
  protected defined(head: Doc, value: Expression, from: number): Doc {
    const isBlock = endsInBlock(value) && value.kind !== "loop";
    const broken = this.broken(from, value.span.start) && !isBlock;
    const doc = this.expression(value);
    if (!broken && breaksInside(value)) return concat(head, " ", doc);
    return nest(2, fill([head, doc], [false, broken]));
  }

  #conditional(e: Extract<Expression, { kind: "if" }>): Doc {
    const breaks = [false, this.broken(e.condition.span.end, e.then.span.start)];
    const items = [concat("if ", this.expression(e.condition)), concat("then ", this.expression(e.then))];
    let last: Expression = e;
    // A chain of `else if` is one list of cases.
    while (last.kind === "if") {
      const next: Expression = last.otherwise;
      breaks.push(this.broken(last.then.span.end, next.span.start));
      if (next.kind !== "if" || next.parenthesized === true) {
        items.push(concat("else ", this.expression(next)));
        break;
      }
      const comments = this.written?.inline(next.span.start) ?? "";
      const head = concat("else ", comments, "if ", this.expression(next.condition), " then ");
      items.push(concat(head, this.expression(next.then)));
      last = next;
    }
    return nestUnlessFirst(2, fill(items, breaks));
  }

  #loop(e: Loop): Doc {
    const type = e.type === undefined ? "" : concat(": ", this.type(e.type));
    const head = concat(`${e.form} `, this.pattern(e.pattern), type, " = ");
    const items = [concat(head, this.expression(e.initial))];
    const breaks = [false];
    let previous = e.initial.span.end;
    if (e.clause !== undefined) {
      breaks.push(this.broken(previous, e.clause.pattern.span.start));
      items.push(concat("for ", this.pattern(e.clause.pattern), " in ", this.expression(e.clause.source)));
      previous = e.clause.source.span.end;
    }
    if (e.condition !== undefined) {
      breaks.push(this.broken(previous, e.condition.span.start));
      items.push(concat("while ", this.expression(e.condition)));
    }
    // Not as an expression: comments before the brace belong inside it, where a line may end.
    return concat(nest(4, fill(items, breaks)), " ", this.block(e.body));
  }

  // ---------------------------------------------------------------- blocks

  block(e: Block): Doc {
    const commented = this.written?.hasBefore(e.span.end) === true;
    if (e.lets.length === 0 && !commented) {
      const before = this.broken(e.span.start, e.result.span.start);
      return this.#single(this.expression(e.result), before || this.broken(e.result.span.end, e.span.end));
    }
    if (this.written === undefined) {
      const lets = e.lets.flatMap((one): Doc[] => [this.letStatement(one), "; "]);
      return concat("{ ", ...lets, this.expression(e.result), " }");
    }
    const start = this.written.after("{", e.span.start);
    return this.braces([...e.lets, e.result], { ...e.span, start }, (item) =>
      item.kind === "let" ? this.letStatement(item) : this.expression(item),
    );
  }

  #single(doc: Doc, broken: boolean): Doc {
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

  letStatement(e: Let): Doc {
    return concat(this.documentation(e), this.letLine(e));
  }

  protected letLine(e: Let): Doc {
    const type = e.type === undefined ? "" : concat(": ", this.type(e.type));
    const head = concat("let ", this.pattern(e.pattern), type, " =");
    return this.defined(head, e.value, (e.type ?? e.pattern).span.end);
  }

  /** The `///` lines of a tree that was built rather than parsed: parsed ones are among the comments. */
  protected documentation(_e: { readonly documentation?: string }): Doc {
    return "";
  }

  // ---------------------------------------------------------------- patterns and types

  pattern(pattern: Pattern): Doc {
    switch (pattern.kind) {
      case "name-pattern":
        return pattern.name;
      case "ignore-pattern":
        return "_";
      case "tuple-pattern":
        return concat("(", ...joined(pattern.items.map((item) => this.pattern(item))), ")");
    }
  }

  type(type: TypeExpression): Doc {
    switch (type.kind) {
      case "named-type":
        return type.name;
      case "tuple-type":
        return this.#tupleType(type);
      case "array-of-type": {
        const element = this.type(type.element);
        return concat(element, this.#dimensions(type));
      }
      case "function-type": {
        const [only] = type.parameters;
        const bare = type.parameters.length === 1 && only !== undefined && needsNoParentheses(only);
        const parameters = bare
          ? this.type(only)
          : concat("(", ...joined(type.parameters.map((parameter) => this.type(parameter))), ")");
        return concat(parameters, " -> ", this.type(type.result));
      }
    }
  }

  #tupleType(type: TupleType): Doc {
    return this.separated(
      "(",
      type.items,
      ")",
      type.span.start,
      (item) => (item.name === undefined ? this.type(item.type) : concat(item.name.name, ": ", this.type(item.type))),
      (item) => ({ ...item.type.span, start: item.name?.span.start ?? item.type.span.start }),
    );
  }

  #dimensions(type: ArrayOfType): Doc {
    return this.separated(
      "[",
      type.places,
      "]",
      type.element.span.end,
      (place) => {
        const dimension = this.expression(place.dimension);
        return place.name === undefined ? dimension : concat(place.name.name, " = ", dimension);
      },
      (place) => ({ ...place.dimension.span, start: place.name?.span.start ?? place.dimension.span.start }),
    );
  }
}

/** Before an arrow a plain tuple would be read as a list of parameters, and an arrow would bind to the right. */
function needsNoParentheses(type: TypeExpression): boolean {
  if (type.kind === "function-type") return false;
  return type.kind !== "tuple-type" || type.items.some((item) => item.name !== undefined);
}

function joined(docs: readonly Doc[]): Doc[] {
  return docs.flatMap((doc, index) => (index === 0 ? [doc] : [", ", doc]));
}

function isPostfix(e: Expression): e is Extract<Expression, { kind: "call" | "index" | "field" | "transpose" }> {
  return e.kind === "call" || e.kind === "index" || e.kind === "field" || e.kind === "transpose";
}

function spanOf(node: { readonly span: Span }): Span {
  return node.span;
}

function tupleItemSpan(item: { readonly name?: { readonly span: Span }; readonly value: Expression }): Span {
  return { ...item.value.span, start: item.name?.span.start ?? item.value.span.start };
}
