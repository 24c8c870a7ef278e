/** The interior-point method on problems with known answers, and derivatives through its KKT conditions. */
import assert from "node:assert/strict";
import test from "node:test";
import { runScript } from "../compiler/testing.ts";

const near = (found: readonly number[] | undefined, wanted: readonly number[], tolerance: number) => {
  assert.ok(found);
  assert.equal(found.length, wanted.length);
  wanted.forEach((w, i) => {
    assert.ok(Math.abs(found[i]! - w) <= tolerance, `${found} is not ${wanted}`);
  });
};

test("problem 71 of Hock and Schittkowski (1981): answer and multipliers", () => {
  const { values } = runScript(`
import { interior_point } from "std/constrained"
problem hs71(c: real) {
  var x: real[4]
  minimize x[0] * x[3] * (x[0] + x[1] + x[2]) + c * x[2]
  subject to {
    product: x[0] * x[1] * x[2] * x[3] >= 25
    squares: sum(x^2) == 40
    box: 1 <= x <= 5
  }
}
let r = solve(hs71(1.0), from = (x: [1.0, 5, 5, 1]), by = interior_point(tol = 1e-9))
show r.x, r.value, r.status, r.dual.product, r.dual.squares, r.dual.box`);
  near(values.get("r.x"), [1, 4.7429994, 3.8211503, 1.3794082], 1e-5);
  near(values.get("r.value"), [17.0140173], 1e-5);
  near(values.get("r.status"), [1], 0);
  near(values.get("r.dual.product"), [0.5522937], 1e-5);
  near(values.get("r.dual.squares"), [0.1614686], 1e-5);
  // The lower side holds x[0] at 1: a two-sided line's dual is that of its upper side minus that of its lower.
  near(values.get("r.dual.box"), [-1.0878712, 0, 0, 0], 1e-4);
});

test("duals are what one unit of slack would gain, and derivatives through the solve say the same", () => {
  const { values } = runScript(`
import { interior_point } from "std/constrained"
problem plan(A: real[m, n], b: real[m], c: real[n]) {
  var x: real[n]
  maximize dot(c, x) - 0.1 * dot(x, x)
  subject to {
    let used = A @ x
    cap: used <= b
    x >= 0
  }
}
let A = [[1.0, 2], [3, 1]]
fn best(b: real[2]) = solve(plan(A, b, [1.0, 1]), by = interior_point(tol = 1e-10))
let b = [4.0, 6.0]
show best(b).dual.cap, grad(b => best(b).value)(b), jacobian(b => best(b).x)(b), inverse(A)`);
  near(values.get("best(b).dual.cap"), [0.32, 0.12], 1e-6);
  near(values.get("grad(b => best(b).value)(b)"), [0.32, 0.12], 1e-6);
  // Both constraints are active, so A x = b and dx/db is the inverse of A.
  near(values.get("jacobian(b => best(b).x)(b)"), values.get("inverse(A)")!, 1e-5);
});

test("a problem without constraints is a minimisation", () => {
  const { values } = runScript(`
import { interior_point } from "std/constrained"
problem free(c: real[n]) {
  var x: real[n]
  minimize sum((x - c)^4) + sum((x - c)^2)
}
show solve(free([1.0, 2.0]), by = interior_point(tol = 1e-9)).x`);
  near(values.get("solve(free([1.0, 2.0]), by = interior_point(tol = 1e-9)).x"), [1, 2], 1e-6);
});
