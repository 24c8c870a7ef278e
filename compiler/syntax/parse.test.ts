import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parse, parseExpression } from "./parse.ts";
import { printExpression, printType } from "./print.ts";
import { kinds, only, statements } from "./testing-parse.ts";
import type { Expression } from "./tree.ts";

function expression(text: string): Expression {
  const { expression: found, diagnostics } = parseExpression(text, { file: "test.opt" });
  assert.deepEqual(diagnostics, [], text);
  assert.ok(found !== undefined);
  return found;
}

/** The tree with all its parentheses. */
function grouped(e: Expression): string {
  switch (e.kind) {
    case "unary":
      return `(${e.operator} ${grouped(e.operand)})`;
    case "binary": {
      const within = e.within === undefined ? "" : ` within ${grouped(e.within)}`;
      return `(${grouped(e.left)} ${e.operator} ${grouped(e.right)}${within})`;
    }
    case "comparison":
      return `(${e.operands.map((operand, index) => `${index > 0 ? ` ${e.operators[index - 1]} ` : ""}${grouped(operand)}`).join("")})`;
    case "range":
      return `(${grouped(e.from)} .. ${grouped(e.to)})`;
    case "with":
      return e.update.kind === "fields"
        ? `(${grouped(e.base)} with ${printExpression(e.update.fields)})`
        : `(${grouped(e.base)} with [] ${e.update.operator} ${grouped(e.update.value)})`;
    case "lambda":
      return `(=> ${grouped(e.body)})`;
    case "if":
      return `(if ${grouped(e.condition)} ${grouped(e.then)} ${grouped(e.otherwise)})`;
    default:
      return printExpression(e);
  }
}

describe("precedence", () => {
  const cases: [string, string][] = [
    ["a + b * c", "(a + (b * c))"],
    ["a - b - c", "((a - b) - c)"],
    ["a * b @ c / d", "(((a * b) @ c) / d)"],
    ["-x^2", "(- (x ^ 2))"],
    ["2^-3", "(2 ^ (- 3))"],
    ["2^-3 * 4", "((2 ^ (- 3)) * 4)"],
    ["a^b^c", "(a ^ (b ^ c))"],
    ["-a * b", "((- a) * b)"],
    ["a * -b", "(a * (- b))"],
    ["- -a", "(- (- a))"],
    ["0..n + 1", "(0 .. (n + 1))"],
    ["a..b == c", "((a .. b) == c)"],
    ["0 <= x < n", "(0 <= x < n)"],
    ["a == b == c < d", "(a == b == c < d)"],
    ["not a == b", "(not (a == b))"],
    ["not a and not b or c", "(((not a) and (not b)) or c)"],
    ["a or b and c", "(a or (b and c))"],
    ["a ~= b + c", "(a ~= (b + c))"],
    ["a ~= b within 1e-9 * c and d", "((a ~= b within (1e-9 * c)) and d)"],
    ["0.5 * net with [1:3] = net[:2]", "((0.5 * net) with [] = net[:2])"],
    ["s with (x: 1) with [i] += a + b", "((s with (x: 1)) with [] += (a + b))"],
    ["x => y => x + y", "(=> (=> (x + y)))"],
    ["if a then b else c + d", "(if a b (c + d))"],
    ["if a then b else if c then d else e", "(if a b (if c d e))"],
    ["A' @ x'", "(A' @ x')"],
    ["f(x)[i].y'", "f(x)[i].y'"],
    ["(a + b) * c", "((a + b) * c)"],
  ];
  for (const [text, expected] of cases) it(text, () => assert.equal(grouped(expression(text)), expected));
});

