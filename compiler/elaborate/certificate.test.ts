/** Certificates: the error they state is at least the error there is, and doubts are said without being asked. */
import assert from "node:assert/strict";
import test from "node:test";
import { bind } from "../bind.ts";
import { type Certificate, withReport } from "../certificate.ts";
import { compile } from "../compile.ts";
import { runScript } from "../testing.ts";

const imports = `
import { lbfgs } from "std/first-order"
import { cg } from "std/linear"
fn f(p: real[3], w: real[3]) = dot(w - p, w - p) + p[0] * w[1]^4 + exp(w[0] * p[1]) + 0.3 * w[0] * w[2]
fn best(p: real[3]) = sum(argmin(w => f(p, w), from = zeros[3], by = lbfgs(tol = 1e-13))^2)
`;
const number = (shown: ReturnType<typeof runScript>, name: string) => shown.values.get(name)![0]!;

test("the error a certificate states bounds the error there is, and is not far above it", () => {
  const rough: Readonly<Record<string, string>> = {
    loose: "by = lbfgs(tol = 0.05)",
    looser: "by = lbfgs(tol = 0.5)",
    iterative: "by = lbfgs(tol = 1e-13), adjoint = implicit(by = cg(tol = 1e-2))",
    damped: "by = lbfgs(tol = 1e-13), adjoint = implicit(damping = 1e-2)",
    exact: "by = lbfgs(tol = 1e-13)",
  };
  const shown = runScript(`${imports}
let ps = [[0.7, 0.4, 0.1], [1.3, -0.5, 0.8], [0.2, 0.9, -0.6]]
${Object.entries(rough)
  .map(
    ([n, how]) => `fn ${n}(p: real[3]) = sum(argmin(w => f(p, w), from = zeros[3], ${how})^2)
let stated_${n} = [certificate(${n})(p).error for p in ps]
let true_${n} = [norm(grad(${n})(p) - grad(best)(p)) for p in ps]
show stated_${n}, true_${n}`,
  )
  .join("\n")}`);
  for (const n of Object.keys(rough))
    shown.values.get(`stated_${n}`)!.forEach((stated, i) => {
      const actual = shown.values.get(`true_${n}`)![i]!;
      assert.ok(stated >= actual, `${n}: ${actual} is more than the ${stated} that is stated`);
      assert.ok(stated <= 50 * actual + 1e-10, `${n}: ${stated} is stated for ${actual}`);
    });
});

test("a certificate has value and gradient, and what they rest on", () => {
  const shown = runScript(`${imports}
let p = [0.7, 0.4, 0.1]
let c = certificate(best)(p)
let (v, g) = value_and_grad(best)(p)
let same = [abs(c.value - v), norm(c.gradient - g)]
let condition = c.condition
show same, condition, c.singular, c.vertex, c.distance, c.residual, c.margin`);
  assert.deepEqual(shown.values.get("same"), [0, 0]);
  assert.ok(number(shown, "condition") >= 1 && number(shown, "condition") < 10);
  assert.equal(number(shown, "c.singular"), 0);
  assert.equal(number(shown, "c.vertex"), 0);
  assert.ok(number(shown, "c.distance") < 1e-10 && number(shown, "c.residual") < 1e-10);
  assert.equal(number(shown, "c.margin"), Number.POSITIVE_INFINITY);
});

/** What the derivatives of a script told of themselves, all together. */
function told(text: string, precision: "f64" | "f32"): Certificate {
  const { program, diagnostics } = compile(text, { file: "test.opt" });
  assert.ok(program, diagnostics.map((d) => d.message).join("\n"));
  let known: Certificate | undefined;
  bind(program, { data: {}, precision }).run({
    onEvent: (event) => {
      if (event.kind === "certificate") known = withReport(known, event);
    },
  });
  assert.ok(known, "nothing was told");
  return known;
}

const polishing = (adjoint: string) => `${imports}
fn loose(p: real[3]) = argmin(w => f(p, w), from = zeros[3], by = lbfgs(tol = 0.2), adjoint = ${adjoint})
let p = [0.7, 0.4, 0.1]
`;

