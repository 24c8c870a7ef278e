/** What a call gets that names no solver, and which point a form of one's own keeps. */
import assert from "node:assert/strict";
import test from "node:test";
import { runScript } from "./testing.ts";

test("a call without `by` has the solver of its kind, imported or not", () => {
  for (const precision of ["f64", "f32"] as const)
    runScript(
      `
let r = minimize(x => dot(x - 1, x - 1), from = zeros[3])
assert r.status == converged and norm(r.x - 1) < 1e-3
assert abs(argmax(x => -(x - 2)^2, from = 0.0) - 2) < 1e-3
assert abs(root(x => x^2 - 2, from = 1.0).x - sqrt(2)) < 1e-3
assert abs(fixpoint(cos, from = 1.0).x - 0.739085) < 1e-3
assert norm(least_squares(x => x - [1, 2], from = zeros[2]).x - [1, 2]) < 1e-3
problem qp(c: real[n]) {
  var x: real[n]
  minimize dot(x, x) - dot(c, x)
  subject to {
    budget: sum(x) == 1
  }
}
assert norm(solve(qp([1.0, 0.0])).x - [0.75, 0.25]) < 1e-3
fn inner(c: real) = argmin(x => (x - c)^2 + x^4, from = 0.0)
assert abs(grad(inner)(1.0) - numeric_grad(inner)(1.0)) < 1e-2`,
      { precision },
    );
});

test("a form of one's own keeps the point of least error when it has an error, else the last", () => {
  runScript(`
solver wander() solves (payoff) {
  start(x) = (x: x)
  next(s, t) = (x: s.x + 1)
  value(s) = payoff(s.x)
  error(s) = abs(s.x - 3)
}
solver walk() solves (payoff) {
  start(x) = (x: x)
  next(s, t) = (x: s.x + 1)
}
let w = solve((payoff: x => x), from = 0.0, by = wander(iters = 7, tol = -1))
assert w.x == 3 and w.value == 3 and w.status == iterations
let l = solve((payoff: x => x), from = 0.0, by = walk(iters = 7))
assert l.x == 7`);
});

test("a stochastic solve traces the samples it saw", () => {
  const ran = runScript(`
import { sgd } from "std/stochastic"
fn f(x, k: key) = dot(x, x) + normal(k)
let r = minimize(f, from = ones[2], by = sgd(step = 0.5, iters = 3, key = key(8)))
assert abs(r.trace.value[0] - f(ones[2], fold_in(key(8), 0))) < 1e-12
assert abs(r.trace.value[1] - f(zeros[2], fold_in(key(8), 1))) < 1e-12
show r.status`);
  assert.deepEqual(ran.warnings, []);
});

test("a function that a script's `let` makes may close over what was computed with it", () => {
  runScript(`
let x = [1.0, 2.0]
let (value, tangent) = linearize(y => y^2)(x)
assert norm(tangent(ones[2]) - 2 * x) == 0
let scaled = {
  let total = sum(x^2)
  y => y / total
}
assert norm(scaled(x) - x / 5) < 1e-12
show grad(y => sum(tangent(y)))(x)`);
});
