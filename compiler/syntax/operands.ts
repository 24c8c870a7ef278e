/** What the grammar decides by looking at tokens itself, and what it says when no expression can start. */
import { GrammarBase } from "./grammar-base.ts";
import * as t from "./tokens.ts";
import { startsOperand } from "./tokens.ts";
import type { Expression } from "./tree.ts";
import { shown } from "./unexpected.ts";

export abstract class OperandGrammar extends GrammarBase {
  /** `x =>` or `( ... ) =>`. */
  protected lambdaAhead(): boolean {
    if (this.at(t.Identifier)) return this.at(t.FatArrow, 2);
    return this.at(t.OpenParen) && this.peek().follower?.tokenType === t.FatArrow;
  }

  protected startsExpression(distance = 1): boolean {
    const token = this.peek(distance);
    return startsOperand(token) || token.tokenType === t.Minus;
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
    const ends = found.tokenType === t.CloseParen || found.tokenType === t.CloseBracket || found.tokenType === t.Let;
    const help =
      ends || this.isEnd() || this.at(t.Separator)
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
    if (target.kind === "index") {
      const base = this.text.slice(target.base.span.start, target.base.span.end);
      const places = this.text.slice(target.base.span.end, target.span.end);
      if (base.length + places.length <= 40)
        this.fail("K0135", this.tokenSpan(this.peek()), "Arrays are never changed in place.", {
          help: `\`${base} with ${places.trim()} = ...\` is a copy of \`${base}\` with that entry replaced.`,
        });
    }
    const assignable = target.kind === "name" || (target.kind === "tuple" && target.parenthesized !== true);
    if (!assignable) this.failAfterOperand("the end of the statement");
    const text = this.text.slice(target.span.start, target.span.end);
    this.fail("K0135", this.tokenSpan(this.peek()), "A value gets a name with `let`; names are never assigned again.", {
      help: `Write \`let ${text.length <= 40 ? text : "name"} = ...\`. To compare, write \`==\`.`,
    });
  }

  protected failTrailingComma(): never {
    this.fail("K0133", this.tokenSpan(this.LA(0)), "Nothing follows this `,`.", {
      help: "Delete the `,`, or add what should come after it.",
    });
  }

  /** Words of other languages, and declarations where they cannot stand. Defined with the declarations. */
  protected abstract refuseForeignStatement(where: "block" | "script"): void;
}
