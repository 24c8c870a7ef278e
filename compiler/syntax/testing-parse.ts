/** For tests: statements of texts that have no mistakes. */
import assert from "node:assert/strict";
import { parse } from "./parse.ts";
import type { Statement } from "./tree.ts";

export function statements(text: string): readonly Statement[] {
  const { source, diagnostics } = parse(text, { file: "test.opt" });
  assert.deepEqual(
    diagnostics.map((d) => `${d.code} ${d.message}`),
    [],
    text,
  );
  return source.statements;
}

/** The one statement of a text, which is of a kind. */
export function only<K extends Statement["kind"]>(text: string, kind: K): Extract<Statement, { kind: K }> {
  const all = statements(text);
  assert.equal(all.length, 1, text);
  const [statement] = all;
  assert.equal(statement?.kind, kind);
  return statement as Extract<Statement, { kind: K }>;
}

export const kinds = (text: string): string =>
  statements(text)
    .map((s) => s.kind)
    .join(" ");
