/** Metrics and models of the curvature: what they solve is what they say, in both precisions. */
import test from "node:test";
import { runScript } from "./testing.ts";

const imports = `
import { euclidean, matrix_metric, diagonal_metric, step_length, gradient_length } from "std/curvature"
import { matrix_curvature, exact_hessian, weighted_gauss_newton, fisher, power_gauss_newton } from "std/curvature"
import { rank_one, power_fisher, no_curvature, matrix_free, hessian_products, gauss_newton_products } from "std/curvature"
`;

for (const precision of ["f64", "f32"] as const) {
  test(`${precision}: a metric's two functions are each other's inverse, and its lengths are dual`, () => {
    for (const seed of [1, 2, 3])
      runScript(
        `${imports}
        let (k1, k2, k3) = split[3](key(${seed}))
        let N = normal[6, 6](k1)
        let B = N @ N' + eye[6]
        let (v, w) = (normal[6](k2), normal[6](k3))
        let near = 300 * epsilon
        fn holds(metric, B) = norm(metric.product(v) - B @ v) < near * norm(B) and
          norm(metric.product(metric.inverse(v)) - v) < near * norm(B) and
          abs(step_length(metric, v) - sqrt(dot(v, B @ v))) < near * norm(B) and
          abs(dot(v, w)) <= step_length(metric, v) * gradient_length(metric, w) and
          abs(gradient_length(metric, metric.product(v)) - step_length(metric, v)) < near * norm(B)
        assert holds(euclidean(), eye[6])
        assert holds(diagonal_metric([1, 2, 3, 4, 5, 6]), diag([1, 2, 3, 4, 5, 6]))
        assert holds(matrix_metric(B), B)`,
        { precision },
      );
  });

  test(`${precision}: every model solves its own matrix, at any shift and in any metric`, () => {
    for (const seed of [4, 5, 6])
      runScript(
        `${imports}
        let ks = split[6](key(${seed}))
        let A = normal[8, 5](ks[0])
        let b = normal[8](ks[1])
        let x0 = (w: normal[4](ks[2]), c: normal(ks[3]))
        let g = normal[5](ks[4])
        let N = normal[5, 5](ks[5])
        let B = N @ N' + eye[5]
        fn u(x) = tanh(A @ ravel(x)) + A @ ravel(x) - b
        let J = jacobian(z => tanh(A @ z) + A @ z - b)(ravel(x0))
        let r = u(x0)
        let e = J' @ r / norm(r)
        // How far from solving (H + shift B) d = -g for a matrix H.
        fn off(model, f, H) = max([{
            let (d, ok) = model(f, matrix_metric(B))(x0)(shift, g)
            if ok then norm((H + shift * B) @ d + g) / norm(g) else inf
          } for shift in [0.3, 2.0, 50.0]])
        let near = 3e4 * epsilon
        fn quartic(x) = norm(u(x))^4 / 4
        let weights = z => 1 + z^2
        let H = hessian(w => logsumexp(A @ w))(ravel(x0))
        let smooth = x => logsumexp(A @ ravel(x))
        assert off(exact_hessian, smooth, H) < near
        assert off(matrix_curvature(x => B + 0 * norm(x)), smooth, B) < near
        assert off(weighted_gauss_newton(u, weights), quartic, J' @ diag(1 + r^2) @ J) < near
        assert off(fisher(u), quartic, J' @ J / 8) < near
        assert off(power_gauss_newton(u, 4.0), quartic, norm(r)^2 * (J' @ J + 2 * outer(e, e))) < near
        assert off(power_fisher(u, 4.0), quartic, 2 * norm(r)^2 * outer(e, e)) < near
        assert off(rank_one(x => (1.5, ravel(x))), quartic, 1.5 * outer(ravel(x0), ravel(x0))) < near
        assert off(no_curvature, quartic, zeros[5, 5]) < near
        assert off(matrix_free(hessian_products), smooth, H) < 1e-4
        assert off(matrix_free(gauss_newton_products(u, weights)), quartic, J' @ diag(1 + r^2) @ J) < 1e-4
        assert off(matrix_free(gauss_newton_products(u, z => fill[8](1 / 8)), tolerance = 1e-9), quartic, J' @ J / 8) <
          max(1e-8, near)
        // |A x - b|^p has no more curvature than what \`power_gauss_newton\` keeps.
        let linear = x => A @ ravel(x) - b
        let f = x => norm(linear(x))^3 / 3
        assert off(power_gauss_newton(linear, 3.0), f, hessian(w => norm(A @ w - b)^3 / 3)(ravel(x0))) < near`,
        { precision },
      );
  });

  test(`${precision}: a matrix that is not positive definite is not solved`, () => {
    runScript(
      `${imports}
      fn saddle(x) = x[0]^2 - x[1]^2
      let g = [1.0, 1.0]
      fn solved(model, shift) = {
        let (d, ok) = model(saddle, euclidean())(ones[2])(shift, g)
        ok
      }
      assert not solved(exact_hessian, 1.5) and solved(exact_hessian, 2.5)
      assert not solved(matrix_free(hessian_products), 1.5) and solved(matrix_free(hessian_products), 2.5)
      assert not solved(no_curvature, 0.0)`,
      { precision },
    );
  });
}
