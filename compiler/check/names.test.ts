/** Names: what is unknown, and what is said to be done about it. */
import assert from "node:assert/strict";
import test from "node:test";
import { compile } from "../compile.ts";

function said(text: string, modules: Record<string, string> = {}): string[] {
  const { diagnostics } = compile(text, { file: "example.opt", modules });
  return diagnostics.map((d) => `${d.code} ${d.message} ${d.help ?? ""}`.trim());
}

function only(text: string, code: string, words: RegExp, modules: Record<string, string> = {}): void {
  const lines = said(text, modules);
  assert.equal(lines.length, 1, lines.join("\n"));
  assert.match(lines[0]!, new RegExp(`^${code}\\b`));
  assert.match(lines[0]!, words);
}

test("a name of the library that was not imported is shown with its import", () => {
  only("show linear_solve(v => v, [1.0], by = cg())", "K0201", /import \{ cg \} from "std\/linear"/);
  only("show minimize(x => x ^ 2, from = 1.0, by = adam())", "K0201", /import \{ adam \} from "std\/stochastic"/);
  only("show simplex.project([1.0, 2.0])", "K0201", /import \{ simplex \} from "std\/sets"/);
  // Declared in a module that is only a part of the one users import from.
  only("let s = interior_point()", "K0201", /import \{ interior_point \} from "std\/constrained"/);
});

test("a misspelt name of the library is found there, and one at hand before it", () => {
  only("let s = lbfgss()", "K0201", /`lbfgs`.*import \{ lbfgs \} from "std\/first-order"/);
  only("let radius = 2.0\nshow raduis", "K0201", /Did you mean `radius`\?/);
});

test("a misspelt argument beside an unknown name is reported in the same run", () => {
  const lines = said("show linear_solve(v => v, [1.0], bye = cg())");
  assert.deepEqual(
    lines.map((l) => l.slice(0, 5)),
    ["K0233", "K0201"],
  );
  assert.match(lines[0]!, /no argument called `bye`.*Did you mean `by`/);
});

test("an unknown name is all that is said where the arguments have names that exist", () => {
  only("fn f(a, b = 1) = a + b\nshow f(zz, b = 2)", "K0201", /`zz`/);
  only("show sum([yy], axis = 0)", "K0201", /`yy`/);
});

test("words of other languages are translated", () => {
  const words: Record<string, RegExp> = {
    "let a = True": /Write `true`/,
    "show np.zeros(3)": /`zeros\[3\]`/,
    "show transpose([[1, 2]])": /`A'`/,
    "show inv([[1.0]])": /`inverse\(A\)`/,
    "show [i for i in range(3)]": /`0\.\.n`/,
    "show ln(2.0)": /`log\(x\)`/,
    "print(3)": /`show x`/,
  };
  for (const [text, help] of Object.entries(words)) assert.match(said(text)[0] ?? "", help, text);
});

test("names of one's own come before the words of other languages", () => {
  assert.deepEqual(said("let inv = 3\nfn map(x) = x + 1\nshow map(inv)"), []);
});

test("a type of another language is translated", () => {
  only("param x: float = 1.0", "K0202", /Write `real`/);
  only("fn f(A: matrix) = A", "K0202", /`real\[n, m\]`/);
});

test("a function that calls itself is told so, once", () => {
  only("fn f(n: int) = if n == 0 then 1 else n * f(n - 1)\nshow f(3)", "K1171", /`loop`/);
  only("let f = n => f(n - 1)", "K1171", /`loop`/);
});

test("a name that is declared below is shown there", () => {
  const { diagnostics } = compile("fn f(x) = g(x)\nfn g(x) = x + 1\nshow f(1)", { file: "example.opt" });
  assert.equal(diagnostics.length, 1);
  assert.match(diagnostics[0]!.help ?? "", /move the declaration up/);
  assert.equal(diagnostics[0]!.notes[0]!.span!.start, "fn f(x) = g(x)\nfn ".length);
});

test("one declaration introduces a name once", () => {
  for (const text of [
    "fn f(x, x) = x",
    "objective f(x: real, x: real) = x",
    "objective f(x: real; x: real) = x",
    "condition c(x: real, x: real) { x == 1; x == 2 }",
    "problem p(a: real, a: real) {\n  var x: real\n  minimize x ^ 2 + a\n}",
    "problem p() {\n  var x: real\n  var x: real\n  minimize x ^ 2\n}",
    "problem p(x: real) {\n  var x: real\n  minimize x ^ 2\n}",
    "solver s(a: real = 1, a: real = 2) minimizes f {\n  start(x) = (x: x)\n  next(s, t) = s\n}",
    "fn f[n, n](x: real[n]) = x",
    "type T = (a: real, a: real)",
    'property "p" for all (x: real in normal(), x: real in normal()) { x == x }',
  ])
    assert.match(said(text)[0] ?? "", /^K0235 .*stands here twice/, text);
});

test("a loop has an end, and `assert` no parentheses", () => {
  only("show loop i = 0 { i + 1 }", "K1172", /`loop s = s0 while c \{ next \}`/);
  only('assert(1 == 2, "why")', "K0271", /`assert c, "why"`/);
  assert.deepEqual(said('show loop i = 0 while i < 3 { i + 1 }\nassert (1 == 1), "why"'), []);
});

test("files that import each other are told so", () => {
  const a = 'import { b } from "./b.opt"\nfn a(x) = b(x)\n';
  const b = 'import { a } from "./a.opt"\nfn b(x) = a(x)\n';
  const lines = said('import { a } from "./a.opt"\nshow a(1)', { "./a.opt": a, "./b.opt": b });
  assert.deepEqual(lines.length, 1);
  assert.match(lines[0]!, /^K1173 .*\.\/a\.opt imports \.\/b\.opt imports \.\/a\.opt/);
  // Two files may import the same third one.
  const common = "fn c(x) = x + 1\n";
  const uses = (name: string) => `import { c } from "./c.opt"\nfn ${name}(x) = c(x)\n`;
  const both = 'import { a } from "./a.opt"\nimport { b } from "./b.opt"\nshow a(1) + b(1)';
  assert.deepEqual(said(both, { "./a.opt": uses("a"), "./b.opt": uses("b"), "./c.opt": common }), []);
});
