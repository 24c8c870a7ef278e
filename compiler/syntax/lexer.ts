/**
 * Text to tokens and comments. Whatever is no token becomes a diagnostic, and a sensible stand-in where there is one,
 * so that the grammar sees as much of the program as possible.
 */
import { Lexer, type TokenType } from "chevrotain";
import { badCharacter } from "./characters.ts";
import { type Diagnostic, errorAt } from "./diagnostic.ts";
import * as t from "./tokens.ts";
import { endOf, type SyntaxToken } from "./tokens.ts";
import type { Comment, Span } from "./tree.ts";
import { shown } from "./unexpected.ts";

export interface Lexed {
  readonly tokens: SyntaxToken[];
  readonly comments: Comment[];
  readonly diagnostics: Diagnostic[];
}

let lexer: Lexer | undefined;

/** Made on first use: building it costs some milliseconds of start-up. */
function sharedLexer(): Lexer {
  lexer ??= new Lexer(t.allTokens, {
    positionTracking: "onlyOffset",
    ensureOptimizations: true,
    skipValidations: true,
  });
  return lexer;
}

/** Splits a program into tokens (line breaks included) and comments. */
export function lex(text: string, file: string): Lexed {
  // A byte order mark is no part of the program, but offsets must stay those of the file.
  const source = text.startsWith("\uFEFF") ? ` ${text.slice(1)}` : text;
  const result = sharedLexer().tokenize(source);
  const diagnostics: Diagnostic[] = [];
  for (const error of result.errors) {
    diagnostics.push(badCharacter(source, file, error.offset, error.length));
    if (diagnostics.length >= 50) break;
  }
  const tokens = mend(result.tokens, source, file, diagnostics);
  const comments = (result.groups.comments ?? []).map((token): Comment => {
    const kind =
      token.tokenType === t.DocumentationComment
        ? "documentation"
        : token.tokenType === t.LineComment
          ? "line"
          : "block";
    return { kind, text: token.image, span: { file, start: token.startOffset, end: endOf(token) } };
  });
  return { tokens, comments, diagnostics };
}

/** Replaces the tokens that exist only to be complained about. */
function mend(raw: SyntaxToken[], text: string, file: string, diagnostics: Diagnostic[]): SyntaxToken[] {
  const tokens: SyntaxToken[] = [];
  const spanOf = (token: SyntaxToken): Span => ({ file, start: token.startOffset, end: endOf(token) });
  for (let index = 0; index < raw.length; index++) {
    const token = raw[index] as SyntaxToken;
    const foreign = foreignSigns.get(token.tokenType);
    if (foreign !== undefined) {
      diagnostics.push(errorAt(foreign.code, spanOf(token), foreign.message, { help: foreign.help }));
      t.retype(token, foreign.meant);
    } else if (token.tokenType === t.UnterminatedString) {
      diagnostics.push(
        errorAt("K0104", spanOf(token), "This string has no closing quote before the end of the line.", {
          help: 'End it with `"`. A line break inside a string is written `\\n`.',
        }),
      );
      t.retype(token, t.StringToken);
    } else if (token.tokenType === t.UnterminatedComment) {
      const start = token.startOffset;
      diagnostics.push(
        errorAt(
          "K0105",
          { file, start, end: start + 2 },
          "This comment has no end: everything after it is swallowed.",
          {
            help: "Close it with `*/`, or write `//` for a comment of one line.",
          },
        ),
      );
      continue;
    } else if (isNumber(token.tokenType)) {
      const next = raw[index + 1];
      const glued = next !== undefined && next.startOffset === endOf(token) && gluesToNumber(next) ? next : undefined;
      if (
        glued !== undefined ||
        token.tokenType === t.NumberEndingInDot ||
        token.tokenType === t.NumberStartingWithDot
      ) {
        diagnostics.push(badNumber(token, glued, tokens.at(-1), text, file));
        t.retype(token, t.NumberToken);
        if (glued !== undefined) index++;
      } else if (!Number.isFinite(Number(token.image))) {
        diagnostics.push(
          errorAt("K0109", spanOf(token), `\`${shown(token.image)}\` is too large: a real ends near 1.8e308.`, {
            help: "Write `inf` if infinity is meant.",
          }),
        );
      }
    }
    tokens.push(token);
  }
  return tokens;
}

