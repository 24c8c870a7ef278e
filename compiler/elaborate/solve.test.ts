/** Derivatives through solves: implicit = unrolled = numeric, at first and second order, alone and in batches. */
import assert from "node:assert/strict";
import test from "node:test";
import { compile } from "../index.ts";
import { codesOf, runScript } from "../testing.ts";

const solver = `
solver descent(step: real = 0.1) minimizes f {
  start(x) = (x: x)
  next(s, t) = (x: s.x - step * grad(f)(s.x))
}
`;

/** Asserts that two shown values agree. */
function agree(shown: ReturnType<typeof runScript>, a: string, b: string, tolerance: number): void {
  const [x, y] = [shown.values.get(a), shown.values.get(b)];
  assert.ok(x && y, `${a} and ${b} are shown`);
  assert.equal(x.length, y.length);
  x.forEach((v, i) => {
    assert.ok(Math.abs(v - y[i]!) <= tolerance * Math.max(1, Math.abs(v)), `${a} = ${x}, ${b} = ${y}`);
  });
}

const inner = `${solver}
fn fitted(p: real[2]) = argmin(w => dot(w - p, w - p) + p[0] * w[1]^4 + exp(w[0] * p[1]), from = zeros[2], by = descent(tol = 1e-10, iters = 2000))
fn unrolled(p: real[2]) = argmin(w => dot(w - p, w - p) + p[0] * w[1]^4 + exp(w[0] * p[1]), from = zeros[2], by = descent(tol = 1e-10, iters = 2000), adjoint = unroll)
let p = [0.7, 0.4]
`;

test("the implicit derivative is the unrolled one, in both modes", () => {
  const shown = runScript(`${inner}
let implicit_j = jacobian(fitted)(p)
let reverse_j = jacobian(fitted, mode = reverse)(p)
let unrolled_j = jacobian(unrolled)(p)
show implicit_j, reverse_j, unrolled_j`);
  agree(shown, "implicit_j", "unrolled_j", 1e-7);
  agree(shown, "implicit_j", "reverse_j", 1e-12);
});

test("second derivatives through a solve agree with numeric ones of the first", () => {
  const shown = runScript(`${inner}
fn outer_value(p: real[2]) = sum(fitted(p)^2)
let second = hessian(outer_value)(p)
let first_row = numeric_grad(q => grad(outer_value)(q)[0])(p)
let second_row = numeric_grad(q => grad(outer_value)(q)[1])(p)
let numeric = [first_row, second_row]
show second, numeric`);
  agree(shown, "second", "numeric", 1e-5);
});

test("what a condition captures is differentiated, however it is captured", () => {
  const shown = runScript(`${solver}
fn chain(a: real) = {
  let scale = exp(a)
  let target = (u: scale * [1.0, 2.0], v: a^2)
  let best = argmin(w => dot(w - target, w - target) + scale * w.v^2, from = (u: zeros[2], v: 0.0), by = descent(tol = 1e-11, iters = 3000))
  sum(best.u) + best.v^3
}
let analytic = grad(chain)(0.3)
let numeric = numeric_grad(chain)(0.3)
show analytic, numeric`);
  agree(shown, "analytic", "numeric", 1e-6);
});

test("a batch of solves is the loop of solves, and so are its derivatives", () => {
  const shown = runScript(`${solver}
fn one(t: real) = argmin(w => (w - t)^2 + w^4, from = 0.0, by = descent(step = 0.05, tol = 1e-9))
let ts = [0.0, 1.0, 2.0]
let batched = [one(t) for t in ts]
let alone = concat(one(0.0), one(1.0), one(2.0))
let batched_slopes = [grad(one)(t) for t in ts]
let slopes_alone = concat(grad(one)(0.0), grad(one)(1.0), grad(one)(2.0))
let through = diag(jacobian(ts => [one(t) for t in ts])(ts))
show batched, alone, batched_slopes, slopes_alone, through`);
  agree(shown, "batched", "alone", 0);
  agree(shown, "batched_slopes", "slopes_alone", 1e-12);
  agree(shown, "batched_slopes", "through", 1e-12);
});

test("the value of an optimum has the derivative of the envelope theorem", () => {
  const shown = runScript(`${solver}
fn least(a: real) = minimize(w => (w - a)^2 + a * w^2, from = 0.0, by = descent(tol = 1e-11)).value
show grad(least)(0.5), numeric_grad(least)(0.5)`);
  agree(shown, "grad(least)(0.5)", "numeric_grad(least)(0.5)", 1e-6);
});

test("a solver without a condition is not differentiated in silence", () => {
  assert.throws(
    () =>
      runScript(`
solver walk(step: real = 0.1) minimizes f(x, k) {
  start(x) = (x: x)
  next(s, t, k) = (x: s.x - step * grad(f)(s.x, k))
}
show grad(a => argmin(w => (w - a)^2, from = 0.0, by = walk(iters = 50)))(1.0)`),
    /has no condition that its answer satisfies/,
  );
});

test("the trace has a derivative only when the steps are differentiated", () => {
  const trace = (adjoint: string) => `${solver}
show grad(a => sum(minimize(w => (w - a)^2, from = 0.0, by = descent(iters = 5)${adjoint}).trace.value))(1.0)`;
  assert.throws(() => runScript(trace("")), /has no derivative of its own/);
  assert.ok(runScript(trace(", adjoint = unroll")).values.size === 1);
});

