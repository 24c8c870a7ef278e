/** Golden texts of rendered diagnostics: without colour, since that is what people paste into reports. */
import assert from "node:assert/strict";
import test from "node:test";
import { type Diagnostic, errorAt, warningAt } from "../../compiler/syntax/diagnostic.ts";
import { renderDiagnostic, renderDiagnostics } from "./diagnostics.ts";

const file = "ridge.opt";

/** The span of the first occurrence of `part`. */
function spanOf(text: string, part: string) {
  const start = text.indexOf(part);
  assert.ok(start >= 0);
  return { file, start, end: start + part.length };
}

function render(text: string, d: Diagnostic): string {
  return renderDiagnostic(d, new Map([[file, text]]), { color: false });
}

test("a message shows its line, the mark below it, its notes and its help", () => {
  const text = 'let a = 1\ndata y: real[n] from "d.csv" column "progresion"\n';
  const d = errorAt("K0304", spanOf(text, '"progresion"'), 'd.csv has no column "progresion".', {
    notes: [
      { message: "Its columns are age and progression." },
      { message: "a is declared here.", span: spanOf(text, "a") },
    ],
    help: 'Did you mean "progression"?',
  });
  assert.equal(
    render(text, d),
    `error K0304 at ridge.opt:2:37
d.csv has no column "progresion".

  2 | data y: real[n] from "d.csv" column "progresion"
    |                                     ^^^^^^^^^^^^

note: Its columns are age and progression.

note: a is declared here. (ridge.opt:1:5)

  1 | let a = 1
    |     ^

help: Did you mean "progression"?`,
  );
});

test("a span of several lines is marked beside them, a long one is shortened", () => {
  const text = "let a = [\n  1,\n  2\n]\n";
  assert.equal(
    render(text, warningAt("K0001", spanOf(text, "[\n  1,\n  2\n]\n"), "Two.")),
    "warning K0001 at ridge.opt:1:9\nTwo.\n\n  1 > let a = [\n  2 >   1,\n  3 >   2\n  4 > ]",
  );
  const long = Array.from({ length: 12 }, (_, i) => `line${i + 1}`).join("\n");
  assert.equal(
    render(long, errorAt("K0001", { file, start: 0, end: long.length }, "Long.")).split("\n\n")[1],
    "   1 > line1\n   2 > line2\n   3 > line3\n   4 > line4\n     > ...\n  12 > line12",
  );
});

test("tabs, wide characters and combining marks keep the mark below what it means", () => {
  const text = '\tlet s = "変数e\u0301" + x';
  const [, line, marks] = render(text, errorAt("K0001", spanOf(text, "x"), "m")).split(/\n\n|\n(?= +\| +\^)/);
  assert.equal(line, '  1 |     let s = "変数e\u0301" + x');
  // Two wide characters take four columns, the mark on the e none.
  assert.equal(marks, `    | ${" ".repeat(4 + 9 + 4 + 1 + 4)}^`);
});

test("the end of the file is marked behind the last thing in it", () => {
  const text = "let a = (1 +\n\n";
  assert.match(
    render(text, errorAt("K0001", { file, start: text.length, end: text.length }, "m")),
    /ridge\.opt:1:13[\s\S]*\n {4}\| {13}\^$/,
  );
  assert.match(
    render("", errorAt("K0001", { file, start: 0, end: 0 }, "m")),
    /ridge\.opt:1:1[\s\S]*\n {2}1 \|\n {4}\| \^$/,
  );
});

test("spans outside the text, unknown files and no span at all do not throw", () => {
  assert.match(render("ab", errorAt("K0001", { file, start: 90, end: 95 }, "m")), /ridge\.opt:1:3/);
  assert.equal(
    render("ab", errorAt("K0001", { file: "other.opt", start: 1, end: 2 }, "m")),
    "error K0001 at other.opt\nm",
  );
  assert.equal(render("ab", errorAt("K0001", undefined, "m")), "error K0001\nm");
});

test("a very long line is cut around the mark", () => {
  const text = `let a = ${"1 + ".repeat(500)}oops${" + 1".repeat(500)}`;
  const [, excerpt] = render(text, errorAt("K0001", spanOf(text, "oops"), "m")).split("\n\n");
  const [line, marks] = excerpt!.split("\n");
  assert.ok(line!.length <= 100, line);
  assert.equal(line!.indexOf("oops"), marks!.indexOf("^^^^"));
  assert.match(line!, /\| \.\.\..*\.\.\.$/);
});

test("control characters of a source cannot reach the terminal", () => {
  const text = 'let a = "\u001b[2Jx"\u202e';
  const shown = render(text, errorAt("K0001", spanOf(text, "let"), "bad \u001b]0;title\u0007"));
  for (const hidden of ["\u001b", "\u0007", "\u202e"]) assert.ok(!shown.includes(hidden));
});

test("long messages are wrapped, colours come only when asked for", () => {
  const d = errorAt("K0001", undefined, "word ".repeat(60).trim(), { help: "do this ".repeat(30).trim() });
  for (const line of render("", d).split("\n")) assert.ok(line.length <= 100);
  const colored = renderDiagnostics([d, d], new Map(), { color: true });
  assert.ok(colored.includes("\u001b[31m"));
});
