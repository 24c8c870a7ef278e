import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { equalTrees, format, lineWidth } from "./format.ts";
import { parse } from "./parse.ts";
import { printExpression, printPattern, printType } from "./print.ts";
import { expressionTree, fileTree, patternTree, typeTree } from "./testing-trees.ts";
import type { SourceFile } from "./tree.ts";

// A fixed seed, printed by fast-check on failure; another one can be tried by hand.
fc.configureGlobal({ seed: Number(process.env.FUZZ_SEED ?? 20_240_613) });

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

describe("format, by example", () => {
  it("keeps what is laid out well", () => {
    const text = `// A comment that heads the file.
import { lbfgs, newton as newton_method } from "std/first-order"

data X: real[n, d] from "x.csv" columns except "y", "z"
param penalty: real = 0.1 // overridable

/// What it is.
///
/// More of it.
fn f[h](x: real[h], scale = 1.0) -> real = sum(x^2) * scale

fn softplus(x) = log1p(exp(x)) derivative dx => sigmoid(x) * dx

fn long(x) =
  mean((x - 1)^2)

fn steps(x) = {
  let y = loop y = x for i in 0..10 while norm(y) > 1 { y / 2 }

  // why
  let (a, b) = scan s = (0.0, key(1)) for t in 0..5 {
    let z = t + 1
    (s, z)
  }
  (a, b)
}

condition rest(x: real[n]; W: real[n, n]) { x == tanh(W @ x) }

problem plan(A: real[m, n], b: real[m]) {
  var x: real[n] in simplex
  maximize dot(b, A @ x)
  subject to {
    // the only one
    cap: A @ x <= b
    [x[t + 1] == x[t] for t in 0..n - 1]
  }
}

solver heavy(step: real = 1e-2) minimizes f {
  start(x) = (x: x, v: zeros_like(x))
  next(s, t) = s with (x: s.x - step * grad(f)(s.x))
}

property "it holds" for all (w: real[5] in normal(), n: int in 1..6 where n > 2) {
  f(w) ~= g(w) within 1e-9
}
show "caption", f(x), not (a and b)
plot y, x = t, log = true
save x to "x.npy"
assert a == b, "the same"
`;
    assert.equal(formatted(text), text);
  });

  it("puts right what is laid out badly", () => {
    const text = "let   x=1;let y   =[1,2 , 3]\n\n\n\nlet z=-( x+y )*  2 // why\nfn f( x )={let a=x;a}\n";
    const tidy = "let x = 1\nlet y = [1, 2, 3]\n\nlet z = -(x + y) * 2 // why\nfn f(x) = {\n  let a = x\n  a\n}\n";
    assert.equal(formatted(text), tidy);
  });

  it("keeps the rows of a matrix and the lines of a tuple", () => {
    const text = "let L = [[1, 0],\n         [0, 1]]\nlet s = (\n  x: 1,\n  y: 2\n)\n";
    assert.equal(formatted(text), text);
  });

  it("keeps needless parentheses and adds needed ones", () => {
    assert.equal(formatted("let x = (a * b) + c\n"), "let x = (a * b) + c\n");
    const source = parsed("let x = a * b");
    const [statement] = source.statements;
    assert.ok(statement?.kind === "let" && statement.value.kind === "binary");
    const { left } = statement.value;
    const sum = { ...statement.value, operator: "+" as const };
    assert.equal(printExpression({ ...statement.value, left: sum }), "(a + b) * b");
    assert.equal(printExpression({ ...statement.value, operator: "^", left: { ...sum, operator: "^" } }), "(a^b)^b");
    assert.equal(printExpression({ kind: "unary", operator: "-", operand: sum, span: left.span }), "-(a + b)");
  });

  it("wraps lines that are too long", () => {
    const term = "some_function(argument_one, argument_two)";
    const text = formatted(
      `let x = ${Array(8).fill(term).join(" + ")}\nlet y = f(${Array(8).fill(term).join(", ")})\n`,
    );
    for (const one of text.split("\n")) assert.ok(one.length <= lineWidth, one);
    assert.match(text, /^let x =\n {2}some_function/);
    assert.match(text, /\n {10}some_function\(argument_one, argument_two\),/);
  });

  it("keeps every comment", () => {
    formatted("// a\n\n/* b */ let x = f(1, // c\n 2 /* d */) // e\n// f\n");
    formatted("solver s() minimizes f { // a\n  // b\n  start(x) = x // c\n  // d\n}\n// e\n");
    formatted("let x = if a // yes\n  then b // no\n  else c\n");
    formatted(
      "problem p() {\n  // the unknown\n  var x: real\n  minimize x // the goal\n  subject to { // all\n x >= 0\n }\n}\n",
    );
  });

  it("leaves an empty file empty, and a file of comments as it is", () => {
    assert.equal(formatted(""), "");
    assert.equal(formatted("\n\n"), "");
    assert.equal(formatted("// only this\n"), "// only this\n");
  });

  it("is not undone by depth", () => {
    formatted(`let x = ${"(".repeat(90)}1${")".repeat(90)}\n`);
    formatted(`let x = ${"a + ".repeat(900)}a\n`);
    formatted(`let x = ${"a^".repeat(400)}a\n`);
    formatted(`let x = ${"if a then b else ".repeat(400)}c\n`);
    formatted(`let x = f${"(1)".repeat(400)}\n`);
  });
});

describe("equalTrees", () => {
  it("ignores places, comments and parentheses, and nothing else", () => {
    const same = (a: string, b: string): boolean => equalTrees(parsed(a), parsed(b));
    assert.ok(same("let x = (1 + 2) // a", "/* b */let x=1+2"));
    assert.ok(!same("let x = 1", "let x = 1.0"));
    assert.ok(!same("let x = a", "let y = a"));
    assert.ok(!same("f(a;)", "f(a)"));
    assert.ok(!same("/// a\nlet x = 1", "/// b\nlet x = 1"));
    assert.ok(!same("let x = 1", "let x = 1\nlet y = 2"));
  });
});
