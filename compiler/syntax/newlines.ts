/**
 * Decides which line breaks end a statement (language-notes, section 1). The grammar sees only those, so it never has
 * to think about layout.
 */
import type { TokenType } from "chevrotain";
import { type Diagnostic, errorAt } from "./diagnostic.ts";
import * as t from "./tokens.ts";
import { endOf, type SyntaxToken } from "./tokens.ts";

/** After these a line cannot be over: infix operators, signs and reserved words that want more. */
const wantsMore: ReadonlySet<TokenType> = new Set([
  t.Plus,
  t.Minus,
  t.Star,
  t.Slash,
  t.At,
  t.Caret,
  t.DotDot,
  t.EqualEqual,
  t.NotEqual,
  t.Less,
  t.LessEqual,
  t.Greater,
  t.GreaterEqual,
  t.Nearly,
  t.And,
  t.Or,
  t.Not,
  t.Comma,
  t.Colon,
  t.Equals,
  t.PlusEquals,
  t.FatArrow,
  t.ThinArrow,
  t.Let,
  t.If,
  t.Then,
  t.Else,
  t.For,
  t.In,
  t.While,
  t.Loop,
  t.Scan,
  t.With,
  // Nothing is separated at the very beginning of a block or after a separator.
  t.OpenBrace,
  t.Semicolon,
]);

/** A line that starts with one of these goes on with the statement above. `-` is not among them. */
const goesOn: ReadonlySet<TokenType> = new Set([
  t.Plus,
  t.Star,
  t.Slash,
  t.At,
  t.Caret,
  t.DotDot,
  t.EqualEqual,
  t.NotEqual,
  t.Less,
  t.LessEqual,
  t.Greater,
  t.GreaterEqual,
  t.Nearly,
  t.And,
  t.Or,
  t.Equals,
  t.PlusEquals,
  t.FatArrow,
  t.ThinArrow,
  t.Then,
  t.Else,
  t.For,
  t.While,
  t.With,
  t.CloseBrace,
]);

/** Words that may start a line after the head of the declaration they belong to. */
const headWords: ReadonlyMap<string, string> = new Map([
  ["derivative", "fn"],
  ["pullback", "fn"],
  ["minimizes", "solver"],
  ["solves", "solver"],
]);

/** One pair of braces, or the file. */
interface Frame {
  /** Depth of `(` and `[` inside the frame: line breaks count only at 0. */
  depth: number;
  /** The first token of the current statement. */
  first: SyntaxToken | undefined;
}

/** Drops the line breaks that mean nothing and marks the tokens that start a line. */
export function filterNewlines(
  tokens: readonly SyntaxToken[],
  text: string,
  file: string,
): {
  readonly tokens: SyntaxToken[];
  readonly diagnostics: Diagnostic[];
} {
  const kept: SyntaxToken[] = [];
  const diagnostics: Diagnostic[] = [];
  const frames: Frame[] = [];
  let frame: Frame = { depth: 0, first: undefined };
  let newline: SyntaxToken | undefined;
  let previous: SyntaxToken | undefined;
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index] as SyntaxToken;
    const type = token.tokenType;
    if (type === t.Newline) {
      newline ??= token;
      continue;
    }
    if (newline !== undefined) {
      token.lineStart = true;
      if (previous !== undefined && frame.depth === 0 && !wantsMore.has(previous.tokenType) && !goesOn.has(type)) {
        if (type === t.Minus && isSpaced(token, text) && t.endsOperand(previous)) {
          diagnostics.push(lineStartsWithMinus(token, previous, file));
        } else if (!belongsToHead(token, nextToken(tokens, index), frame)) {
          kept.push(newline);
          frame.first = undefined;
        }
      }
      newline = undefined;
    }
    frame.first ??= token;
    switch (type) {
      case t.OpenParen:
      case t.OpenBracket:
        frame.depth++;
        break;
      case t.CloseParen:
      case t.CloseBracket:
        frame.depth--;
        break;
      case t.OpenBrace:
        frames.push(frame);
        frame = { depth: 0, first: undefined };
        break;
      case t.CloseBrace:
        frame = frames.pop() ?? frame;
        break;
      case t.Semicolon:
        if (frame.depth === 0) frame.first = undefined;
        break;
    }
    kept.push(token);
    previous = token;
  }
  return { tokens: kept, diagnostics };
}

function nextToken(tokens: readonly SyntaxToken[], index: number): SyntaxToken | undefined {
  let at = index + 1;
  while (tokens[at]?.tokenType === t.Newline) at++;
  return tokens[at];
}

function isSpaced(token: SyntaxToken, text: string): boolean {
  return /\s/.test(text[endOf(token)] ?? " ");
}

/** `minimizes f {` and the like on the line after the head of a solver; `derivative dx => ...` after a function. */
function belongsToHead(token: SyntaxToken, next: SyntaxToken | undefined, frame: Frame): boolean {
  if (token.tokenType !== t.Identifier || next === undefined) return false;
  const head = headWords.get(token.image);
  if (head === undefined || frame.first?.image !== head) return false;
  const named = next.tokenType === t.Identifier;
  if (head === "solver") return named || next.tokenType === t.OpenParen;
  // A rule is a function; anything else is the next statement.
  return next.follower?.tokenType === t.FatArrow;
}

function lineStartsWithMinus(token: SyntaxToken, previous: SyntaxToken, file: string): Diagnostic {
  return errorAt(
    "K0110",
    { file, start: token.startOffset, end: endOf(token) },
    "This line starts with `- `, which could go on with the line above or start a new expression.",
    {
      notes: [{ message: "The line above ends here.", span: { file, start: endOf(previous), end: endOf(previous) } }],
      help: "To subtract, end the line above with `-`. To start with a negative value, write `-x` without the space.",
    },
  );
}
