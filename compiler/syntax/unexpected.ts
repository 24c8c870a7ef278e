/** Messages for a token that cannot stand where it stands. */
import type { TokenType } from "chevrotain";
import { type Diagnostic, type DiagnosticExtras, errorAt } from "./diagnostic.ts";
import * as t from "./tokens.ts";
import { endsOperand, isReserved, type SyntaxToken, startsOperand } from "./tokens.ts";
import type { Span } from "./tree.ts";

/** The tokens around the place where the grammar stopped. */
export interface Surroundings {
  /** The token before `previous`. */
  readonly before: SyntaxToken;
  readonly previous: SyntaxToken;
  readonly found: SyntaxToken;
  readonly next: SyntaxToken;
  readonly atEnd: boolean;
  readonly spanOf: (token: SyntaxToken) => Span;
}

/** Text of the program for a message: all of it if short, else its beginning. */
export function shown(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 37)}...`;
}

/** A token in words: "the name `x`", "the number `2`", "`)`". */
export function describe(token: SyntaxToken): string {
  switch (token.tokenType) {
    case t.Identifier:
      return `the name \`${shown(token.image)}\``;
    case t.NumberToken:
    case t.HexNumber:
      return `the number \`${shown(token.image)}\``;
    case t.StringToken:
      return token.image.length <= 30 ? `the string ${token.image}` : "a string";
    case t.Newline:
      return "the end of the line";
    default:
      if (token.image === "") return "the place where a bracket should have been closed";
      return isReserved(token) ? `the word \`${token.image}\`` : `\`${token.image}\``;
  }
}

/** The general message: what was expected, what was found. */
export function unexpected(at: Surroundings, expected: string, extras: DiagnosticExtras = {}): Diagnostic {
  const span = at.spanOf(at.found);
  if (at.atEnd) return errorAt("K0101", span, `I expected ${expected}, but the statement ends here.`, extras);
  if (at.found.tokenType === t.Newline) {
    return errorAt("K0101", at.spanOf(at.found), `I expected ${expected}, but the line ends here.`, extras);
  }
  return errorAt("K0101", span, `I expected ${expected}, but found ${describe(at.found)}.`, extras);
}

/** The message after a complete expression: the commonest slips have a message of their own. */
export function unexpectedAfterOperand(at: Surroundings, expected: string, extras: DiagnosticExtras = {}): Diagnostic {
  const span = at.spanOf(at.found);
  const type = at.found.tokenType;
  const slip = slips.get(type);
  if (slip !== undefined) return slip(at, span, expected);
  if (at.atEnd || !endsOperand(at.previous)) return unexpected(at, expected, extras);
  if (startsOperand(at.found)) return sideBySide(at, span);
  return unexpected(at, expected, extras);
}

function sideBySide(at: Surroundings, span: Span): Diagnostic {
  const left = at.spanOf(at.previous);
  if (quotesText(at)) {
    return errorAt("K0138", left, "A quote `'` does not start a string: it transposes what stands before it.", {
      help: 'Strings are written with double quotes: `"text"`.',
    });
  }
  if (at.previous.tokenType === t.Quote && at.found.tokenType === t.Identifier && left.end === span.start) {
    return errorAt("K0123", left, "A name cannot have a prime in it: `'` always means transpose.", {
      help: "Names are made of letters, digits and `_`. If a product is meant, write `x' * y` or `x' @ y`.",
    });
  }
  if (at.previous.image === "lambda" && at.found.lineStart !== true) {
    return errorAt("K0129", left, "`lambda` starts no function here.", {
      help: "A function without a name is written `x => e`, or `(a, b) => e`.",
    });
  }
  if (at.found.tokenType === t.If) {
    return errorAt("K0117", span, "An `if` stands before its two values, not between them.", {
      help: "A choice is written `if c then a else b`.",
    });
  }
  if (effects.has(at.previous.image) && at.found.lineStart !== true) {
    const word = at.previous.image;
    return errorAt("K0139", left, `\`${word}\` cannot stand inside an expression.`, {
      help: `\`${word}\` stands at the beginning of a line of the script, and takes a value: \`${word} ${word === "assert" ? "c" : "if c then a else b"}\`.`,
    });
  }
  const isFactor = at.previous.tokenType === t.NumberToken || at.previous.tokenType === t.Identifier;
  let help = "Put an operator or a comma between them. Two statements are separated by a line break or `;`.";
  if (at.found.lineStart === true) {
    help = "Perhaps a comma or an operator is missing at the end of the line above.";
  } else if (at.next.tokenType === t.Colon || at.next.tokenType === t.Equals) {
    help = "Perhaps a `,` is missing between them. Two statements are separated by a line break or `;`.";
  } else if (isFactor && at.found.tokenType === t.Identifier) {
    const [first, second] = [shown(at.previous.image), shown(at.found.image)];
    help =
      at.previous.tokenType === t.Identifier
        ? `A call has parentheses, \`${first}(${second})\`; a product is written \`${first} * ${second}\`. Two statements are separated by a line break or \`;\`.`
        : `If a product is meant, write \`${first} * ${second}\`. Two statements are separated by a line break or \`;\`.`;
  } else if (at.previous.tokenType === t.NumberToken && at.found.tokenType === t.NumberToken) {
    help = "Entries of an array are separated by commas, and rows are arrays: `[[1, 2], [3, 4]]`.";
  }
  return errorAt("K0111", span, `Two expressions stand side by side: ${describe(at.found)} follows another value.`, {
    notes: [{ message: "The first one ends here.", span: left }],
    help,
  });
}

