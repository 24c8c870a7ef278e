import assert from "node:assert/strict";
import test from "node:test";
import { CpuRunner } from "../runtime/cpu/runner.ts";
import { type Ran, runScript } from "./testing.ts";

const imports = `import { alternating_implicit, anew, equations, halfspaces, lower_gap, lower_value, lv_hba } from "std/bilevel"
import { project_affine, project_polyhedron } from "std/projections"
import { newton_root } from "std/roots"
import { box } from "std/sets"`;

function run(text: string, precision: "f64" | "f32" = "f64"): Ran {
  return runScript(`${imports}\n${text}`, { precision, runner: new CpuRunner({ precision }) });
}

test("the gradient of the value function, with active and inactive constraints", () => {
  run(`
    let A = normal[4, 3](key(1))
    let c = normal[3](key(2))
    fn f(x: real[3], y) = 0.5 * y.a^2 + dot(x[:2], y.b) * y.a + 0.5 * dot(y.b, y.b) + 0.1 * sum(cosh(y.b)) + x[2] * y.a
    fn g(x: real[3], y) = A @ x + A[:, 0] * y.a + A[:, 1:] @ y.b - [0.1, 0.2, 5, 9]
    let w = (x: 0.3 * c, y: (a: 0.4, b: [0.7, -0.5]))
    let z = [0.5, 0.2, 0.3, 0.0]
    let exact = newton_root(tol = 1e-13)
    fn v(w, z) = lower_value(f, g, w, z, gamma1 = 0.8, gamma2 = 0.6, by = exact)
    let slope = grad(v)(w, z)
    let numeric = numeric_grad(w => v(w, z))(w)
    assert norm(ravel(slope) - ravel(numeric)) < 1e-7
    let in_z = grad(z => v(w, z))(z)
    assert norm(in_z - numeric_grad(z => v(w, z))(z)) < 1e-7
    // (y - theta) / gamma1 and (lam - z) / gamma2 give the saddle point back: the value there is v, and lam is 0 somewhere.
    let theta = (a: w.y.a - 0.8 * slope.y.a, b: w.y.b - 0.8 * slope.y.b)
    let lam = z + 0.6 * in_z
    assert min(lam) > -1e-9 and min(lam) < 1e-9 and max(lam) > 0.01
    let pushed = grad(x => f(x, theta))(w.x) + vjp(x => g(x, theta))(w.x, lam)
    assert norm(slope.x - pushed) < 1e-9
    // Without constraints it is the Moreau envelope.
    let free = lower_value((x, y) => 0.5 * dot(y, y), (x, y) => zeros[0], (x: 0.0, y: [3.0, 4]), zeros[0], gamma1 = 2, by = exact)
    assert abs(free - 25 / 6) < 1e-12
    let gap = lower_gap((x, y) => 0.5 * dot(y, y), (x, y) => zeros[0], (x: 0.0, y: [3.0, 4]), zeros[0], gamma1 = 2, by = exact)
    assert abs(gap - 25 / 3) < 1e-12`);
});

for (const precision of ["f64", "f32"] as const)
  test(`${precision}: projections onto equations and half spaces`, () => {
    run(
      `
      let A = normal[3, 7](key(1))
      let b = normal[3](key(2))
      let v = normal[7](key(3))
      let plain = equations(A, b)
      assert norm(plain.project(v, ()).point - project_affine(v, A, b)) < 1e3 * epsilon
      // Rows that say the same again change nothing.
      let again = equations(concat(A, A[:2] + A[1:]), concat(b, b[:2] + b[1:]))
      assert norm(again.project(v, ()).point - project_affine(v, A, b)) < 1e4 * epsilon
      let G = normal[6, 7](key(4))
      let h = normal[6](key(5)) - 0.5
      let set = halfspaces(G, h, tol = 3 * epsilon, sweeps = 5000)
      let first = set.project((x: v[:3], y: v[3:]), set.first)
      let closest = project_polyhedron(v, zeros[0, 7], zeros[0], G, h)
      assert norm(ravel(first.point) - closest) < 1e4 * epsilon
      assert norm(closest - v) > 0.1
      // From where the last one ended, and from anywhere.
      let second = set.project((x: v[:3], y: v[3:]), first.memory)
      assert norm(ravel(second.point) - closest) < 1e4 * epsilon
      let inside = set.project(first.point with (x: first.point.x), zeros[6])
      assert norm(ravel(inside.point) - closest) < 1e4 * epsilon`,
      precision,
    );
  });

