/** Models: what a solver is handed, whichever parts it lists, and duals under one convention of signs. */
import assert from "node:assert/strict";
import test from "node:test";
import { compile } from "../index.ts";
import { runScript } from "../testing.ts";

/** Plain methods that take a model in different parts; all converge on the well-conditioned models here. */
const methods = `
import { simplex, box, nonnegative } from "std/sets"
solver by_bounds() solves problem(f, lower, upper) {
  start(x) = (x: max(min(x, upper), lower))
  next(s, t) = (x: max(min(s.x - 0.3 * grad(f)(s.x), upper), lower))
  error(s) = norm(ravel(max(min(s.x - grad(f)(s.x), upper), lower) - s.x), inf)
}
solver by_bound_duals() solves problem(f, lower, upper) {
  fn duals(x) = (h: (), g: (), lower: max(grad(f)(x), 0), upper: max(-grad(f)(x), 0))
  start(x) = (x: x, dual: duals(x))
  next(s, t) = {
    let x = max(min(s.x - 0.3 * grad(f)(s.x), upper), lower)
    (x: x, dual: duals(x))
  }
  error(s) = norm(ravel(max(min(s.x - grad(f)(s.x), upper), lower) - s.x), inf)
}
solver by_projection() solves problem(f, project) {
  start(x) = (x: project(x))
  next(s, t) = (x: project(s.x - 0.3 * grad(f)(s.x)))
  error(s) = norm(ravel(project(s.x - grad(f)(s.x)) - s.x), inf)
}
// Rows without duals: a quadratic penalty, so the answers are a little off.
solver by_penalty(weight: real = 1e5) solves problem(f, h, g) {
  start(x) = (x: x)
  next(s, t) = {
    let whole = x => f(x) + 0.5 * weight * (sum(ravel(h(x))^2) + sum(max(ravel(g(x)), 0)^2))
    let H = hessian(v => whole(unravel(s.x, v)))(ravel(s.x))
    (x: s.x - unravel(s.x, linear_solve(H, ravel(grad(whole)(s.x)))))
  }
  error(s) = norm(ravel(grad(x => f(x) + 0.5 * weight * (sum(ravel(h(x))^2) + sum(max(ravel(g(x)), 0)^2)))(s.x)))
}
`;

const near = (found: readonly number[] | undefined, wanted: readonly number[], tolerance: number, what: string) => {
  assert.ok(found, what);
  assert.equal(found.length, wanted.length, `${what}: ${found}`);
  wanted.forEach((w, i) => {
    assert.ok(Math.abs(found[i]! - w) <= tolerance, `${what}: ${found} is not ${wanted}`);
  });
};

test("bounds reach every solver, and duals mean one thing whichever way", () => {
  const solvers = ["by_bounds", "by_bound_duals", "by_projection", "interior_point", "by_penalty"];
  const { values } = runScript(`${methods}
import { interior_point } from "std/constrained"
problem clipped(c: real[n], u: real) {
  var x: real[n]
  maximize dot(c, x) - 0.5 * dot(x, x)
  subject to {
    floor: x >= 0
    wide: -1 <= x <= u
    also: 2 * u >= x
  }
}
let c = [0.5, -1.0, 4.0]
${solvers.map((s) => `let ${s}_r = solve(clipped(c, 1.5), by = ${s}())`).join("\n")}
show ${solvers.map((s) => `${s}_r.x, ${s}_r.value, ${s}_r.dual.floor, ${s}_r.dual.wide, ${s}_r.dual.also`).join(", ")}
${solvers.map((s) => `show jacobian(c => solve(clipped(c, 1.5), by = ${s}()).x)(c)`).join("\n")}
${solvers.map((s) => `show grad(u => solve(clipped(c, u), by = ${s}()).dual.wide[2])(1.5)`).join("\n")}`);
  for (const s of solvers) {
    const tolerance = s === "by_penalty" ? 1e-4 : 1e-6;
    near(values.get(`${s}_r.x`), [0.5, 0, 1.5], tolerance, `${s} x`);
    near(values.get(`${s}_r.value`), [0.125 + 6 - 1.125], s === "by_penalty" ? 1e-3 : 1e-6, `${s} value`);
    near(values.get(`${s}_r.dual.floor`), [0, 1, 0], tolerance, `${s} floor`);
    near(values.get(`${s}_r.dual.wide`), [0, 0, 2.5], tolerance, `${s} wide`);
    near(values.get(`${s}_r.dual.also`), [0, 0, 0], tolerance, `${s} also`);
    near(values.get(`jacobian(c => solve(clipped(c, 1.5), by = ${s}()).x)(c)`), [1, 0, 0, 0, 0, 0, 0, 0, 0], 1e-6, s);
    near(values.get(`grad(u => solve(clipped(c, u), by = ${s}()).dual.wide[2])(1.5)`), [-1], 1e-5, s);
  }
});