function colonHelp({ previous, next }: Surroundings, expected: string): string {
  if (expected.startsWith("`then`")) return "A choice is written `if c then a else b`.";
  if (previous.tokenType === t.NumberToken && next.tokenType === t.NumberToken)
    return `A range is written with two dots and ends before its end: \`${previous.image}..n\`.`;
  if (expected === "the end of the statement" && previous.tokenType === t.Identifier)
    return `The fields of a named tuple stand in parentheses: \`(${previous.image}: 1)\`. Braces hold the lines of a block.`;
  return "A `:` gives a type in a declaration, a value to a field in `(x: 1)`, and a slice in `x[a:b]`.";
}

/** The words that start a statement with a value. */
const effects: ReadonlySet<string> = new Set(["show", "plot", "save", "assert"]);

/** `show 'text'`: the quote has a space before it, or nothing it could transpose. */
function quotesText(at: Surroundings): boolean {
  if (at.previous.tokenType !== t.Quote || at.found.tokenType !== t.Identifier) return false;
  const before = at.spanOf(at.before);
  return before.end < at.spanOf(at.previous).start && at.spanOf(at.previous).end === at.spanOf(at.found).start;
}

type Slip = (at: Surroundings, span: Span, expected: string) => Diagnostic;

const slips: ReadonlyMap<TokenType, Slip> = new Map<TokenType, Slip>([
  [
    t.Equals,
    (at, span) => {
      const beyond = at.spanOf(at.next);
      const turned = at.next.tokenType === t.Less || at.next.tokenType === t.Greater;
      if (turned && beyond.start === span.end)
        return errorAt("K0127", { ...span, end: beyond.end }, `\`=${at.next.image}\` is no operator here.`, {
          help: `Write \`${at.next.image}=\`.`,
        });
      return errorAt("K0125", span, "`=` gives a name to a value; it does not compare.", {
        help: "Write `==` to compare, or to state an equation.",
      });
    },
  ],
  [
    t.PlusEquals,
    (_at, span) =>
      errorAt("K0101", span, "`+=` stands only in an update: values are never changed in place.", {
        help: "Write `x with [i] += e` for a copy of `x` with that entry increased.",
      }),
  ],
  [
    t.ThinArrow,
    (_at, span) =>
      errorAt("K0141", span, "`->` belongs to types; it does not make a function.", {
        help: "Write `x => e` for the function that takes `x` to `e`.",
      }),
  ],
  [
    t.FatArrow,
    (_at, span) =>
      errorAt("K0141", span, "`=>` follows a name or names in parentheses, nothing else.", {
        help: "Write `x => e` or `(a, b) => e`; take the argument apart inside the function.",
      }),
  ],
  [
    t.Semicolon,
    (at, span, expected) =>
      errorAt("K0128", span, `A \`;\` cannot stand here: I expected ${expected}.`, {
        help:
          at.previous.tokenType === t.Comma
            ? "Delete one of the two separators."
            : expected === "`,` or `]`"
              ? "A matrix is an array of rows: `[[1, 2], [3, 4]]`."
              : "Items are separated by `,`. A `;` separates statements, and once in a call the unknowns from the parameters.",
      }),
  ],
  [
    t.Colon,
    (at, span, expected) =>
      errorAt("K0101", span, `A \`:\` cannot stand here: I expected ${expected}.`, {
        help: colonHelp(at, expected),
      }),
  ],
  [
    t.Comma,
    (at, _span, expected) =>
      unexpected(at, expected, {
        ...(expected === "the end of the statement"
          ? { help: "Statements, equations and constraints stand on lines of their own, or are separated by `;`." }
          : {}),
      }),
  ],
  [
    t.For,
    (_at, span) =>
      errorAt("K0101", span, "`for` stands in `[...]`, in `loop` and in `scan`, not here.", {
        help: "Write `[f(x) for x in xs]` to map, `loop s = s0 for x in xs { ... }` to iterate.",
      }),
  ],
  [
    t.Then,
    (_at, span) =>
      errorAt("K0117", span, "This `then` belongs to no `if`.", { help: "A choice is written `if c then a else b`." }),
  ],
  [
    t.Else,
    (_at, span) =>
      errorAt("K0117", span, "This `else` belongs to no `if`.", { help: "A choice is written `if c then a else b`." }),
  ],
]);
