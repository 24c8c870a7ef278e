/** The grammar of expressions and patterns. */

import { choice, choiceIf, GrammarBase, type Rule, when } from "./grammar-base.ts";
import { OperatorChain } from "./operators.ts";
import { stringValue } from "./strings.ts";
import * as t from "./tokens.ts";
import { endOf, isReserved, type SyntaxToken, startsOperand } from "./tokens.ts";
import type {
  Argument,
  Block,
  Expression,
  Identifier,
  Lambda,
  Let,
  Loop,
  Pattern,
  Place,
  StringLiteral,
  Tuple,
  TypeExpression,
  With,
} from "./tree.ts";
import { shown } from "./unexpected.ts";

type TupleItem = Tuple["items"][number];

export abstract class ExpressionGrammar extends GrammarBase {
  /** `expr`: whatever may stand after `=`, `=>`, in parentheses, as an argument. */
  readonly expression: Rule<Expression> = this.RULE("expression", () => {
    this.ACTION(() => {
      this.deeper();
      this.requireOperand();
    });
    const result: Expression = this.or(0, [
      choiceIf(
        () => this.lambdaAhead(),
        () => this.subrule(0, this.lambda),
      ),
      choice(() => this.subrule(0, this.conditional)),
      choice(() => this.subrule(0, this.loop)),
      choice(() => this.subrule(0, this.updated)),
    ]);
    this.ACTION(() => this.depth--);
    return result;
  });

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
      this.fail("K0148", this.tokenSpan(found), `A parameter of \`=>\` has no place for ${what}.`, {
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
      if (!this.at(t.Identifier) && !this.at(t.OpenParen)) this.failExpected("a name, or names in parentheses");
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

  readonly conditional: Rule<Expression> = this.RULE("conditional", () => {
    const start = this.consume(0, t.If);
    const condition = this.subrule(0, this.expression);
    this.ACTION(() => {
      if (this.at(t.Then)) return;
      const brace = this.at(t.OpenBrace);
      if (this.at(t.Equals) || this.at(t.Colon)) this.failAfterOperand("`then`");
      this.fail("K0117", this.tokenSpan(this.peek()), "This `if` has no `then` after its condition.", {
        notes: [{ message: "The `if` is here.", span: this.tokenSpan(start) }],
        help: brace ? "Write `if c then { ... } else { ... }`." : "A choice is written `if c then a else b`.",
      });
    });
    this.consume(1, t.Then);
    const then = this.subrule(1, this.expression);
    this.ACTION(() => {
      if (this.at(t.Else)) return;
      if (!this.isEnd() && !this.at(t.Newline) && startsOperand(this.peek()) && this.onSameLine()) {
        this.failAfterOperand("`else`");
      }
      this.fail("K0117", this.tokenSpan(this.peek()), "This `if` has no `else`, but it must have a value either way.", {
        notes: [{ message: "The `if` is here.", span: this.tokenSpan(start) }],
        help: "Add `else` and the value when the condition does not hold.",
      });
    });
    this.consume(2, t.Else);
    const otherwise = this.subrule(2, this.expression);
    return this.ACTION(
      (): Expression => ({
        kind: "if",
        condition,
        then,
        otherwise,
        span: this.spanFrom(start.startOffset),
      }),
    );
  });

  readonly loop: Rule<Loop> = this.RULE("loop", () => {
    const start = this.nextStart();
    const form: SyntaxToken = this.or(0, [
      choice(() => this.consume(0, t.Loop)),
      choice(() => this.consume(1, t.Scan)),
    ]);
    const pattern = this.subrule(0, this.pattern);
    let type: TypeExpression | undefined;
    this.option(0, () => {
      this.consume(2, t.Colon);
      type = this.subrule(1, this.typeExpression);
    });
    this.expect(3, t.Equals, `\`=\` and the first state of the ${form.image}`);
    const initial = this.subrule(2, this.expression);
    let clause: Loop["clause"];
    this.option(1, () => {
      clause = this.subrule(3, this.clause);
    });
    let condition: Expression | undefined;
    this.option(2, () => {
      this.consume(4, t.While);
      condition = this.subrule(4, this.expression);
    });
    this.ACTION(() => {
      if (!this.at(t.OpenBrace)) this.failAfterOperand(`\`{\` and the body of the ${form.image}`);
    });
    const body = this.subrule(5, this.block);
    this.ACTION(() => {
      if (!this.at(t.InfixOperator) || (this.at(t.Minus) && !this.onSameLine())) return;
      const operator = this.peek();
      this.fail(
        "K0144",
        this.tokenSpan(operator),
        `A \`${form.image}\` ends at its \`}\`: \`${operator.image}\` cannot go on with its value.`,
        {
          help: `Put the ${form.image} in parentheses, or give its value a name with \`let\` first.`,
        },
      );
    });
    return this.ACTION(
      (): Loop => ({
        kind: "loop",
        form: form.tokenType === t.Loop ? "loop" : "scan",
        pattern,
        ...(type === undefined ? {} : { type }),
        initial,
        ...(clause === undefined ? {} : { clause }),
        ...(condition === undefined ? {} : { condition }),
        body,
        span: this.spanFrom(start),
      }),
    );
  });

  /** `for p in xs`. */
  readonly clause: Rule<{ pattern: Pattern; source: Expression }> = this.RULE("clause", () => {
    this.consume(0, t.For);
    const pattern = this.subrule(0, this.pattern);
    this.expect(1, t.In, "`in` after the name");
    const source = this.subrule(1, this.expression);
    return { pattern, source };
  });

  /** `{ let a = e  result }`. */
  readonly block: Rule<Block> = this.RULE("block", () => {
    const open = this.expect(0, t.OpenBrace, "`{`");
    const before = this.diagnostics.length;
    const lets: Let[] = [];
    let result: Expression | undefined;
    this.items(
      () => {
        this.ACTION(() => this.refuseForeignStatement("block"));
        this.or(0, [
          choice(() => lets.push(this.subrule(0, this.letStatement))),
          choice(() => {
            const value = this.subrule(1, this.expression);
            this.ACTION(() => this.refuseAssignment(value));
            result = value;
          }),
        ]);
        this.ACTION(() => {
          const unused = this.#unusedValue(result);
          result = unused === undefined ? result : undefined;
          if (unused !== undefined) this.#failUnused(unused);
        });
      },
      "`let` or the value of the block",
      () => this.at(t.Let) || this.startsExpression(),
      () => false,
    );
    this.ACTION(() => {
      if (result !== undefined || this.diagnostics.length > before) return;
      const message =
        lets.length === 0
          ? "This block is empty, but a block must have a value."
          : "This block ends without a value: its last line must be one.";
      const help =
        lets.length === 0 ? "Write the value between the braces." : "Add a last line that says what the block is.";
      this.fail("K0118", this.span(open.startOffset, endOf(this.peek())), message, { help });
    });
    this.expect(1, t.CloseBrace, "`}` at the end of the block");
    return this.ACTION((): Block => {
      const span = this.spanFrom(open.startOffset);
      // A statement with an error in it is dropped as a whole; this only keeps its tree well-formed until then.
      return { kind: "block", lets, result: result ?? { kind: "tuple", items: [], span }, span };
    });
  });

  /** The value of a line of a block, unless the line is the last one. */
  #unusedValue(value: Expression | undefined): Expression | undefined {
    let ahead = 1;
    while (this.at(t.Newline, ahead) || this.at(t.Semicolon, ahead)) ahead++;
    const separated = ahead > 1 || this.at(t.Let);
    return !separated || this.at(t.CloseBrace, ahead) || this.isEnd(ahead) ? undefined : value;
  }

  #failUnused(value: Expression): never {
    this.fail("K0119", value.span, "Nothing uses this value: only the last line of a block is its value.", {
      help: "Give it a name with `let`, or delete it.",
    });
  }