for (const precision of ["f64", "f32"] as const)
  test(`${precision}: LV-HBA chooses among lower answers, with inequalities, equations, and without constraints`, () => {
    const ran = run(
      `
      // Lower: y >= x is all that is asked, so F = (y - 2)^2 + (x - 1)^2 has its own minimum among the answers.
      let free = solve((upper: (x, y) => (y - 2)^2 + (x - 1)^2, lower: (x, y) => 0.0 * y, constraint: (x, y) => [x - y]),
                       from = (x: 0.0, y: 0.0),
                       by = lv_hba(alpha = 0.1, beta = 0.1, eta = 0.1, feasible = halfspaces([[1.0, -1]], [0.0]), iters = 2000, tol = 1e-3))
      assert free.status == converged
      assert abs(free.x.x - 1) < 1e-2 and abs(free.x.y - 2) < 1e-2
      // Lower: min (y - x)^2 / 2 with y <= 1; F pulls x beyond, where y = 1.
      fn F(x, y) = 0.5 * (x - 3)^2 + 0.5 * (y - 3)^2
      let held = solve((upper: F, lower: (x, y) => 0.5 * (y - x)^2, constraint: (x, y) => [y - 1]), from = (x: 0.0, y: 0.0),
                       by = lv_hba(alpha = 0.05, beta = 0.1, eta = 0.2, gamma1 = 2, feasible = halfspaces([[0.0, 1]], [1.0]), iters = 20000, tol = 1e-5),
                       record = s => (lam: s.lam[0]))
      show held.x.x, held.x.y, held.trace.lam[20000]
      assert abs(held.x.x - 3) < 0.05 and abs(held.x.y - 1) < 0.01 and abs(held.trace.lam[20000] - 2) < 0.05
      // Lower: y nearest to x; F is met where both are 2.
      let none = solve((upper: (x, y) => 0.5 * (x - 1)^2 + 0.5 * (y - 3)^2, lower: (x, y) => 0.5 * (y - x)^2, constraint: (x, y) => zeros[0]),
                       from = (x: 0.0, y: 9.0), by = lv_hba(alpha = 0.1, beta = 0.1, eta = 0.3, iters = 20000, tol = 1e-4))
      show none.x, none.status, none.error
      assert abs(none.x.x - 2) < 0.05 and abs(none.x.y - 2) < 0.05
      // The same by the implicit gradient: exactly.
      let implicit = solve((upper: (x, y) => 0.5 * (x - 1)^2 + 0.5 * (y - 3)^2, lower: (x, y) => 0.5 * (y - x)^2),
                           from = (x: 0.0, y: 9.0), by = alternating_implicit(outer = 0.3, inner = 0.5))
      assert implicit.status == converged
      assert abs(implicit.x.x - 2) < 10 * sqrt(epsilon) and abs(implicit.x.y - 2) < 10 * sqrt(epsilon)
      // A lower set that moves with x: y on the line y[0] + y[1] == x.
      let line = (y, x) => y - (sum(y) - x) / 2
      let moving = solve((upper: (x, y) => 0.5 * dot(y - [3.0, 1], y - [3.0, 1]) + 0.1 * x^2, lower: (x, y) => 0.5 * dot(y, y)),
                         from = (x: 0.0, y: zeros[2]), by = alternating_implicit(outer = 0.3, inner = 0.5, lower_set = line))
      // y = x / 2 each: d/dx (1/2 sum (x/2 - t)^2 + 0.1 x^2) = x / 2 - 2 + 0.2 x.
      assert abs(moving.x.x - 2 / 0.7) < 100 * sqrt(epsilon)`,
      precision,
    );
    assert.ok(
      ran.warnings.every((w) => w.startsWith("K0413")),
      ran.warnings.join("\n"),
    );
  });

