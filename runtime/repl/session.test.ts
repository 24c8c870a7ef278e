/** What the REPL remembers and shows, against a stand-in compiler that shows each statement's text. */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { warningAt } from "../../compiler/syntax/diagnostic.ts";
import { parse } from "../../compiler/syntax/parse.ts";
import { temporaryFolder } from "../data/testing.ts";
import type { Compiler } from "../script/compiler.ts";
import { answering, realValue } from "../script/testing.ts";
import { isComplete } from "./is-complete.ts";
import { Session } from "./session.ts";

/** Shows 1 for each `show`; warns at each statement with the name `odd`. */
const compiler: Compiler = {
  parse,
  compile: (text, { file }) => {
    const { source, diagnostics } = parse(text, { file });
    const program = { file, source, sources: new Map([[file, text]]), data: [], params: [] };
    return { program: diagnostics.length > 0 ? undefined : program, diagnostics, sources: program.sources };
  },
  bind: (program) =>
    answering({
      program,
      diagnostics: [],
      run: ({ onEvent }) => {
        for (const statement of program.source.statements) {
          const { span } = statement;
          const text = program.source.text.slice(span.start, span.end);
          if (text.includes("odd")) onEvent({ kind: "warning", diagnostic: warningAt("K0999", span, "odd") });
          if (text.includes("broken")) throw new Error("broken");
          const value = { kind: "value" as const, expression: text.replace("show ", ""), value: realValue([], [1]) };
          if (statement.kind === "show") onEvent({ kind: "show", items: [value], span });
        }
      },
      call: () => assert.fail(),
      valueAndGradient: () => assert.fail(),
      properties: [],
    }),
};

function start(t: TestContext) {
  const out: string[] = [];
  const options = {
    precision: "f64",
    seed: 0,
    access: { folder: temporaryFolder(t) },
    color: false,
    width: 80,
  } as const;
  const session = new Session(compiler, options, {
    print: (text) => out.push(text),
    printError: (text) => out.push(`! ${text}`),
    isInterrupted: () => false,
  });
  return {
    session,
    feed: (text: string) => {
      out.length = 0;
      session.feed(text);
      return out.join("\n");
    },
  };
}

test("expressions are shown, declarations are kept, statements happen once", (t) => {
  const { session, feed } = start(t);
  assert.equal(feed("1 + 2"), "1 + 2  1");
  assert.equal(feed("let a = 1"), "");
  assert.equal(feed("show a"), "a  1");
  assert.equal(feed("a"), "a  1");
  assert.equal(session.text, "let a = 1\n");
});

test("a name declared again replaces the old one and what was made with it", (t) => {
  const { session, feed } = start(t);
  feed("let a = 1");
  feed("let b = a");
  feed("fn f(x) = x");
  assert.match(feed("let a = 2"), /also forgotten.*: b$/);
  assert.equal(session.text, "fn f(x) = x\nlet a = 2\n");
  session.reset();
  assert.equal(session.text, "");
});

test("errors leave everything as it was, and are shown in what was typed", (t) => {
  const { session, feed } = start(t);
  feed("let a = 1");
  assert.match(feed("let = 3"), /^! error K\d+ at repl:1:\d+[\s\S]*let = 3/);
  assert.match(feed("let broken = 3"), /K0342/);
  assert.match(feed("(1 +"), /^! error/);
  assert.equal(session.text, "let a = 1\n");
});

test("what was said of an earlier entry is not said again", (t) => {
  const { feed } = start(t);
  assert.match(feed("let odd = 1"), /warning K0999 at repl:1:1/);
  assert.equal(feed("2"), "2  1");
  assert.match(feed("odd"), /at repl:1:1\nodd\n\n {2}1 \| odd\n {4}\| \^\^\^/);
});

test("open brackets, operators and comments wait for more", () => {
  for (const text of [
    "f(",
    "let a = [1,\n",
    "{ let x = 1",
    "1 +",
    "let a =",
    "x =>",
    "a and",
    "/* more",
    "f(1) // )\n+",
    '("a)"',
  ])
    assert.equal(isComplete(text), false, text);
  for (const text of ["f(1)", "let a = [1]\n", "a'", '"("', "1 // (", "/* ( */ 1", ")", '"abc', "x"])
    assert.equal(isComplete(text), true, text);
});
