/** The grammar of atoms and of what follows them: calls, indices, fields, transposes. */
import { choice, type Rule, when } from "./grammar-base.ts";
import { PatternGrammar } from "./patterns.ts";
import { stringValue } from "./strings.ts";
import * as t from "./tokens.ts";
import { isReserved, type SyntaxToken } from "./tokens.ts";
import type { Argument, Expression, Identifier, Pattern, Place, StringLiteral, Tuple } from "./tree.ts";

type TupleItem = Tuple["items"][number];

export abstract class AtomGrammar extends PatternGrammar {
  abstract readonly clause: Rule<{ pattern: Pattern; source: Expression }>;

  /** An atom and the calls, indices, fields and transposes after it. */
  readonly postfix: Rule<Expression> = this.RULE("postfix", () => {
    this.ACTION(() => this.requireAtom());
    let base = this.or(0, this.#atoms());
    this.many(
      0,
      when(
        // A call or an index begins on the line of what it applies to.
        () => this.onSameLine() || this.at(t.Dot),
        () => {
          const before = base;
          base = this.or(1, [
            choice(() => this.subrule(1, this.call, { ARGS: [before] })),
            choice(() => this.#index(before, this.subrule(2, this.places))),
            choice(() => this.#field(before, this.subrule(3, this.fieldName))),
            choice(() => this.#transpose(before, this.consume(0, t.Quote))),
          ]);
        },
      ),
    );
    return base;
  });

  #index(base: Expression, places: readonly Place[]): Expression {
    return this.ACTION(() => ({ kind: "index", base, places, span: this.spanFrom(base.span.start) }));
  }
  #field(base: Expression, name: Identifier): Expression {
    return this.ACTION(() => ({ kind: "field", base, name, span: this.spanFrom(base.span.start) }));
  }
  #transpose(base: Expression, _quote: SyntaxToken): Expression {
    return this.ACTION(() => ({ kind: "transpose", base, span: this.spanFrom(base.span.start) }));
  }

  readonly fieldName: Rule<Identifier> = this.RULE("fieldName", () => {
    this.consume(0, t.Dot);
    this.ACTION(() => {
      if (isReserved(this.peek())) this.failReserved("a field");
    });
    const help = "Arithmetic goes entry by entry as it is, `A * B`; the product of matrices is `A @ B`.";
    const operator = !this.RECORDING_PHASE && this.at(t.InfixOperator);
    return this.identifier(
      this.expect(1, t.Identifier, "the name of a field after `.`", operator ? { help } : undefined),
    );
  });

  /** The alternatives do not depend on where the atom stands, so they are made once. */
  #atoms(): { ALT: () => Expression }[] {
    this.#atomChoices ??= [
      choice(() => this.#name(this.consume(0, t.Identifier))),
      choice(() => this.#number(this.consume(1, t.NumberToken))),
      choice(() => this.#number(this.consume(2, t.HexNumber))),
      choice((): Expression => this.subrule(4, this.string)),
      choice(() => this.#boolean(this.consume(4, t.True))),
      choice(() => this.#boolean(this.consume(5, t.False))),
      choice(() => this.subrule(5, this.parenthesis)),
      choice(() => this.subrule(6, this.array)),
      choice((): Expression => this.subrule(7, this.block)),
    ];
    return this.#atomChoices;
  }
  #atomChoices: { ALT: () => Expression }[] | undefined;

  #name(token: SyntaxToken): Expression {
    return { kind: "name", name: token.image, span: this.tokenSpan(token) };
  }
  #number(token: SyntaxToken): Expression {
    const text = token.image;
    const integer = /^(?:\d+|0[xX].*)$/.test(text);
    return { kind: "number", text, value: Number(text), integer, span: this.tokenSpan(token) };
  }
  #boolean(token: SyntaxToken): Expression {
    return { kind: "boolean", value: token.tokenType === t.True, span: this.tokenSpan(token) };
  }

  readonly string: Rule<StringLiteral> = this.RULE("string", () => {
    const token = this.expect(0, t.StringToken, "a string in double quotes", {
      help: 'Paths and titles stand in double quotes: `"file.csv"`.',
    });
    return this.ACTION((): StringLiteral => {
      const span = this.tokenSpan(token);
      return { kind: "string", value: stringValue(token.image, span), span };
    });
  });

  /** `(e)`, `()`, `(a, b)`, `(x: a, y: b)`. */
  readonly parenthesis: Rule<Expression> = this.RULE("parenthesis", () => {
    const open = this.consume(0, t.OpenParen);
    const items: TupleItem[] = [];
    let comma: SyntaxToken | undefined;
    this.option(0, () => {
      items.push(this.subrule(0, this.tupleItem, { ARGS: [undefined] }));
      this.many(0, () => {
        comma = this.consume(1, t.Comma);
        this.ACTION(() => this.#refuseEndAfterComma(items.length === 1));
        items.push(this.subrule(1, this.tupleItem, { ARGS: [items[0]] }));
      });
    });
    this.expectAfter(2, t.CloseParen, "`,` or `)`");
    return this.ACTION((): Expression => {
      const span = this.spanFrom(open.startOffset);
      const only = items.length === 1 ? items[0] : undefined;
      if (only !== undefined && only.name === undefined && comma === undefined) {
        return { ...only.value, span, parenthesized: true };
      }
      return { kind: "tuple", items, span };
    });
  });

  #refuseEndAfterComma(single: boolean): void {
    if (!this.at(t.CloseParen)) return;
    const span = this.tokenSpan(this.LA(0));
    if (single) {
      this.fail("K0116", span, "A tuple of one value does not exist: a plain tuple has none or at least two.", {
        help: "Delete the `,`. A tuple of one field has a name: `(x: e)`.",
      });
    }
    this.failTrailingComma();
  }

  /** One item of a tuple. Either all have names or none has, so the first one decides. */
  readonly tupleItem: Rule<TupleItem, [TupleItem | undefined]> = this.RULE("tupleItem", (first) => {
    this.ACTION(() => {
      const named = this.at(t.Colon, 2) && (this.at(t.Identifier) || isReserved(this.peek()));
      if (named && isReserved(this.peek())) this.failReserved("a field");
      if (this.at(t.Identifier) && this.at(t.Equals, 2)) this.#failEqualsInTuple();
      if (first === undefined || named === (first.name !== undefined)) return;
      const field = first.name === undefined ? this.peek().image : first.name.name;
      this.fail("K0115", this.tokenSpan(this.peek()), "Some items of this tuple have names and some have not.", {
        notes: [
          {
            message: first.name === undefined ? "The first item has no name." : `The first item is named \`${field}\`.`,
            span: first.name?.span ?? first.value.span,
          },
        ],
        help: "Name all of them, as in `(x: 1, y: 2)`, or none, as in `(1, 2)`.",
      });
    });
    let name: Identifier | undefined;
    this.option(
      0,
      when(
        () => this.at(t.Identifier) && this.at(t.Colon, 2),
        () => {
          name = this.identifier(this.consume(0, t.Identifier));
          this.consume(1, t.Colon);
        },
      ),
    );
    const value = this.subrule(0, this.expression);
    return name === undefined ? { value } : { name, value };
  });

  #failEqualsInTuple(): never {
    const name = this.peek().image;
    this.fail("K0142", this.tokenSpan(this.peek(2)), `In a tuple a field gets its value with \`:\`, not \`=\`.`, {
      help: `Write \`(${name}: ...)\`; to compare, write \`${name} == ...\`. (\`=\` names the arguments of a call.)`,
    });
  }

