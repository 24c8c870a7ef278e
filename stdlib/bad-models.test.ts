/** Models without an answer, with many answers, or that a method does not take: each ends clearly, finitely and soon. */
import assert from "node:assert/strict";
import test from "node:test";
import { type Plain, runScript } from "./testing.ts";

const models = `
import { osqp, interior_point, augmented_lagrangian, lbfgs_b, projected_descent } from "std/constrained"
import { simplex, scaled_simplex, box, nonnegative } from "std/sets"
problem crossed(a: real) { var x: real[2]
  minimize dot(x, x)
  subject to { x >= a; x <= 0 } }
problem crossed_rows(a: real) { var x: real[2]
  minimize dot(x, x)
  subject to { x[0] + x[1] >= 3 * a; x[0] + x[1] <= 2 } }
problem contradiction(a: real) { var x: real[2]
  minimize dot(x, x)
  subject to { sum(x) == a; 2 * sum(x) == 3 } }
problem ring(a: real) { var x: real[2]
  minimize x[0]
  subject to { dot(x, x) <= -a } }
problem inconsistent(a: real) { var x: real[2]
  minimize dot(x, x)
  subject to { x[0] == a; x[1] == 2; x[0] + x[1] == 4 } }
problem empty_box(a: real) { var x: real[2] in box(a, 0.0)
  minimize dot(x, x) }
problem negative_simplex(a: real) { var x: real[2] in scaled_simplex(-a)
  minimize dot(x, x) }
problem set_and_bound(a: real) { var x: real[2] in simplex
  minimize dot(x, x)
  subject to { x >= 0.6 * a } }
problem down(a: real) { var x: real[2]
  minimize x[0] - a * x[1]
  subject to { x >= 0 } }
problem down_line(a: real) { var x: real[2]
  minimize -a * x[0] - x[1]
  subject to { x[0] - x[1] == 0 } }
problem down_set(a: real) { var x: real[2] in nonnegative
  minimize -a * sum(x) }
problem hill(a: real) { var x: real[2]
  minimize -a * x[0]^2 + x[1]^2
  subject to { x >= -1 } }
problem valley(a: real) { var x: real[2]
  minimize (x[0] - a)^2
  subject to { x[0] + x[1] == 1 } }
problem redundant(a: real) { var x: real[2]
  minimize dot(x - 2, x - 2)
  subject to { [x[0], x[0], x[1], sum(x), sum(x)] <= a } }
problem twice(a: real) { var x: real[2]
  minimize dot(x - 2, x - 2)
  subject to { x <= a; x <= 1; x >= -1; x >= -1 } }
problem determined(a: real) { var x: real[2]
  minimize dot(x, x)
  subject to { x[0] == a; x[1] == 2; x[0] + x[1] == 3; x[0] - x[1] == -1 } }
problem saddle(a: real) { var x: real[2]
  minimize x[0] * x[1]
  subject to { -1 <= x <= a } }
problem undefined_start(a: real) { var x: real[2]
  minimize a * sum(x) - sum(log(x - 1))
  subject to { x <= 5 } }
`;

const solvers = ["interior_point", "augmented_lagrangian", "osqp", "lbfgs_b", "projected_descent"] as const;

/** A status, the answer of one that converges, or the code of the diagnostic. */
const expected = `
crossed           infeasible  infeasible  infeasible  infeasible  infeasible
crossed_rows      infeasible  infeasible  infeasible  K0756       K0756
contradiction     infeasible  infeasible  infeasible  K0756       K0756
ring              infeasible  infeasible  K0984       K0756       K0756
inconsistent      infeasible  infeasible  infeasible  K0756       K0756
empty_box         infeasible  infeasible  infeasible  infeasible  infeasible
negative_simplex  infeasible  infeasible  infeasible  K0756       infeasible
set_and_bound     infeasible  infeasible  infeasible  K0756       K0756
down              unbounded   unbounded   unbounded   unbounded   unbounded
down_line         unbounded   unbounded   unbounded   K0756       K0756
down_set          unbounded   unbounded   unbounded   unbounded   unbounded
hill              unbounded   unbounded   K0985       unbounded   unbounded
valley            1,0         1,0         1,0         K0756       K0756
redundant         0.5,0.5     0.5,0.5     0.5,0.5     K0756       K0756
twice             1,1         1,1         1,1         1,1         1,1
determined        1,2         1,2         1,2         K0756       K0756
saddle            -1,1        -1,1        K0985       -1,1        -1,1
undefined_start   diverged    diverged    K0983       diverged    diverged
`
  .trim()
  .split("\n")
  .map((line) => line.split(/ +/) as [string, ...string[]]);

const finite = (v: Plain | undefined) => (v as readonly number[]).every(Number.isFinite);

