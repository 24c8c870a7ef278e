/** Solvers of models: known answers, derivatives through their conditions, and models that have no answer. */
import assert from "node:assert/strict";
import test from "node:test";
import { type Plain, runScript } from "./testing.ts";

const flat = (value: Plain | undefined): number[] =>
  typeof value === "number" ? [value] : Array.isArray(value) ? [...(value as readonly number[])] : [Number.NaN];

const near = (found: Plain | undefined, wanted: readonly number[], tolerance: number, what = "") => {
  const numbers = flat(found);
  assert.equal(numbers.length, wanted.length, `${what}: ${JSON.stringify(found)}`);
  wanted.forEach((w, i) => {
    assert.ok(Math.abs(numbers[i]! - w) <= tolerance, `${what}: ${numbers} is not ${wanted}`);
  });
};

test("problem 71 of Hock and Schittkowski (1981): answer and multipliers", () => {
  const { shown } = runScript(`
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
show r.x, r.value, r.status, r.dual.product, r.dual.squares, r.dual.box
show grad(c => solve(hs71(c), from = (x: [1.0, 5, 5, 1]), by = interior_point(tol = 1e-9)).value)(1.0)`);
  near(shown.get("r.x"), [1, 4.7429994, 3.8211503, 1.3794082], 1e-5);
  near(shown.get("r.value"), [17.0140173], 1e-5);
  assert.equal(shown.get("r.status"), "converged");
  near(shown.get("r.dual.product"), [0.5522937], 1e-5);
  near(shown.get("r.dual.squares"), [0.1614686], 1e-5);
  // The lower side holds x[0] at 1: a two-sided line's dual is that of its upper side minus that of its lower.
  near(shown.get("r.dual.box"), [-1.0878712, 0, 0, 0], 1e-4);
  const slope = "grad(c => solve(hs71(c), from = (x: [1.0, 5, 5, 1]), by = interior_point(tol = 1e-9)).value)(1.0)";
  near(shown.get(slope), [3.8211503], 1e-5);
});

test("duals are what one unit of slack would gain: a linear program's vertex", () => {
  for (const by of ["interior_point(tol = 1e-10)", "osqp(tol = 1e-10)"]) {
    const { shown } = runScript(`
import { interior_point, osqp } from "std/constrained"
problem plan(A: real[m, n], b: real[m], c: real[n]) {
  var x: real[n]
  maximize dot(c, x)
  subject to {
    let used = A @ x
    cap: used <= b
    x >= 0
  }
}
let A = [[1.0, 2], [3, 1]]
let b = [4.0, 6.0]
let c = [1.0, 1.0]
fn best(b: real[2], c: real[2]) = solve(plan(A, b, c), by = ${by})
let r = best(b, c)
let y = linear_solve(A', c)
assert norm(r.dual.cap - y) < 1e-7
assert norm(grad(b => best(b, c).value)(b) - y) < 1e-7
assert norm(grad(c => best(b, c).value)(c) - r.x) < 1e-7
assert norm(jacobian(b => best(b, c).x)(b) - inverse(A)) < 1e-6
assert norm(jacobian(c => best(b, c).x)(c)) < 1e-6
assert norm(jacobian(c => best(b, c).dual.cap)(c) - inverse(A)') < 1e-6
show r.status`);
    assert.equal(shown.get("r.status"), "converged", by);
  }
});

/** Random strictly convex programs with an equation and two rows, one of them active. */
const program = `
import { augmented_lagrangian, interior_point, lbfgs_b, osqp } from "std/constrained"
problem qp(Q: real[n, n], c: real[n], a: real[n], total: real) {
  var x: real[n]
  minimize 0.5 * dot(x, Q @ x) - dot(c, x)
  subject to {
    whole: dot(a, x) == total
    first: x[0] <= 0.1
    loose: x[1] >= -100
  }
}
fn square(k: key) = {
  let M = normal[4, 4](k)
  M @ M' + eye[4]
}`;

test("quadratic programs: every method gives the closed form, its derivatives and its second derivatives", () => {
  const solvers = ["interior_point(tol = 1e-10)", "osqp(tol = 1e-10)", "augmented_lagrangian(tol = 1e-9)"];
  for (const [seed, by] of solvers.entries()) {
    const { asserts } = runScript(`${program}
let (k1, k2, k3) = split[3](key(${seed}))
let (Q, c, a) = (square(k1), normal[4](k2) + [5.0, 0, 0, 0], 1 + uniform[4](k3, 0.0, 1.0))
// The active rows are equations: one linear system.
let E = concat([a], [[1.0, 0, 0, 0]])
let K = block((Q, E'), (E, zeros[2, 2]))
fn exact(c: real[4], total: real) = linear_solve(K, concat(c, [total], [0.1]))
fn found(c: real[4], total: real) = solve(qp(Q, c, a, total), by = ${by})
let r = found(c, 1.0)
let e = exact(c, 1.0)
assert r.status == converged
assert norm(r.x - e[:4]) < 1e-6, "the answer"
assert norm([r.dual.whole, r.dual.first] - e[4:]) < 1e-5 and r.dual.first > 0, "the duals"
assert norm(jacobian(c => found(c, 1.0).x)(c) - jacobian(c => exact(c, 1.0)[:4])(c)) < 1e-6, "forward"
fn f(t: real) = { let s = found((1 + t^2) * c, t)
  sum(s.x^3) + s.dual.whole^2 + s.value }
fn g(t: real) = { let s = exact((1 + t^2) * c, t)
  let x = s[:4]
  sum(x^3) + s[4]^2 + 0.5 * dot(x, Q @ x) - (1 + t^2) * dot(c, x) }
assert abs(grad(f)(1.0) - grad(g)(1.0)) < 1e-5 * (1 + abs(grad(g)(1.0))), "reverse"
assert abs(jvp(grad(f))(1.0, 1.0) - grad(grad(g))(1.0)) < 1e-4 * (1 + abs(grad(grad(g))(1.0))), "forward over reverse"
assert abs(grad(f)(1.0) - numeric_grad(f)(1.0)) < 1e-4 * (1 + abs(grad(g)(1.0))), "numeric"`);
    assert.equal(asserts, 7, `seed ${seed}, ${by}`);
  }
});