  readonly letStatement: Rule<Let> = this.RULE("letStatement", () => {
    const start = this.consume(0, t.Let);
    const pattern = this.subrule(0, this.pattern);
    let type: TypeExpression | undefined;
    this.option(0, () => {
      this.consume(1, t.Colon);
      type = this.subrule(1, this.typeExpression);
    });
    const value = this.definition(2, "let", pattern.kind === "name-pattern" ? pattern.name : "the names");
    return this.ACTION(
      (): Let => ({
        kind: "let",
        pattern,
        ...(type === undefined ? {} : { type }),
        value,
        span: this.spanFrom(start.startOffset),
        ...this.documentationAt(start.startOffset),
      }),
    );
  });

  /** `= e` of a declaration of `name`. */
  protected definition(index: number, what: string, name: string): Expression {
    this.ACTION(() => {
      if (this.at(t.Equals)) return;
      const span = this.tokenSpan(this.peek());
      if (this.isEnd() || this.at(t.Separator) || this.at(t.CloseBrace)) {
        const shown = what === "let" ? `\`let\` gives a name to a value` : `\`${what} ${name}\` needs a value`;
        this.fail("K0120", span, `${shown}, but there is no value here.`, {
          help: `Write \`= \` and the value of ${quoted(name)}.`,
        });
      }
      const help = this.at(t.OpenBrace)
        ? "Write `= { ... }`: the body of a function is a value like any other."
        : this.at(t.EqualEqual)
          ? "`==` compares. A definition has one `=`."
          : `A definition reads \`${what} ${name === "the names" ? "(a, b)" : name} = value\`.`;
      this.fail(
        "K0113",
        span,
        `I expected \`=\` and the value of ${quoted(name)}, but found \`${this.peek().image}\`.`,
        { help },
      );
    });
    this.consume(index, t.Equals);
    this.ACTION(() => {
      if (!this.isEnd() && !this.at(t.Separator) && !this.at(t.CloseBrace) && !this.at(t.Let)) return;
      const start = endOf(this.LA(0));
      this.fail("K0120", this.span(start, start), `The value of ${quoted(name)} is missing after \`=\`.`, {
        help: "Write the value after `=`, on the same line or on the next.",
      });
    });
    return this.subrule(index, this.expression);
  }

