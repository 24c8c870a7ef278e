/** The grammar of declarations and script statements that have no body of their own kind. */
import { type Rule, when } from "./grammar-base.ts";
import { ParameterGrammar } from "./parameters.ts";
import { closest } from "./suggest.ts";
import * as t from "./tokens.ts";
import { isReserved, type SyntaxToken } from "./tokens.ts";
import type {
  Argument,
  Assert,
  Data,
  DataSelection,
  DerivativeRule,
  Expression,
  FunctionDeclaration,
  Identifier,
  Import,
  Objective,
  Param,
  Parameter,
  Plot,
  Save,
  Show,
  StringLiteral,
  TypeAlias,
  TypeExpression,
} from "./tree.ts";

export abstract class DeclarationGrammar extends ParameterGrammar {
  /** `import { a, b as c } from "std/roots"`. */
  readonly importStatement: Rule<Import> = this.RULE("importStatement", () => {
    const start = this.consume(0, t.Identifier);
    this.expect(1, t.OpenBrace, "`{` and the names to import", {
      help: 'An import lists its names: `import { lbfgs } from "std/first-order"`.',
    });
    const names: Import["names"][number][] = [];
    this.option(0, () => {
      names.push(this.subrule(0, this.importedName));
      this.many(0, () => {
        this.consume(2, t.Comma);
        this.many(1, () => this.consume(3, t.Newline));
        this.ACTION(() => {
          if (this.at(t.CloseBrace)) this.failTrailingComma();
        });
        names.push(this.subrule(1, this.importedName));
      });
    });
    this.expect(4, t.CloseBrace, "`,` or `}` after an imported name");
    this.expectWord(5, "from", "`from` and the module");
    const from = this.subrule(2, this.string);
    return this.ACTION((): Import => ({ kind: "import", names, from, ...this.#frame(start) }));
  });

  readonly importedName: Rule<Import["names"][number]> = this.RULE("importedName", () => {
    const name = this.expectName(0, "what to import");
    let as: Identifier | undefined;
    this.option(
      0,
      when(
        () => this.atWord("as"),
        () => {
          this.consume(1, t.Identifier);
          as = this.expectName(2, "an import");
        },
      ),
    );
    return as === undefined ? { name } : { name, as };
  });

  /** `data X: real[n, d] from "file.csv" columns except "y"`. */
  readonly dataStatement: Rule<Data> = this.RULE("dataStatement", () => {
    const start = this.consume(0, t.Identifier);
    const name = this.expectName(1, "the data");
    const type = this.requiredType(2, "data", name.name, "real[n]");
    let from: StringLiteral | undefined;
    let selection: DataSelection | undefined;
    this.option(
      0,
      when(
        () => this.atWord("from"),
        () => {
          this.consume(3, t.Identifier);
          from = this.subrule(1, this.string);
          this.option(
            1,
            when(
              () => selectionWords.has(this.peek().image),
              () => {
                selection = this.subrule(2, this.dataSelection);
              },
            ),
          );
        },
      ),
    );
    this.ACTION(() => this.#refuseOtherSelection(from, selection));
    this.ACTION(() => {
      if (!this.at(t.Equals)) return;
      const declared = this.text.slice(type.span.start, type.span.end);
      this.fail(
        "K1170",
        this.tokenSpan(this.peek()),
        `Data come from outside: \`${name.name}\` can have no value here.`,
        {
          help: `For values in the script write \`let ${name.name} = ...\`; for a value that can be set from outside, \`param ${name.name}: ${declared} = ...\`; for a file, \`data ${name.name}: ${declared} from "file.csv"\`.`,
        },
      );
    });
    return this.ACTION(
      (): Data => ({
        kind: "data",
        name,
        type,
        ...(from === undefined ? {} : { from }),
        ...(selection === undefined ? {} : { selection }),
        ...this.#frame(start),
      }),
    );
  });

  /** What stands behind the file, or behind what was chosen from it, and chooses nothing. */
  #refuseOtherSelection(from: StringLiteral | undefined, selection: DataSelection | undefined): void {
    if (from === undefined || this.isEnd() || this.at(t.Separator)) return;
    const found = this.peek();
    const listed = selection?.kind === "columns" || selection?.kind === "except";
    if (selection?.kind === "column" && this.at(t.Comma))
      this.failExpected("the end of the statement", { help: 'Several columns are chosen by `columns "a", "b"`.' });
    if (listed && found.tokenType === t.StringToken)
      this.failExpected("`,` between the names of columns", { help: 'Write `columns "a", "b"`.' });
    if (selection === undefined && found.tokenType === t.Identifier && this.at(t.StringToken, 2)) {
      const meant = closest(found.image, [...selectionWords]);
      this.failExpected("`column`, `columns`, `columns except` or `array`", {
        ...(meant ? { help: `Did you mean \`${meant}\`?` } : {}),
      });
    }
  }

  readonly dataSelection: Rule<DataSelection> = this.RULE("dataSelection", () => {
    const word = this.consume(0, t.Identifier);
    let kind = word.image as DataSelection["kind"];
    this.option(
      0,
      when(
        () => word.image === "columns" && this.atWord("except"),
        () => {
          this.consume(1, t.Identifier);
          kind = "except";
        },
      ),
    );
    const names: StringLiteral[] = [this.subrule(0, this.string)];
    this.many(
      0,
      when(
        () => kind === "columns" || kind === "except",
        () => {
          this.consume(2, t.Comma);
          names.push(this.subrule(1, this.string));
        },
      ),
    );
    return this.ACTION((): DataSelection => ({ kind, names, span: this.spanFrom(word.startOffset) }));
  });

  /** `param penalty: real = 0.1`. */
  readonly paramStatement: Rule<Param> = this.RULE("paramStatement", () => {
    const start = this.consume(0, t.Identifier);
    const name = this.expectName(1, "the param");
    const type = this.requiredType(2, "param", name.name, "real");
    const value = this.definition(3, "param", name.name);
    return this.ACTION((): Param => ({ kind: "param", name, type, value, ...this.#frame(start) }));
  });

  /** `: type` of a declaration that must have one. */
  protected requiredType(index: number, what: string, name: string, example: string): TypeExpression {
    this.ACTION(() => {
      if (this.at(t.Colon)) return;
      this.fail("K0134", this.tokenSpan(this.peek()), `\`${what} ${name}\` needs a type: I expected \`:\` here.`, {
        help: `Write \`${what} ${name}: ${example}\`, with the type that fits.`,
      });
    });
    this.consume(index, t.Colon);
    return this.subrule(index, this.typeExpression);
  }

  /** `fn f[h](x: real[h], n = 1) -> real = e  derivative dx => e`. */
  readonly functionDeclaration: Rule<FunctionDeclaration> = this.RULE("functionDeclaration", () => {
    const start = this.consume(0, t.Identifier);
    const name = this.expectName(1, "the function");
    const dimensions = this.subrule(0, this.dimensionParameters);
    const parameters = this.parameterParentheses(`the parameters of \`${name.name}\``);
    const result = this.resultType(4, name.name);
    const body = this.definition(5, "fn", name.name);
    let rule: DerivativeRule | undefined;
    this.option(
      1,
      when(
        () => this.atWord("derivative") || this.atWord("pullback"),
        () => {
          rule = this.subrule(2, this.derivativeRule);
        },
      ),
    );
    return this.ACTION(
      (): FunctionDeclaration => ({
        kind: "fn",
        name,
        dimensions,
        parameters,
        ...(result === undefined ? {} : { result }),
        body,
        ...(rule === undefined ? {} : { rule }),
        ...this.#frame(start),
      }),
    );
  });

  readonly derivativeRule: Rule<DerivativeRule> = this.RULE("derivativeRule", () => {
    const word = this.consume(0, t.Identifier);
    this.ACTION(() => {
      if (this.lambdaAhead()) return;
      const example = word.image === "derivative" ? "derivative dx => ..." : "pullback u => ...";
      this.failExpected(`a function of the ${word.image === "derivative" ? "tangents" : "cotangent"}`, {
        help: `Write \`${example}\`.`,
      });
    });
    const rule = this.subrule(0, this.lambda);
    return this.ACTION(
      (): DerivativeRule => ({
        kind: word.image === "pullback" ? "pullback" : "derivative",
        rule,
        span: this.spanFrom(word.startOffset),
      }),
    );
  });

  /** `type State = (x: real[d], t: int)`. */
  readonly typeAlias: Rule<TypeAlias> = this.RULE("typeAlias", () => {
    const start = this.consume(0, t.Identifier);
    const name = this.expectName(1, "the type");
    this.ACTION(() => {
      if (this.at(t.Equals)) return;
      this.fail(
        "K0113",
        this.tokenSpan(this.peek()),
        `I expected \`=\` and what the type \`${name.name}\` stands for.`,
        {
          help: `Write \`type ${name.name} = (x: real[d], t: int)\`. Dimensions that stay open need no list.`,
        },
      );
    });
    this.consume(2, t.Equals);
    const type = this.subrule(0, this.typeExpression);
    return this.ACTION((): TypeAlias => ({ kind: "type", name, type, ...this.#frame(start) }));
  });

  /** `objective f[h](unknowns; parameters) -> type = body`. */
  readonly objective: Rule<Objective> = this.RULE("objective", () => {
    const start = this.consume(0, t.Identifier);
    const name = this.expectName(1, "the objective");
    const dimensions = this.subrule(0, this.dimensionParameters);
    const { unknowns, parameters } = this.unknownsAndParameters(2, name.name);
    const result = this.resultType(5, name.name);
    const body = this.definition(6, "objective", name.name);
    return this.ACTION(
      (): Objective => ({
        kind: "objective",
        name,
        dimensions,
        unknowns,
        parameters,
        ...(result === undefined ? {} : { result }),
        body,
        ...this.#frame(start),
      }),
    );
  });

  /** `(unknowns; parameters)`, where the second part may be missing. */
  protected unknownsAndParameters(
    index: number,
    name: string,
  ): { unknowns: readonly Parameter[]; parameters: readonly Parameter[] } {
    this.expect(index, t.OpenParen, `\`(\` and the unknowns of \`${name}\``);
    const unknowns = this.subrule(index, this.parameterList);
    let parameters: readonly Parameter[] = [];
    this.option(index, () => {
      this.consume(index, t.Semicolon);
      parameters = this.subrule(index + 1, this.parameterList);
    });
    this.ACTION(() => {
      if (!this.at(t.Semicolon)) return;
      this.fail("K0128", this.tokenSpan(this.peek()), "A list of parameters has at most one `;`.", {
        help: "The unknowns stand before it, the parameters after it, each list separated by `,`.",
      });
    });
    this.expectAfter(index, t.CloseParen, "`,` or `)` after a parameter");
    return { unknowns, parameters };
  }

  // ---------------------------------------------------------------- script statements

  /** `show "caption", e, f`. */
  readonly show: Rule<Show> = this.RULE("show", () => {
    const start = this.consume(0, t.Identifier);
    this.#requireSomethingTo(start);
    const items: Expression[] = [this.subrule(0, this.expression)];
    this.many(0, () => {
      this.consume(1, t.Comma);
      this.#refuseDecimalComma(items.at(-1));
      items.push(this.subrule(1, this.expression));
    });
    return this.ACTION((): Show => ({ kind: "show", items, ...this.#frame(start) }));
  });

  /** `show 0,5`: nobody shows two numbers without a space between them. */
  #refuseDecimalComma(before: Expression | undefined): void {
    this.ACTION(() => {
      if (before?.kind === "number") this.refuseDecimalComma();
    });
  }

  /** `plot y, x = t, title = "..."`. */
  readonly plot: Rule<Plot> = this.RULE("plot", () => {
    const start = this.consume(0, t.Identifier);
    this.#requireSomethingTo(start);
    const list: readonly Argument[] = this.subrule(0, this.argumentList);
    return this.ACTION((): Plot => ({ kind: "plot", arguments: list, ...this.#frame(start) }));
  });

  /** `save e to "w.npy"`. */
  readonly save: Rule<Save> = this.RULE("save", () => {
    const start = this.consume(0, t.Identifier);
    this.#requireSomethingTo(start);
    const value = this.subrule(0, this.expression);
    this.ACTION(() => {
      if (this.atWord("to")) return;
      this.failExpected("`to` and the name of the file", { help: 'Write `save e to "result.npy"`.' });
    });
    this.consume(1, t.Identifier);
    const to = this.subrule(1, this.string);
    return this.ACTION((): Save => ({ kind: "save", value, to, ...this.#frame(start) }));
  });

  /** `assert c, "why"`. */
  readonly assert: Rule<Assert> = this.RULE("assert", () => {
    const start = this.consume(0, t.Identifier);
    this.#requireSomethingTo(start);
    const condition = this.subrule(0, this.expression);
    let message: StringLiteral | undefined;
    this.option(0, () => {
      this.consume(1, t.Comma);
      message = this.subrule(1, this.string);
    });
    return this.ACTION(
      (): Assert => ({
        kind: "assert",
        condition,
        ...(message === undefined ? {} : { message }),
        ...this.#frame(start),
      }),
    );
  });

  #requireSomethingTo(word: SyntaxToken): void {
    this.ACTION(() => {
      if (this.startsExpression()) return;
      if (isReserved(this.peek()) || !this.isEnd()) this.failNoOperand();
      this.failExpected(`something to ${word.image} on the same line`);
    });
  }

  /** Called between two commas or after one: `0,5` is probably a decimal number. */
  protected refuseDecimalComma(): void {
    const comma = this.LA(0);
    const [before, after] = [this.LA(-1), this.peek()];
    if (comma.tokenType !== t.Comma || !isDigits(before) || !isDigits(after)) return;
    if (before.startOffset + before.image.length !== comma.startOffset || after.startOffset !== comma.startOffset + 1)
      return;
    const text = this.text.slice(before.startOffset, after.startOffset + after.image.length);
    this.fail(
      "K0130",
      this.span(before.startOffset, after.startOffset + after.image.length),
      `\`${text}\` is two numbers with a comma between them.`,
      {
        help: `A decimal number has a dot: \`${text.replace(",", ".")}\`. If two values are meant, put a space after the comma.`,
      },
    );
  }

  /** What every statement carries: its span, and its `///` comment. */
  #frame(start: SyntaxToken): { span: { file: string; start: number; end: number }; documentation?: string } {
    return { span: this.spanFrom(start.startOffset), ...this.documentationAt(start.startOffset) };
  }
}

const selectionWords: ReadonlySet<string> = new Set(["column", "columns", "array"]);

function isDigits(token: SyntaxToken): boolean {
  return token.tokenType === t.NumberToken;
}
