/** Solvers for roots, fixed points, linear systems and least squares. */
import assert from "node:assert/strict";
import test from "node:test";
import { runScript } from "./testing.ts";

const imports = `
import { newton_root, broyden, bisection, anderson, fixed_point } from "std/roots"
import { cg, bicgstab, gmres } from "std/linear"
import { gauss_newton, levenberg_marquardt, dogleg } from "std/least-squares"
`;

for (const precision of ["f64", "f32"] as const) {
  const run = (text: string) => runScript(`${imports}${text}`, { precision });

  test(`${precision}: newton_root on numbers, arrays and tuples, from near and far`, () => {
    run(`
      let tolerance = 30 * sqrt(epsilon)
      let a = root(x => x^3 - 2, from = 100, by = newton_root())
      assert a.status == converged and abs(a.x^3 - 2) < tolerance
      let b = root(x => atan(x), from = 10.0, by = newton_root())
      assert b.status == converged
      let c = root(x => x + 0.1 * tanh(flip(x)) - [1, 2, 3], from = zeros[3], by = newton_root())
      assert c.status == converged and c.iterations < 6
      let d = root(p => (u: p.u^2 - 4, v: p.v + p.u - 1), from = (u: 1.0, v: ones[2]), by = newton_root())
      assert norm(d.x - (u: 2.0, v: -ones[2])) < tolerance
      let there = root(x => x - 1, from = 1.0, by = newton_root())
      assert there.iterations == 0`);
  });

  test(`${precision}: inexact Newton steps and Broyden's updates on systems`, () => {
    const solvers = [
      "newton_root(inner = gmres())",
      "newton_root(inner = bicgstab(tol = 0.1))",
      "broyden()",
      "broyden(exact = false)",
    ];
    const text = solvers.map(
      (by, i) => `
      let a${i} = root(x => x + 0.1 * tanh(flip(x)) - [1, 2, 3], from = zeros[3], by = ${by})
      assert a${i}.status == converged and a${i}.iterations < 12
      let d${i} = root(p => (u: p.u^2 - 4, v: p.v + p.u - 1), from = (u: 1.0, v: ones[2]), by = ${by})
      assert d${i}.status == converged and norm(d${i}.x - (u: 2.0, v: -ones[2])) < 100 * sqrt(epsilon)
      let there${i} = root(x => x - 1, from = 1.0, by = ${by})
      assert there${i}.iterations == 0
      let b${i} = root(x => (3 - 2 * x) * x + 1 - concat([0.0], x[:9]) - 2 * concat(x[1:], [0.0]), from = -ones[10], by = ${by})
      ${by.includes("false") ? "" : `assert b${i}.status == converged`}
      let other${i} = root(p => (p.u + p.v[0] - 3, [p.v[1] - 2, p.u - 1]), from = (u: 0.0, v: zeros[2]), by = ${by})
      assert other${i}.status == converged and norm(other${i}.x - (u: 1.0, v: [2.0, 2.0])) < 100 * sqrt(epsilon)
      let none${i} = root(x => x^2 + 1, from = 0.5, by = ${by})
      assert none${i}.status != converged and abs(none${i}.x) < 1`,
    );
    run(`${text.join("\n")}
      let rosenbrock = root(x => [10 * (x[1] - x[0]^2), 1 - x[0]], from = [-1.2, 1], by = broyden())
      assert rosenbrock.status == converged and norm(rosenbrock.x - 1) < 100 * sqrt(epsilon)
      let far = root(x => atan(x), from = 10.0, by = broyden())
      assert far.status == converged
      let domain = root(x => log(x) + 3, from = 20.0, by = broyden())
      assert domain.status == converged
      let flat = root(x => 0 * x + 1, from = 0.5, by = broyden())
      assert flat.status == singular`);
  });

  test(`${precision}: newton_root rejects points outside the domain, and says where it cannot go on`, () => {
    run(`
      let a = root(x => log(x) + 3, from = 20.0, by = newton_root())
      assert a.status == converged and abs(a.x - exp(-3)) < 30 * sqrt(epsilon)
      let none = root(x => x^2 + 1, from = 0.5, by = newton_root())
      assert none.status == line_search or none.status == singular
      let flat = root(x => 0 * x + 1, from = 0.5, by = newton_root())
      assert flat.status == singular`);
  });

  test(`${precision}: bisection brackets for itself, entry by entry`, () => {
    run(`
      let b = root(x => x^3 - [8, 27, -1000], from = zeros[3], by = bisection(tol = 0))
      assert b.status == stalled or b.status == converged
      assert norm(b.x - [2, 3, -10]) < 100 * epsilon
      let down = root(x => exp(-x) - 0.5, from = 0.0, by = bisection())
      assert down.status == converged and abs(down.x - log(2)) < 10 * sqrt(epsilon)
      let none = root(x => x^2 + 1, from = 0.5, by = bisection())
      assert none.status == infeasible`);
  });

  test(`${precision}: fixed points, by plain iteration and by anderson, in fewer steps`, () => {
    run(`
      let M = 0.9 * eye[6] - 0.05 * ones[6, 6]
      fn T(x) = M @ x + linspace[6](0, 1)
      let answer = linear_solve(eye[6] - M, linspace[6](0, 1))
      let a = fixpoint(T, from = zeros[6], by = fixed_point())
      let b = fixpoint(T, from = zeros[6], by = anderson())
      assert a.status == converged and b.status == converged
      assert norm(a.x - answer) < 100 * sqrt(epsilon) and norm(b.x - answer) < 100 * sqrt(epsilon)
      assert b.iterations < 0.5 * a.iterations
      let swings = fixpoint(x => -1.2 * x + 1, from = 0.0, by = fixed_point(damping = 0.5))
      assert abs(swings.x - 1 / 2.2) < 10 * sqrt(epsilon)
      let p = fixpoint(p => (u: cos(p.u), v: 0.5 * p.v + 1), from = (u: 0.5, v: zeros[2]), by = anderson(history = 3))
      assert p.status == converged and norm(p.x.v - 2) < 100 * sqrt(epsilon)`);
  });

  test(`${precision}: linear solvers, on matrices, functions and tuples`, () => {
    run(`
      let M = normal[12, 12](key(3))
      let A = M @ M' / 12 + eye[12]
      let B = M + 8 * eye[12]
      let b = normal[12](key(4))
      let tolerance = 10 * sqrt(epsilon) * norm(b)
      assert norm(A @ linear_solve(A, b, by = cg()) - b) < tolerance
      assert norm(A @ linear_solve(A, b, by = cg(precondition = r => r / diag(A))) - b) < tolerance
      assert norm(B @ linear_solve(B, b, by = bicgstab()) - b) < tolerance
      assert norm(B @ linear_solve(B, b, by = bicgstab(precondition = r => r / diag(B))) - b) < tolerance
      assert norm(B @ linear_solve(v => B @ v, b, by = gmres()) - b) < tolerance
      let short = solve((A: B, b: b), by = gmres(restart = 4))
      assert short.status == converged and short.iterations > 1 and norm(B @ short.x - b) < tolerance
      let eyes = solve((A: eye[12], b: b), by = gmres())
      assert eyes.iterations == 1
      let t = linear_solve(p => (u: 3 * p.u, v: 2 * p.v + 0.1 * p.u), (u: 3.0, v: ones[2]), by = gmres(restart = 5))
      assert norm(t - (u: 1.0, v: fill[2](0.45))) < tolerance
      let nothing = linear_solve(A, zeros[12], by = cg())
      assert norm(nothing) == 0
      let bad = solve((A: -A, b: b), by = cg())
      assert bad.status == singular`);
  });

  test(`${precision}: least squares, exact and with a residual, square and tall`, () => {
    for (const by of ["gauss_newton()", "levenberg_marquardt()", "dogleg()"])
      run(`
        let r = least_squares(x => (10 * (x[1] - x[0]^2), 1 - x[0]), from = [-1.2, 1], by = ${by})
        assert r.status == converged and norm(r.x - 1) < 100 * sqrt(epsilon)
        let t = linspace[20](0, 2)
        let y = 2 * exp(-1.5 * t) + 0.01 * normal[20](key(2))
        fn residual(p) = p.a * exp(-p.b * t) - y
        let fit = least_squares(residual, from = (a: 1.0, b: 1.0), by = ${by})
        assert fit.status == converged and norm(fit.x - (a: 2.0, b: 1.5)) < 0.1
        assert norm(vjp(residual)(fit.x, residual(fit.x))) < 10 * sqrt(epsilon)
        let A = normal[10, 3](key(1))
        let c = normal[10](key(5))
        let l = least_squares(x => A @ x - c, from = zeros[3], by = ${by})
        assert norm(A' @ (A @ l.x - c)) < 100 * sqrt(epsilon)
        let wide = least_squares(x => x[0] + x[1] - 3, from = zeros[2], by = ${by})
        assert wide.status == converged and abs(sum(wide.x) - 3) < 100 * sqrt(epsilon)
        let domain = least_squares(x => log(x) + [1, 2], from = [4.0, 9.0], by = ${by})
        assert norm(domain.x - exp(-[1, 2])) < 100 * sqrt(epsilon)`);
  });
}