describe("expressions", () => {
  it("numbers, strings, truth values", () => {
    assert.deepEqual(
      ["1", "0.5", "1e-3", "0x6D2B"].map((text) => {
        const e = expression(text);
        return e.kind === "number" ? [e.value, e.integer] : undefined;
      }),
      [
        [1, true],
        [0.5, false],
        [0.001, false],
        [0x6d2b, true],
      ],
    );
    const s = expression('"a\\"b\\\\c\\nd\\te"');
    assert.equal(s.kind === "string" && s.value, 'a"b\\c\nd\te');
    assert.equal(expression("true").kind, "boolean");
    assert.equal(grouped(expression("0..n")), "(0 .. n)");
    assert.equal(grouped(expression("1..2.5")), "(1 .. 2.5)");
  });

  it("tuples, arrays, comprehensions", () => {
    assert.equal(expression("()").kind, "tuple");
    assert.equal(expression("(a)").parenthesized, true);
    const named = expression("(x: a, if_so: b)");
    assert.deepEqual(named.kind === "tuple" && named.items.map((item) => item.name?.name), ["x", "if_so"]);
    assert.equal(expression("[]").kind, "array");
    const c = expression("[x * y for x in xs for (y, _) in zip(a, b)]");
    assert.ok(c.kind === "comprehension" && c.clauses.length === 2 && c.clauses[1]?.pattern.kind === "tuple-pattern");
  });

  it("functions", () => {
    for (const [text, count] of [
      ["x => x", 1],
      ["() => 1", 0],
      ["(a, b) => a", 2],
      ["((a, b)) => a", 1],
      ["(a, (b, _)) =>\n  a", 2],
    ] as const) {
      const e = expression(text);
      assert.ok(e.kind === "lambda" && e.parameters.length === count, text);
    }
    const pair = expression("((a, b)) => a");
    assert.ok(pair.kind === "lambda" && pair.parameters[0]?.kind === "tuple-pattern");
  });

  it("calls, with parameters after a semicolon", () => {
    const forms = ["f()", "f(a, b = c)", "f(x; p)", "f(; p, q = 1)", "f(x;)", "f[64](k)", "f(x)(y)", "{ f }(x)"];
    for (const text of forms) assert.equal(printExpression(expression(text)), text);
    const none = expression("f(x)");
    assert.ok(none.kind === "call" && none.parameters === undefined);
    const empty = expression("f(x;)");
    assert.ok(empty.kind === "call" && empty.parameters?.length === 0);
  });

  it("indices and slices", () => {
    const forms = [
      "x[i]",
      "x[1:4, j]",
      "x[:, :-1]",
      "x[::2]",
      "x[a:b:c]",
      "x[i:i + 128]",
      "f[h = 64]",
      "x[-1]",
      "x[:]",
    ];
    for (const text of forms) assert.equal(printExpression(expression(text)), text);
  });

  it("loops end at their brace", () => {
    const l = expression("loop s: real = 0 for (i, x) in zip(a, b) while s < 3 { s + x }");
    assert.ok(l.kind === "loop" && l.type !== undefined && l.clause !== undefined && l.condition !== undefined);
    assert.equal(expression("(scan s = 0 for x in xs { (s, x) }).x").kind, "field");
    const block = expression("{ let (p, ps) = scan p = 0.0 for a in c { (p * x + a, p) }  p }");
    assert.ok(block.kind === "block" && block.lets.length === 1 && block.result.kind === "name");
    const call = expression("{ let l = loop s = 0 { s } (l, l) }");
    assert.ok(call.kind === "block" && call.result.kind === "tuple");
  });

  it("places that take a whole expression", () => {
    expression("f(a, if c then x else y, by = z => z, n = loop s = 0 { s })");
    expression("(rho: if c then 1 else 2, f: x => x, l: loop s = 0 { s })");
    expression("[if c then 1 else 2, x => x]");
    expression("x[if c then 1 else 2]");
    expression("s with (x: if c then 1 else 2) with [i] = (if c then 1 else 2)");
  });

  it("have spans that cover what was written", () => {
    const text = "f(a + b, (c))";
    const e = expression(text);
    assert.ok(e.kind === "call");
    assert.deepEqual(e.span, { file: "test.opt", start: 0, end: text.length });
    const spans = e.arguments.map((argument) => text.slice(argument.value.span.start, argument.value.span.end));
    assert.deepEqual(spans, ["a + b", "(c)"]);
  });

  it("alone, for the REPL", () => {
    assert.equal(parseExpression("1 +", { file: "repl" }).expression, undefined);
    assert.equal(parseExpression("1 2", { file: "repl" }).diagnostics[0]?.code, "K0111");
    assert.equal(parseExpression("", { file: "repl" }).diagnostics[0]?.code, "K0101");
    assert.equal(parseExpression("\n x + 1 // yes\n", { file: "repl" }).expression?.kind, "binary");
  });
});