test("unrolled derivatives are the implicit ones; batches are loops; f32 is near f64", () => {
  const script = `${program}
problem within(c: real[n]) {
  var x: real[n]
  minimize 0.5 * dot(x, x) - dot(c, x) + 0.1 * sum(x^4)
  subject to { band: -1 <= x <= 1 }
}
let c = [0.6, 3.0, -0.4]
fn slow(c: real[3]) = solve(within(c), by = lbfgs_b(iters = 12), adjoint = unroll).x
fn fast(c: real[3]) = solve(within(c), by = lbfgs_b()).x
show max(abs(jacobian(slow)(c) - jacobian(fast)(c)))
fn inside(c: real[3]) = solve(within(c), by = interior_point(iters = 12), adjoint = unroll).x
show max(abs(jacobian(inside)(c) - jacobian(fast)(c)))
let Q = square(key(3))
let cs = [[1.0, 2, 3, 4], [0.5, 0, 0, 1], [5.0, -1, 2, 0]]
let many = [solve(qp(Q, c, ones[4], 1.0), by = osqp()).x for c in cs]
show max(abs(many[2] - solve(qp(Q, cs[2], ones[4], 1.0), by = osqp()).x)), many[2]`;
  const [wide, narrow] = [runScript(script), runScript(script, { precision: "f32" })];
  near(wide.shown.get("max(abs(jacobian(slow)(c) - jacobian(fast)(c)))"), [0], 1e-6, "lbfgs_b");
  near(wide.shown.get("max(abs(jacobian(inside)(c) - jacobian(fast)(c)))"), [0], 1e-5, "interior_point");
  near(wide.shown.get("max(abs(many[2] - solve(qp(Q, cs[2], ones[4], 1.0), by = osqp()).x))"), [0], 1e-12, "batch");
  near(narrow.shown.get("many[2]"), flat(wide.shown.get("many[2]")), 1e-4, "f32");
});

test("models without an answer end as such, with every method and in both precisions; odd ones are solved", () => {
  const models = `
import { augmented_lagrangian, interior_point, lbfgs_b, osqp } from "std/constrained"
problem crossed(a: real) {
  var x: real
  minimize x
  subject to { x >= a; x <= 0 }
}
problem empty(a: real) {
  var x: real[2]
  minimize dot(x, x)
  subject to { x[0] + x[1] >= 3 * a; x <= 1 }
}
problem contradiction(a: real) {
  var x: real[2]
  minimize dot(x, x)
  subject to { sum(x) == a; 2 * sum(x) == 3 }
}
problem down(a: real) {
  var x: real[2]
  minimize x[0] + a * x[1]
  subject to { x >= [0.0, -inf] }
}
problem flat(a: real) {
  var x: real[2]
  minimize (x[0] - a)^2
  subject to { x >= [0.0, -inf] }
}
problem again(a: real) {
  var x: real[2]
  minimize dot(x, x)
  subject to { sum(x) == a; 2 * sum(x) == 2; x[0] >= 0.6; 2 * x[0] >= 1.2 }
}
problem pinned(a: real) {
  var x: real[2]
  minimize dot(x, x)
  subject to { x[0] >= a; x[0] <= 1; x[1] >= -1 }
}
problem ring(a: real) {
  var x: real[2]
  minimize x[0]
  subject to { dot(x, x) <= -a }
}
problem hill(a: real) {
  var x: real
  minimize -a * x^2
}`;
  const wanted = {
    crossed: "infeasible",
    empty: "infeasible",
    contradiction: "infeasible",
    down: "unbounded",
    flat: [1, 0],
    again: [0.6, 0.4],
    pinned: [1, 0],
  } as const;
  const curved = { ring: "infeasible", hill: "unbounded" } as const;
  const cases = {
    interior_point: { ...wanted, ...curved },
    augmented_lagrangian: { ...wanted, ...curved },
    osqp: wanted,
    lbfgs_b: { crossed: "infeasible", down: "unbounded", flat: [1, 0], hill: "unbounded" },
  } as const;
  for (const precision of ["f64", "f32"] as const)
    for (const [solver, answers] of Object.entries(cases)) {
      const start = (name: string) => (name === "hill" ? "from = 0.5, " : "");
      const names = Object.keys(answers);
      const solves = names.map((n) => `let ${n}_r = solve(${n}(1.0), ${start(n)}by = ${solver}())`);
      const shows = names.map((n) => `show ${n}_r.status, ${n}_r.x`);
      const { shown } = runScript([models, ...solves, ...shows].join("\n"), { precision });
      for (const [name, answer] of Object.entries(answers)) {
        const what = `${name} by ${solver} in ${precision}`;
        assert.equal(shown.get(`${name}_r.status`), typeof answer === "string" ? answer : "converged", what);
        assert.ok(flat(shown.get(`${name}_r.x`)).every(Number.isFinite), what);
        if (typeof answer !== "string") near(shown.get(`${name}_r.x`), answer, precision === "f64" ? 1e-4 : 2e-2, what);
      }
    }
});
