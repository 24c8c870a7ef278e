/**
 * What all parts of the grammar share: reading tokens by hand, spans, and turning a mismatch into a message.
 *
 * Chevrotain runs the grammar; its own error recovery is off. A mismatch throws a `DiagnosticError`, which the nearest
 * block or statement catches, records and recovers from by going on at the next separator.
 */
import { EmbeddedActionsParser, EOF, type ParserMethod, type TokenType } from "chevrotain";
import { type Diagnostic, DiagnosticError, type DiagnosticExtras, errorAt } from "./diagnostic.ts";
import { decideBy, type LookaheadTable, preparedLookahead, tabulate } from "./lookahead.ts";
import { closest } from "./suggest.ts";
import * as t from "./tokens.ts";
import { endOf, isReserved, type SyntaxToken, startsOperand } from "./tokens.ts";
import type { Comment, Expression, Identifier, Lambda, Let, Pattern, Span, TypeExpression } from "./tree.ts";
import { type Surroundings, unexpected, unexpectedAfterOperand } from "./unexpected.ts";

/** A rule of the grammar that returns a `T`. */
export type Rule<T, Arguments extends unknown[] = []> = ParserMethod<Arguments, T>;

/** Deeper nesting than any program needs, and about half of what JavaScript's stack takes before it ends. */
export const maximumDepth = 100;

// Chevrotain takes alternatives and gates as objects of functions. These helpers make the objects: a function that is
// given as an argument has no name, whereas naming each one, as `{ ALT: () => ... }` does under tsx, costs more time
// than all the parsing.

/** An alternative of `or`. */
export function choice<T>(alternative: () => T): { ALT: () => T } {
  return { ALT: alternative };
}
/** An alternative of `or` that counts only if `gate` holds. */
export function choiceIf<T>(gate: () => boolean, alternative: () => T): { GATE: () => boolean; ALT: () => T } {
  return { GATE: gate, ALT: alternative };
}
/** What `option` and `many` do while `gate` holds. */
export function when<T>(gate: () => boolean, action: () => T): { GATE: () => boolean; DEF: () => T } {
  return { GATE: gate, DEF: action };
}

/** The part of chevrotain's parser (11.2) that its analysis of the grammar fills; its types do not show it. */
interface ChevrotainInside {
  lookAheadFuncsCache: Map<number, ReturnType<typeof decideBy>>;
  selfAnalysisDone: boolean;
}

export abstract class GrammarBase extends EmbeddedActionsParser {
  /** Errors recovered from inside a statement. */
  diagnostics: Diagnostic[] = [];
  protected file = "";
  protected text = "";
  /** Where the input ends, for messages about things missing at its end. */
  #inputEnd = 0;
  #documentation: ReadonlyMap<number, string> = new Map();
  protected depth = 0;

  // The parts of the grammar refer to each other; each rule is defined in the file of its part.
  abstract readonly expression: Rule<Expression>;
  abstract readonly block: Rule<Expression>;
  abstract readonly lambda: Rule<Lambda>;
  abstract readonly pattern: Rule<Pattern>;
  abstract readonly typeExpression: Rule<TypeExpression>;
  abstract readonly letStatement: Rule<Let>;

  constructor() {
    // The grammar decides by hand where one token is not enough, so deeper automatic lookahead would only cost time.
    super(t.allTokens, { maxLookahead: 1, recoveryEnabled: false, skipValidations: true });
  }

  /** Ends the definition of the rules: analyses them, or takes over what an analysis found. */
  protected prepareLookahead(): void {
    if (preparedLookahead === undefined) this.performSelfAnalysis();
    else this.#takeOver(preparedLookahead);
  }