describe("types", () => {
  const forms = [
    "real",
    "real[n, 2 * d]",
    "Mlp[5, h = 64]",
    "(x: real[d], t: int)",
    "(real, int)",
    "()",
    "(real, int)[n]",
    "real[d] -> real",
    "(real[d], key) -> real",
    "() -> real",
    "(real -> real) -> real -> real",
    "((real, int)) -> real",
    "(x: real) -> real",
  ];
  for (const text of forms) {
    it(text, () => {
      const statement = only(`let x: ${text} = 1`, "let");
      assert.ok(statement.type !== undefined);
      assert.equal(printType(statement.type), text);
    });
  }
  it("a list before the arrow is the parameters, a named tuple is one", () => {
    const type = (text: string): unknown => {
      const t = only(`let x: ${text} = 1`, "let").type;
      return t?.kind === "function-type" ? t.parameters.map((p) => p.kind) : undefined;
    };
    assert.deepEqual(type("(real, int) -> real"), ["named-type", "named-type"]);
    assert.deepEqual(type("((real, int)) -> real"), ["tuple-type"]);
    assert.deepEqual(type("(x: real, t: int) -> real"), ["tuple-type"]);
    assert.deepEqual(type("(real, int)[n] -> real"), ["array-of-type"]);
  });
});

describe("line breaks", () => {
  it("end a statement", () => assert.equal(kinds("let a = b\nlet c = d\n\n\nshow c"), "let let show"));
  it("are ignored in ( and [, and count in {", () => {
    only("let a = f(\n b\n,\n c\n)\n", "let");
    only("let a = [\n1\n,\n2]", "let");
    const block = only("let a = f({\nlet b = 1\nb\n}, [{\nlet c = 2\n c }])", "let");
    assert.equal(block.value.kind, "call");
  });
  it("do not end a line that wants more", () => {
    for (const end of ["+", "-", "*", "@", "^", "..", "==", "<=", "~=", "and", "or", "=>", "with [i] ="]) {
      const left = end === "=>" ? "x" : "x ";
      only(`let a = ${left} ${end}\n b`, "let");
    }
    only("let\n a =\n if\n b\n then\n c\n else\n not\n d", "let");
    only("let a:\n real =\n loop\n s =\n 0 for\n i in\n 0..3 while\n true {\n s }", "let");
    only("fn f(x) ->\n real =\n x", "fn");
    only("show a,\n b", "show");
  });
  it("do not end a statement before a line that goes on with it", () => {
    for (const start of ["+ b", "* b", "@ b", "^ b", "..b", "== b", "<= b", "~= b", "and b", "or b", "with [i] = b"]) {
      only(`let a = x\n  ${start}`, "let");
    }
    only("let a\n = b", "let");
    only("let a = x\n => x", "let");
    only("fn f(x)\n -> real\n = x", "fn");
    only("let a = if b\n then c\n else d", "let");
    only("let a = loop s = 0\n for i in 0..3\n while true { s }", "let");
  });
  it("a line that starts with - and no space, ( or [ is a new statement", () => {
    assert.equal(kinds("let a = b\n-c"), "let expression");
    assert.equal(kinds("let a = b\n(c, d)"), "let expression");
    assert.equal(kinds("let a = b\n[c]"), "let expression");
    assert.equal(kinds("let a = L @ L'\nshow a"), "let show");
  });
  it("rules and forms may start the line after their head", () => {
    assert.equal(only("fn f(x) = x\n  derivative dx => dx", "fn").rule?.kind, "derivative");
    assert.equal(only("fn f(x) = x\n  pullback (u) => u", "fn").rule?.kind, "pullback");
    assert.equal(only("solver s()\n  minimizes f { start(x) = x }", "solver").form.kind, "minimizes");
    assert.equal(only("solver s()\n  solves (a, b) { start(x) = x }", "solver").form.kind, "own");
  });
  it("may be \\r\\n or \\r", () => assert.equal(kinds("let a = 1\r\nlet b = 2\rlet c = 3"), "let let let"));
  it("; separates, and nothing is needed after } or before let", () => {
    assert.equal(kinds("let a = 1; let b = 2;"), "let let");
    assert.equal(kinds("let a = { 1 } show a"), "let show");
    assert.equal(kinds("let a = 1 let b = 2"), "let let");
  });
  it("a call begins on the line of what it applies to, in brackets too", () => {
    assert.equal(parseExpression("[a\n(b)]", { file: "x" }).diagnostics[0]?.code, "K0111");
  });
});