for (const precision of ["f64", "f32"] as const)
  test(`${precision}: every solver of models says what is wrong with a bad one, and solves an odd one`, () => {
    for (const [column, solver] of solvers.entries()) {
      const call = (model: string) =>
        `solve(${model}(1.0), ${["hill", "saddle"].includes(model) ? "from = (x: [0.1, 0.2]), " : ""}by = ${solver}())`;
      const rows = expected.map(([model, ...cells]) => [model, cells[column]!] as const);
      const refused = rows.filter(([, cell]) => cell.startsWith("K"));
      for (const [model, code] of refused)
        assert.throws(
          () => runScript(`${models}show ${call(model)}.x`, { precision }),
          new RegExp(code),
          `${model} by ${solver}`,
        );
      const run = rows.filter((row) => !refused.includes(row));
      const text = run.map(([m]) => `let ${m}_r = ${call(m)}\nshow ${m}_r.status, ${m}_r.x, ${m}_r.iterations`);
      const { shown } = runScript(`${models}${text.join("\n")}`, { precision });
      for (const [model, cell] of run) {
        const [status, x] = [shown.get(`${model}_r.status`), shown.get(`${model}_r.x`)];
        const what = `${model} by ${solver} in ${precision}: ${status} at ${x} after ${shown.get(`${model}_r.iterations`)}`;
        const answer = /^-?\d/.test(cell) ? cell.split(",").map(Number) : undefined;
        assert.equal(status, answer ? "converged" : cell, what);
        assert.ok(finite(x), what);
        const near = precision === "f64" ? 1e-5 : 2e-3;
        for (const [i, a] of (answer ?? []).entries())
          assert.ok(Math.abs((x as readonly number[])[i]! - a) <= near, what);
      }
    }
  });

const objectives = {
  linear: "x[0] + 2 * x[1]",
  concave: "-dot(x, x)",
  steep: "-exp(x[0])",
  undefined_start: "sum(log(x - 9))",
} as const;

/** For each objective from (1, 0.5): what `newton` says of a linear one is that no step is right. */
const smooth: Readonly<Record<string, readonly string[]>> = {
  "backtracking_descent()": ["unbounded", "unbounded", "unbounded", "diverged"],
  "nonlinear_cg()": ["unbounded", "unbounded", "diverged", "diverged"],
  "lbfgs()": ["unbounded", "unbounded", "unbounded", "diverged"],
  "lbfgs(search = hager_zhang())": ["unbounded", "unbounded", "unbounded", "diverged"],
  "bfgs()": ["unbounded", "unbounded", "unbounded", "diverged"],
  "newton()": ["line_search", "unbounded", "unbounded", "diverged"],
  "trust_region()": ["unbounded", "unbounded", "unbounded", "diverged"],
  "proximal_gradient(lasso(0.1))": ["unbounded", "unbounded", "*", "diverged"],
  "block_coordinate_descent(lasso(0.1))": ["*", "unbounded", "*", "diverged"],
};

for (const precision of ["f64", "f32"] as const)
  test(`${precision}: objectives without a minimum, or not defined where the search starts`, () => {
    const text = Object.keys(smooth).map((by, i) =>
      Object.entries(objectives)
        .map(
          ([n, f]) =>
            `let ${n}${i} = minimize(x => ${f}, from = [1.0, 0.5], by = ${by})\nshow ${n}${i}.status, ${n}${i}.x`,
        )
        .join("\n"),
    );
    const { shown } = runScript(
      `import { backtracking_descent, nonlinear_cg, lbfgs, hager_zhang } from "std/first-order"
import { newton, bfgs, trust_region } from "std/second-order"
import { proximal_gradient, block_coordinate_descent } from "std/constrained"
import { lasso } from "std/prox"
${text.join("\n")}`,
      { precision },
    );
    Object.entries(smooth).forEach(([by, statuses], i) => {
      Object.keys(objectives).forEach((n, j) => {
        const status = shown.get(`${n}${i}.status`);
        const what = `${n} by ${by} in ${precision}: ${status} at ${shown.get(`${n}${i}.x`)}`;
        if (statuses[j] === "*") assert.notEqual(status, "converged", what);
        else assert.equal(status, statuses[j], what);
        assert.ok(finite(shown.get(`${n}${i}.x`)), what);
      });
    });
  });

test("a set without points has no nearest one, and steps that rounding swallows are no answer", () => {
  runScript(`import { projected_gradient, proximal_gradient, block_coordinate_descent } from "std/constrained"
import { box } from "std/sets"
import { lasso } from "std/prox"
let none = minimize(x => dot(x, x), from = ones[2], by = projected_gradient(box(1.0, 0.0)))
assert none.status == infeasible
let undefined_value = minimize(x => sum(log(x - 9)), from = ones[2], by = proximal_gradient(lasso(0.1)))
assert undefined_value.status == diverged
let kink = minimize(x => sum(abs(x - 0.3)), from = ones[2], by = proximal_gradient(lasso(2.0)))
assert kink.status == converged and norm(kink.x) == 0
let rough = minimize(x => sum(abs(x - 0.3)), from = ones[2], by = proximal_gradient(lasso(0.1)))
assert rough.status != converged, "f has a kink at the answer, where its gradient is not zero"`);
});

test("where rows repeat each other the answer still has its derivative", () => {
  const { warnings } = runScript(`${models}
let slope = jacobian(a => solve(twice(a), by = lbfgs_b()).x)(0.5)
assert norm(slope - 1) < 1e-6
let along = jacobian(a => solve(redundant(a), by = interior_point(tol = 1e-10)).x)(1.0)
assert norm(along - 0.5) < 1e-5`);
  assert.ok(
    warnings.every((w) => w.startsWith("K0411")),
    warnings.join("\n"),
  );
});
