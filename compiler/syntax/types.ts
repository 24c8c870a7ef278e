/** The grammar of types. */
import { ExpressionGrammar } from "./expressions.ts";
import { choice, type Rule, when } from "./grammar-base.ts";
import * as t from "./tokens.ts";
import { isReserved } from "./tokens.ts";
import type { ArrayOfType, Identifier, NamedType, TupleType, TypeExpression } from "./tree.ts";

type Item = TupleType["items"][number];
type DimensionPlace = ArrayOfType["places"][number];

export abstract class TypeGrammar extends ExpressionGrammar {
  /** `real[n, d]`, `(x: real, t: int)`, `(real[d], key) -> real`. */
  readonly typeExpression: Rule<TypeExpression> = this.RULE("typeExpression", () => {
    this.ACTION(() => {
      this.deeper();
      if (isReserved(this.peek())) this.failReserved("a type");
      if (!this.at(t.Identifier) && !this.at(t.OpenParen)) {
        this.failExpected("a type", {
          help: "Types read `real`, `int[n]`, `(x: real[d], t: int)`, `real[d] -> real`.",
        });
      }
    });
    const start = this.nextStart();
    // What stands in parentheses is a tuple, a list of parameters, or one type, depending on what follows.
    let group: readonly Item[] | undefined;
    let type: TypeExpression = this.or(0, [
      choice(() => this.#named(this.identifier(this.consume(0, t.Identifier)))),
      choice(() => {
        const items = this.subrule(0, this.typeItems);
        group = items;
        return this.ACTION(() => this.#grouped(items, start));
      }),
    ]);
    this.option(
      0,
      when(
        () => this.onSameLine(),
        () => {
          const element = type;
          const places = this.subrule(1, this.dimensions);
          group = undefined;
          type = this.ACTION(() => this.#arrayOf(element, places, start));
        },
      ),
    );
    this.option(1, () => {
      this.consume(1, t.ThinArrow);
      const result = this.subrule(2, this.typeExpression);
      const before = type;
      type = this.ACTION((): TypeExpression => {
        const isList = group?.every((item) => item.name === undefined) === true;
        const parameters = isList && group !== undefined ? group.map((item) => item.type) : [before];
        return { kind: "function-type", parameters, result, span: this.spanFrom(start) };
      });
    });
    this.ACTION(() => this.depth--);
    return type;
  });

  readonly typeItems: Rule<readonly Item[]> = this.RULE("typeItems", () => {
    this.consume(0, t.OpenParen);
    const items: Item[] = [];
    this.option(0, () => {
      items.push(this.subrule(0, this.typeItem, { ARGS: [undefined] }));
      this.many(0, () => {
        this.consume(1, t.Comma);
        this.ACTION(() => {
          if (this.at(t.CloseParen)) this.failTrailingComma();
        });
        items.push(this.subrule(1, this.typeItem, { ARGS: [items[0]] }));
      });
    });
    this.expect(2, t.CloseParen, "`,` or `)` after a type");
    return items;
  });

  readonly typeItem: Rule<Item, [Item | undefined]> = this.RULE("typeItem", (first) => {
    this.ACTION(() => {
      const named = this.at(t.Colon, 2);
      if (named && isReserved(this.peek())) this.failReserved("a field");
      if (first === undefined || named === (first.name !== undefined)) return;
      this.fail("K0115", this.tokenSpan(this.peek()), "Some items of this tuple have names and some have not.", {
        notes: [{ message: "The first item is here.", span: first.name?.span ?? first.type.span }],
        help: "Name all of them, as in `(x: real, t: int)`, or none, as in `(real, int)`.",
      });
    });
    let name: Identifier | undefined;
    this.option(
      0,
      when(
        () => this.at(t.Colon, 2),
        () => {
          name = this.identifier(this.consume(0, t.Identifier));
          this.consume(1, t.Colon);
        },
      ),
    );
    const type = this.subrule(0, this.typeExpression);
    return name === undefined ? { type } : { name, type };
  });

  /** `[n, d]`, `[h = 64]` after the name of a type. */
  readonly dimensions: Rule<readonly DimensionPlace[]> = this.RULE("dimensions", () => {
    const open = this.consume(0, t.OpenBracket);
    this.ACTION(() => {
      if (!this.at(t.CloseBracket)) return;
      this.failExpected("a dimension between `[` and `]`", { help: "One number has no brackets: `real`." });
    });
    const places: DimensionPlace[] = [this.subrule(0, this.dimension)];
    this.many(0, () => {
      this.consume(1, t.Comma);
      this.ACTION(() => {
        if (this.at(t.CloseBracket)) this.failTrailingComma();
      });
      places.push(this.subrule(1, this.dimension));
    });
    this.expectAfter(2, t.CloseBracket, "`,` or `]` after a dimension");
    this.ACTION(() => {
      if (!this.at(t.OpenBracket) || !this.onSameLine()) return;
      this.fail("K0143", this.tokenSpan(this.peek()), "A type has one pair of brackets, with all its dimensions.", {
        notes: [{ message: "The first pair is here.", span: this.spanFrom(open.startOffset) }],
        help: "Write `real[n, m]`, `Layer[4, h = 16]`.",
      });
    });
    return places;
  });

  readonly dimension: Rule<DimensionPlace> = this.RULE("dimension", () => {
    let name: Identifier | undefined;
    this.option(
      0,
      when(
        () => this.at(t.Identifier) && this.at(t.Equals, 2),
        () => {
          name = this.identifier(this.consume(0, t.Identifier));
          this.consume(1, t.Equals);
        },
      ),
    );
    this.ACTION(() => {
      if (!this.at(t.Colon) && !this.at(t.Star) && !this.at(t.DotDot)) return;
      this.failExpected("a size", {
        help: "A size of any length has a name, which is found from the arguments: `real[n, 2]`.",
      });
    });
    const dimension = this.subrule(0, this.expression);
    return name === undefined ? { dimension } : { name, dimension };
  });

  #named(name: Identifier): NamedType {
    return { kind: "named-type", name: name.name, span: name.span };
  }

  #grouped(items: readonly Item[], start: number): TypeExpression {
    const only = items.length === 1 ? items[0] : undefined;
    if (only !== undefined && only.name === undefined) return only.type;
    return { kind: "tuple-type", items, span: this.spanFrom(start) };
  }

  #arrayOf(element: TypeExpression, places: readonly DimensionPlace[], start: number): TypeExpression {
    if (element.kind === "named-type" || element.kind === "tuple-type") {
      return { kind: "array-of-type", element, places, span: this.spanFrom(start) };
    }
    const what =
      element.kind === "function-type" ? "Functions may not sit in arrays." : "This type has its dimensions already.";
    this.fail("K0143", this.spanFrom(start), what, {
      help:
        element.kind === "function-type"
          ? "Keep functions in a tuple: `(f: real -> real, g: real -> real)`."
          : "Write all dimensions in one pair of brackets: `real[n, m]`.",
    });
  }
}