describe("words that are special only in their place", () => {
  const words =
    "data param fn type objective condition problem solver property import show plot save assert var minimize maximize subject to from columns column except array derivative pullback minimizes solves all where as within value";
  for (const word of words.split(" ")) {
    it(word, () => {
      only(`let ${word} = ${word} + f(${word}, ${word} = ${word}).${word} * (${word}: ${word}).${word}`, "let");
      only(`fn ${word}[${word}](${word}: ${word}[${word}]) -> ${word} = ${word}(${word})'`, "fn");
      only(`fn f(x) = { let ${word} = x\n ${word} }`, "fn");
      only(`condition c(${word}) { ${word}: ${word} == 1 }`, "condition");
      only(`solver s(${word}) minimizes ${word} { ${word}(${word}) = ${word} }`, "solver");
      only(
        `problem p(${word}) { var ${word}: real\n minimize ${word}\n subject to { ${word}: ${word} >= 0\n ${word} <= 1 } }`,
        "problem",
      );
      only(`let a = ${word} => ${word}`, "let");
      only(`let x = [${word} for ${word} in ${word}]`, "let");
    });
  }
});

describe("comments", () => {
  it("are kept beside the tree", () => {
    const { source } = parse("// a\nlet x = /* b\n */ 1 /// c\n//// d", { file: "x" });
    assert.deepEqual(
      source.comments.map((c) => c.kind),
      ["line", "block", "documentation", "line"],
    );
  });
  it("with three slashes document what follows", () => {
    assert.equal(only("/// One.\n///  Two.\n\nlet x = 1", "let").documentation, "One.\n Two.");
    assert.equal(only("/// Not this.\n\n/// This.\nlet x = 1", "let").documentation, "This.");
    assert.equal(only("// no\nlet x = 1", "let").documentation, undefined);
    assert.equal(statements("let x = 1 /// no\nlet y = 2")[1]?.documentation, undefined);
  });
});

describe("recovery", () => {
  const codes = (text: string): string[] => parse(text, { file: "x" }).diagnostics.map((d) => d.code);
  it("reports several mistakes and keeps the statements between them", () => {
    const { source, diagnostics } = parse("let a = 1\nlet b = = 2\nlet c = 3\nlet d = (1,)\nlet e = 5", { file: "x" });
    assert.deepEqual(
      diagnostics.map((d) => d.code),
      ["K0101", "K0116"],
    );
    assert.deepEqual(
      source.statements.map((s) => s.kind === "let" && s.pattern.kind === "name-pattern" && s.pattern.name),
      ["a", "c", "e"],
    );
  });
  it("goes on inside blocks, solvers and problems", () => {
    assert.deepEqual(codes("fn f(x) = {\n let a = = 1\n let b = 2 3\n let c = {\n let d = )\n 1 }\n c }"), [
      "K0101",
      "K0111",
      "K0103",
    ]);
    assert.deepEqual(codes("solver s() minimizes f {\n start(x) = = 1\n next(s) = 2 3\n}"), ["K0101", "K0111"]);
    assert.deepEqual(codes("problem p() {\n var x\n minimize 1 2\n subject to { a = 1\n b c } }"), [
      "K0134",
      "K0111",
      "K0125",
      "K0111",
    ]);
  });
  it("limits a missing bracket to its statement", () => {
    assert.deepEqual(codes("let a = f(1, 2\nlet b = 3 4"), ["K0102", "K0111"]);
    assert.deepEqual(codes("fn f(x) = {\n  x\n\nfn g(x) = { x }\nlet a = 2 3"), ["K0102", "K0111"]);
  });
  it("does not complain about stand-ins", () => {
    assert.deepEqual(codes("let a = 3 ? 1 : 2\nlet b = 3 4"), ["K0107", "K0111"]);
    assert.deepEqual(codes('let a = "abc\nlet b = 1'), ["K0104"]);
  });
  it("accepts files without statements", () => {
    for (const text of ["", "\n", "// a", "/* a */", "\uFEFF", ";;\n;"])
      assert.deepEqual(codes(text), [], JSON.stringify(text));
    assert.deepEqual(codes("\uFEFFlet a = 1"), []);
  });
});