for (const precision of ["f64", "f32"] as const) {
  test(`${precision}: the certificate of a polished answer shows it before and after`, () => {
    const quantities = (adjoint: string) => {
      const shown = runScript(
        `${polishing(adjoint)}let c = certificate(p => sum(loose(p)^2))(p)
show c.distance_before, c.distance, c.residual_before, c.residual`,
        { precision },
      );
      return ["c.distance_before", "c.distance", "c.residual_before", "c.residual"].map((n) => number(shown, n));
    };
    const plain = quantities("implicit");
    assert.ok(plain[0]! > 1e-3 && plain[2]! > 1e-3, `${plain} is no loose answer`);
    assert.deepEqual([plain[1], plain[3]], [plain[0], plain[2]], "without polishing there is one state");
    for (const adjoint of ["implicit(polish = 1)", "implicit(polish = 1, by = cg())", "implicit(polish = 3)"]) {
      const found = quantities(adjoint);
      // The state before is that of the solver's answer, however many steps follow and whatever solves their systems.
      for (const i of [0, 2])
        assert.ok(Math.abs(found[i]! - plain[i]!) <= 1e-4 * plain[i]!, `${adjoint}: ${found}, but ${plain} unpolished`);
      assert.ok(found[1]! < found[0]! / 20 && found[3]! < found[2]! / 20, `${adjoint}: ${found}`);
    }
  });

  test(`${precision}: so do the reports of a derivative in either mode, and of one taken twice`, () => {
    const derivatives = [
      "jacobian(loose, mode = forward)(p)",
      "jacobian(loose, mode = reverse)(p)",
      "hessian(p => sum(loose(p)^2))(p)",
      "[jacobian(loose, mode = reverse)(q) for q in [p, p]]",
    ];
    for (const derivative of derivatives) {
      const matrix = told(`${polishing("implicit(polish = 1)")}show ${derivative}`, precision);
      const iterative = told(`${polishing("implicit(polish = 1, by = cg())")}show ${derivative}`, precision);
      const plain = told(`${polishing("implicit")}show ${derivative}`, precision);
      assert.ok(Math.abs(matrix.distance_before! - plain.distance!) <= 1e-4 * plain.distance!, derivative);
      assert.ok(matrix.distance! < matrix.distance_before! / 20, derivative);
      for (const c of [matrix, iterative]) assert.ok(c.residual! < c.residual_before! / 20, derivative);
      assert.ok(Math.abs(iterative.distance_before! - plain.distance!) <= 1e-4 * plain.distance!, derivative);
      assert.deepEqual([plain.distance_before, plain.residual_before], [undefined, undefined], derivative);
    }
  });
}

test("of several solves each state is the worst, that before polishing too", () => {
  const shown = runScript(`${polishing("implicit(polish = 1)")}
fn rough(p: real[3]) = argmin(w => f(p, w), from = zeros[3], by = lbfgs(tol = 1e-2))
let polished = certificate(p => sum(loose(p)))(p)
let plain = certificate(p => sum(rough(p)))(p)
let both = certificate(p => { let s = loop s = 0.0 for i in 0..2 { if i == 1 then s + sum(loose(p)) else s + sum(rough(p)) }
  s })(p)
let worst = [max(polished.distance, plain.distance), polished.distance_before]
let found = [both.distance, both.distance_before]
show worst, found, plain.distance, polished.distance`);
  assert.ok(number(shown, "plain.distance") > number(shown, "polished.distance"));
  assert.deepEqual(shown.values.get("found"), shown.values.get("worst"));
});

test("an answer that polishing leaves in doubt is said to be so, with what it was before", () => {
  const { warnings } = runScript(`${imports}
fn far(a: real) = argmin(w => cosh(w - a) + 0.1 * w^2, from = 3.0, by = lbfgs(tol = 0.5), adjoint = implicit(polish = 1))
show grad(far)(0.0)`);
  assert.deepEqual(
    warnings.map((w) => w.code),
    ["K0422"],
  );
  assert.match(warnings[0]!.message, /would move it by 1 of its size, and by up to 0\.989 before it was polished/);
});

test("certificates see through loops, conditionals, maps and functions, and keep the worst", () => {
  const shown = runScript(`${imports}
fn loose(p: real[3]) = sum(argmin(w => f(p, w), from = zeros[3], by = lbfgs(tol = 0.05))^2)
fn through(p: real[3]) = {
  let a = sum([best(p * (1 + 0.1 * i)) for i in 0..2])
  let b = loop s = 0.0 for i in 0..3 { if i == 1 then s + loose(p) else s + best(p) }
  a * b
}
let p = [0.7, 0.4, 0.1]
let (whole, part) = (certificate(through)(p), certificate(loose)(p))
show whole.distance, part.distance, whole.residual, part.residual`);
  assert.equal(number(shown, "whole.distance"), number(shown, "part.distance"));
  assert.equal(number(shown, "whole.residual"), number(shown, "part.residual"));
});

test("an ill-conditioned, a singular and an unsolved condition are told apart", () => {
  const shown = runScript(`${imports}
fn stiff(a: real) = sum(argmin(w => w[0]^2 + 1e-9 * (w[0] + w[1] - a)^2, from = zeros[2], by = lbfgs(tol = 1e-16, iters = 5000)))
fn valley(a: real) = sum(argmin(w => (w[0] + w[1] - a)^2, from = zeros[2], by = lbfgs()))
let (ill, singular) = (certificate(stiff)(1.0), certificate(valley)(1.0))
show ill.singular, ill.condition, singular.singular, singular.condition, singular.error`);
  assert.equal(number(shown, "ill.singular"), 0);
  assert.equal(number(shown, "singular.singular"), 1);
  assert.equal(number(shown, "singular.condition"), Number.POSITIVE_INFINITY);
  assert.equal(number(shown, "singular.error"), Number.POSITIVE_INFINITY);
});

