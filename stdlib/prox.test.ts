/** Proximal operators: the minimiser that they claim, their derivatives, and their kinks. */
import assert from "node:assert/strict";
import test from "node:test";
import { runScript } from "./testing.ts";

const penalties = [
  "no_penalty()",
  "lasso(l)",
  "lasso(l * [1.0, 2, 0, 1, 0.5])",
  "nonnegative_lasso(l)",
  "elastic_net(l, 0.6)",
  "group_lasso(l)",
  "group_lasso(3 * l)",
  "ridge(l)",
  "nonnegative_ridge(l)",
  "log_barrier(l)",
  "maximum_norm(l)",
  "maximum_norm(6 * l)",
  "huber_penalty(l, 0.5)",
  "scaled(2, lasso(l))",
  "rows(group_lasso(l))",
  "rows(lasso(l))",
  "indicator((project: v => project_simplex(v)))",
];
const names = [...new Set(penalties.flatMap((p) => p.match(/[a-z_]+(?=\()/g) ?? []))].filter((n) => !/project/.test(n));
const imports = `import { ${names.join(", ")} } from "std/prox"
import { project_simplex } from "std/projections"\n`;

for (const precision of ["f64", "f32"] as const)
  for (const penalty of penalties)
    test(`${precision}: ${penalty}`, () => {
      const double = precision === "f64";
      const shape = penalty.startsWith("rows") ? "4, 3" : "5";
      const constrained = penalty.startsWith("indicator");
      runScript(
        `${imports}
        fn penalty(l: real) = ${penalty}
        fn prox(x, l: real, step: real) = penalty(l).prox(x, step)
        fn total(z, x, l: real, step: real) = step * penalty(l).value(z) + 0.5 * dot(z - x, z - x)
        fn point(k) = 2 * normal[${shape}](k)
        let keys = split[5](key(11))
        let others = split[8](key(12))
        let (l, step) = (0.7, 0.9)
        // The function to be minimised is strongly convex: every other point is worse by at least half its distance squared.
        fn gap(x) = {
          let p = prox(x, l, step)
          max([total(p, x, l, step) + 0.5 * dot(z - p, z - p) - total(z, x, l, step) for z in [candidate(o, p) for o in others]])
        }
        assert max([gap(point(k)) for k in keys]) <= 300 * epsilon
        let batched = [prox(point(k), l, step) for k in keys]
        let looped = loop looped = zeros_like(batched) for i in 0..5 { looped with [i] = prox(point(keys[i]), l, step) }
        assert norm(batched - looped) <= 20 * epsilon
        let (u, c) = (normal[${shape}](key(5)), normal[${shape}](key(6)))
        fn along(x) = dot(c, sin(prox(x, l, step)))
        fn both(x) = dot(u, grad(along)(x)) - jvp(along)(x, u)
        assert max([abs(both(point(k))) for k in keys]) <= 50 * epsilon
        ${double ? differences : ""}`.replace(
          "        // The function",
          `        fn candidate(k, p) = ${constrained ? `project_simplex(p + normal[${shape}](k))` : `where(p > 0, p * (0.5 + uniform[${shape}](fold_in(k, 1))), p + ${/nonneg/.test(penalty) ? "relu" : "1.0 * "}(normal[${shape}](k)))`}
        // The function`,
        ),
        { precision },
      );
    });

const differences = `
        let slopes = [grad(along)(point(k)) for k in keys]
        assert max(abs(slopes - [numeric_grad(along)(point(k)) for k in keys])) < 1e-6
        let twice = [jvp(grad(along))(point(k), u) for k in keys]
        assert max(abs(twice - [numeric_grad(x => jvp(along)(x, u))(point(k)) for k in keys])) < 1e-5
        fn in_weight(x) = l => dot(c, sin(prox(x, l, step)))
        fn in_step(x) = step => dot(c, sin(prox(x, l, step)))
        assert max([abs(grad(in_weight(point(k)))(l) - numeric_grad(in_weight(point(k)))(l)) for k in keys]) < 1e-6
        assert max([abs(grad(in_step(point(k)))(step) - numeric_grad(in_step(point(k)))(step)) for k in keys]) < 1e-6`;

test("kinks: finite derivatives, those of the side that is zero", () => {
  runScript(`import { prox_none, prox_lasso, prox_nonnegative_lasso, prox_elastic_net, prox_group_lasso, prox_ridge, prox_nonnegative_ridge, prox_log, prox_maximum_norm, prox_huber, rows, group_lasso } from "std/prox"
    let z = zeros[3]
    assert norm(jacobian(x => prox_lasso(x, 0.5))([0.5, -0.5, 0])) == 0
    assert norm(jacobian(x => prox_lasso(x, 0.5))([0.6, -0.6, 0.1]) - diag([1.0, 1, 0])) == 0
    assert norm(jacobian(l => prox_lasso([1.0, -1, 0.1], l))(0.5) - [-1, 1, 0]) == 0
    assert norm(jacobian(x => prox_nonnegative_lasso(x, 0.5))([0.5, 1, 0]) - diag([0.0, 1, 0])) == 0
    assert norm(jacobian(x => prox_elastic_net(x, 0.5, 2))([0.5, 1, 0]) - diag([0.0, 0.5, 0])) == 0
    assert norm(jacobian(x => prox_group_lasso(x, 0.5))(z)) == 0
    assert norm(jacobian(x => prox_group_lasso(x, 5))([3.0, 4, 0])) == 0
    assert norm(jacobian(l => prox_group_lasso(z, l))(0.5)) == 0
    assert norm(hessian(x => sum(prox_group_lasso(x, 0.5)))(z)) == 0
    assert norm(jacobian(l => prox_group_lasso([3.0, 4], l))(0.5) + [0.6, 0.8]) < 1e-15
    let x = [3.0, 4]
    let (length, w) = (norm(x), 0.5)
    assert norm(jacobian(x => prox_group_lasso(x, w))(x) - (1 - w / length) * eye[2] - w * outer(x, x) / length^3) < 1e-15
    assert norm(prox_ridge(x, 2, 0.5) - x / 2) == 0
    assert norm(prox_nonnegative_ridge([-1.0, 2], 2, 0.5) - [0, 1]) == 0
    assert norm(jacobian(x => prox_maximum_norm(x, 1))(z)) == 0
    assert norm(prox_maximum_norm([3.0, 1], 1) - [2, 1]) == 0
    assert is_finite(sum(jacobian(x => prox_log(x, 1))(z)))
    assert abs(prox_log(-1e9, 1) * 1e9 - 1) < 1e-12
    assert norm(prox_huber([0.1, 5, -5], 1, 0.5) - [0.05, 4.5, -4.5]) < 1e-15
    assert norm(prox_none(x, 3) - x) == 0
    let X = [[3.0, 4], [0.0, 0], [0.3, 0.4]]
    assert norm(rows(group_lasso(1)).prox(X, 1) - [[2.4, 3.2], [0, 0], [0, 0]]) < 1e-15
    assert is_finite(sum(grad(X => sum(rows(group_lasso(1)).prox(X, 1)^2))(X)))`);
});

test("tuples and numbers", () => {
  runScript(`import { lasso, group_lasso, maximum_norm } from "std/prox"
    let p = (a: 2.0, b: [[-3.0, 0.1]])
    let q = lasso(1).prox(p, 0.5)
    assert abs(q.a - 1.5) + norm(q.b - [[-2.5, 0]]) == 0
    assert lasso(2).value(p) == 10.2
    assert abs(group_lasso(1).value(p) - norm(ravel(p))) < 1e-15
    assert norm(ravel(group_lasso(1).prox(p, 1)) - group_lasso(1).prox(ravel(p), 1)) == 0
    assert norm(ravel(maximum_norm(1).prox(p, 1)) - maximum_norm(1).prox(ravel(p), 1)) == 0
    assert lasso(1).prox(-2, 0.5) == -1.5`);
});

test("a point that a penalty forbids has no finite value", () => {
  runScript(`import { nonnegative_lasso, nonnegative_ridge } from "std/prox"
    assert nonnegative_lasso(1).value([1.0, 2]) == 3
    assert nonnegative_lasso(1).value([1.0, -2]) == inf
    assert nonnegative_ridge(1).value([-1.0, 2]) == inf`);
});

test("every penalty has a case", () => assert.ok(names.length >= 13));
