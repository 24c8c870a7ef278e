/**
 * Derivatives through every solver of smooth problems: forward, reverse and twice, by the implicit rule and by
 * differentiating the steps, against closed forms.
 */
import test from "node:test";
import { runScript } from "./testing.ts";

const imports = `
import { gradient_descent, nonlinear_cg, lbfgs, armijo, hager_zhang, cg_descent } from "std/first-order"
import { newton, bfgs, trust_region } from "std/second-order"
import { gauss_newton, levenberg_marquardt, dogleg } from "std/least-squares"
import { newton_root, broyden, bisection, fixed_point, anderson } from "std/roots"
import { cg, minres, bicgstab, gmres, normal_cg, lsmr, dense, iterative_refinement } from "std/linear"
let c = [1.0, 2.0]
`;

/** All are solved by x = log(p c), so that the sum of c x has the derivatives 3 / p and -3 / p^2. */
const forms: Readonly<Record<string, readonly string[]>> = {
  "minimize(x => sum(exp(x) - p * c * x), from = zeros[2]": [
    "gradient_descent(step = 0.3, OPTIONS)",
    "gradient_descent(step = 0.45, search = armijo(), OPTIONS)",
    "nonlinear_cg(OPTIONS)",
    "nonlinear_cg(beta = cg_descent, search = hager_zhang(), OPTIONS)",
    "lbfgs(OPTIONS)",
    "lbfgs(search = hager_zhang(), OPTIONS)",
    "bfgs(OPTIONS)",
    "newton(OPTIONS)",
    "trust_region(OPTIONS)",
  ],
  "least_squares(x => exp(x) - p * c, from = zeros[2]": [
    "gauss_newton(OPTIONS)",
    "levenberg_marquardt(OPTIONS)",
    "dogleg(OPTIONS)",
  ],
  "root(x => exp(x) - p * c, from = zeros[2]": [
    "newton_root(OPTIONS)",
    "newton_root(inner = gmres(), OPTIONS)",
    "broyden(OPTIONS)",
  ],
  "fixpoint(x => x - 0.4 + 0.4 * p * c * exp(-x), from = zeros[2]": ["fixed_point(OPTIONS)", "anderson(OPTIONS)"],
};

const options = {
  f64: { text: "tol = 1e-10, iters = 70", once: "1e-6", twice: "1e-4" },
  f32: { text: "tol = 3e-6, iters = 40", once: "1e-3", twice: "2e-2" },
} as const;

for (const precision of ["f64", "f32"] as const)
  for (const [call, solvers] of Object.entries(forms))
    test(`${precision}: ${call.replace(/\(.*/, "")}`, () => {
      const { text, once, twice } = options[precision];
      for (const by of solvers) {
        const adjoints = ["implicit", "unroll"].map(
          (adjoint) => `
          fn by_${adjoint}(p: real) = dot(c, ${call}, by = ${by.replace("OPTIONS", text)}, adjoint = ${adjoint}).x)
          assert grad(by_${adjoint})(1.5) ~= 2 within ${once}
          assert jvp(by_${adjoint})(1.5, 1.0) ~= 2 within ${once}
          assert jvp(grad(by_${adjoint}))(1.5, 1.0) ~= -4 / 3 within ${twice}`,
        );
        runScript(`${imports}${adjoints.join("\n")}`, { precision });
      }
    });

/** A(p) of the class that a solver takes. */
const linear: readonly (readonly [by: string, A: string])[] = [
  ["cg(OPTIONS)", "N @ N' + p * eye[5]"],
  ["minres(OPTIONS)", "N + N' + p * eye[5]"],
  ["bicgstab(OPTIONS)", "N + 6 * p * eye[5]"],
  ["gmres(restart = 5, OPTIONS)", "N + 6 * p * eye[5]"],
  ["normal_cg(OPTIONS)", "N + 6 * p * eye[5]"],
  ["lsmr(OPTIONS)", "N + 6 * p * eye[5]"],
  ["dense()", "N + 6 * p * eye[5]"],
  ["iterative_refinement(OPTIONS)", "N + 6 * p * eye[5]"],
];

for (const precision of ["f64", "f32"] as const)
  test(`${precision}: linear_solve`, () => {
    const { text, once, twice } = options[precision];
    for (const [by, A] of linear) {
      const solver = by.replace("OPTIONS", text);
      const program = [
        "linear_solve(v => A(p) @ v, sin(p * w), by = BY)",
        "solve((A: v => A(p) @ v, b: sin(p * w)), by = BY, adjoint = unroll).x",
      ]
        .map(
          (solve, i) => `
          fn total${i}(p: real) = dot(w, ${solve.replace("BY", solver)})
          assert total${i}(1.3) ~= exact(1.3) within ${once}
          assert grad(total${i})(1.3) ~= grad(exact)(1.3) within ${once}
          assert jvp(total${i})(1.3, 1.0) ~= grad(exact)(1.3) within ${once}
          assert jvp(grad(total${i}))(1.3, 1.0) ~= jvp(grad(exact))(1.3, 1.0) within ${twice}`,
        )
        .join("\n");
      runScript(
        `${imports}
        let N = normal[5, 5](key(3))
        let w = normal[5](key(5))
        fn A(p) = ${A}
        fn exact(p: real) = dot(w, linear_solve(A(p), sin(p * w)))
        ${program}`,
        { precision },
      );
    }
  });

test("a bracket that halves has the implicit derivative", () => {
  runScript(`${imports}
    fn middle(p: real) = dot(c, root(x => exp(x) - p * c, from = zeros[2], by = bisection(tol = 1e-11, iters = 60)).x)
    assert grad(middle)(1.5) ~= 2
    assert jvp(grad(middle))(1.5, 1.0) ~= -4 / 3`);
});

test("fits with residuals, fits of tuples, and least squares of singular systems", () => {
  const fits = ["gauss_newton(tol = 1e-12)", "levenberg_marquardt(tol = 1e-12)", "dogleg(tol = 1e-12)"].map(
    (by, i) => `
    fn fit${i}(p: real) = {
      let best = least_squares(q => q.a * exp(-p * q.b * t) - y, from = (a: 1.0, b: 1.0), by = ${by}).x
      best.a + 2 * best.b
    }
    assert grad(fit${i})(1.2) ~= numeric_grad(fit${i})(1.2) within 1e-5
    assert jvp(fit${i})(1.2, 1.0) ~= grad(fit${i})(1.2) within 1e-7`,
  );
  runScript(`${imports}
    let t = linspace[20](0, 2)
    let y = 2 * exp(-1.5 * t) + 0.01 * normal[20](key(2))
    ${fits.join("\n")}
    let S = [[1.0, 1], [1, 1]]
    fn shortest(p: real) = dot([1.0, 3], linear_solve(S, [p^2, 1.0], by = lsmr()))
    assert grad(shortest)(1.5) ~= 3 within 1e-6`);
});
