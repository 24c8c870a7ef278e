/** The formatter: one layout for all programs, with the user's line breaks, blank lines and comments kept. */
import { render } from "./layout.ts";
import { StatementLayout } from "./layout-statements.ts";
import { lex } from "./lexer.ts";
import { Identifier, type SyntaxToken } from "./tokens.ts";
import type { SourceFile } from "./tree.ts";
import { Written } from "./written.ts";

export { equalTrees } from "./equal.ts";

/** No line is longer, unless a single word is. */
export const lineWidth = 120;

/**
 * The text of a parsed file in the one true layout. Formatting its result again changes nothing, and the tree of the
 * result is the tree of the source. Meant for files without syntax errors: a statement that was dropped is not printed.
 */
export function format(source: SourceFile): string {
  const tokens = source.statements.some((statement) => statement.kind === "problem")
    ? lex(source.text, source.file).tokens
    : [];
  const layout = new StatementLayout(new Written(source.text, source.comments), subjects(tokens));
  return render(layout.file(source), lineWidth);
}

function subjects(tokens: readonly SyntaxToken[]): number[] {
  return tokens
    .filter(
      (token, index) =>
        token.tokenType === Identifier && token.image === "subject" && tokens[index + 1]?.image === "to",
    )
    .map((token) => token.startOffset);
}