test("a certificate of what passes through no solve, and a derivative of a certificate, are refused", () => {
  assert.throws(() => runScript(`show certificate(x => x^2)(1.0)`), /passes through no solve/);
  assert.throws(
    () => runScript(`${imports}show grad(s => certificate(best)([s, 0.4, 0.1]).error)(0.7)`),
    /A certificate has no derivative/,
  );
});

test("a derivative at a point that is no solution, and a condition that is not one, are said without being asked", () => {
  const codes = (text: string) => [...new Set(runScript(`${imports}${text}`).warnings.map((w) => w.code))].sort();
  const far = (options: string) => `
fn far(a: real) = argmin(w => cosh(w - a) + 0.1 * w^2, from = 3.0, by = lbfgs(${options}))
show grad(far)(0.0)`;
  assert.deepEqual(codes(far("tol = 0.5")), ["K0422"]);
  assert.deepEqual(codes(far("")), []);
  const declared = (condition: string) => `
solver descent(step: real = 0.1) minimizes f {
  start(x) = (x: x)
  next(s, t) = (x: s.x - step * grad(f)(s.x))
  error(s) = norm(grad(f)(s.x))
  condition(x) = ${condition}
}
show argmin(w => (w - 1)^2, from = 0.0, by = descent())`;
  assert.deepEqual(codes(declared("x - 5")), ["K0424"]);
  assert.deepEqual(codes(declared("2 * grad(f)(x)")), []);
});

test("a vertex is told from an optimum that moves with its objective, and the margin is that of the active set", () => {
  const shown = runScript(`
problem plan(price: real[2], bend: real) {
  var x: real[2]
  maximize dot(price, x) - bend * dot(x, x)
  subject to {
    x >= 0
    room: x[0] + x[1] <= 1
  }
}
fn first(price: real, bend: real) = solve(plan([price, 1.0], bend)).x[0]
let (corner, inside) = (certificate(p => first(p, 0.0))(2.0), certificate(p => first(p, 1.0))(2.0))
show corner.vertex, inside.vertex, corner.margin, inside.margin, corner.gradient, inside.gradient`);
  const close = (name: string, value: number) =>
    assert.ok(Math.abs(number(shown, name) - value) < 1e-4, `${name} is ${number(shown, name)}, not ${value}`);
  close("corner.vertex", 1);
  close("inside.vertex", 0);
  // At the corner (1, 0) the duals of room and of x[1] >= 0 are 2 and 1; inside, x is (0.75, 0.25) and room's dual 0.5.
  close("corner.margin", 1);
  close("inside.margin", 0.25);
  close("corner.gradient", 0);
  close("inside.gradient", 0.25);
  assert.ok(shown.warnings.some((w) => w.code === "K0423"));
});

test("the margin of a condition with kinks is the least difference it compares", () => {
  const shown = runScript(`${imports}
import { proximal_gradient, projected_descent } from "std/constrained"
import { lasso } from "std/prox"
import { simplex } from "std/sets"
let y = [3.0, 0.5, -2.0]
fn shrunk(l: real) = sum(argmin(x => 0.5 * dot(x - y, x - y), from = zeros[3], by = proximal_gradient(lasso(l), tol = 1e-12)))
problem mix(c: real[n]) {
  var x: real[n] in simplex
  minimize sum((x - c)^2)
}
fn mixed(t: real) = dot([1, 2, 3], solve(mix([0.5 + t, 0.8, -0.4]), by = projected_descent(tol = 1e-12)).x)
fn huber(t: real) = argmin(x => where(x < 1, 0.5 * x^2, x - 0.5) + 0.25 * (x - t)^2, from = 0.0, by = lbfgs(tol = 1e-12))
let margins = [certificate(shrunk)(1.0).margin, certificate(mixed)(0.0).margin, certificate(huber)(1.0).margin]
show margins`);
  // |y| - 1 is 2, -0.5, 1. The simplex: x = [0.35, 0.65, 0], a step of the gradient and the threshold lead to itself and
  // -1.1 in the last place. Huber: x = t / 3.
  [0.5, 0.35, 2 / 3].forEach((expected, i) => {
    const found = shown.values.get("margins")![i]!;
    assert.ok(Math.abs(found - expected) < 1e-9, `margin ${i} is ${found}, not ${expected}`);
  });
});

test("branches not taken and what `stop_gradient` holds have no share in the margin", () => {
  const shown = runScript(`${imports}
fn held(t: real) = argmin(x => 0.5 * x^2 - t * x + stop_gradient(abs(x - t)), from = 0.0, by = lbfgs(tol = 1e-12))
fn other(t: real) = root(x => if t < 0 then x - t else max(x, 2 * x) - t, from = 1.0).x
show certificate(held)(1.0).margin, certificate(other)(1.0).margin`);
  assert.equal(number(shown, "certificate(held)(1.0).margin"), Number.POSITIVE_INFINITY);
  assert.ok(Math.abs(number(shown, "certificate(other)(1.0).margin") - 0.5) < 1e-9);
});