  /** `[a, b]`, `[f(x) for x in xs]`. */
  readonly array: Rule<Expression> = this.RULE("array", () => {
    const open = this.consume(0, t.OpenBracket);
    const items: Expression[] = [];
    const clauses: { pattern: Pattern; source: Expression }[] = [];
    this.option(0, () => {
      items.push(this.subrule(0, this.expression));
      this.or(0, [
        choice(() => {
          this.atLeastOne(0, () => clauses.push(this.subrule(0, this.clause)));
        }),
        choice(() => {
          this.many(0, () => {
            this.consume(1, t.Comma);
            this.ACTION(() => {
              if (this.at(t.CloseBracket)) this.failTrailingComma();
            });
            items.push(this.subrule(1, this.expression));
          });
        }),
      ]);
    });
    this.ACTION(() => {
      if (clauses.length === 0 || !this.at(t.If)) return;
      this.fail(
        "K0101",
        this.tokenSpan(this.peek()),
        "A comprehension has no filter: its length would depend on the data.",
        {
          help: "Use `where(c, a, b)` on the entries, or `top_k` to keep a fixed number of them.",
        },
      );
    });
    this.expectAfter(2, t.CloseBracket, clauses.length > 0 ? "`for` or `]`" : "`,` or `]`");
    return this.ACTION((): Expression => {
      const span = this.spanFrom(open.startOffset);
      const body = items[0];
      if (clauses.length > 0 && body !== undefined) return { kind: "comprehension", body, clauses, span };
      return { kind: "array", items, span };
    });
  });