  #takeOver(table: LookaheadTable): void {
    const cache = (this as unknown as ChevrotainInside).lookAheadFuncsCache;
    for (const [key, decision] of Object.entries(table)) cache.set(Number(key), decideBy(decision));
    (this as unknown as ChevrotainInside).selfAnalysisDone = true;
  }

  /** What the analysis of the grammar found, for a bundle to take along. */
  lookaheadTable(): LookaheadTable {
    return tabulate((this as unknown as ChevrotainInside).lookAheadFuncsCache);
  }

  /** Sets the program whose tokens will be parsed. `documentation` maps offsets of statements to `///` comments. */
  open(file: string, text: string, documentation: ReadonlyMap<number, string>): void {
    this.file = file;
    this.text = text;
    this.#documentation = documentation;
  }

  /** Sets the tokens of one statement, or of several on one line. */
  feed(tokens: SyntaxToken[]): void {
    const last = tokens.at(-1);
    this.#inputEnd = last === undefined ? 0 : endOf(last);
    this.depth = 0;
    this.diagnostics = [];
    this.input = tokens;
  }

  get atEnd(): boolean {
    return this.isEnd();
  }

  // ---------------------------------------------------------------- looking at tokens

  protected peek(distance = 1): SyntaxToken {
    return this.LA(distance);
  }

  protected at(type: TokenType, distance = 1): boolean {
    const found = this.LA(distance).tokenType;
    return found === type || (found.CATEGORIES?.includes(type) ?? false);
  }

  /** Whether the next token is this word, reserved nowhere but special here. */
  protected atWord(word: string, distance = 1): boolean {
    const token = this.LA(distance);
    return token.tokenType === t.Identifier && token.image === word;
  }

  protected isEnd(distance = 1): boolean {
    return this.LA(distance).tokenType === EOF;
  }

  /** Whether the next token follows the last one without a line break. */
  protected onSameLine(): boolean {
    return this.peek().lineStart !== true;
  }

  // ---------------------------------------------------------------- spans

  protected span(start: number, end: number): Span {
    return { file: this.file, start, end };
  }

  protected tokenSpan(token: SyntaxToken): Span {
    return Number.isNaN(token.startOffset)
      ? this.span(this.#inputEnd, this.#inputEnd)
      : this.span(token.startOffset, endOf(token));
  }

  /** From `start` to the end of the last token read. */
  protected spanFrom(start: number): Span {
    return this.span(start, endOf(this.LA(0)));
  }

  protected nextStart(): number {
    return this.tokenSpan(this.peek()).start;
  }

  protected identifier(token: SyntaxToken): Identifier {
    return { name: token.image, span: this.tokenSpan(token) };
  }

  /** The `///` comment before the statement that starts at `start`, ready to be spread into its node. */
  protected documentationAt(start: number): { documentation?: string } {
    const documentation = this.#documentation.get(start);
    return documentation === undefined ? {} : { documentation };
  }

  // ---------------------------------------------------------------- failing

  protected fail(code: string, span: Span, message: string, extras: DiagnosticExtras = {}): never {
    throw new DiagnosticError(errorAt(code, span, message, extras));
  }

  /** Fails at the next token: `expected` says in the user's words what should stand there. */
  protected failExpected(expected: string, extras: DiagnosticExtras = {}): never {
    throw new DiagnosticError(unexpected(this.#surroundings(), expected, extras));
  }

  /** Fails at the token after a complete expression. */
  protected failAfterOperand(expected: string, extras: DiagnosticExtras = {}): never {
    throw new DiagnosticError(unexpectedAfterOperand(this.#surroundings(), expected, extras));
  }

  #surroundings(): Surroundings {
    return {
      before: this.LA(-1),
      previous: this.LA(0),
      found: this.peek(),
      next: this.peek(2),
      atEnd: this.isEnd(),
      spanOf: (token) => this.tokenSpan(token),
    };
  }

  /** Reads one token, or fails saying what was expected. During recording only the token type matters. */
  protected expect(index: number, type: TokenType, expected: string, extras?: DiagnosticExtras): SyntaxToken {
    if (!this.RECORDING_PHASE && !this.at(type)) this.failExpected(expected, extras);
    return this.consume(index, type);
  }

  /** Like `expect`, after a complete expression. */
  protected expectAfter(index: number, type: TokenType, expected: string, extras?: DiagnosticExtras): SyntaxToken {
    if (!this.RECORDING_PHASE && !this.at(type)) this.failAfterOperand(expected, extras);
    return this.consume(index, type);
  }

  /** Reads a word that is special only here. */
  protected expectWord(index: number, word: string, expected: string, extras?: DiagnosticExtras): SyntaxToken {
    if (!this.RECORDING_PHASE && !this.atWord(word)) {
      const near = this.at(t.Identifier) && closest(this.peek().image, [word]) !== undefined;
      this.failExpected(expected, near ? { help: `Did you mean \`${word}\`?` } : extras);
    }
    return this.consume(index, t.Identifier);
  }

  /** Reads the name of something: `what` is "a parameter", "the function", ... */
  protected expectName(index: number, what: string): Identifier {
    if (!this.RECORDING_PHASE && !this.at(t.Identifier)) {
      if (isReserved(this.peek())) this.failReserved(what);
      this.failExpected(`the name of ${what}`);
    }
    const token = this.consume(index, t.Identifier);
    if (!this.RECORDING_PHASE) this.refusePrime(token);
    return this.identifier(token);
  }

  protected failReserved(what: string): never {
    const word = this.peek().image;
    this.fail(
      "K0112",
      this.tokenSpan(this.peek()),
      `\`${word}\` is a reserved word and cannot be the name of ${what}.`,
      {
        help: `Choose another name, such as \`${word}_\` or \`my_${word}\`.`,
      },
    );
  }

  /** A name that is being declared cannot end in a prime. */
  protected refusePrime(name: SyntaxToken): void {
    const quote = this.peek();
    if (quote.tokenType !== t.Quote || quote.startOffset !== endOf(name)) return;
    this.fail(
      "K0123",
      this.span(name.startOffset, endOf(quote)),
      `The name \`${name.image}'\` ends in a prime, but \`'\` always means transpose.`,
      { help: `Write \`${name.image}_new\`, \`${name.image}1\` or another name of letters, digits and \`_\`.` },
    );
  }

  /** Enters one more level of nesting. Levels are left again by setting `depth` back. */
  protected deeper(): void {
    this.depth++;
    if (this.depth <= maximumDepth) return;
    this.fail("K0131", this.tokenSpan(this.peek()), `This is nested more than ${maximumDepth} levels deep.`, {
      help: "Give the inner parts names with `let`, and use the names.",
    });
  }

  // ---------------------------------------------------------------- recovering

  /** Runs an action; a mistake inside it is recorded, and the rest of its statement skipped. */
  protected recovering(action: () => void): void {
    if (this.RECORDING_PHASE) {
      action();
      return;
    }
    const depth = this.depth;
    try {
      action();
    } catch (error) {
      if (!(error instanceof DiagnosticError)) throw error;
      this.diagnostics.push(error.diagnostic);
      this.depth = depth;
      this.skipStatement();
    }
  }

  /**
   * The statements between two braces: separated by line breaks or `;`, which may be left out after a `}` and before
   * a word that starts a statement. `starts` tells whether an item can start here, `expected` says what may, `help` what else to do.
   */
  protected items(
    item: () => void,
    expected: string,
    starts: () => boolean,
    startsWithWord: () => boolean,
    words: readonly string[] = [],
    help: () => string | undefined = () => undefined,
  ): void {
    this.ACTION(() => this.#reachItem(expected, starts, words, help));
    this.many(
      0,
      when(
        () => !this.at(t.CloseBrace),
        () => {
          this.recovering(() => {
            item();
            this.ACTION(() => this.requireSeparator(startsWithWord));
          });
          this.many(1, () => this.consume(9, t.Separator));
          this.ACTION(() => this.#reachItem(expected, starts, words, help));
        },
      ),
    );
  }

  /** Goes to the next token that starts an item, complaining about what stands between. */
  #reachItem(expected: string, starts: () => boolean, words: readonly string[], help: () => string | undefined): void {
    for (;;) {
      while (this.at(t.Newline) || this.at(t.Semicolon)) this.skipToken();
      if (this.at(t.CloseBrace) || this.isEnd() || starts()) return;
      this.recovering(() => {
        const advice = help();
        if (advice !== undefined) this.failExpected(expected, { help: advice });
        const meant = this.at(t.Identifier) ? closest(this.peek().image, words) : undefined;
        if (meant !== undefined) this.failExpected(expected, { help: `Did you mean \`${meant}\`?` });
        this.failAfterOperand(expected);
      });
    }
  }

  /** After a statement: a separator, the end, a `}` behind us, or a word that starts the next statement. */
  protected requireSeparator(startsWithWord: () => boolean): void {
    if (this.isEnd() || this.at(t.Newline) || this.at(t.Semicolon) || this.at(t.CloseBrace)) return;
    if (this.LA(0).tokenType === t.CloseBrace && !this.at(t.InfixOperator)) {
      if (startsOperand(this.peek()) || startsWithWord()) return;
    }
    if (this.at(t.Let) || startsWithWord()) return;
    this.failAfterOperand("the end of the statement");
  }

  /**
   * Skips to the next separator of the statements around the cursor, or to the end of their braces. Brackets are
   * matched already, so whole groups are passed over in one go.
   */
  protected skipStatement(): void {
    while (!this.isEnd() && !this.at(t.Newline) && !this.at(t.Semicolon) && !this.at(t.CloseBrace)) {
      const closer = this.peek().closer;
      this.skipToken();
      if (closer === undefined) continue;
      while (!this.isEnd() && this.LA(0) !== closer) this.skipToken();
    }
  }

  /** Reads the next token, whatever it is. (Chevrotain's `SKIP_TOKEN` stops before the last one.) */
  protected skipToken(): void {
    this.consume(0, this.peek().tokenType);
  }
}

/** Collects the `///` comments: each run of them, keyed by the offset of the token that follows. */
export function documentationByOffset(
  comments: readonly Comment[],
  tokens: readonly SyntaxToken[],
  text: string,
): ReadonlyMap<number, string> {
  const result = new Map<number, string>();
  let tokenIndex = 0;
  for (let index = 0; index < comments.length; index++) {
    const comment = comments[index] as Comment;
    if (comment.kind !== "documentation" || !standsAlone(comment, text)) continue;
    const lines = [comment.text.slice(3)];
    let end = comment.span.end;
    for (let next = comments[index + 1]; next?.kind === "documentation"; next = comments[index + 1]) {
      if (!/^(?:\r\n?|\n)[ \t]*$/.test(text.slice(end, next.span.start))) break;
      lines.push(next.text.slice(3));
      end = next.span.end;
      index++;
    }
    while (tokenIndex < tokens.length && (tokens[tokenIndex] as SyntaxToken).startOffset < end) tokenIndex++;
    while (tokens[tokenIndex]?.tokenType === t.Newline) tokenIndex++;
    const token = tokens[tokenIndex];
    if (token === undefined) break;
    result.set(token.startOffset, lines.map((line) => line.replace(/^ /, "").trimEnd()).join("\n"));
  }
  return result;
}

/** Whether nothing but spaces stands before a comment on its line. */
function standsAlone(comment: Comment, text: string): boolean {
  let at = comment.span.start - 1;
  while (at >= 0 && (text[at] === " " || text[at] === "\t")) at--;
  return at < 0 || text[at] === "\n" || text[at] === "\r";
}