function isNumber(type: TokenType): boolean {
  return (
    type === t.NumberToken || type === t.HexNumber || type === t.NumberEndingInDot || type === t.NumberStartingWithDot
  );
}

function gluesToNumber(token: SyntaxToken): boolean {
  return token.tokenType === t.Identifier || token.tokenType === t.NumberStartingWithDot || isNumber(token.tokenType);
}

/** Why a number is written wrongly. `glued` is the token that follows it without a space. */
function badNumber(
  token: SyntaxToken,
  glued: SyntaxToken | undefined,
  before: SyntaxToken | undefined,
  text: string,
  file: string,
): Diagnostic {
  const start = token.startOffset;
  const end = endOf(glued ?? token);
  const written = shown(text.slice(start, end));
  const error = (message: string, help: string): Diagnostic =>
    errorAt("K0109", { file, start, end }, message, { help });
  if (token.tokenType === t.NumberStartingWithDot) {
    const afterValue = before !== undefined && endOf(before) === start && t.endsOperand(before);
    if (afterValue && !isNumber(before.tokenType)) {
      return error(
        `\`${written}\` is no field: the fields of a tuple have names.`,
        "Take a plain tuple apart with a pattern: `let (a, b) = pair`. An entry of an array is `x[0]`.",
      );
    }
    return error(`A number needs a digit before the dot, and \`${written}\` has none.`, `Write \`0${written}\`.`);
  }
  if (glued === undefined) {
    return error(
      `A number needs a digit after the dot, and \`${written}\` has none.`,
      `Write \`${written}0\`, or \`${written.slice(0, -1)}\` for an integer.`,
    );
  }
  const rest = glued.image;
  if (glued.tokenType === t.NumberStartingWithDot) {
    return error(`\`${written}\` has two decimal points.`, "Write one number with one dot, or `a..b` for a range.");
  }
  if (/^_\d/.test(rest)) {
    return error(`Digits cannot be grouped with \`_\`.`, `Write \`${written.replaceAll("_", "")}\`.`);
  }
  if (/^[eE]\d*$/.test(rest)) {
    return error(
      `The exponent of \`${written}\` is incomplete.`,
      "Write an exponent as in `1e-3`: digits follow the `e`.",
    );
  }
  if (token.image === "0" && /^[xX]/.test(rest)) {
    return error(
      `\`${written}\` is no hexadecimal integer.`,
      "After `0x` come digits from 0 to 9 and a to f: `0x6D2B`.",
    );
  }
  if (token.image === "0" && /^[bBoO]\d/.test(rest)) {
    return error(`\`${written}\`: integers are written in decimal or with \`0x\`.`, "Write it in hexadecimal: `0x1F`.");
  }
  return error(
    `\`${written}\` is a number and a name run together.`,
    `If a product is meant, write \`${text.slice(start, endOf(token))} * ${shown(rest)}\`. A name cannot start with a digit.`,
  );
}

interface ForeignSign {
  readonly code: string;
  readonly message: string;
  readonly help: string;
  readonly meant: TokenType;
}

function foreign(meant: TokenType, message: string, help: string, code = "K0127"): ForeignSign {
  return { code, message, help, meant };
}

/** Signs that belong to other languages, and what they are read as to go on. */
const foreignSigns: ReadonlyMap<TokenType, ForeignSign> = new Map([
  [t.StarStar, foreign(t.Caret, "`**` is no operator here.", "A power is written with `^`: `x^2`.")],
  [t.AndAnd, foreign(t.And, "`&&` is no operator here.", "Write `and`.")],
  [t.OrOr, foreign(t.Or, "`||` is no operator here.", "Write `or`.")],
  [t.Bang, foreign(t.Not, "`!` is no operator here.", "Write `not`.")],
  [t.TripleEquals, foreign(t.EqualEqual, "`===` is no operator here.", "Equality is written `==`.")],
  [t.BangEqualEqual, foreign(t.NotEqual, "`!==` is no operator here.", "Write `!=`.")],
  [t.LessGreater, foreign(t.NotEqual, "`<>` is no operator here.", "Write `!=`.")],
  [
    t.ColonEquals,
    foreign(t.Equals, "`:=` is no sign of the language.", "A value gets its name with `let name = value`.", "K0126"),
  ],
]);
