/**
 * Text in, tree and diagnostics out. Never throws on any text: what cannot be parsed is reported, and the statements
 * around it are kept.
 */
import { matchBrackets } from "./brackets.ts";
import { treeIsTooDeep } from "./depth.ts";
import { type Diagnostic, DiagnosticError, errorAt } from "./diagnostic.ts";
import { documentationByOffset } from "./grammar-base.ts";
import { lex } from "./lexer.ts";
import { filterNewlines } from "./newlines.ts";
import { Grammar } from "./script.ts";
import { Newline, type SyntaxToken } from "./tokens.ts";
import type { Comment, Expression, SourceFile, Span, Statement } from "./tree.ts";

export interface ParseOptions {
  /** The name of the file in messages. */
  readonly file: string;
}

/** More messages than anyone reads; a file of garbage would have one a line. */
const maximumDiagnostics = 100;

let grammar: Grammar | undefined;

/** Made on first use, then shared: building it costs some milliseconds. */
function sharedGrammar(): Grammar {
  grammar ??= new Grammar();
  return grammar;
}

/** Parses a whole file. `statements` holds what had no errors in it. */
export function parse(text: string, options: ParseOptions): { source: SourceFile; diagnostics: Diagnostic[] } {
  const prepared = prepare(text, options.file);
  const parser = sharedGrammar();
  parser.open(options.file, text, documentationByOffset(prepared.comments, prepared.tokens, text));
  const statements: Statement[] = [];
  const found: Diagnostic[] = [];
  for (const segment of segments(prepared.tokens)) {
    if (found.length > maximumDiagnostics) break;
    parser.feed(segment);
    parseSegment(parser, segment, options.file, statements, found);
  }
  const diagnostics = merge(text, prepared.diagnostics, found);
  return { source: { file: options.file, text, statements, comments: prepared.comments }, diagnostics };
}

/** Parses a single expression, as typed into the REPL. */
export function parseExpression(
  text: string,
  options: ParseOptions,
): { expression?: Expression; diagnostics: Diagnostic[] } {
  const prepared = prepare(text, options.file);
  const parser = sharedGrammar();
  parser.open(options.file, text, new Map());
  parser.feed(prepared.tokens);
  const found: Diagnostic[] = [];
  let expression: Expression | undefined;
  try {
    expression = parser.expressionOnly().value;
    if (prepared.tokens.length > depthCheckFrom && treeIsTooDeep(expression)) found.push(tooDeep(expression.span));
  } catch (error) {
    found.push(diagnosticOf(error, prepared.tokens, options.file));
  }
  const diagnostics = merge(text, prepared.diagnostics, [...parser.diagnostics, ...found]);
  return diagnostics.length > 0 || expression === undefined ? { diagnostics } : { expression, diagnostics };
}

interface Prepared {
  readonly tokens: SyntaxToken[];
  readonly comments: readonly Comment[];
  readonly diagnostics: readonly Diagnostic[];
}

function prepare(text: string, file: string): Prepared {
  const lexed = lex(text, file);
  const matched = matchBrackets(lexed.tokens, file);
  const filtered = filterNewlines(matched.tokens, text, file);
  return {
    tokens: filtered.tokens,
    comments: lexed.comments,
    diagnostics: [...lexed.diagnostics, ...matched.diagnostics, ...filtered.diagnostics],
  };
}

/** The tokens between the line breaks that end statements at top level. */
function* segments(tokens: readonly SyntaxToken[]): Generator<SyntaxToken[]> {
  let start = 0;
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index] as SyntaxToken;
    if (token.closer !== undefined) {
      // Only a separator outside all brackets ends a segment.
      while (index + 1 < tokens.length && tokens[index] !== token.closer) index++;
    } else if (token.tokenType === Newline) {
      if (index > start) yield tokens.slice(start, index);
      start = index + 1;
    }
  }
  if (start < tokens.length) yield tokens.slice(start);
}

/** A user's mistake as it is; the end of JavaScript's stack, which a caller near it may meet, as too deep nesting. */
function diagnosticOf(error: unknown, tokens: readonly SyntaxToken[], file: string): Diagnostic {
  if (error instanceof DiagnosticError) return error.diagnostic;
  if (!(error instanceof RangeError)) throw error;
  const start = tokens[0]?.startOffset ?? 0;
  return tooDeep({ file, start, end: start });
}

/** A tree can only be too deep if it has this many tokens. */
const depthCheckFrom = 1000;

function parseSegment(
  parser: Grammar,
  segment: SyntaxToken[],
  file: string,
  statements: Statement[],
  found: Diagnostic[],
): void {
  while (parser.reachStatement()) {
    try {
      const statement = parser.statement();
      const damaged = parser.diagnostics.length > 0;
      if (damaged) {
        found.push(...parser.diagnostics);
        parser.diagnostics = [];
      } else if (segment.length > depthCheckFrom && treeIsTooDeep(statement)) {
        found.push(tooDeep(statement.span));
      } else {
        statements.push(statement);
      }
      parser.finishStatement();
    } catch (error) {
      found.push(...parser.diagnostics, diagnosticOf(error, segment, file));
      return;
    }
  }
}

function tooDeep(span: Span): Diagnostic {
  return errorAt("K0131", span, "This is nested too deeply, or is one very long chain of operators.", {
    help: "Give parts of it names with `let`, and use the names. Long sums are `sum([...])`.",
  });
}

/**
 * All diagnostics in the order of the text. Where the words themselves were wrong, what the grammar says about the
 * same line is left out: it would be about the stand-in, not about what was written.
 */
function merge(text: string, early: readonly Diagnostic[], late: readonly Diagnostic[]): Diagnostic[] {
  const kept = late.filter((diagnostic) => {
    const start = diagnostic.span?.start ?? 0;
    return !early.some((other) => {
      const at = other.span?.start ?? 0;
      if (at > start) {
        // Between the bracket that was opened and the place where it should have been closed, too.
        const opened = bracketCodes.has(other.code) ? other.notes.at(-1)?.span?.start : undefined;
        return (opened !== undefined && opened <= start) || text.slice(start, at).search(/[\r\n]/) < 0;
      }
      // Closed before a new statement: what is wrong in that statement is its own mistake.
      if (other.code === "K0102" && /(?:^|[\r\n])[ \t]*$/.test(text.slice(Math.max(0, at - 200), at))) return false;
      if (text.slice(at, start).search(/[\r\n]/) < 0) return true;
      // A bracket that is missing or too many confuses everything up to the end of its statement.
      return bracketCodes.has(other.code) && !/[\r\n][A-Za-z]/.test(text.slice(at, start));
    });
  });
  const all = [...early, ...kept].sort((a, b) => (a.span?.start ?? 0) - (b.span?.start ?? 0));
  return all.slice(0, maximumDiagnostics);
}

const bracketCodes: ReadonlySet<string> = new Set(["K0102", "K0103"]);
