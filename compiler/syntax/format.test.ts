import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { equalTrees, format, lineWidth } from "./format.ts";
import { parse } from "./parse.ts";
import { printExpression, printPattern, printType } from "./print.ts";
import { expressionTree, fileTree, patternTree, typeTree } from "./testing-trees.ts";
import type { SourceFile } from "./tree.ts";

function parsed(text: string): SourceFile {
  const { source, diagnostics } = parse(text, { file: "test.opt" });
  assert.deepEqual(
    diagnostics.map((d) => `${d.code} ${d.message}`),
    [],
    text,
  );
  return source;
}

/** Formats, and checks what must hold of every formatting. */
function formatted(text: string): string {
  const source = parsed(text);
  const once = format(source);
  const again = parsed(once);
  assert.ok(equalTrees(source, again), `the tree changed:\n${text}\n---\n${once}`);
  assert.equal(format(again), once, "formatting twice differs");
  const texts = (file: SourceFile): string[] => file.comments.map((comment) => comment.text.trimEnd());
  assert.deepEqual(texts(again), texts(source), `the comments changed:\n${once}`);
  return once;
}

describe("format, on random trees", () => {
  it("gives text that parses to the same tree", () => {
    fc.assert(
      fc.property(fileTree, (file) => {
        const text = format(file);
        const again = parsed(text);
        assert.ok(equalTrees(file, again), text);
      }),
      { numRuns: 1000, includeErrorInReport: true },
    );
  });

  it("changes nothing the second time", () => {
    fc.assert(
      fc.property(fileTree, (file) => {
        const once = format(parsed(format(file)));
        assert.equal(format(parsed(once)), once);
      }),
      { numRuns: 1000, includeErrorInReport: true },
    );
  });

  it("keeps line breaks, comments and the tree wherever they are put", () => {
    const insertions = fc.array(
      fc.tuple(
        fc.nat(),
        fc.constantFrom("\n", "\n\n", " // note\n", "/* note */", " /* two\nlines */ ", "\n/// doc\n", "   "),
      ),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(fileTree, insertions, (file, all) => {
        let text = format(file);
        for (const [where, what] of all) {
          const at = [...text.matchAll(/(?<=[\s()[\]{},=]|^)(?=\S)/g)].map((match) => match.index);
          const offset = at[where % Math.max(at.length, 1)] ?? 0;
          const changed = text.slice(0, offset) + what + text.slice(offset);
          // Only changes that leave the program a program; inside a string they are no comments, and that is fine.
          if (parse(changed, { file: "test.opt" }).diagnostics.length === 0) text = changed;
        }
        const source = parsed(text);
        const once = format(source);
        const again = parsed(once);
        assert.ok(equalTrees(source, again), `${text}\n---\n${once}`);
        assert.equal(again.comments.length, source.comments.length, `${text}\n---\n${once}`);
        assert.equal(format(again), once, text);
      }),
      { numRuns: 1000, includeErrorInReport: true },
    );
  });

  it("prints expressions, patterns and types on one line", () => {
    fc.assert(
      fc.property(expressionTree, (e) => {
        const text = printExpression(e);
        assert.ok(!text.includes("\n"));
        const [statement] = parsed(`let value = ${text}`).statements;
        assert.ok(statement?.kind === "let" && equalTrees(statement.value, e), text);
      }),
      { numRuns: 500, includeErrorInReport: true },
    );
    fc.assert(
      fc.property(patternTree, typeTree, (pattern, type) => {
        const text = `let ${printPattern(pattern)}: ${printType(type)} = 0`;
        const [statement] = parsed(text).statements;
        assert.ok(statement?.kind === "let" && equalTrees(statement.pattern, pattern), text);
        assert.ok(equalTrees(statement.type, type), text);
      }),
    );
  });
});