test("equal bounds share nothing: the first has the dual", () => {
  const { values } = runScript(`${methods}
problem twice(c: real) {
  var x: real[2]
  minimize dot(x, x) + c * sum(x)
  subject to { a: x >= [0.0, 1]; b: [0.5, 1] <= x }
}
let r = solve(twice(1.0), by = by_bounds())
let d = solve(twice(1.0), by = by_bound_duals())
show r.x, d.x, d.dual.a, d.dual.b`);
  near(values.get("r.x"), [0.5, 1], 1e-9, "x");
  near(values.get("d.dual.a"), [0, 3], 1e-9, "a");
  near(values.get("d.dual.b"), [2, 0], 1e-9, "b");
});

test("sets become projections, bounds or rows, as the solver takes them", () => {
  const { values } = runScript(`${methods}
import { interior_point, osqp } from "std/constrained"
problem near_to(t: real[n]) {
  var x: real[n] in simplex
  var y: real[n] in box(-0.5, inf)
  minimize 0.5 * sum((x - t)^2) + 0.5 * sum((y - t)^2)
}
problem positive(t: real[n]) {
  var y: real[n] in nonnegative
  minimize 0.5 * sum((y - t)^2)
}
let t = [0.9, 0.3, -0.8]
show solve(near_to(t), by = by_projection()).x, solve(near_to(t), by = interior_point()).x, solve(near_to(t), by = osqp()).x
show solve(near_to(t), by = by_projection()).y, solve(near_to(t), by = osqp()).y
show solve(positive(t), by = by_bounds()).y
show jacobian(t => solve(near_to(t), by = by_projection()).x)(t), jacobian(t => solve(near_to(t), by = osqp()).x)(t)`);
  for (const by of ["by_projection", "interior_point", "osqp"])
    near(values.get(`solve(near_to(t), by = ${by}()).x`), [0.8, 0.2, 0], 1e-7, by);
  for (const by of ["by_projection", "osqp"]) {
    near(values.get(`solve(near_to(t), by = ${by}()).y`), [0.9, 0.3, -0.5], 1e-7, by);
    const slope = [0.5, -0.5, 0, -0.5, 0.5, 0, 0, 0, 0];
    near(values.get(`jacobian(t => solve(near_to(t), by = ${by}()).x)(t)`), slope, 1e-6, by);
  }
  near(values.get("solve(positive(t), by = by_bounds()).y"), [0.9, 0.3, 0], 1e-7, "bounds");
});

test("a search starts inside, and the trace of a maximization shows the goal", () => {
  const { values } = runScript(`
solver still() solves problem(f, lower, upper) {
  start(x) = (x: x)
  next(s, t) = (x: s.x)
}
problem where(a: real) {
  var x: real[5]
  var y: real[2]
  maximize sum(x) + sum(y) + a
  subject to { x >= [0.0, -1, 2, -inf, 4]; x <= [inf, 1, 2.02, -3, inf] }
}
let r = solve(where(1.0), by = still(iters = 1))
show r.x, r.y, r.value, r.trace.value[0], r.status`);
  near(values.get("r.x"), [0.01, 0, 2.005, -3.03, 4.04], 1e-12, "x");
  near(values.get("r.y"), [0, 0], 0, "y");
  near(values.get("r.value"), [1 + 0.01 + 2.005 - 3.03 + 4.04], 1e-12, "value");
  near(values.get("r.trace.value[0]"), values.get("r.value")!, 0, "trace");
});

