/** Regularised Newton methods and their gradient baselines: steps, invariances, answers, statuses. */
import test from "node:test";
import { CpuRunner } from "../runtime/cpu/runner.ts";
import { runScript } from "./testing.ts";

const imports = `
import { gradient_normalized_newton, normalized_gradient, super_universal_newton, cubic_newton } from "std/second-order"
import { adaptive_gradient, fast_gradient } from "std/adaptive-gradient"
import { euclidean, matrix_metric, step_length, gradient_length } from "std/curvature"
import { exact_hessian, matrix_free, hessian_products, weighted_gauss_newton } from "std/curvature"
`;

const methods = ["gradient_normalized_newton(OPTIONS)", "super_universal_newton(OPTIONS)", "cubic_newton(OPTIONS)"];
const variants = [
  "gradient_normalized_newton(radius = 1e-3, OPTIONS)",
  "gradient_normalized_newton(curvature = matrix_free(hessian_products), OPTIONS)",
  "super_universal_newton(power = 0.5, OPTIONS)",
  "cubic_newton(scale = 100, OPTIONS)",
];
const gradients = ["normalized_gradient(OPTIONS)", "adaptive_gradient(OPTIONS)", "fast_gradient(OPTIONS)"];
const withOptions = (options: string, ...lists: readonly (readonly string[])[]) =>
  lists.flat().map((solver) => solver.replace("OPTIONS", options));

for (const precision of ["f64", "f32"] as const) {
  test(`${precision}: quadratics of arrays, tuples and numbers`, () => {
    for (const by of withOptions("iters = 2000", methods, gradients))
      runScript(
        `${imports}
        let tolerance = 30 * sqrt(epsilon)
        let c = [1.0, -2.0, 3.0]
        let r = minimize(x => dot(x - c, [1, 2, 4] * (x - c)), from = zeros[3], by = ${by})
        assert r.status == converged and norm(r.x - c) < tolerance and r.error <= sqrt(epsilon)
        let p = minimize(p => 2 * (p.a - 1)^2 + dot(p.b - 3, p.b - 3), from = (a: 0.0, b: zeros[2, 2]), by = ${by})
        assert p.status == converged and norm(p.x - (a: 1.0, b: fill[2, 2](3.0))) < tolerance
        let s = minimize(x => (x - 2)^2, from = 1, by = ${by})
        assert abs(s.x - 2) < tolerance
        let there = minimize(x => dot(x - c, x - c), from = c, by = ${by})
        assert there.iterations == 0 and there.status == converged`,
        { precision, runner: new CpuRunner({ precision }) },
      );
  });

  test(`${precision}: Rosenbrock's function from bad starts, through regions of negative curvature`, () => {
    for (const by of withOptions("iters = 2000, tol = 30 * sqrt(epsilon)", methods, variants))
      runScript(
        `${imports}
        fn rosenbrock(x) = (1 - x[0])^2 + 100 * (x[1] - x[0]^2)^2
        let starts = [[-1.2, 1.0], [-3.0, 9.5], [0.0, -20.0], [0.0, 0.5], [50.0, 3.0]]
        let r = [minimize(rosenbrock, from = start, by = ${by}) for start in starts]
        assert all(r.status == converged)
        assert max(abs(r.x - 1)) < (if epsilon < 1e-12 then 1e-5 else 3e-2)`,
        { precision, runner: new CpuRunner({ precision }) },
      );
  });

  test(`${precision}: the search goes on where values cannot be told apart`, () => {
    for (const seed of [1, 2, 3])
      for (const by of withOptions("tol = 100 * epsilon", methods))
        runScript(
          `${imports}
          let (k1, k2) = split(key(${seed}))
          let A = uniform[30, 10](k1, -1, 1)
          let f = x => logsumexp(A @ x - uniform[30](k2, -1, 1)) + 0.05 * dot(x, x)
          let r = minimize(f, from = 3 * ones[10], by = ${by})
          assert r.status == converged`,
          { precision, runner: new CpuRunner({ precision }) },
        );
  });
}

