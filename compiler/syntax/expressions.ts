/** The grammar of expressions: what may stand after `=`, and the blocks and loops in it. */
import { AtomGrammar } from "./atoms.ts";
import { choice, choiceIf, type Rule, when } from "./grammar-base.ts";
import { OperatorChain } from "./operators.ts";
import * as t from "./tokens.ts";
import { endOf, type SyntaxToken, startsOperand } from "./tokens.ts";
import type { Block, Expression, Let, Loop, Pattern, TypeExpression, With } from "./tree.ts";

/** One `if c then a` of a chain. */
interface Case {
  readonly start: number;
  readonly condition: Expression;
  readonly then: Expression;
}

export abstract class ExpressionGrammar extends AtomGrammar {
  /** `expr`: whatever may stand after `=`, `=>`, in parentheses, as an argument. */
  readonly expression: Rule<Expression> = this.RULE("expression", () => {
    this.ACTION(() => {
      this.deeper();
      this.requireOperand();
    });
    let result = this.or(0, this.#expressions());
    // What ends in an expression of its own has taken the updates in; a loop needs parentheses to be updated.
    const takesUpdates = () => result.kind !== "lambda" && result.kind !== "if" && result.kind !== "loop";
    this.many(
      0,
      when(
        () => takesUpdates() || result.parenthesized === true,
        () => {
          const base = result;
          const update = this.subrule(1, this.update);
          result = this.ACTION((): With => ({ kind: "with", base, update, span: this.spanFrom(base.span.start) }));
        },
      ),
    );
    this.ACTION(() => this.depth--);
    return result;
  });

  #expressions(): { GATE?: () => boolean; ALT: () => Expression }[] {
    this.#expressionChoices ??= [
      choiceIf(
        () => this.lambdaAhead(),
        (): Expression => this.subrule(2, this.lambda),
      ),
      choice(() => this.subrule(3, this.conditional)),
      choice((): Expression => this.subrule(4, this.loop)),
      choice(() => this.subrule(5, this.operation)),
    ];
    return this.#expressionChoices;
  }
  #expressionChoices: { GATE?: () => boolean; ALT: () => Expression }[] | undefined;

  /** `if c then a else b`; a chain of `else if` is one list of cases, however long. */
  readonly conditional: Rule<Expression> = this.RULE("conditional", () => {
    const cases: Case[] = [this.subrule(0, this.ifThen)];
    this.many(
      0,
      when(
        () => this.at(t.If, 2),
        () => {
          this.consume(0, t.Else);
          cases.push(this.subrule(1, this.ifThen));
        },
      ),
    );
    this.consume(1, t.Else);
    const last = this.subrule(2, this.expression);
    return this.ACTION((): Expression => {
      const end = last.span.end;
      return cases.reduceRight<Expression>(
        (otherwise, { start, condition, then }) => ({
          kind: "if",
          condition,
          then,
          otherwise,
          span: this.span(start, end),
        }),
        last,
      );
    });
  });

  /** `if c then a`, where `else` must follow. */
  readonly ifThen: Rule<Case> = this.RULE("ifThen", () => {
    const start = this.consume(0, t.If);
    const condition = this.subrule(0, this.expression);
    this.ACTION(() => {
      if (!this.at(t.Then)) this.#failNoThen(start);
    });
    this.consume(1, t.Then);
    const then = this.subrule(1, this.expression);
    this.ACTION(() => {
      if (!this.at(t.Else)) this.#failNoElse(start);
    });
    return { start: start.startOffset, condition, then };
  });

  #failNoThen(start: SyntaxToken): never {
    if (this.at(t.Equals) || this.at(t.Colon)) this.failAfterOperand("`then`");
    const brace = this.at(t.OpenBrace);
    this.fail("K0117", this.tokenSpan(this.peek()), "This `if` has no `then` after its condition.", {
      notes: [{ message: "The `if` is here.", span: this.tokenSpan(start) }],
      help: brace ? "Write `if c then { ... } else { ... }`." : "A choice is written `if c then a else b`.",
    });
  }

  #failNoElse(start: SyntaxToken): never {
    if (!this.isEnd() && !this.at(t.Newline) && startsOperand(this.peek()) && this.onSameLine()) {
      this.failAfterOperand("`else`");
    }
    this.fail("K0117", this.tokenSpan(this.peek()), "This `if` has no `else`, but it must have a value either way.", {
      notes: [{ message: "The `if` is here.", span: this.tokenSpan(start) }],
      help: "Add `else` and the value when the condition does not hold.",
    });
  }

  readonly loop: Rule<Loop> = this.RULE("loop", () => {
    const start = this.nextStart();
    const form: SyntaxToken = this.or(0, [
      choice(() => this.consume(0, t.Loop)),
      choice(() => this.consume(1, t.Scan)),
    ]);
    this.ACTION(() => {
      if (!this.at(t.For) && !this.at(t.While) && !this.at(t.OpenBrace)) return;
      this.failExpected(`what the ${form.image} carries from step to step`, {
        help: `Write \`${form.image} s = s0 for i in 0..n { next }\`: the value of the block is the next \`s\`.`,
      });
    });
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
          : this.#definitionHelp(what, name);
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
        help:
          what !== "let" && this.at(t.Let)
            ? "A value of several lines stands in braces: `{ let a = e; a + 1 }`."
            : "Write the value after `=`, on the same line or on the next.",
      });
    });
    const value = this.subrule(index, this.expression);
    this.ACTION(() => {
      if (what !== "let" || value.kind !== "name" || !this.at(t.Equals)) return;
      this.fail("K0125", this.tokenSpan(this.peek()), "A `let` names one value, with one `=`.", {
        help: `Write \`let ${value.name} = ...\` first, then \`let ${name} = ${value.name}\`. To compare, write \`==\`.`,
      });
    });
    return value;
  }

  #definitionHelp(what: string, name: string): string {
    if (what === "let" && this.at(t.OpenParen))
      return `A function is \`fn ${name}(x) = e\`, or \`let ${name} = x => e\`.`;
    if (what === "let" && this.at(t.Comma)) return `Several names stand in parentheses: \`let (${name}, b) = (1, 2)\`.`;
    if (what === "fn")
      return `A definition reads \`fn ${name}(x) = value\`, or with a type of the result \`fn ${name}(x) -> real = value\`.`;
    return `A definition reads \`${what} ${name === "the names" ? "(a, b)" : name} = value\`.`;
  }

  /** `with (x: 1)`, `with [i] = 1`. */
  readonly update: Rule<With["update"]> = this.RULE("update", () => {
    this.consume(0, t.With);
    this.ACTION(() => {
      if (this.at(t.OpenParen) || this.at(t.OpenBracket)) return;
      this.fail("K0148", this.tokenSpan(this.peek()), "After `with` come the fields or the entries that change.", {
        help: "Write `s with (x: 1)` to change a field, `a with [i] = 1` to change an entry.",
      });
    });
    return this.or(0, [
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
          this.fail("K0148", fields.span, "After `with` come fields with their names.", {
            help: "Write `s with (x: 1)`; the fields that are not named keep their values.",
          });
        });
      }),
    ]);
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
}

function quoted(name: string): string {
  return name === "the names" ? name : `\`${name}\``;
}
