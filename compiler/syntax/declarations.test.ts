/** Declarations and statements of scripts as trees. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { kinds, only } from "./testing-parse.ts";

describe("declarations", () => {
  it("import", () => {
    const s = only('import { a, b as c,\n d } from "./m.opt"', "import");
    assert.deepEqual(
      s.names.map((one) => [one.name.name, one.as?.name]),
      [
        ["a", undefined],
        ["b", "c"],
        ["d", undefined],
      ],
    );
    assert.equal(s.from.value, "./m.opt");
  });
  it("data", () => {
    const selection = (text: string): unknown => {
      const s = only(text, "data").selection;
      return s === undefined ? undefined : [s.kind, s.names.map((name) => name.value)];
    };
    assert.equal(only("data X: real[n, d]", "data").from, undefined);
    assert.equal(selection('data X: real[n] from "x.npy"'), undefined);
    assert.deepEqual(selection('data X: real[n] from "x.csv" column "y"'), ["column", ["y"]]);
    assert.deepEqual(selection('data X: real[n, 2] from "x.csv" columns "a",\n "b"'), ["columns", ["a", "b"]]);
    assert.deepEqual(selection('data X: real[n, d] from "x.csv" columns except "y"'), ["except", ["y"]]);
    assert.deepEqual(selection('data X: real[n] from "x.npz" array "W"'), ["array", ["W"]]);
  });
  it("param, type, let", () => {
    assert.equal(only("param p: real[2] = [1, 2]", "param").name.name, "p");
    assert.equal(only("type State = (x: real[d], t: int)", "type").type.kind, "tuple-type");
    assert.equal(only("let (a, (b, _)): T = p", "let").pattern.kind, "tuple-pattern");
  });
  it("fn", () => {
    const f = only("fn f[h, w](x: real[h] = zeros[h], n = 1, g) -> real =\n  x", "fn");
    assert.deepEqual(
      f.dimensions.map((d) => d.name),
      ["h", "w"],
    );
    assert.deepEqual(
      f.parameters.map((p) => [p.name.name, p.type !== undefined, p.default !== undefined]),
      [
        ["x", true, true],
        ["n", false, true],
        ["g", false, false],
      ],
    );
    assert.equal(
      only("fn f(x, y) = x * y derivative (dx, dy) => dx * y + x * dy", "fn").rule?.rule.parameters.length,
      2,
    );
  });
  it("objective", () => {
    const o = only("objective f(w: real[d], b; l: real = 1, m) -> real = w", "objective");
    assert.deepEqual([o.unknowns.length, o.parameters.length], [2, 2]);
    assert.equal(only("objective f(w) = w", "objective").parameters.length, 0);
  });
  it("condition", () => {
    const c = only("condition c(x: real[n]; W) {\n let y = W @ x; first: x == y\n y == 0 }", "condition");
    assert.deepEqual(
      c.equations.map((e) => e.label?.name),
      ["first", undefined],
    );
    assert.equal(c.lets.length, 1);
    assert.equal(only("condition c(x) { x == 1 }", "condition").equations.length, 1);
  });
  it("problem", () => {
    const p = only(
      `problem p[k](mu: real[n]) { let a = 1  var x: real[n] in simplex  var y: real
        fn g(z) = z  maximize dot(mu, x)  subject to { let b = 2
        budget: sum(x) == 1; 0 <= x <= 1
        [x[t + 1] == x[t] for t in 0..n] } }`,
      "problem",
    );
    assert.deepEqual([p.variables.length, p.definitions.length, p.constraints.length], [2, 2, 4]);
    assert.equal(p.sense, "maximize");
    assert.equal(p.variables[1]?.set, undefined);
    assert.equal(only("problem p() { minimize 0 }", "problem").constraints.length, 0);
  });
  it("solver", () => {
    const s = only(
      `/// Doc.
      solver s(step: real = 1, inner = cg()) minimizes f(x, k) {
        let a = 1
        /// A member.
        start(x) = (x: x)
        next(s, (t, u), _) = { let v = s
          v }
        fn helper(x) = x
        fn(x) = x
      }`,
      "solver",
    );
    assert.deepEqual(
      s.members.map((m) => m.kind),
      ["let", "member", "member", "fn", "member"],
    );
    assert.equal(s.documentation, "Doc.");
    assert.equal(s.members[1]?.documentation, "A member.");
    assert.ok(s.form.kind === "minimizes" && s.form.arguments?.length === 2);
    const forms = ["minimizes f", "solves root(F)", "solves linear_solve(A, b)", "solves (upper, lower)"];
    const found = forms.map((form) => only(`solver s() ${form} { start(x) = x }`, "solver").form.kind);
    assert.deepEqual(found, ["minimizes", "solves", "solves", "own"]);
  });
  it("property", () => {
    const p = only(
      'property "t" for all (w: real[5] in normal(), n: int in 1..6 where n > 2) { let a = w\n a ~= w }',
      "property",
    );
    assert.equal(p.title.value, "t");
    assert.deepEqual(
      p.variables.map((v) => [v.generator !== undefined, v.condition !== undefined]),
      [
        [true, false],
        [true, true],
      ],
    );
  });
  it("script statements", () => {
    assert.equal(only('show "caption", e, f', "show").items.length, 3);
    assert.deepEqual(
      only('plot y, x = t, log = true, title = "t"', "plot").arguments.map((a) => a.name?.name),
      [undefined, "x", "log", "title"],
    );
    assert.equal(only('save f(x) to "w.npz"', "save").to.value, "w.npz");
    assert.equal(only('assert a ~= b within 1e-9, "why"', "assert").message?.value, "why");
    assert.equal(only("assert a", "assert").message, undefined);
    assert.equal(
      kinds("show (a, b)\nshow [1]\nshow -x\nshow { 1 }\nshow x => x\nshow not a"),
      "show ".repeat(6).trim(),
    );
  });
});