test("steps and radii are those of the formulas", () => {
  for (const seed of [7, 8, 9])
    runScript(`${imports}
      let (k1, k2, k3) = split[3](key(${seed}))
      let A = normal[8, 4](k1)
      let N = normal[4, 4](k2)
      let B = N @ N' + eye[4]
      fn f(x) = logsumexp(A @ x) + 0.1 * dot(x, x)
      let x0 = 2 * normal[4](k3)
      let metric = matrix_metric(B)
      let r = minimize(f, from = x0, by = gradient_normalized_newton(metric = metric, iters = 12, tol = 1e-13),
                       record = s => (x: s.x, radius: s.radius, solves: s.solves))
      let taken = [{
          let (x, y) = (r.trace.x[i], r.trace.x[i + 1])
          let trials = r.trace.solves[i + 1] - r.trace.solves[i]
          let radius = r.trace.radius[i] * 0.5^(trials - 1)
          let (g, h) = (grad(f)(x), grad(f)(y))
          let shift = gradient_length(metric, g) / radius
          let wanted = radius / 8 * gradient_length(metric, h)^2 / gradient_length(metric, g)
          (off: norm((hessian(f)(x) + shift * B) @ (y - x) + g) / norm(g), long: step_length(metric, y - x) / radius,
           gain: f(x) - f(y) - wanted, next: abs(r.trace.radius[i + 1] - 2 * radius) / radius, trials: trials)
        } for i in 0..6]
      assert r.iterations >= 6 and max(taken.trials) <= 40
      assert max(taken.off) < 1e-10 and max(taken.next) < 1e-12
      assert max(taken.long) <= 1, "the radius is a trust radius"
      assert min(taken.gain) >= 0
      // The trial before, of twice the radius, did not pass.
      let rejected = [{
          let x = r.trace.x[i]
          let trials = r.trace.solves[i + 1] - r.trace.solves[i]
          let radius = 2 * r.trace.radius[i] * 0.5^(trials - 1)
          let g = grad(f)(x)
          let size = gradient_length(metric, g)
          let y = x - linear_solve(hessian(f)(x) + size / radius * B, g)
          trials == 1 or f(x) - f(y) < radius / 8 * gradient_length(metric, grad(f)(y))^2 / size
        } for i in 0..6]
      assert all(rejected)

      let c = minimize(f, from = x0, by = cubic_newton(metric = metric, iters = 12, tol = 1e-13),
                       record = s => (x: s.x, scale: s.scale))
      let cubic = [{
          let (x, y) = (c.trace.x[i], c.trace.x[i + 1])
          let M = 2 * c.trace.scale[i + 1]
          let d = y - x
          let size = step_length(metric, d)
          let model = dot(grad(f)(x), d) + 0.5 * dot(d, hessian(f)(x) @ d) + M / 3 * size^3
          (off: norm((hessian(f)(x) + M * size * B) @ d + grad(f)(x)) / norm(grad(f)(x)), gain: f(x) + model - f(y))
        } for i in 0..4]
      assert max(cubic.off) < 1e-6 and min(cubic.gain) >= -1e-9

      let s = minimize(f, from = x0, by = super_universal_newton(power = 0.5, metric = metric, iters = 12, tol = 1e-13),
                       record = s => (x: s.x, scale: s.scale))
      let universal = [{
          let (x, y) = (s.trace.x[i], s.trace.x[i + 1])
          let shift = 4 * s.trace.scale[i + 1] * gradient_length(metric, grad(f)(x))^0.5
          let d = y - x
          let h = grad(f)(y)
          (off: norm((hessian(f)(x) + shift * B) @ d + grad(f)(x)) / norm(grad(f)(x)),
           gain: -dot(d, h) - gradient_length(metric, h)^2 / (4 * shift))
        } for i in 0..4]
      assert max(universal.off) < 1e-9 and min(universal.gain) >= -1e-12`);
});

