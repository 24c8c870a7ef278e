/**
 * The words and signs of the language. Only the reserved words are keywords here: `data`, `minimize`, `from` and
 * their kin are ordinary identifiers that the grammar recognises by their place.
 */
import { createToken, type IToken, Lexer, type TokenType } from "chevrotain";

/** A token, with what the passes between lexer and grammar find out about it. */
export interface SyntaxToken extends IToken {
  /** A line break stands between this token and the one before it. */
  lineStart?: boolean;
  /** Of an opening bracket: its closing one (possibly a made-up one of length 0). */
  closer?: SyntaxToken;
  /** Of a closing bracket: its opening one. */
  opener?: SyntaxToken;
  /**
   * Of an opening bracket: the token after its closing one, which tells `(a, b) => e` from a tuple at once. Of a name
   * before `=>`: that sign.
   */
  follower?: SyntaxToken;
}

// U+037E (question mark), U+0387 (middle dot), the accents and U+03F6 lie in the Greek block but are no letters.
export const greekLetter =
  "\\u0370-\\u0373\\u0376\\u0377\\u037B-\\u037D\\u037F\\u0386\\u0388-\\u038A\\u038C\\u038E-\\u03A1\\u03A3-\\u03F5\\u03F7-\\u03FF";
const identifierPattern = new RegExp(`[A-Za-z_${greekLetter}][A-Za-z0-9_${greekLetter}]*`);

/**
 * The characters a token may start with, where a pattern stands for many texts. Chevrotain would find them by parsing
 * the pattern whenever a lexer is made; what is missing here is never recognised.
 */
const characters = (text: string): string[] => [...text];
const digits = characters("0123456789");
const identifierStarts: (string | number)[] = [
  ...characters("ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"),
  ...Array.from({ length: 0x400 - 0x370 }, (_, offset) => 0x370 + offset),
];

export const Identifier = createToken({
  name: "Identifier",
  pattern: identifierPattern,
  start_chars_hint: identifierStarts,
});

/** Every operator between two operands, `within` (a plain word) left aside. */
export const InfixOperator = createToken({ name: "InfixOperator", pattern: Lexer.NA });
/** What stands between statements: a line break that counts, or `;`. */
export const Separator = createToken({ name: "Separator", pattern: Lexer.NA });

function reserved(word: string, categories: TokenType[] = []): TokenType {
  const name = `${word[0]?.toUpperCase()}${word.slice(1)}`;
  return createToken({ name, pattern: word, longer_alt: Identifier, categories });
}
function sign(name: string, text: string): TokenType {
  return createToken({ name, pattern: text });
}
function operator(name: string, text: string): TokenType {
  return createToken({ name, pattern: text, categories: InfixOperator });
}

export const Let = reserved("let");
export const If = reserved("if");
export const Then = reserved("then");
export const Else = reserved("else");
export const For = reserved("for");
export const In = reserved("in");
export const While = reserved("while");
export const Loop = reserved("loop");
export const Scan = reserved("scan");
export const With = reserved("with");
export const And = reserved("and", [InfixOperator]);
export const Or = reserved("or", [InfixOperator]);
export const Not = reserved("not");
export const True = reserved("true");
export const False = reserved("false");

export const reservedTypes: readonly TokenType[] = [
  Let,
  If,
  Then,
  Else,
  For,
  In,
  While,
  Loop,
  Scan,
  With,
  And,
  Or,
  Not,
  True,
  False,
];
const reservedSet: ReadonlySet<TokenType> = new Set(reservedTypes);
export function isReserved(token: IToken): boolean {
  return reservedSet.has(token.tokenType);
}