test("an infinite limit in a row holds whatever the variable is", () => {
  const { values } = runScript(`
import { interior_point } from "std/constrained"
problem half(a: real) {
  var x: real[3]
  minimize sum((x - a)^2)
  subject to { low: x >= [-inf, 3, -inf]; high: x <= [inf, inf, 1] }
}
let r = solve(half(2.0), by = interior_point())
show r.x, r.dual.low, r.dual.high, jacobian(a => solve(half(a), by = interior_point()).x)(2.0)`);
  near(values.get("r.x"), [2, 3, 1], 1e-7, "x");
  near(values.get("r.dual.low"), [0, 2, 0], 1e-6, "low");
  near(values.get("r.dual.high"), [0, 0, 2], 1e-6, "high");
  near(values.get("jacobian(a => solve(half(a), by = interior_point()).x)(2.0)"), [1, 0, 0], 1e-6, "slope");
});

test("at a kink the answer has no derivative, but the value has", () => {
  const model = `
import { interior_point, lbfgs_b } from "std/constrained"
problem touch(c: real) {
  var x: real
  minimize 0.5 * (x - c)^2 + c
  subject to { floor: x >= 0 }
}`;
  for (const solver of ["interior_point", "lbfgs_b"]) {
    assert.throws(
      () => runScript(`${model}\nshow grad(c => solve(touch(c), by = ${solver}()).x)(0.0)`),
      /kink here: the constraint `floor`/,
    );
    assert.throws(
      () => runScript(`${model}\nshow jvp(c => solve(touch(c), by = ${solver}()).dual.floor)(0.0, 1.0)`),
      /kink here: the constraint `floor`/,
    );
    const { values } = runScript(`${model}\nshow grad(c => solve(touch(c), by = ${solver}()).value)(0.0)`);
    near(values.get(`grad(c => solve(touch(c), by = ${solver}()).value)(0.0)`), [1], 1e-3, solver);
  }
});

test("duals of limits beside sets follow from stationarity, with their derivatives", () => {
  const shown = runScript(`
import { projected_descent, interior_point } from "std/constrained"
import { simplex } from "std/sets"
problem mix(c: real[n], d: real[n]) {
  var x: real[n] in simplex
  var y: real[n]
  minimize sum((x - c)^2) + sum((y - d)^2) + dot(x, y)
  subject to {
    low: y >= 0
    top: y <= 1
  }
}
let d = [-1.0, 1.6]
let projected = projected_descent(tol = 1e-10)
let a = solve(mix([0.3, 0.9], d), by = projected).dual
let b = solve(mix([0.3, 0.9], d), by = interior_point(tol = 1e-10)).dual
fn top(t: real) = solve(mix([0.3 + t, 0.9], d), by = projected).dual.top
show a.low, b.low, a.top, b.top, jacobian(top)(0.0)`);
  const near = (name: string, expected: readonly number[]) =>
    shown.values.get(name)!.forEach((v, i) => {
      assert.ok(Math.abs(v - expected[i]!) < 1e-8, `${name} is ${v}`);
    });
  // x = [0.45 + t / 2, 0.55 - t / 2], y = [0, 1]; stationarity in y: 2 (y - d) + x - low + top == 0.
  for (const name of ["a.low", "b.low"]) near(name, [2.45, 0]);
  for (const name of ["a.top", "b.top"]) near(name, [0, 0.65]);
  near("jacobian(top)(0.0)", [0, 0.5]);
});

test("where duals can not be told apart, reading them says why", () => {
  const { diagnostics } = compile(
    `import { simplex } from "std/sets"
solver mine() solves problem(f, h, project) {
  start(x) = (x: x)
  next(s, t) = (x: project(s.x - 0.1 * grad(f)(s.x)))
  condition(x) = project(x - grad(f)(x)) - x
}
problem p(c: real[n]) {
  var x: real[n] in simplex
  minimize sum((x - c)^2)
  subject to { even: x[0] == x[1] }
}
show solve(p([1.0, 2.0, 3.0]), by = mine()).dual`,
    { file: "duals.opt" },
  );
  assert.deepEqual(
    diagnostics.map((d) => d.code),
    ["K0227"],
  );
  assert.match(diagnostics[0]!.help!, /keeps no dual.*interior_point/);
});