test("gradient steps are those of the formulas", () => {
  runScript(`${imports}
    let D = [1.0, 4, 9]
    let B = [[2.0, 1, 0], [1, 3, 0], [0, 0, 1]]
    fn f(x) = 0.5 * dot(x, D * x)
    let x0 = [1.0, -1, 2]
    let g = D * x0
    let down = linear_solve(B, g)
    // The first power of two that is large enough.
    let drop = L => f(x0) - f(x0 - down / L) - dot(g, down) / (2 * L)
    let L = loop L = 1.0 for i in 0..60 while drop(L) < 0 { 2 * L }
    let one = minimize(f, from = x0, by = adaptive_gradient(metric = matrix_metric(B), iters = 1), record = s => (L: s.L))
    assert L > 1 and norm(one.x - (x0 - down / L)) < 1e-12 and one.trace.L[1] == 0.5 * L
    let size = sqrt(dot(g, down))
    let normal = minimize(f, from = x0, by = normalized_gradient(metric = matrix_metric(B), radius = 0.25, iters = 1))
    assert abs(norm(linear_solve(cholesky(B), B @ (normal.x - x0))) - 0.25) < 1e-6
    assert norm(normal.x - (x0 - 0.25 * down / size)) < 1e-6
    // Two steps of the fast method by hand.
    let o = fast_gradient(lipschitz = 16)
    let s1 = o.next(f)(o.start(f)(x0), 0)
    let x1 = x0 - g / 16
    assert norm(s1.x - x1) < 1e-12 and norm(s1.v - x1) < 1e-12 and abs(s1.total - 1 / 16) < 1e-12
    let s2 = o.next(f)(s1, 1)
    let a = (1 + sqrt(1 + 4 * s1.total * 8)) / 16
    let at = L => {
      let a = (1 + sqrt(1 + 4 * s1.total * L)) / (2 * L)
      let y = (a * s1.v + s1.total * s1.x) / (a + s1.total)
      let x = y - D * y / L
      (x: x, v: x + s1.total / a * (x - x1), gain: f(y) - f(x) - dot(D * y, D * y) / (2 * L))
    }
    let wanted = if at(8).gain >= 0 then at(8) else at(16)
    assert norm(s2.x - wanted.x) < 1e-12 and norm(s2.v - wanted.v) < 1e-12`);
});

test("the method does not see the scale of f, nor linear changes of x in their own metric", () => {
  for (const seed of [10, 11, 12])
    runScript(`${imports}
      let (k1, k2, k3) = split[3](key(${seed}))
      let A = normal[6, 3](k1)
      let T = eye[3] + 0.5 * normal[3, 3](k2)
      let x0 = 2 * normal[3](k3)
      fn f(x) = logsumexp(A @ x) + dot(x, x)
      let by = gradient_normalized_newton(iters = 8, tol = 1e-13)
      let plain = minimize(f, from = x0, by = by, record = s => (x: s.x, solves: s.solves))
      let scaled = minimize(x => 1024 * f(x), from = x0, by = by, record = s => (x: s.x, solves: s.solves))
      assert norm(plain.trace.x[:6] - scaled.trace.x[:6]) < 1e-7
      assert all(plain.trace.solves[:6] == scaled.trace.solves[:6])
      let changed = minimize(z => f(T @ z), from = linear_solve(T, x0),
        by = gradient_normalized_newton(metric = matrix_metric(T' @ T), iters = 8, tol = 1e-13),
        record = s => (x: s.x, solves: s.solves))
      assert norm(plain.trace.x[:6] - changed.trace.x[:6] @ T') < 1e-7
      assert all(plain.trace.solves[:6] == changed.trace.solves[:6])`);
});

test("values that are not finite are refused; a search that finds nothing says so", () => {
  for (const name of ["gradient_normalized_newton", "super_universal_newton", "cubic_newton", "adaptive_gradient"])
    runScript(`${imports}
      let r = minimize(x => x - log(x), from = 5.0, by = ${name}(iters = 2000))
      assert r.status == converged and abs(r.x - 1) < 1e-7
      let far = minimize(x => -log(1 - dot(x, x)) + x[0], from = [0.999, 0.0], by = ${name}(iters = 2000))
      assert far.status == converged and norm(grad(x => -log(1 - dot(x, x)) + x[0])(far.x)) < 1e-6
      let none = minimize(x => x - log(x), from = 5.0, by = ${name}(tries = 0))
      assert none.status == line_search and none.x == 5`);
});