  /** `(a, b = c; p)` after what is called. */
  readonly call: Rule<Expression, [Expression]> = this.RULE("call", (callee) => {
    this.consume(0, t.OpenParen);
    const first = this.subrule(0, this.argumentList);
    let parameters: readonly Argument[] | undefined;
    this.option(0, () => {
      this.consume(1, t.Semicolon);
      parameters = this.subrule(1, this.argumentList);
    });
    this.ACTION(() => {
      if (parameters === undefined || !this.at(t.Semicolon)) return;
      this.fail("K0128", this.tokenSpan(this.peek()), "A call has at most one `;`.", {
        help: "The unknowns stand before it, the parameters after it, each list separated by `,`: `f(x, y; p, q)`.",
      });
    });
    this.expectAfter(2, t.CloseParen, parameters === undefined ? "`,`, `;` or `)`" : "`,` or `)`");
    return this.ACTION(
      (): Expression => ({
        kind: "call",
        callee,
        arguments: first,
        ...(parameters === undefined ? {} : { parameters }),
        span: this.spanFrom(callee.span.start),
      }),
    );
  });

  /** Arguments separated by commas, named ones last; possibly none. */
  readonly argumentList: Rule<readonly Argument[]> = this.RULE("argumentList", () => {
    const list: Argument[] = [];
    this.ACTION(() => {
      if (isReserved(this.peek()) && this.at(t.Equals, 2)) this.failReserved("an argument");
    });
    this.option(0, () => {
      list.push(this.subrule(0, this.argument, { ARGS: [undefined] }));
      this.many(0, () => {
        this.consume(0, t.Comma);
        this.ACTION(() => {
          if (this.at(t.CloseParen) || this.isEnd() || this.at(t.Newline)) this.failTrailingComma();
        });
        list.push(this.subrule(1, this.argument, { ARGS: [list.at(-1)] }));
      });
    });
    return list;
  });

  readonly argument: Rule<Argument, [Argument | undefined]> = this.RULE("argument", (previous) => {
    const start = this.nextStart();
    this.ACTION(() => {
      if (isReserved(this.peek()) && this.at(t.Equals, 2)) this.failReserved("an argument");
      if (!this.at(t.Identifier) || !this.at(t.Colon, 2)) return;
      const name = this.peek().image;
      this.fail("K0142", this.tokenSpan(this.peek(2)), "An argument gets its name with `=`, not `:`.", {
        help: `Write \`${name} = ...\`. To pass a tuple with a field \`${name}\`, add parentheses: \`((${name}: ...))\`.`,
      });
    });
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
    const value = this.subrule(0, this.expression);
    return this.ACTION((): Argument => {
      const span = this.spanFrom(start);
      if (name !== undefined) return { name, value, span };
      if (previous?.name !== undefined && !this.at(t.Equals)) {
        this.fail("K0114", value.span, "An argument without a name cannot follow one with a name.", {
          notes: [{ message: `\`${previous.name.name}\` is named here.`, span: previous.span }],
          help: "Put the named arguments last, or name this one too.",
        });
      }
      return { value, span };
    });
  });

  /** `[i, a:b, h = 64]`. */
  readonly places: Rule<readonly Place[]> = this.RULE("places", () => {
    this.consume(0, t.OpenBracket);
    this.ACTION(() => {
      if (this.at(t.CloseBracket))
        this.failExpected("an index, a slice or a dimension between `[` and `]`", {
          help: "All of an axis is `x[:]`.",
        });
    });
    const places: Place[] = [this.subrule(0, this.place)];
    this.many(0, () => {
      this.consume(1, t.Comma);
      this.ACTION(() => {
        if (this.at(t.CloseBracket)) this.failTrailingComma();
      });
      places.push(this.subrule(1, this.place));
    });
    this.expectAfter(2, t.CloseBracket, "`,`, `:` or `]`");
    return places;
  });

  readonly place: Rule<Place> = this.RULE("place", () => {
    const start = this.nextStart();
    const parts: (Expression | undefined)[] = [undefined];
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
    this.option(
      1,
      when(
        () => !this.at(t.Colon),
        () => {
          parts[0] = this.subrule(0, this.expression);
        },
      ),
    );
    this.many(
      0,
      when(
        () => parts.length < 3 && name === undefined,
        () => {
          this.consume(2, t.Colon);
          parts.push(undefined);
          this.option(
            2,
            when(
              () => !this.at(t.Colon),
              () => {
                parts[parts.length - 1] = this.subrule(1, this.expression);
              },
            ),
          );
        },
      ),
    );
    return this.ACTION((): Place => {
      const [first, stop, step] = parts;
      if (parts.length === 1) {
        if (first === undefined) this.requireOperand();
        const value = first as Expression;
        const span = this.spanFrom(start);
        return name === undefined ? { kind: "at", value, span } : { kind: "dimension", name, value, span };
      }
      return {
        kind: "slice",
        ...(first === undefined ? {} : { start: first }),
        ...(stop === undefined ? {} : { stop }),
        ...(step === undefined ? {} : { step }),
        span: this.spanFrom(start),
      };
    });
  });
}