  /** `op-expr { with ... }`. */
  readonly updated: Rule<Expression> = this.RULE("updated", () => {
    let base = this.subrule(0, this.operation);
    this.many(0, () => {
      this.consume(0, t.With);
      this.ACTION(() => {
        if (this.at(t.OpenParen) || this.at(t.OpenBracket)) return;
        this.fail("K0149", this.tokenSpan(this.peek()), "After `with` come the fields or the entries that change.", {
          help: "Write `s with (x: 1)` to change a field, `a with [i] = 1` to change an entry.",
        });
      });
      const update: With["update"] = this.or(0, [
        choice(() => {
          const places = this.subrule(0, this.places);
          this.ACTION(() => {
            if (!this.at(t.Equals) && !this.at(t.PlusEquals)) {
              this.failExpected("`=` or `+=` and the new value after the entries");
            }
          });
          const operator: SyntaxToken = this.or(1, [
            choice(() => this.consume(1, t.Equals)),
            choice(() => this.consume(2, t.PlusEquals)),
          ]);
          const value = this.subrule(1, this.operation);
          return this.ACTION((): With["update"] => ({
            kind: "places",
            places,
            operator: operator.tokenType === t.Equals ? "=" : "+=",
            value,
          }));
        }),
        choice(() => {
          const fields = this.subrule(2, this.parenthesis);
          return this.ACTION((): With["update"] => {
            if (fields.kind === "tuple" && fields.items[0]?.name !== undefined) {
              return { kind: "fields", fields };
            }
            this.fail("K0149", fields.span, "After `with` come fields with their names.", {
              help: "Write `s with (x: 1)`; the fields that are not named keep their values.",
            });
          });
        }),
      ]);
      const changed = base;
      base = this.ACTION(
        (): With => ({ kind: "with", base: changed, update, span: this.spanFrom(changed.span.start) }),
      );
    });
    return base;
  });

  /** Operands and operators; `OperatorChain` knows their precedence. */
  readonly operation: Rule<Expression> = this.RULE("operation", () => {
    const chain = new OperatorChain(this.file);
    this.many(0, () => {
      const sign: SyntaxToken = this.subrule(0, this.prefix);
      this.ACTION(() => chain.prefix(sign));
    });
    const first = this.subrule(1, this.postfix);
    this.ACTION(() => chain.operand(first));
    this.many(
      1,
      when(
        () => !this.at(t.Identifier) || (this.atWord("within") && chain.takesWithin),
        () => {
          const operator: SyntaxToken = this.or(0, [
            choice(() => this.consume(0, t.InfixOperator)),
            choice(() => this.consume(1, t.Identifier)),
          ]);
          this.ACTION(() => chain.infix(operator));
          this.many(2, () => {
            const sign: SyntaxToken = this.subrule(2, this.prefix);
            this.ACTION(() => chain.prefix(sign));
          });
          const next = this.subrule(3, this.postfix);
          this.ACTION(() => chain.operand(next));
        },
      ),
    );
    return this.ACTION(() => chain.result());
  });

  readonly prefix: Rule<SyntaxToken> = this.RULE("prefix", () =>
    this.or(0, [choice(() => this.consume(0, t.Minus)), choice(() => this.consume(1, t.Not))]),
  );