test("a gradient that is wrong ends as line_search, at the best point", () => {
  for (const name of ["gradient_normalized_newton", "normalized_gradient", "cubic_newton", "adaptive_gradient"])
    runScript(`${imports}
      // The gradient of f with its sign turned.
      fn f(x: real) = x^2 pullback u => -2 * x * u
      let r = minimize(f, from = 1.0, by = ${name}(iters = 30))
      assert r.status == line_search and r.x == 1`);
});

/** All are solved by x = log(p c), so that the sum of c x has the derivatives 3 / p and -3 / p^2. */
const expected = {
  f64: { tol: "tol = 1e-14", once: "1e-6", twice: "1e-4" },
  f32: { tol: "tol = 1e-6", once: "1e-3", twice: "2e-2" },
} as const;

/** Steps enough for the derivative, which comes after the answer; `unroll` is not for a normalised gradient. */
const differentiated: readonly (readonly [by: string, iterations: number, adjoints: readonly string[]])[] = [
  ["gradient_normalized_newton(OPTIONS)", 25, ["implicit", "unroll"]],
  [
    "gradient_normalized_newton(curvature = weighted_gauss_newton(x => x, x => exp(x)), OPTIONS)",
    25,
    ["implicit", "unroll"],
  ],
  [
    "gradient_normalized_newton(curvature = matrix_free(hessian_products, steps = 4, tolerance = 1e-9), OPTIONS)",
    25,
    ["unroll"],
  ],
  ["super_universal_newton(OPTIONS)", 25, ["implicit", "unroll"]],
  ["cubic_newton(OPTIONS)", 25, ["implicit", "unroll"]],
  ["adaptive_gradient(OPTIONS)", 40, ["implicit", "unroll"]],
  ["fast_gradient(OPTIONS)", 150, ["implicit", "unroll"]],
  ["normalized_gradient(OPTIONS)", 150, ["implicit"]],
];

for (const precision of ["f64", "f32"] as const)
  for (const [solver, iterations, adjoints] of differentiated)
    test(`${precision}: derivatives through ${solver}`, () => {
      const { tol, once, twice } = expected[precision];
      const by = solver.replace("OPTIONS", `${tol}, iters = ${iterations}`);
      const script = adjoints.map(
        (adjoint) => `
        fn by_${adjoint}(p: real) = dot(c, minimize(x => sum(exp(x) - p * c * x), from = zeros[2],
          by = ${by}, adjoint = ${adjoint}).x)
        assert grad(by_${adjoint})(1.5) ~= 2 within ${once}
        assert jvp(by_${adjoint})(1.5, 1.0) ~= 2 within ${once}
        assert jvp(grad(by_${adjoint}))(1.5, 1.0) ~= -4 / 3 within ${twice}`,
      );
      runScript(`${imports}let c = [1.0, 2.0]${script.join("\n")}`, {
        precision,
        runner: new CpuRunner({ precision }),
      });
    });

test("a batch gives what each lane gives alone", () => {
  for (const by of withOptions("iters = 1500", methods, gradients))
    runScript(
      `${imports}
      let targets = normal[3, 3](key(21))
      let starts = concat(2 * normal[2, 3](key(22)), targets[2:3], axis = 0)
      fn one(c: real[3], x0: real[3]) = minimize(
        x => sum(sqrt(1 + (x - c)^2) + (x - c) * ([1, 2, 3] * (x - c) + 0.3 * flip(x - c))), from = x0, by = ${by})
      let batch = [one(c, x0) for (c, x0) in zip(targets, starts)]
      let (a, b, d) = (one(targets[0], starts[0]), one(targets[1], starts[1]), one(targets[2], starts[2]))
      assert all(batch.status == converged)
      assert max(abs(batch.iterations - [a.iterations, b.iterations, d.iterations])) <= 1
      assert norm(batch.x - [a.x, b.x, d.x]) < 1e-7 and norm(batch.x - targets) < 1e-6`,
    );
});