test("answers are differentiated in what they close over", () => {
  runScript(`${imports}
    let A = [[3.0, 1.0], [0.5, 2.0]]
    fn total(s: real) = sum(root(x => A @ x + 0.1 * x^3 - s, from = zeros[2], by = newton_root(tol = 1e-10)).x)
    assert grad(total)(1.3) ~= numeric_grad(total)(1.3)
    fn rest(s: real) = fixpoint(x => cos(s * x), from = 0.5, by = anderson(tol = 1e-11)).x
    assert grad(rest)(0.8) ~= numeric_grad(rest)(0.8)
    fn middle(s: real) = root(x => x^3 - s, from = 0.5, by = bisection(tol = 1e-12)).x
    assert abs(grad(middle)(2.0) - 2.0^(-2 / 3) / 3) < 1e-6
    fn solved(s: real) = sum(linear_solve(A + s * eye[2], ones[2], by = gmres(tol = 1e-12)))
    assert grad(solved)(0.3) ~= numeric_grad(solved)(0.3)
    fn fitted(s: real) = least_squares(x => (x - s, x^2 - 2), from = 1.0, by = levenberg_marquardt(tol = 1e-11)).x
    assert grad(fitted)(0.7) ~= numeric_grad(fitted)(0.7)`);
});

test("least squares: unknowns of any scale, columns that vanish, and an answer no step improves", () => {
  for (const precision of ["f64", "f32"] as const)
    for (const by of ["gauss_newton()", "levenberg_marquardt()", "dogleg()"])
      runScript(
        `${imports}
        let scales = [1e-4, 1, 1e4]
        let A = normal[9, 3](key(1))
        let y = normal[9](key(2))
        let plain = least_squares(x => A @ tanh(x) - y, from = zeros[3], by = ${by})
        let scaled = least_squares(x => A @ tanh(x / scales) - y, from = zeros[3], by = ${by})
        assert plain.status == converged and scaled.status == converged
        assert norm(scaled.x / scales - plain.x) < 1e3 * sqrt(epsilon)
        let unused = least_squares(x => [x[0] - 2, 0 * x[1] + 1], from = [0.0, 5.0], by = ${by})
        assert unused.status == converged and norm(unused.x - [2.0, 5]) < 100 * sqrt(epsilon)
        let lying = least_squares(x => stop_gradient(x + 1) - 0.5 * x, from = 2.0, by = ${by}).status
        assert lying == line_search or lying == stalled`,
        { precision },
      );
});

test("a solve that only shows its status says how it ended", () => {
  const ran = runScript(`${imports}
    show root(x => x^2 + 1, from = 0.5, by = bisection()).status
    show fixpoint(x => 2 * x + 1, from = 0.0, by = fixed_point(iters = 5)).status`);
  assert.deepEqual([...ran.shown.values()], ["infeasible", "iterations"]);
});
