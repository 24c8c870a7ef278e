/**
 * Precedence. The grammar reads a chain of operands and operators from left to right; this builds the tree, with a
 * stack of its own instead of recursion, so that a chain may be long.
 *
 *     ^   unary -   * / @   + -   a..b   == != < <= > >= ~=   not   and   or
 */
import type { TokenType } from "chevrotain";
import { DiagnosticError, type DiagnosticExtras, errorAt } from "./diagnostic.ts";
import * as t from "./tokens.ts";
import { endOf, type SyntaxToken } from "./tokens.ts";
import type { BinaryOperator, ComparisonOperator, Expression, Span } from "./tree.ts";

/** How tightly each operator binds; higher is tighter. */
export const precedence = {
  or: 1,
  and: 2,
  not: 3,
  comparison: 4,
  range: 5,
  sum: 6,
  product: 7,
  negation: 8,
  power: 9,
} as const;

const infixPrecedence: ReadonlyMap<TokenType, number> = new Map([
  [t.Or, precedence.or],
  [t.And, precedence.and],
  [t.EqualEqual, precedence.comparison],
  [t.NotEqual, precedence.comparison],
  [t.Less, precedence.comparison],
  [t.LessEqual, precedence.comparison],
  [t.Greater, precedence.comparison],
  [t.GreaterEqual, precedence.comparison],
  [t.Nearly, precedence.comparison],
  [t.DotDot, precedence.range],
  [t.Plus, precedence.sum],
  [t.Minus, precedence.sum],
  [t.Star, precedence.product],
  [t.Slash, precedence.product],
  [t.At, precedence.product],
  [t.Caret, precedence.power],
]);

/** An operator that waits for its right operand. */
interface Pending {
  readonly kind: "infix" | "prefix" | "comparison";
  readonly precedence: number;
  readonly token: SyntaxToken;
  /** The further operators of a comparison chain, `within` included. */
  readonly chain: SyntaxToken[];
  /** The first operator of a comparison chain that has a direction. */
  oriented?: SyntaxToken | undefined;
}

/** Takes operands and operators in the order they are written and gives back the tree. */
export class OperatorChain {
  readonly #file: string;
  readonly #operands: Expression[] = [];
  readonly #pending: Pending[] = [];

  constructor(file: string) {
    this.#file = file;
  }

  operand(expression: Expression): void {
    this.#operands.push(expression);
  }

