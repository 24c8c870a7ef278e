/** Conditions vanish at optima and carry the right derivatives, whatever solver found the answer. */
import test from "node:test";
import { runScript } from "./testing.ts";

const imports = `
import { stationary, fixed_point, kkt, projected_gradient, proximal_gradient, mirror_descent, newton, block_proximal, conic } from "std/conditions"
import { lasso, entropic_step } from "std/prox"
import { project_simplex, project_nonnegative } from "std/projections"
import { proximal_gradient as fista, projected_gradient as projected } from "std/constrained"
import { lbfgs } from "std/first-order"
import { newton_root } from "std/roots"
`;

/** A solver that knows the answer: what it returns is differentiated through the condition alone. */
const oracle = `
solver told(answer) minimizes f {
  start(x) = (x: stop_gradient(answer))
  next(s, t) = s
  error(s) = 0.0
}
solver told_root(answer) solves root(F) {
  start(x) = (x: stop_gradient(answer))
  next(s, t) = s
  error(s) = 0.0
}`;

for (const precision of ["f64", "f32"] as const)
  test(`${precision}: each vanishes at the optima of random problems, and nowhere near`, () => {
    runScript(
      `${imports}
      let small = 20 * sqrt(epsilon)
      fn check(k: key) = {
        let (k1, k2, k3) = split[3](k)
        let (A, y, v) = (normal[9, 4](k1), normal[9](k2), normal[4](k3))
        let f = x => 0.5 * dot(A @ x - y, A @ x - y) / 9
        let free = argmin(f, from = zeros[4], by = lbfgs(iters = 200))
        let sparse = argmin(f, from = zeros[4], by = fista(lasso(0.1), iters = 3000))
        let mixed = argmin(f, from = fill[4](0.25), by = projected((project: project_simplex), iters = 3000))
        let T = x => free + 0.5 * sin(x - free)
        let G = x => x + x^3 - v
        let zero = root(G, from = zeros[4], by = newton_root()).x
        // (residual at the optimum, residual beside it)
        let at = (c, x) => (norm(c(x)), norm(c(x + 0.01)))
        (
          stationary: at(stationary(f), free),
          fixed: at(fixed_point(T), free),
          sparse: at(proximal_gradient(f, lasso(0.1).prox), sparse),
          stepped: at(proximal_gradient(f, lasso(0.1).prox, 0.3), sparse),
          blocks: at(block_proximal(f, (b, s) => lasso(0.1).prox(b, s), [0.3, 0.5, 1, 2]), sparse),
          projected: at(projected_gradient(f, project_simplex), mixed),
          mirrored: at(mirror_descent(f, entropic_step), mixed),
          newton: at(newton(G), zero)
        )
      }
      let found = [check(k) for k in split[6](key(3))]
      for_each`.replace(
        "for_each",
        ["stationary", "fixed", "sparse", "stepped", "blocks", "projected", "mirrored", "newton"]
          .map(
            (name) => `let (at_${name}, beside_${name}) = found.${name}
      assert max(at_${name}) < small
      assert min(beside_${name}) > 1e-4`,
          )
          .join("\n      "),
      ),
      { precision },
    );
  });

test("the same optimum through different conditions has one derivative: that of differences", () => {
  runScript(
    `${imports}${oracle}
    let A = normal[9, 4](key(1))
    let y = normal[9](key(2))
    fn f(l: real) = x => 0.5 * dot(A @ x - l * y, A @ x - l * y) / 9
    fn sparse(l: real) = argmin(f(l), from = zeros[4], by = fista(lasso(0.1 * l^2), tol = 1e-13, iters = 3000))
    fn mixed(l: real) = argmin(f(l), from = fill[4](0.25), by = projected((project: project_simplex), tol = 1e-13, iters = 3000))
    fn free(l: real) = argmin(f(l), from = zeros[4], by = lbfgs(tol = 1e-12))
    let h = 1e-5
    fn near(J, F) = norm(J - (F(1.2 + h) - F(1.2 - h)) / (2 * h)) < 1e-7
    for (c, x) in cases
    // The condition of Newton's method has its own Jacobian minus the step times the identity.
    let at = [0.3, -0.4]
    let G = x => [x[0]^2 + x[1] - at[0]^2 - at[1], x[0] * x[1] - at[0] * at[1]]
    assert norm(jacobian(newton(G, 0.7))(at) + 0.7 * eye[2]) < 1e-12`.replace(
      "for (c, x) in cases",
      [
        ["proximal_gradient(f(l), lasso(0.1 * l^2).prox)", "sparse"],
        ["proximal_gradient(f(l), lasso(0.1 * l^2).prox, 0.2)", "sparse"],
        ["block_proximal(f(l), lasso(0.1 * l^2).prox, [0.3, 0.5, 1, 2])", "sparse"],
        ["projected_gradient(f(l), project_simplex)", "mixed"],
        ["projected_gradient(f(l), project_simplex, 0.3)", "mixed"],
        ["mirror_descent(f(l), entropic_step)", "mixed"],
        ["stationary(f(l))", "free"],
        ["fixed_point(x => x - 0.3 * grad(f(l))(x))", "free"],
        ["newton(grad(f(l)))", "free"],
      ]
        .map(
          ([condition, answer], i) => `
    fn by${i}(l: real) = minimize(f(l), from = zeros[4], by = told(${answer}(1.2)), condition = ${condition}).x
    assert near(jacobian(by${i}, mode = forward)(1.2), ${answer})
    assert near(jacobian(by${i}, mode = reverse)(1.2), ${answer})`,
        )
        .join("\n"),
    ),
  );
});

