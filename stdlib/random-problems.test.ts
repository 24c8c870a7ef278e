/** Solvers of smooth problems on random ones: what they call converged is, and convex problems are solved. */
import assert from "node:assert/strict";
import test from "node:test";
import { runScript } from "./testing.ts";

const imports = `
import { nonlinear_cg, lbfgs, hager_zhang, cg_descent, armijo, gradient_descent } from "std/first-order"
import { newton, bfgs, trust_region } from "std/second-order"
import { gauss_newton, levenberg_marquardt, dogleg } from "std/least-squares"
import { newton_root, broyden } from "std/roots"
import { gmres } from "std/linear"
`;

const minimizers = [
  "lbfgs()",
  "lbfgs(history = 3, search = hager_zhang())",
  "bfgs()",
  "nonlinear_cg(iters = 2000)",
  "nonlinear_cg(beta = cg_descent, search = hager_zhang(), iters = 2000)",
  "newton()",
  "trust_region()",
];

function onSeeds(precision: "f64" | "f32", seeds: readonly number[], text: (seed: number) => string): void {
  for (const seed of seeds)
    try {
      runScript(`${imports}${text(seed)}`, { precision });
    } catch (error) {
      assert.fail(`seed ${seed}, ${precision}: ${error instanceof Error ? error.message : error}`);
    }
}

for (const precision of ["f64", "f32"] as const) {
  test(`${precision}: convex objectives whose curvatures differ by a thousand`, () => {
    onSeeds(precision, [1, 2], (seed) => {
      const solves = minimizers.map(
        (by, i) => `
        let r${i} = minimize(f, from = 3 * normal[6](key(${seed} + 20)), by = ${by})
        assert r${i}.status == converged or r${i}.status == line_search
        assert norm(grad(f)(r${i}.x)) <= 3 * sqrt(epsilon) * (1 + abs(r${i}.value))
        assert abs(r${i}.value - r0.value) <= 10 * sqrt(epsilon) * (1 + abs(r0.value))`,
      );
      return `
        let A = normal[9, 6](key(${seed}))
        let b = normal[9](key(${seed} + 10))
        let h = 10^linspace[6](-3, 0)
        fn f(x) = log(sum(exp(A @ x + b))) + 0.5 * dot(h, x^2)
        ${solves.join("\n")}`;
    });
  });

  test(`${precision}: objectives with many valleys, from points where some curvatures are negative`, () => {
    onSeeds(precision, [3, 4], (seed) => {
      const solves = minimizers.map(
        (by, i) => `
        let r${i} = minimize(f, from = x0, by = ${by})
        assert is_finite(r${i}.value) and r${i}.value <= f(x0)
        assert r${i}.status == converged or r${i}.status == line_search
        assert norm(grad(f)(r${i}.x)) <= 3 * sqrt(epsilon) * (1 + abs(r${i}.value))`,
      );
      return `
        let W = 2 * normal[7, 5](key(${seed}))
        let x0 = 2 * normal[5](key(${seed} + 10))
        fn f(x) = sum(sin(W @ x)) + 0.1 * dot(x, x)
        let lowest = minimize(f, from = x0, by = newton())
        let (values, vectors) = eigh(hessian(f)(lowest.x))
        assert values[0] > -10 * sqrt(epsilon)
        ${solves.join("\n")}`;
    });
  });

  test(`${precision}: curves fitted to noise, and roots of monotone maps`, () => {
    onSeeds(precision, [5, 6], (seed) => {
      const fits = ["gauss_newton()", "levenberg_marquardt()", "dogleg()"].map(
        (by, i) => `
        let r${i} = least_squares(residual, from = (a: fill[2](0.5), b: 0.0), by = ${by})
        assert r${i}.status == converged or r${i}.status == stalled or r${i}.status == line_search
        assert norm(vjp(residual)(r${i}.x, residual(r${i}.x))) <= 10 * sqrt(epsilon) * (1 + norm(residual(r${i}.x)))`,
      );
      const roots = ["newton_root()", "newton_root(inner = gmres())", "broyden()"].map(
        (by, i) => `
        let s${i} = root(F, from = 3 * normal[6](key(${seed} + 30)), by = ${by})
        assert s${i}.status == converged and norm(F(s${i}.x)) <= sqrt(epsilon)
        assert norm(s${i}.x - s0.x) <= 10 * sqrt(epsilon)`,
      );
      return `
        let t = linspace[25](0, 3)
        let y = exp(-t) + 0.3 * t + 0.05 * normal[25](key(${seed}))
        fn residual(p) = p.a[0] * exp(-p.a[1] * t) + p.b * t - y
        ${fits.join("\n")}
        let M = normal[6, 6](key(${seed} + 10))
        let c = normal[6](key(${seed} + 20))
        fn F(x) = x + tanh(x) + 0.5 * (M - M') @ x - c
        ${roots.join("\n")}`;
    });
  });
}
