/** The standard solvers on the problems of Moré, Garbow and Hillstrom, in both precisions. */
import test from "node:test";
import { runScript } from "../testing.ts";
import { moduleText, namesIn, solver, testCollection } from "./chapter.ts";
import type { Collection } from "./table.ts";

const sizes: Readonly<Record<string, number>> = { extended_rosenbrock: 5, extended_powell_singular: 3 };

const square = new Set([
  "rosenbrock",
  "freudenstein_roth",
  "powell_badly_scaled",
  "helical_valley",
  "powell_singular",
  "extended_rosenbrock",
  "extended_powell_singular",
  "trigonometric",
  "brown_almost_linear",
  "discrete_boundary_value",
  "discrete_integral_equation",
  "broyden_tridiagonal",
  "broyden_banded",
  "chebyquad",
]);

const mgh: Collection = {
  module: "more-garbow-hillstrom",
  problems: namesIn("more-garbow-hillstrom").map(([name, sized]) => ({
    name,
    call: `${name}${sized ? `[${sizes[name] ?? 10}]` : ""}()`,
    square: square.has(name),
  })),
  solvers: [
    solver("minimize", "lbfgs()"),
    solver("minimize", "nonlinear_cg()"),
    solver("minimize", "bfgs()"),
    solver("minimize", "newton()"),
    solver("minimize", "trust_region()"),
    solver("least_squares", "gauss_newton()"),
    solver("least_squares", "levenberg_marquardt()"),
    solver("least_squares", "dogleg()"),
    solver("root", "newton_root()"),
    solver("root", "broyden()"),
    solver("minimize", "lbfgs()", "f32"),
    solver("minimize", "trust_region()", "f32"),
    solver("least_squares", "levenberg_marquardt()", "f32"),
    solver("root", "newton_root()", "f32"),
  ],
  tolerance: { f64: [1e-6, 1e-10], f32: [1e-3, 1e-5] },
};

testCollection(mgh);

test("the global minimum of Freudenstein and Roth is one, though no standard start leads there", () => {
  const module = "./more-garbow-hillstrom.opt";
  runScript(
    `import { freudenstein_roth } from "${module}"
    let r = root(freudenstein_roth().residual, from = [6.0, 5.0])
    assert r.status == converged and norm(r.x - [5, 4]) < 1e-8`,
    { modules: { [module]: moduleText("more-garbow-hillstrom") } },
  );
});
