/** Expressions as documents to lay out. */
import { concat, type Doc, fill, list, nest, nestUnlessFirst } from "./layout.ts";
import { any, atomLevel, binaryLevel, breaksInside, endsInBlock, isPostfix, level } from "./layout-levels.ts";
import { joined, TypeLayout } from "./layout-types.ts";
import { precedence } from "./operators.ts";
import { stringText } from "./strings.ts";
import type { Argument, Binary, Block, Comparison, Expression, Lambda, Let, Loop, Place, Span } from "./tree.ts";

/** Turns trees into documents. Without `written`, nothing is known of the user's line breaks and comments. */
export class ExpressionLayout extends TypeLayout {
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
      return this.single(this.expression(e.result), before || this.broken(e.result.span.end, e.span.end));
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
}

function spanOf(node: { readonly span: Span }): Span {
  return node.span;
}

function tupleItemSpan(item: { readonly name?: { readonly span: Span }; readonly value: Expression }): Span {
  return { ...item.value.span, start: item.name?.span.start ?? item.value.span.start };
}
