/**
 * Pairs brackets before the grammar runs. So the newline pass knows which line breaks count, the grammar can look past
 * a closing bracket in one step, and a bracket that was forgotten costs one message instead of the rest of the file.
 */
import type { TokenType } from "chevrotain";
import { type Diagnostic, errorAt } from "./diagnostic.ts";
import * as t from "./tokens.ts";
import { endOf, type SyntaxToken } from "./tokens.ts";

export interface Matched {
  readonly tokens: SyntaxToken[];
  readonly diagnostics: Diagnostic[];
}

const closerOf: ReadonlyMap<TokenType, TokenType> = new Map([
  [t.OpenParen, t.CloseParen],
  [t.OpenBracket, t.CloseBracket],
  [t.OpenBrace, t.CloseBrace],
]);
const closers: ReadonlySet<TokenType> = new Set(closerOf.values());
const closerText: ReadonlyMap<TokenType, string> = new Map([
  [t.OpenParen, ")"],
  [t.OpenBracket, "]"],
  [t.OpenBrace, "}"],
]);

/**
 * Links every opening bracket with its closing one, makes up closing brackets that are missing, and drops closing
 * brackets that nothing opened.
 */
export function matchBrackets(tokens: readonly SyntaxToken[], file: string): Matched {
  const first = new Matcher(tokens, file, false);
  const result = first.run();
  // A `{` left open may have swallowed half the file. Declarations may stand inside braces, so only now is a
  // declaration at the beginning of a line taken as the sign of where the brace should have ended.
  return first.braceLeftOpen ? new Matcher(tokens, file, true).run() : result;
}

class Matcher {
  braceLeftOpen = false;
  readonly #source: readonly SyntaxToken[];
  readonly #file: string;
  readonly #declarationsCloseBraces: boolean;
  readonly #tokens: SyntaxToken[] = [];
  readonly #diagnostics: Diagnostic[] = [];
  readonly #open: SyntaxToken[] = [];

  constructor(source: readonly SyntaxToken[], file: string, declarationsCloseBraces: boolean) {
    this.#source = source;
    this.#file = file;
    this.#declarationsCloseBraces = declarationsCloseBraces;
  }