  /** An atom and the calls, indices, fields and transposes after it. */
  readonly postfix: Rule<Expression> = this.RULE("postfix", () => {
    this.ACTION(() => this.requireAtom());
    let base = this.subrule(0, this.atom);
    this.many(
      0,
      when(
        // A call or an index begins on the line of what it applies to.
        () => this.onSameLine() || this.at(t.Dot),
        () => {
          const before = base;
          base = this.or(0, [
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
    return this.identifier(this.expect(1, t.Identifier, "the name of a field after `.`"));
  });

  readonly atom: Rule<Expression> = this.RULE("atom", () =>
    this.or(0, [
      choice(() => this.#name(this.consume(0, t.Identifier))),
      choice(() => this.#number(this.consume(1, t.NumberToken))),
      choice(() => this.#number(this.consume(2, t.HexNumber))),
      choice(() => this.subrule(0, this.string)),
      choice(() => this.#boolean(this.consume(4, t.True))),
      choice(() => this.#boolean(this.consume(5, t.False))),
      choice(() => this.subrule(1, this.parenthesis)),
      choice(() => this.subrule(2, this.array)),
      choice(() => this.subrule(3, this.block)),
    ]),
  );

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
    const token = this.expect(0, t.StringToken, "a string in double quotes");
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

  protected failTrailingComma(): never {
    this.fail("K0133", this.tokenSpan(this.LA(0)), "Nothing follows this `,`.", {
      help: "Delete the `,`, or add what should come after it.",
    });
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

  // ---------------------------------------------------------------- deciding by hand

  /** `x =>` or `( ... ) =>`. */
  protected lambdaAhead(): boolean {
    if (this.at(t.Identifier)) return this.at(t.FatArrow, 2);
    return this.at(t.OpenParen) && this.peek().follower?.tokenType === t.FatArrow;
  }

  protected startsExpression(distance = 1): boolean {
    const token = this.peek(distance);
    return startsOperand(token) || token.tokenType === t.Minus;
  }

  protected namePattern(token: SyntaxToken): Pattern {
    return this.ACTION((): Pattern => {
      const span = this.tokenSpan(token);
      this.refusePrime(token);
      return token.image === "_" ? { kind: "ignore-pattern", span } : { kind: "name-pattern", name: token.image, span };
    });
  }

  /** Fails unless an expression starts here. */
  protected requireOperand(): void {
    if (this.startsExpression()) return;
    this.failNoOperand();
  }

  protected failNoOperand(): never {
    const found = this.peek();
    if (found.tokenType === t.Quote) {
      this.fail(
        "K0138",
        this.tokenSpan(found),
        "A quote `'` does not start a string: it transposes what stands before it.",
        {
          help: 'Strings are written with double quotes: `"text"`.',
        },
      );
    }
    if (found.tokenType === t.For || found.tokenType === t.While) {
      this.fail(
        "K0101",
        this.tokenSpan(found),
        `\`${found.image}\` starts no expression: a loop says what it computes.`,
        {
          help: "Write `loop s = s0 for x in xs { next }`, or `[f(x) for x in xs]` to map.",
        },
      );
    }
    if (found.tokenType === t.Plus) {
      this.failExpected("a value", { help: "A positive number is written without a sign." });
    }
    const previous = this.LA(0);
    if (Number.isNaN(previous.startOffset) || previous.image === "") this.failExpected("an expression");
    const help =
      found.tokenType === t.CloseParen || found.tokenType === t.CloseBracket || this.isEnd() || this.at(t.Separator)
        ? `Add what should come after \`${previous.image}\`, or delete it.`
        : `Put a value between \`${previous.image}\` and \`${shown(found.image)}\`, or delete one of them.`;
    this.failExpected(`an expression after \`${shown(previous.image)}\``, { help });
  }

  /** After an operator: `if`, `loop` and `=>` need parentheses there. */
  protected requireAtom(): void {
    const token = this.peek();
    const type = token.tokenType;
    const lambda = this.lambdaAhead();
    if (type === t.If || type === t.Loop || type === t.Scan || lambda) {
      const what = lambda ? "A function" : `\`${token.image}\``;
      this.fail("K0132", this.tokenSpan(token), `${what} needs parentheses here.`, {
        help: lambda
          ? "Write `(x => ...)`: a function takes in everything to its right."
          : `Write \`(${token.image} ...)\`, or give its value a name with \`let\` first.`,
      });
    }
    if (token.image === "_" && type === t.Identifier) {
      this.fail(
        "K0112",
        this.tokenSpan(token),
        "`_` has no value: it stands in a pattern for something nobody needs.",
        {
          help: "Give it a name in the pattern, and use that.",
        },
      );
    }
    if (!startsOperand(token) || type === t.Not) this.failNoOperand();
  }

  /** `x = 3` where a value is expected. */
  protected refuseAssignment(target: Expression): void {
    if (!this.at(t.Equals)) return;
    const assignable = target.kind === "name" || (target.kind === "tuple" && target.parenthesized !== true);
    if (!assignable) this.failAfterOperand("the end of the statement");
    const text = this.text.slice(target.span.start, target.span.end);
    this.fail("K0135", this.tokenSpan(this.peek()), "A value gets a name with `let`; names are never assigned again.", {
      help: `Write \`let ${text.length <= 40 ? text : "name"} = ...\`. To compare, write \`==\`.`,
    });
  }

  /** Words of other languages, and declarations where they cannot stand. Defined with the declarations. */
  protected abstract refuseForeignStatement(where: "block" | "script"): void;
}

function quoted(name: string): string {
  return name === "the names" ? name : `\`${name}\``;
}