export const NumberToken = createToken({
  name: "Number",
  pattern: /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/,
  start_chars_hint: digits,
});
export const HexNumber = createToken({ name: "HexNumber", pattern: /0[xX][0-9a-fA-F]+/, start_chars_hint: ["0"] });
/** `1.`: the lexer takes it as one word so that the message can show all of it. `1..n` is a range. */
export const NumberEndingInDot = createToken({
  name: "NumberEndingInDot",
  pattern: /\d+\.(?![.\d])/,
  start_chars_hint: digits,
});
export const NumberStartingWithDot = createToken({
  name: "NumberStartingWithDot",
  pattern: /\.\d+(?:[eE][+-]?\d+)?/,
  start_chars_hint: ["."],
});
export const StringToken = createToken({
  name: "String",
  pattern: /"[^"\\\r\n]*(?:\\[^\r\n][^"\\\r\n]*)*"/,
  start_chars_hint: ['"'],
});
export const UnterminatedString = createToken({
  name: "UnterminatedString",
  pattern: /"[^"\\\r\n]*(?:\\[^\r\n][^"\\\r\n]*)*\\?/,
  start_chars_hint: ['"'],
});

export const OpenParen = sign("OpenParen", "(");
export const CloseParen = sign("CloseParen", ")");
export const OpenBracket = sign("OpenBracket", "[");
export const CloseBracket = sign("CloseBracket", "]");
export const OpenBrace = sign("OpenBrace", "{");
export const CloseBrace = sign("CloseBrace", "}");
export const Comma = sign("Comma", ",");
export const Semicolon = createToken({ name: "Semicolon", pattern: ";", categories: Separator });
export const Colon = sign("Colon", ":");
export const Dot = sign("Dot", ".");
export const DotDot = operator("DotDot", "..");
export const Quote = sign("Quote", "'");
export const Equals = sign("Equals", "=");
export const PlusEquals = sign("PlusEquals", "+=");
export const FatArrow = sign("FatArrow", "=>");
export const ThinArrow = sign("ThinArrow", "->");
export const EqualEqual = operator("EqualEqual", "==");
export const NotEqual = operator("NotEqual", "!=");
export const Less = operator("Less", "<");
export const LessEqual = operator("LessEqual", "<=");
export const Greater = operator("Greater", ">");
export const GreaterEqual = operator("GreaterEqual", ">=");
export const Nearly = operator("Nearly", "~=");
export const Plus = operator("Plus", "+");
export const Minus = operator("Minus", "-");
export const Star = operator("Star", "*");
export const Slash = operator("Slash", "/");
export const At = operator("At", "@");
export const Caret = operator("Caret", "^");

// Signs of other languages: recognised to say what to write instead.
export const ColonEquals = sign("ColonEquals", ":=");
export const StarStar = sign("StarStar", "**");
export const AndAnd = sign("AndAnd", "&&");
export const OrOr = sign("OrOr", "||");
export const Bang = sign("Bang", "!");
export const TripleEquals = sign("TripleEquals", "===");
export const BangEqualEqual = sign("BangEqualEqual", "!==");
export const LessGreater = sign("LessGreater", "<>");

/** A line break that ends a statement; the newline pass drops all others. */
export const Newline = createToken({
  name: "Newline",
  pattern: /\r\n?|\n/,
  start_chars_hint: ["\r", "\n"],
  line_breaks: true,
  categories: Separator,
});
const WhiteSpace = createToken({
  name: "WhiteSpace",
  pattern: /[ \t\f\v]+/,
  start_chars_hint: [" ", "\t", "\f", "\v"],
  group: Lexer.SKIPPED,
});

/** `///`, but not `////`, which is a line of dashes drawn with slashes. */
export const DocumentationComment = createToken({
  name: "DocumentationComment",
  pattern: /\/\/\/(?!\/)[^\r\n]*/,
  start_chars_hint: ["/"],
  group: "comments",
});
export const LineComment = createToken({
  name: "LineComment",
  pattern: /\/\/[^\r\n]*/,
  start_chars_hint: ["/"],
  group: "comments",
});
export const BlockComment = createToken({
  name: "BlockComment",
  pattern: /\/\*[^*]*\*+(?:[^/*][^*]*\*+)*\//,
  start_chars_hint: ["/"],
  line_breaks: true,
  group: "comments",
});
export const UnterminatedComment = createToken({
  name: "UnterminatedComment",
  pattern: /\/\*[\s\S]*/,
  start_chars_hint: ["/"],
  line_breaks: true,
});

/** All token types, in the order the lexer tries them: longer signs before their beginnings. */
export const allTokens: TokenType[] = [
  InfixOperator,
  Separator,
  WhiteSpace,
  Newline,
  DocumentationComment,
  LineComment,
  BlockComment,
  UnterminatedComment,
  ...reservedTypes,
  Identifier,
  HexNumber,
  NumberEndingInDot,
  NumberToken,
  StringToken,
  UnterminatedString,
  OpenParen,
  CloseParen,
  OpenBracket,
  CloseBracket,
  OpenBrace,
  CloseBrace,
  Comma,
  Semicolon,
  ColonEquals,
  Colon,
  DotDot,
  NumberStartingWithDot,
  Dot,
  Quote,
  FatArrow,
  TripleEquals,
  EqualEqual,
  Equals,
  ThinArrow,
  PlusEquals,
  BangEqualEqual,
  NotEqual,
  Bang,
  LessGreater,
  LessEqual,
  Less,
  GreaterEqual,
  Greater,
  Nearly,
  Plus,
  Minus,
  StarStar,
  Star,
  Slash,
  At,
  Caret,
  AndAnd,
  OrOr,
];

/** The offset just past a token. */
export function endOf(token: IToken): number {
  return token.startOffset + token.image.length;
}

const operandEnds: ReadonlySet<TokenType> = new Set([
  Identifier,
  NumberToken,
  HexNumber,
  StringToken,
  True,
  False,
  CloseParen,
  CloseBracket,
  CloseBrace,
  Quote,
]);
/** Whether an expression may end with this token. */
export function endsOperand(token: IToken): boolean {
  return operandEnds.has(token.tokenType);
}

const operandStarts: ReadonlySet<TokenType> = new Set([
  Identifier,
  NumberToken,
  HexNumber,
  StringToken,
  True,
  False,
  OpenParen,
  OpenBracket,
  OpenBrace,
  If,
  Loop,
  Scan,
  Not,
]);
/** Whether an expression may start with this token, `-` left aside. */
export function startsOperand(token: IToken): boolean {
  return operandStarts.has(token.tokenType);
}

const continuing: ReadonlySet<TokenType> = new Set([Then, Else, For, In, While, With, And, Or]);
/** Whether a reserved word goes on with an expression, so that what stands before it was a name. */
export function continuesExpression(token: IToken): boolean {
  return continuing.has(token.tokenType);
}

/** Makes a token count as one of another type: what stands for a sign that was written wrongly. */
export function retype(token: SyntaxToken, type: TokenType): void {
  token.tokenType = type;
  // Chevrotain compares this number, not the type itself; it exists once a lexer or parser has seen the type.
  token.tokenTypeIdx = type.tokenTypeIdx as number;
}
