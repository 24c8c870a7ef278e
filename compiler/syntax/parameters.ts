/** The grammar of parameters: dimensions in brackets, names with their types and defaults, the type of a result. */
import { type Rule, when } from "./grammar-base.ts";
import * as t from "./tokens.ts";
import type { Expression, Identifier, Parameter, TypeExpression } from "./tree.ts";
import { TypeGrammar } from "./types.ts";

export abstract class ParameterGrammar extends TypeGrammar {
  /** `[h, w]` after the name of a declaration; possibly nothing. */
  readonly dimensionParameters: Rule<readonly Identifier[]> = this.RULE("dimensionParameters", () => {
    const names: Identifier[] = [];
    this.option(0, () => {
      this.consume(0, t.OpenBracket);
      names.push(this.expectName(1, "a dimension"));
      this.many(0, () => {
        this.consume(2, t.Comma);
        names.push(this.expectName(3, "a dimension"));
      });
      this.expect(4, t.CloseBracket, "`,` or `]` after the name of a dimension");
    });
    return names;
  });

  /** `x: real, n: int = 3`; possibly nothing. */
  readonly parameterList: Rule<readonly Parameter[]> = this.RULE("parameterList", () => {
    const parameters: Parameter[] = [];
    this.option(
      0,
      when(
        () => !this.at(t.CloseParen) && !this.at(t.Semicolon),
        () => {
          parameters.push(this.subrule(0, this.parameter));
          this.many(0, () => {
            this.consume(0, t.Comma);
            this.ACTION(() => {
              if (this.at(t.CloseParen)) this.failTrailingComma();
            });
            parameters.push(this.subrule(1, this.parameter));
          });
        },
      ),
    );
    this.ACTION(() => {
      if (parameters.length > 0 || this.at(t.CloseParen) || this.at(t.Semicolon)) return;
      this.expectName(0, "a parameter");
    });
    return parameters;
  });

  readonly parameter: Rule<Parameter> = this.RULE("parameter", () => {
    this.ACTION(() => {
      const token = this.peek();
      if (token.tokenType !== t.Identifier || !this.at(t.Identifier, 2) || this.peek(2).lineStart === true) return;
      const [first, second] = [token.image, this.peek(2).image];
      const [name, type] = scalarTypes.has(second) ? [first, second] : [second, first];
      this.fail(
        "K0129",
        this.tokenSpan(this.peek(2)),
        "Two names stand side by side: a parameter has a `:` before its type.",
        {
          help: `Write \`${name}: ${type}\`.`,
        },
      );
    });
    const name = this.expectName(0, "a parameter");
    let type: TypeExpression | undefined;
    this.option(0, () => {
      this.consume(1, t.Colon);
      type = this.subrule(0, this.typeExpression);
    });
    let value: Expression | undefined;
    this.option(1, () => {
      this.consume(2, t.Equals);
      value = this.subrule(1, this.expression);
    });
    return this.ACTION(
      (): Parameter => ({
        name,
        ...(type === undefined ? {} : { type }),
        ...(value === undefined ? {} : { default: value }),
        span: this.spanFrom(name.span.start),
      }),
    );
  });

  /** Parameters in their parentheses; `what` stands in them. */
  protected parameterParentheses(what: string): readonly Parameter[] {
    this.expect(2, t.OpenParen, `\`(\` and ${what}`, { help: "Parameters stand in parentheses: `fn f(x, y) = e`." });
    const parameters = this.subrule(1, this.parameterList);
    this.#refuseSemicolon();
    this.expectAfter(3, t.CloseParen, "`,` or `)` after a parameter");
    return parameters;
  }

  #refuseSemicolon(): void {
    this.ACTION(() => {
      if (!this.at(t.Semicolon)) return;
      this.fail(
        "K0128",
        this.tokenSpan(this.peek()),
        "Only `objective` and `condition` separate unknowns from parameters with `;`.",
        {
          help: "Separate the parameters with `,`.",
        },
      );
    });
  }

  /** `-> type`; possibly nothing. */
  protected resultType(index: number, name: string): TypeExpression | undefined {
    this.ACTION(() => {
      if (!this.at(t.Colon) && !this.at(t.FatArrow)) return;
      this.fail(
        "K0141",
        this.tokenSpan(this.peek()),
        `The type of a result comes after \`->\`, not \`${this.peek().image}\`.`,
        {
          help: `Write \`${name}(...) -> type = ...\`${this.at(t.FatArrow) ? ", or only `= ...` for the body" : ""}.`,
        },
      );
    });
    let result: TypeExpression | undefined;
    this.option(index, () => {
      this.consume(index, t.ThinArrow);
      result = this.subrule(index, this.typeExpression);
    });
    return result;
  }
}

const scalarTypes: ReadonlySet<string> = new Set(["real", "int", "bool", "key"]);