test("the answer is off by about 1 / c, and unrolled derivatives are those of the iteration", () => {
  run(`
    let by = c0 => lv_hba(alpha = 0.05, eta = 0.3, gamma1 = 2, c0 = c0, p = 0.0, feasible = anew((project: w => w)), iters = 4000, tol = 1e-9)
    fn answer(c0: real) = solve((upper: (x, y) => 0.5 * (x - 1)^2 + 0.5 * (y - 3)^2, lower: (x, y) => 0.5 * (y - x)^2, constraint: (x, y) => zeros[0]),
                                from = (x: 0.0, y: 9.0), by = by(c0))
    let gaps = [answer(c).x.y - answer(c).x.x for c in [5.0, 20, 80]]
    assert all(gaps > 0) and abs(gaps[0] / gaps[1] - 4) < 1.5 and abs(gaps[1] / gaps[2] - 4) < 0.6
    let gaps_known = lower_gap((x, y) => 0.5 * (y - x)^2, (x, y) => zeros[0], answer(20.0).x, zeros[0], gamma1 = 2)
    assert gaps_known > 0 and gaps_known < 0.1
    fn reached(q: real) = {
      let r = solve((upper: (x, y) => 0.5 * (x - q)^2 + 0.5 * (y - 3)^2, lower: (x, y) => 0.5 * (y - x)^2, constraint: (x, y) => [y - q]),
                    from = (x: 0.0, y: 0.5), by = lv_hba(alpha = 0.05, eta = 0.2, gamma1 = 2, iters = 40, tol = 0), adjoint = unroll)
      r.x.x + 2 * r.x.y
    }
    assert abs(grad(reached)(1.3) - numeric_grad(reached)(1.3)) < 1e-7
    assert abs(jacobian(reached, mode = forward)(1.3) - grad(reached)(1.3)) < 1e-11
    // Several at once give what each gives alone.
    let several = [reached(q) for q in [1.0, 1.3, 1.6]]
    assert abs(several[1] - reached(1.3)) < 1e-12`);
});

test("implicit derivatives are those of the unrolled iteration, and off by 1 / c", () => {
  const ran = run(`
    fn F(q) = (x, y) => 0.5 * (x - 1)^2 + 0.5 * (y - q)^2
    fn f(x, y) = 0.5 * (y - x)^2
    // Nothing binds: x = y = (1 + q) / 2 in the limit.
    fn free(q: real, c: real, adjoint) = {
      let by = lv_hba(alpha = 0.1, eta = 0.3, gamma1 = 2, c0 = c, p = 0, iters = 3000, tol = 0)
      solve((upper: F(q), lower: f, constraint: (x, y) => zeros[0]), from = (x: 0.0, y: 9.0), by = by, adjoint = adjoint).x.x
    }
    let slopes = [grad(q => free(q, c, implicit))(3.0) for c in [5.0, 10, 20]]
    assert abs(slopes[1] - grad(q => free(q, 10.0, unroll))(3.0)) < 1e-9
    assert abs(slopes[1] - numeric_grad(q => free(q, 10.0, implicit))(3.0)) < 1e-7
    let missing = 0.5 - slopes
    assert all(missing > 0) and abs(missing[0] / missing[1] - 2) < 0.3 and abs(missing[1] / missing[2] - 2) < 0.2
    let trust = certificate(q => free(q, 10.0, implicit))(3.0)
    assert trust.error < 1e-9 and trust.distance < 1e-8 and not trust.singular
    // y <= r - x / 2 binds below, and the pair is projected onto that half space.
    fn bound(r: real, adjoint) = {
      let by = lv_hba(alpha = 0.1, beta = 0.5, eta = 0.3, gamma1 = 2, gamma2 = 1, c0 = 5, p = 0,
                      feasible = halfspaces([[0.5, 1]], [r], tol = 1e-15, sweeps = 20), iters = 3000, tol = 0)
      let s = solve((upper: F(3.0), lower: f, constraint: (x, y) => [y + 0.5 * x - r]), from = (x: 0.0, y: 0.0), by = by,
                    adjoint = adjoint)
      s.x.x + 3 * s.x.y
    }
    let (implicitly, unrolled) = (grad(r => bound(r, implicit))(1.0), grad(r => bound(r, unroll))(1.0))
    show implicitly, unrolled
    assert abs(implicitly - unrolled) < 1e-8 and abs(implicitly - numeric_grad(r => bound(r, implicit))(1.0)) < 1e-6
    assert certificate(r => bound(r, implicit))(1.0).error < 1e-8`);
  assert.ok(
    ran.warnings.every((w) => w.startsWith("K0413")),
    ran.warnings.join("\n"),
  );
});

test("a step that is too long is told", () => {
  const ran = run(`
    let r = solve((upper: (x, y) => x^2, lower: (x, y) => y^4, constraint: (x, y) => zeros[0]), from = (x: 50.0, y: 50.0), by = lv_hba(alpha = 10, eta = 10))
    assert r.status == diverged and is_finite(r.x.x) and is_finite(r.x.y)`);
  assert.match(ran.warnings.join("\n"), /ended as `diverged`/);
});