test("KKT: equations, inequalities and bounds, active, inactive, and only just held", () => {
  runScript(`${imports}${oracle}
    // min 0.5 |x - c|^2 with x0 + x1 + x2 == b, x0 - x1 <= r, x >= l
    let c = [2.0, 0.5, -3]
    fn f(p) = x => 0.5 * dot(x - p.c, x - p.c)
    fn h(p) = x => [sum(x) - p.b]
    fn g(p) = x => [x[0] - x[1] - p.r]
    fn residual(p) = kkt(f(p), h(p), g(p), lower = p.l)
    let p = (c: c, b: 1.0, r: 0.5, l: -0.5)
    // x2 at its bound; x0 - x1 = r: x0 + x1 = 1.5, so x = (1, 0.5, -0.5), and the multipliers follow.
    let w = (x: [1.0, 0.5, -0.5], nu: [0.5], lam: [0.5])
    assert norm(residual(p)(w)) < 1e-15
    assert norm(residual(p)(w + 0.01)) > 1e-3
    fn answer(p) = root(residual(p), from = w, by = told_root(w)).x.x
    let J = jacobian(b => answer(p with (b: b)))(1.0)
    assert norm(J - [0.5, 0.5, 0]) < 1e-14
    assert norm(jacobian(r => answer(p with (r: r)))(0.5) - [0.5, -0.5, 0]) < 1e-14
    assert norm(jacobian(l => answer(p with (l: l)))(-0.5) - [-0.5, -0.5, 1]) < 1e-14
    assert norm(jacobian(c => answer(p with (c: c)))(c)) < 1e-14
    // Inactive: the multiplier is 0 and nothing but c and b matters.
    let loose = p with (r: 5.0, l: -9.0)
    let middle = (x: c + (1 - sum(c)) / 3, nu: [-(1 - sum(c)) / 3], lam: [0.0])
    assert norm(residual(loose)(middle)) < 1e-15
    fn free(p) = root(residual(p), from = middle, by = told_root(middle)).x.x
    assert norm(jacobian(c => free(loose with (c: c)))(c) - (eye[3] - 1 / 3)) < 1e-14
    assert norm(jacobian(r => free(loose with (r: r)))(5.0)) < 1e-14
    // Only just held, lam = 0 and g = 0: taken as inactive, and the system stays regular.
    let edge = loose with (r: middle.x[0] - middle.x[1])
    assert norm(jacobian(c => free(edge with (c: c)))(c) - (eye[3] - 1 / 3)) < 1e-14
    // The signs: a multiplier below 0, or a row that does not hold, is no solution.
    assert norm(residual(p)(w with (lam: [-0.5]))) > 0.1
    assert norm(residual(p)(w with (x: [2.0, -0.5, -0.5]))) > 0.1
    // No rows at all.
    assert norm(kkt(x => 0.5 * dot(x - c, x - c))((x: c, nu: zeros[0], lam: zeros[0]))) == 0`);
});

test("a vertex of a linear program through the conic map: dz/dd is the inverse of the active rows, dz/dc is 0 (R5)", () => {
  runScript(`${imports}${oracle}
    let E = [[1.0, 2], [3, 1], [-1, 0], [0, -1]]
    let d = [4.0, 6, 0, 0]
    let c = [-1.0, -1]
    let active = E[:2]
    let z = linear_solve(active, d[:2])
    let y = concat(-linear_solve(active', c), zeros[2])
    let s = d - E @ z
    assert min(y) >= 0 and min(s) >= -1e-15
    let w = (u: z, v: y - s)
    assert norm(conic(c, E, d, project_nonnegative)(w)) < 1e-14
    fn vertex(c, E, d) = root(conic(c, E, d, project_nonnegative), from = w, by = told_root(w)).x.u
    let J = jacobian(d => vertex(c, E, d))(d)
    assert norm(J[:, :2] - inverse(active)) < 1e-13 and norm(J[:, 2:]) < 1e-14
    assert norm(jacobian(c => vertex(c, E, d))(c)) < 1e-14
    let dE = [[0.3, -0.2], [0.1, 0.4], [1, 1], [2, 2]]
    assert norm(jvp(E => vertex(c, E, d))(E, dE) + linear_solve(active, dE[:2] @ z)) < 1e-13`);
});
