/** The grammar of patterns, and of the functions that take them as parameters. */
import { choice, type Rule } from "./grammar-base.ts";
import { OperandGrammar } from "./operands.ts";
import * as t from "./tokens.ts";
import { isReserved, type SyntaxToken } from "./tokens.ts";
import type { Lambda, Pattern } from "./tree.ts";

export abstract class PatternGrammar extends OperandGrammar {
  /** `w => e`, `(a, (b, c)) => e`. */
  readonly lambda: Rule<Lambda> = this.RULE("lambda", () => {
    const start = this.nextStart();
    const parameters: Pattern[] = [];
    this.or(0, [
      choice(() => parameters.push(this.namePattern(this.consume(0, t.Identifier)))),
      choice(() => {
        this.consume(1, t.OpenParen);
        this.option(0, () => {
          parameters.push(this.subrule(0, this.parameterPattern));
          this.many(0, () => {
            this.consume(2, t.Comma);
            parameters.push(this.subrule(1, this.parameterPattern));
          });
        });
        this.expect(3, t.CloseParen, "`,` or `)` after a parameter");
      }),
    ]);
    this.expect(4, t.FatArrow, "`=>` after the parameters of a function");
    const body = this.subrule(2, this.expression);
    return this.ACTION((): Lambda => ({ kind: "lambda", parameters, body, span: this.spanFrom(start) }));
  });

  /** A parameter of a function written in place: it has neither a type nor a default. */
  readonly parameterPattern: Rule<Pattern> = this.RULE("parameterPattern", () => {
    const pattern = this.subrule(0, this.pattern);
    this.ACTION(() => {
      const found = this.peek();
      if (found.tokenType !== t.Colon && found.tokenType !== t.Equals) return;
      const what = found.tokenType === t.Colon ? "a type" : "a default";
      this.fail("K0147", this.tokenSpan(found), `A parameter of \`=>\` has no place for ${what}.`, {
        help: "Leave it out: the use decides. Types and defaults belong to `fn name(x: real = 1) = ...`.",
      });
    });
    return pattern;
  });

  /** `a`, `_`, `(a, b)`. */
  readonly pattern: Rule<Pattern> = this.RULE("pattern", () => {
    this.ACTION(() => {
      this.deeper();
      if (isReserved(this.peek())) this.failReserved("a value");
      if (!this.at(t.Identifier) && !this.at(t.OpenParen))
        this.failExpected(
          "a name, or names in parentheses",
          this.at(t.OpenBracket) || this.at(t.OpenBrace)
            ? { help: "Parts are named in parentheses: `let (a, b) = e`." }
            : {},
        );
    });
    const result: Pattern = this.or(0, [
      choice(() => this.namePattern(this.consume(0, t.Identifier))),
      choice(() => this.subrule(0, this.tuplePattern)),
    ]);
    this.ACTION(() => this.depth--);
    return result;
  });

  readonly tuplePattern: Rule<Pattern> = this.RULE("tuplePattern", () => {
    const open = this.consume(0, t.OpenParen);
    const items: Pattern[] = [this.subrule(0, this.pattern)];
    this.many(0, () => {
      this.consume(1, t.Comma);
      items.push(this.subrule(1, this.pattern));
    });
    this.expect(2, t.CloseParen, "`,` or `)` after a name in a pattern");
    return this.ACTION((): Pattern => {
      const single = items.length === 1 ? items[0] : undefined;
      return single ?? { kind: "tuple-pattern", items, span: this.spanFrom(open.startOffset) };
    });
  });

  protected namePattern(token: SyntaxToken): Pattern {
    return this.ACTION((): Pattern => {
      const span = this.tokenSpan(token);
      this.refusePrime(token);
      return token.image === "_" ? { kind: "ignore-pattern", span } : { kind: "name-pattern", name: token.image, span };
    });
  }
}
