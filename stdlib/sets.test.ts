/** Sets of variables: by projection and, where they say how, as bounds and rows; both ways give one answer. */
import assert from "node:assert/strict";
import test from "node:test";
import { runScript } from "./testing.ts";

const sets = `
import { interior_point, projected_descent } from "std/constrained"
import { simplex, scaled_simplex, box, nonnegative, ball, l1_ball, psd, second_order_cone } from "std/sets"
problem all(t: real[3], M: real[2, 2]) {
  var a: real[3] in simplex
  var b: real[3] in scaled_simplex(2.0)
  var c: real[3] in box(-1, [0.0, inf, 2])
  var d: real[3] in nonnegative
  var e: real[3] in ball(0.5)
  var f: real[3] in l1_ball(1.0)
  var g: real[3] in second_order_cone
  var S: real[2, 2] in psd
  minimize sum((a - t)^2) + sum((b - t)^2) + sum((c - t)^2) + sum((d - t)^2) + sum((e - t)^2) + sum((f - t)^2)
    + sum((g - t)^2) + sum((S - M)^2)
}
problem rows(t: real[3]) {
  var a: real[3] in simplex
  var b: real[3] in scaled_simplex(2.0)
  var c: real[3] in box(-1, [0.0, inf, 2])
  var d: real[3] in nonnegative
  var e: real[3] in ball(0.5)
  minimize sum((a - t)^2) + sum((b - t)^2) + sum((c - t)^2) + sum((d - t)^2) + sum((e - t)^2)
}
let t = [0.9, 0.4, -0.7]
let M = [[1.0, 2.0], [2.0, -1.0]]`;

test("each set's nearest point, and its derivative, which is finite at the tips too", () => {
  const { asserts } = runScript(`${sets}
let r = solve(all(t, M), by = projected_descent())
assert r.status == converged
assert norm(r.a - [0.75, 0.25, 0]) < 1e-7 and norm(r.b - [1.25, 0.75, 0]) < 1e-7
assert norm(r.c - [0, 0.4, -0.7]) < 1e-7 and norm(r.d - [0.9, 0.4, 0]) < 1e-7
assert norm(r.e - 0.5 * t / norm(t)) < 1e-7 and norm(r.f - [17 / 30, 1 / 15, -11 / 30]) < 1e-7
let length = norm(t[:2])
let half = 0.5 * (length + t[2])
assert norm(r.g - concat(half * t[:2] / length, [half])) < 1e-7
let (w, Q) = eigh(M)
assert norm(r.S - Q @ diag(max(w, 0)) @ Q') < 1e-7
fn total(s: real) = {
  let r = solve(all(s * t, s * M), by = projected_descent(tol = 1e-10))
  sum(r.a^2) + sum(r.b^3) + sum(r.c^2) + sum(r.d^2) + sum(r.e^3) + sum(r.f^3) + sum(r.g^2) + sum(r.S^2)
}
assert abs(grad(total)(1.0) - numeric_grad(total)(1.0)) < 1e-5
assert is_finite(grad(s => total(s))(0.0))`);
  assert.equal(asserts, 8);
});

test("as rows of an interior-point method, in both precisions", () => {
  for (const precision of ["f64", "f32"] as const) {
    const { asserts } = runScript(
      `${sets}
let r = solve(rows(t), by = interior_point())
let close = if epsilon < 1e-10 then 1e-6 else 5e-3
assert norm(r.a - [0.75, 0.25, 0]) < close and norm(r.b - [1.25, 0.75, 0]) < close
assert norm(r.c - [0, 0.4, -0.7]) < close and norm(r.d - [0.9, 0.4, 0]) < close
assert norm(r.e - 0.5 * t / norm(t)) < close
// Without a start, a search begins inside: the entropy is finite there.
problem mixing(t: real[3]) {
  var a: real[3] in simplex
  minimize sum(a * log(a)) - dot(a, t)
}
assert norm(solve(mixing(t), by = interior_point()).a - exp(t) / sum(exp(t))) < close`,
      { precision },
    );
    assert.equal(asserts, 4, precision);
  }
});

test("a set that is only a projection is refused by name where rows are wanted", () => {
  assert.throws(
    () =>
      runScript(`${sets}
problem one(t: real[3]) {
  var weights: real[3] in l1_ball(1.0)
  minimize sum((weights - t)^2)
}
show solve(one(t), by = interior_point()).weights`),
    /K0756 The solver `interior_point` takes no sets, but `weights` lies in one/,
  );
});