  prefix(token: SyntaxToken): void {
    const isNot = token.tokenType === t.Not;
    const last = this.#pending.at(-1);
    if (isNot && last !== undefined && last.precedence > precedence.not) {
      fail("K0136", this.#spanOf(token), `\`not\` after \`${last.token.image}\` needs parentheses.`, {
        help: "`not` binds looser than comparisons and arithmetic: write `(not ...)`.",
      });
    }
    const binding = isNot ? precedence.not : precedence.negation;
    this.#pending.push({ kind: "prefix", precedence: binding, token, chain: [] });
  }

  infix(token: SyntaxToken): void {
    const binding = infixPrecedence.get(token.tokenType) ?? precedence.comparison;
    // `2^-3`, `2^3^2`: a power takes all of what stands to its right.
    const rightAssociative = token.tokenType === t.Caret;
    let top = this.#pending.at(-1);
    while (top !== undefined && (top.precedence > binding || (top.precedence === binding && !rightAssociative))) {
      if (top.kind === "comparison" && binding === precedence.comparison) break;
      if (binding === precedence.range && top.precedence === precedence.range) this.#failRange(top.token, token);
      this.#reduce();
      top = this.#pending.at(-1);
    }
    if (binding !== precedence.comparison) {
      this.#pending.push({ kind: "infix", precedence: binding, token, chain: [] });
    } else if (top?.kind === "comparison") {
      this.#extend(top, token);
    } else {
      this.#pending.push({ kind: "comparison", precedence: binding, token, chain: [] });
    }
  }

  /** Whether `within` may follow here: it belongs to the `~=` whose right side has just been read. */
  get takesWithin(): boolean {
    for (let index = this.#pending.length - 1; index >= 0; index--) {
      const pending = this.#pending[index] as Pending;
      if (pending.kind === "comparison") return pending.token.tokenType === t.Nearly && pending.chain.length === 0;
      if (pending.precedence < precedence.comparison) return false;
    }
    return false;
  }

  result(): Expression {
    while (this.#pending.length > 0) this.#reduce();
    return this.#operands[0] as Expression;
  }

  #extend(comparison: Pending, token: SyntaxToken): void {
    const isWithin = token.tokenType === t.Identifier;
    if (!isWithin) {
      // Only the first operator with a direction has to be remembered, and no lone one is ever followed by another.
      const lone = isLone(comparison.token) ? comparison.token : isLone(token) ? token : undefined;
      if (lone !== undefined) {
        fail(
          "K0122",
          this.#spanOf(token),
          `\`${lone.image}\` cannot stand in a chain of comparisons: it compares two values.`,
          {
            notes: [{ message: "The chain starts here.", span: this.#spanOf(comparison.token) }],
            help: "Join two comparisons with `and`: `a != b and b != c`.",
          },
        );
      }
      comparison.oriented ??= direction(comparison.token) === 0 ? undefined : comparison.token;
      const first = comparison.oriented;
      if (first !== undefined && direction(first) * direction(token) < 0) {
        fail(
          "K0121",
          this.#spanOf(token),
          `This chain of comparisons changes direction: \`${first.image}\`, then \`${token.image}\`.`,
          {
            notes: [{ message: `\`${first.image}\` sets the direction here.`, span: this.#spanOf(first) }],
            help: "A chain goes one way, as in `0 <= x < n`. Join the two comparisons with `and`.",
          },
        );
      }
      if (direction(token) !== 0) comparison.oriented ??= token;
    }
    comparison.chain.push(token);
  }

  #failRange(first: SyntaxToken, second: SyntaxToken): never {
    fail("K0140", this.#spanOf(second), "A range has two ends, and this one has a third.", {
      notes: [{ message: "The range starts here.", span: this.#spanOf(first) }],
      help: "Write `a..b`. Steps other than 1 come from arithmetic: `2 * (0..n)`, or from a slice: `x[a:b:2]`.",
    });
  }

  #reduce(): void {
    const pending = this.#pending.pop() as Pending;
    const right = this.#operands.pop() as Expression;
    if (pending.kind === "prefix") {
      const operator = pending.token.tokenType === t.Not ? "not" : "-";
      this.#operands.push({
        kind: "unary",
        operator,
        operand: right,
        span: { file: this.#file, start: pending.token.startOffset, end: right.span.end },
      });
      return;
    }
    const left = this.#operands.pop() as Expression;
    if (pending.kind === "comparison") {
      this.#operands.push(this.#comparison(pending, left, right));
      return;
    }
    const span = this.#join(left, right);
    if (pending.token.tokenType === t.DotDot) {
      this.#operands.push({ kind: "range", from: left, to: right, span });
    } else {
      const operator = pending.token.image as BinaryOperator;
      // A sign of another language was read as ours: its text is not the operator's name.
      const name = foreignNames.get(operator) ?? operator;
      this.#operands.push({ kind: "binary", operator: name, left, right, span });
    }
  }

  #comparison(pending: Pending, before: Expression, right: Expression): Expression {
    if (pending.token.tokenType === t.Nearly) {
      if (pending.chain.length === 0) {
        return { kind: "binary", operator: "~=", left: before, right, span: this.#join(before, right) };
      }
      const left = this.#operands.pop() as Expression;
      const span = this.#join(left, right);
      return { kind: "binary", operator: "~=", left, right: before, within: right, span };
    }
    const count = pending.chain.length;
    const operands = [...this.#operands.splice(this.#operands.length - count, count), before, right];
    const operators = [pending.token, ...pending.chain].map(
      (token) => (comparisonNames.get(token.tokenType) ?? token.image) as ComparisonOperator,
    );
    return { kind: "comparison", operands, operators, span: this.#join(operands[0] as Expression, right) };
  }

  #join(left: Expression, right: Expression): Span {
    return { file: this.#file, start: left.span.start, end: right.span.end };
  }

  #spanOf(token: SyntaxToken): Span {
    return { file: this.#file, start: token.startOffset, end: endOf(token) };
  }
}

const foreignNames: ReadonlyMap<string, BinaryOperator> = new Map([
  ["**", "^"],
  ["&&", "and"],
  ["||", "or"],
]);
const comparisonNames: ReadonlyMap<TokenType, ComparisonOperator> = new Map([
  [t.EqualEqual, "=="],
  [t.NotEqual, "!="],
]);

/** `!=` and `~=` are no orders: a chain of them would not say what it seems to. */
function isLone(token: SyntaxToken): boolean {
  return token.tokenType === t.NotEqual || token.tokenType === t.Nearly;
}

function direction(token: SyntaxToken): number {
  switch (token.tokenType) {
    case t.Less:
    case t.LessEqual:
      return 1;
    case t.Greater:
    case t.GreaterEqual:
      return -1;
    default:
      return 0;
  }
}

function fail(code: string, span: Span, message: string, extras: DiagnosticExtras): never {
  throw new DiagnosticError(errorAt(code, span, message, extras));
}