test("a value that is not the objective's is not differentiated as if it were", () => {
  const value = (own: string) => `
solver descent() minimizes f {
  start(x) = (x: x)
  next(s, t) = (x: s.x - 0.1 * grad(f)(s.x))
  value(s) = ${own}
}
fn best(a: real) = minimize(w => (w - a)^2 + a, from = 0.0, by = descent()).value
show best(2.0), grad(best)(2.0)`;
  assert.throws(() => runScript(value("f(s.x) + sum(abs(s.x))")), /not the objective's derivative/);
  assert.ok(Math.abs(runScript(value("f(s.x)")).values.get("grad(best)(2.0)")![0]! - 1) < 1e-6);
});

test("root and fixpoint find and differentiate solutions of conditions", () => {
  const shown = runScript(`
import { newton_root, anderson } from "std/roots"
condition rest(x: real[n]; b: real[n]) { x == 0.3 * tanh(x) + b }
fn by_root(b: real[2]) = root(rest(; b), from = zeros[2], by = newton_root(tol = 1e-12)).x
fn by_fixpoint(b: real[2]) = fixpoint(x => 0.3 * tanh(x) + b, from = zeros[2], by = anderson(tol = 1e-12)).x
let b = [0.5, -1.0]
let (r, f) = (by_root(b), by_fixpoint(b))
let (jr, jf) = (jacobian(by_root)(b), jacobian(by_fixpoint)(b))
show r, f, jr, jf`);
  agree(shown, "r", "f", 1e-9);
  agree(shown, "jr", "jf", 1e-9);
});

test("a failing trial is rejected, a failing start ends the run", () => {
  const script = (from: number) => `
import { lbfgs } from "std/first-order"
let r = minimize(x => sum(diag(cholesky([[x, 0.5], [0.5, 1.0]]))) + 1 / x, from = ${from}, by = lbfgs(iters = 50))
show r.x, r.status`;
  const ok = runScript(script(4));
  assert.equal(ok.values.get("r.status")![0], 1);
  assert.throws(() => runScript(script(0.1)), /positive definite/);
});

test("solvers are matched with the call they answer", () => {
  assert.deepEqual(codesOf(`import { lbfgs } from "std/first-order"\nshow root(x => x, from = 0.0, by = lbfgs()).x`), [
    "K0736",
  ]);
  assert.deepEqual(
    codesOf(`import { lbfgs } from "std/first-order"\nshow argmin(x => x^2, from = 0.0, by = lbfgs(histroy = 3))`),
    ["K0233"],
  );
});

test("a start that the function does not take is shown at the call, in the script's names", () => {
  const cases: readonly [string, string, string][] = [
    ["objective f(x: real, y: real) = x^2 + y^2", "minimize(f, from = (x: 1.0, z: 2.0))", "K0245"],
    ["objective f(w: real[2]; p: real) = p * dot(w, w)", "minimize(f(; 2.0), from = zeros[3])", "K0204"],
    ["condition f(x: real, y: real) { (x == 1, y == 2) }", "root(f, from = (x: 1.0, z: 2.0))", "K0245"],
    ["fn f(x: real[3]) = x", "least_squares(f, from = (a: 1.0, b: 2.0))", "K0204"],
    ["fn f(x: real[3]) = 0.5 * x", "fixpoint(f, from = zeros[2])", "K0204"],
    ["problem f(n: int) {\n var x: real[n]\n minimize dot(x, x)\n}", "solve(f(2), from = (y: zeros[2]))", "K0204"],
  ];
  for (const [declaration, call, code] of cases) {
    const text = `${declaration.replace("{ (x == 1, y == 2) }", "{\n x == 1\n y == 2\n}")}\nshow ${call}.status`;
    const { diagnostics } = compile(text, { file: "start.opt" });
    assert.equal(diagnostics.length, 1, call);
    const [{ code: said, span, notes }] = diagnostics as [(typeof diagnostics)[0]];
    assert.equal(said, code, call);
    assert.ok(span!.file === "start.opt" && text.slice(span!.start, span!.end).startsWith("from = "), call);
    assert.ok(
      notes.every((n) => n.span?.file === "start.opt"),
      call,
    );
  }
});

test("what a search can not use is shown at the call", () => {
  const cases = { "minimize(x => x, ": "K0246", "fixpoint(x => sum(x), ": "K1121", "root(x => x[:1], ": "K1120" };
  for (const [call, code] of Object.entries(cases)) {
    const { diagnostics } = compile(`show ${call}from = zeros[2]).status`, { file: "use.opt" });
    assert.deepEqual(
      diagnostics.map((d) => [d.code, d.span?.file, d.span?.start]),
      [[code, "use.opt", 5]],
    );
  }
});

test("a mistake inside a function that a solve uses keeps the uses that led to the solve", () => {
  const text = `fn f(x: real[3]) = dot(x, x)
fn outer(n: real) = argmin(f, from = zeros[2])
show outer(1.0)`;
  const [mistake] = compile(text, { file: "uses.opt" }).diagnostics;
  assert.equal(mistake?.span && text.slice(mistake.span.start, mistake.span.end), "from = zeros[2]");
});
