/** Uses that once gave a number nobody meant, or a message about the inside of the library. */
import assert from "node:assert/strict";
import test from "node:test";
import { compile } from "../compile.ts";

function refused(text: string, code: string, message: RegExp): void {
  const { diagnostics } = compile(text, { file: "use.opt" });
  assert.equal(diagnostics.length, 1, `${text}\n${diagnostics.map((d) => d.message).join("\n")}`);
  const [d] = diagnostics;
  assert.equal(d!.code, code, text);
  assert.match(`${d!.message} ${d!.help ?? ""}`, message);
  assert.equal(d!.span?.file, "use.opt", text);
}

function accepted(text: string): void {
  assert.deepEqual(
    compile(text, { file: "use.opt" }).diagnostics.map((d) => d.message),
    [],
    text,
  );
}

const solvers = `import { lbfgs } from "std/first-order"
import { adam } from "std/stochastic"
`;
const found = (by: string) => `${solvers}let r = minimize(x => (x - 1) ^ 2, from = 0.0, by = ${by})`;

test("an option that could not work is refused at its call", () => {
  refused(found("lbfgs(history = 0)"), "K1175", /`history` of `lbfgs` is 1 or more, but this is 0/);
  refused(found("adam(step = -0.1)"), "K1175", /`step` of `adam` is 0 or more, but this is -0\.1/);
  refused(found("adam(b1 = 1.0)"), "K1175", /not including, 1, but this is 1\./);
  refused(found("lbfgs(iters = -1)"), "K1174", /a number of iterations, but this is -1/);
  refused(found("lbfgs(iters = 1.5)"), "K1174", /a number of iterations, but this is real/);
  for (const by of ["lbfgs(history = 1)", "adam(step = 0.0)", "adam(step = t => 0.1 / (t + 1))", "lbfgs(iters = 0)"])
    accepted(found(by));
});

test("a solver of one's own has options in ranges of its own", () => {
  accepted(`solver back(step: real = -0.1) minimizes f {
  start(x) = (x: x)
  next(s, t) = (x: s.x + step * grad(f)(s.x))
}
let r = minimize(x => (x - 1) ^ 2, from = 0.0, by = back(step = -0.2))`);
});

test("whole numbers are no variables of a problem", () => {
  const model = (type: string) =>
    `problem near(b: real[n]) {\n  var x: ${type}[n]\n  minimize sum((x - b) ^ 2)\n}\nlet r = solve(near([1.5, 2.5]))`;
  refused(model("int"), "K0757", /`x` is int, but the variables of a problem are real/);
  accepted(model("real"));
});

test("a plot has a place for each entry", () => {
  refused("plot [1, 2, 3], x = [1, 2]", "K0723", /has 3 entries, but `x` has 2/);
  refused("plot [1, 2, 3], x = 1", "K0723", /places `x` of a plot are a vector/);
  refused("plot [1, 2, 3], log = 1", "K0722", /`log` of a plot is `true` or `false`/);
  accepted("plot [1, 2, 3], x = [1, 2, 4], log = true");
  accepted("plot (a: [1, 2], b: [3, 4]), x = [0, 1]");
});

test("an equation is no function with a root", () => {
  refused("let r = root(x => x ^ 2 == 2, from = 1.0)", "K1176", /difference of the two sides/);
});

test("a status is no text, an index no way into a plain tuple", () => {
  refused(`${found("lbfgs()")}\nassert r.status == "converged"`, "K0215", /`r\.status == converged`/);
  refused("let a = (1.0, 2.0)[0]", "K0254", /`let \(a, b\) = p`/);
  refused('let t = (a: 1.0)\nlet b = t["a"]', "K0251", /`x\.a`/);
});