  run(): Matched {
    let lineStart = true;
    for (let index = 0; index < this.#source.length; index++) {
      const token = this.#source[index] as SyntaxToken;
      const type = token.tokenType;
      if (type === t.Newline) {
        this.#tokens.push(token);
        lineStart = true;
        continue;
      }
      if (lineStart) {
        lineStart = false;
        if (this.#open.length > 0) this.#closeBefore(token, index);
      }
      if (closerOf.has(type)) {
        this.#open.push(token);
        this.#tokens.push(token);
      } else if (closers.has(type)) {
        this.#close(token);
      } else {
        this.#tokens.push(token);
      }
    }
    if (this.#open.length > 0) {
      this.braceLeftOpen = this.#open.some((token) => token.tokenType === t.OpenBrace);
      this.#makeUpClosers(0, undefined);
    }
    this.#linkFollowers();
    return { tokens: this.#tokens, diagnostics: this.#diagnostics };
  }

  #linkFollowers(): void {
    let previous: SyntaxToken | undefined;
    for (const token of this.#tokens) {
      if (token.tokenType === t.Newline) continue;
      if (previous?.opener !== undefined) previous.opener.follower = token;
      else if (token.tokenType === t.FatArrow && previous !== undefined) previous.follower = token;
      previous = token;
    }
  }

  /** At the start of a line: `let` and declarations cannot stand inside `(` or `[`, so those must have ended before. */
  #closeBefore(token: SyntaxToken, index: number): void {
    const innermost = this.#open.at(-1);
    if (innermost === undefined) return;
    const insideBrace = innermost.tokenType === t.OpenBrace;
    if (insideBrace && !this.#declarationsCloseBraces) return;
    const before = this.#source[index - 1];
    const declaration = startsDeclaration(token, this.#source[index + 1]) && this.#mayEndHere();
    const atMargin = before === undefined || endOf(before) === token.startOffset;
    if (this.#declarationsCloseBraces && atMargin && (declaration || token.tokenType === t.Let)) {
      this.#makeUpClosers(0, token);
    } else if (!insideBrace && (declaration || token.tokenType === t.Let)) {
      this.#makeUpClosers(this.#open.findLastIndex((open) => open.tokenType === t.OpenBrace) + 1, token);
    }
  }

  /** Whether the last token lets an expression end; after an operator, `data where` and the like are names. */
  #mayEndHere(): boolean {
    const last = this.#tokens.findLast((token) => token.tokenType !== t.Newline);
    return last !== undefined && (t.endsOperand(last) || last.tokenType === t.Comma || closerOf.has(last.tokenType));
  }

  #close(token: SyntaxToken): void {
    let index = this.#open.length - 1;
    // Usually the last one matches. A closing `)` or `]` does not reach out of the braces around it.
    while (index >= 0) {
      const open = this.#open[index] as SyntaxToken;
      if (closerOf.get(open.tokenType) === token.tokenType) break;
      if (open.tokenType === t.OpenBrace && token.tokenType !== t.CloseBrace) index = 0;
      index--;
    }
    if (index < 0) {
      const open = this.#open.at(-1);
      const wrongKind = open !== undefined && open.tokenType !== t.OpenBrace && token.tokenType !== t.CloseBrace;
      if (wrongKind) this.#closeWithWrongKind(open, token);
      else this.#reportExtra(token);
      return;
    }
    if (index < this.#open.length - 1) this.#makeUpClosers(index + 1, token);
    const open = this.#open.pop() as SyntaxToken;
    link(open, token);
    this.#tokens.push(token);
  }

  /** `(1, 2]`: one bracket of the wrong kind, not one too many and one too few. */
  #closeWithWrongKind(open: SyntaxToken, token: SyntaxToken): void {
    const right = closerText.get(open.tokenType) ?? "";
    this.#diagnostics.push(
      errorAt(
        "K0103",
        this.#spanOf(token),
        `This \`${token.image}\` cannot close the \`${open.image}\` that is open here.`,
        {
          notes: [{ message: `This \`${open.image}\` is open.`, span: this.#spanOf(open) }],
          help: `Write \`${right}\`, or close the \`${open.image}\` before.`,
        },
      ),
    );
    t.retype(token, closerOf.get(open.tokenType) as TokenType);
    link(open, token);
    this.#open.pop();
    this.#tokens.push(token);
  }

  #reportExtra(token: SyntaxToken): void {
    const span = { file: this.#file, start: token.startOffset, end: endOf(token) };
    const open = this.#open.at(-1);
    if (open === undefined) {
      this.#diagnostics.push(
        errorAt("K0103", span, `This \`${token.image}\` closes nothing: no bracket is open here.`, {
          help: "Delete it, or add the bracket that should open before it.",
        }),
      );
      return;
    }
    this.#diagnostics.push(
      errorAt("K0103", span, `This \`${token.image}\` closes nothing: the bracket open here is a \`${open.image}\`.`, {
        notes: [{ message: `This \`${open.image}\` is still open.`, span: this.#spanOf(open) }],
        help: `Delete it, or close the \`${open.image}\` with \`${closerText.get(open.tokenType)}\` first.`,
      }),
    );
  }

  /** Closes the open brackets from `depth` on, just before the line break (if any) before `found`. */
  #makeUpClosers(depth: number, found: SyntaxToken | undefined): void {
    const trailing: SyntaxToken[] = [];
    while (this.#tokens.at(-1)?.tokenType === t.Newline) trailing.push(this.#tokens.pop() as SyntaxToken);
    const last = this.#tokens.at(-1) as SyntaxToken;
    const unclosed = this.#open.splice(depth);
    const innermost = unclosed.at(-1) as SyntaxToken;
    const closer = closerText.get(innermost.tokenType) ?? "";
    const span =
      found === undefined
        ? { file: this.#file, start: endOf(last), end: endOf(last) }
        : { file: this.#file, start: found.startOffset, end: endOf(found) };
    const where = found === undefined ? "the end of the file" : `\`${found.image}\``;
    const shown = unclosed.slice(-3).reverse();
    this.#diagnostics.push(
      errorAt(
        "K0102",
        span,
        `A \`${closer}\` is missing: I reached ${where} while a \`${innermost.image}\` was open.`,
        {
          notes: shown.map((open) => ({
            message: `This \`${open.image}\` is never closed.`,
            span: this.#spanOf(open),
          })),
          help: `Close the \`${innermost.image}\` with \`${closer}\` where it should end.`,
        },
      ),
    );
    for (const open of unclosed.reverse()) {
      const type = closerOf.get(open.tokenType) as TokenType;
      const madeUp: SyntaxToken = {
        image: "",
        startOffset: endOf(last),
        tokenType: type,
        tokenTypeIdx: type.tokenTypeIdx as number,
      };
      link(open, madeUp);
      this.#tokens.push(madeUp);
    }
    while (trailing.length > 0) this.#tokens.push(trailing.pop() as SyntaxToken);
  }

  #spanOf(token: SyntaxToken): { file: string; start: number; end: number } {
    return { file: this.#file, start: token.startOffset, end: endOf(token) };
  }
}

function link(open: SyntaxToken, close: SyntaxToken): void {
  open.closer = close;
  close.opener = open;
}

const declarationWords: ReadonlySet<string> = new Set([
  "data",
  "param",
  "fn",
  "type",
  "objective",
  "condition",
  "problem",
  "solver",
]);
const statementWords: ReadonlySet<string> = new Set(["show", "plot", "save", "assert"]);

/**
 * Whether the token at the start of a line begins a declaration whatever is around it: a name directly followed by
 * another name or a string is never part of an expression.
 */
export function startsDeclaration(token: SyntaxToken, next: SyntaxToken | undefined): boolean {
  if (token.tokenType !== t.Identifier || next === undefined) return false;
  const named = next.tokenType === t.Identifier;
  if (declarationWords.has(token.image)) return named;
  if (statementWords.has(token.image)) return named || next.tokenType === t.StringToken;
  if (token.image === "property") return next.tokenType === t.StringToken;
  return token.image === "import" && next.tokenType === t.OpenBrace;
}
