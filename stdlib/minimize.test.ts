/** The deterministic solvers of `minimize`, in both precisions. */
import assert from "node:assert/strict";
import test from "node:test";
import { runScript, shownNumber } from "./testing.ts";

const imports = `
import { gradient_descent, backtracking_descent, nonlinear_cg, lbfgs, armijo, wolfe, hager_zhang } from "std/first-order"
import { fletcher_reeves, polak_ribiere, hestenes_stiefel, dai_yuan, cg_descent } from "std/first-order"
import { newton, bfgs, trust_region } from "std/second-order"
`;
const precisions = ["f64", "f32"] as const;

const deterministic = [
  "gradient_descent(step = 0.1)",
  "gradient_descent(step = t => 0.1 + 0.05 / (1 + t))",
  "gradient_descent(step = 0.05, momentum = 0.5)",
  "gradient_descent(step = 0.05, momentum = 0.5, nesterov = true)",
  "gradient_descent(step = 1, search = armijo())",
  "gradient_descent(step = 1, momentum = 0.3, search = armijo(shrink = 0.3))",
  "gradient_descent(step = 1, search = wolfe())",
  "gradient_descent(step = 1, search = hager_zhang())",
  "backtracking_descent()",
  "backtracking_descent(step = 1e-4, growth = 4, search = armijo(shrink = 0.3))",
  "nonlinear_cg()",
  "nonlinear_cg(beta = fletcher_reeves)",
  "nonlinear_cg(beta = hestenes_stiefel)",
  "nonlinear_cg(beta = dai_yuan, search = hager_zhang())",
  "nonlinear_cg(beta = cg_descent, search = hager_zhang())",
  "lbfgs()",
  "lbfgs(search = hager_zhang())",
  "lbfgs(history = 1)",
  "lbfgs(history = 3, search = armijo())",
  "lbfgs(search = wolfe(c2 = 0.1))",
  "bfgs()",
  "bfgs(search = armijo())",
  "newton()",
  "trust_region()",
  "trust_region(radius = 1e-3)",
];

for (const precision of precisions)
  for (const solver of deterministic)
    test(`${precision}: ${solver} on quadratics of arrays, tuples and numbers`, () => {
      runScript(
        `${imports}
        let tolerance = 30 * sqrt(epsilon)
        let c = [1.0, -2.0, 3.0]
        let r = minimize(x => dot(x - c, [1, 2, 4] * (x - c)), from = zeros[3], by = ${solver})
        assert r.status == converged
        assert norm(r.x - c) < tolerance
        assert r.error <= sqrt(epsilon)
        assert abs(r.value) < tolerance
        let p = minimize(p => 2 * (p.a - 1)^2 + dot(p.b - 3, p.b - 3), from = (a: 0.0, b: zeros[2, 2]), by = ${solver})
        assert p.status == converged
        assert norm(p.x - (a: 1.0, b: fill[2, 2](3.0))) < tolerance
        let s = minimize(x => (x - 2)^2, from = 1, by = ${solver})
        assert abs(s.x - 2) < tolerance
        let there = minimize(x => dot(x - c, x - c), from = c, by = ${solver})
        assert there.iterations == 0 and there.status == converged`,
        { precision },
      );
    });

for (const precision of precisions)
  for (const [solver, starts] of [
    ["lbfgs(tol = 30 * sqrt(epsilon))", ["[-1.2, 1.0]", "[-3.0, 9.5]", "[0.0, -20.0]", "[50.0, 3.0]"]],
    [
      "lbfgs(search = armijo(), tol = 30 * sqrt(epsilon), iters = 2000)",
      ["[-1.2, 1.0]", "[-3.0, 9.5]", "[0.0, -20.0]"],
    ],
    ["bfgs(tol = 30 * sqrt(epsilon))", ["[-1.2, 1.0]", "[-3.0, 9.5]", "[0.0, -20.0]", "[50.0, 3.0]"]],
    ["trust_region(tol = 30 * sqrt(epsilon))", ["[-1.2, 1.0]", "[-3.0, 9.5]", "[0.0, -20.0]", "[50.0, 3.0]"]],
    [
      "nonlinear_cg(beta = cg_descent, search = hager_zhang(), tol = 30 * sqrt(epsilon), iters = 3000)",
      ["[-1.2, 1.0]", "[-3.0, 9.5]", "[0.0, -20.0]"],
    ],
    ["nonlinear_cg(tol = 30 * sqrt(epsilon), iters = 3000)", ["[-1.2, 1.0]", "[-3.0, 9.5]", "[0.0, -20.0]"]],
    ["newton(tol = 30 * sqrt(epsilon))", ["[-1.2, 1.0]", "[-3.0, 9.5]", "[0.0, -20.0]", "[0.0, 0.5]", "[50.0, 3.0]"]],
  ] as const)
    test(`${precision}: ${solver} on Rosenbrock's function from bad starts`, () => {
      for (const start of starts)
        runScript(
          `${imports}
          let r = minimize(x => 100 * (x[1] - x[0]^2)^2 + (1 - x[0])^2, from = ${start}, by = ${solver})
          show r.x, r.status, r.error
          assert norm(r.x - 1) < 2e3 * sqrt(epsilon)`,
          { precision },
        );
    });

for (const precision of precisions)
  for (const solver of [
    "lbfgs()",
    "newton()",
    "bfgs()",
    "trust_region()",
    "nonlinear_cg()",
    "gradient_descent(step = 1, search = armijo(), iters = 5000)",
  ])
    test(`${precision}: ${solver} on logistic regression`, () => {
      runScript(
        `${imports}
        let (k1, k2) = split(key(3))
        let X = normal[60, 4](k1)
        let y = where(uniform[60](k2) < sigmoid(X @ [1, -1, 0.5, 0]), 1.0, 0.0)
        fn loss(p) = mean(softplus(X @ p.w + p.b) - y * (X @ p.w + p.b)) + 0.01 * dot(p.w, p.w)
        let r = minimize(loss, from = (w: zeros[4], b: 0.0), by = ${solver})
        assert r.status == converged
        assert norm(grad(loss)(r.x)) <= 2 * sqrt(epsilon)
        assert r.x.w[0] > 0.3 and r.x.w[1] < -0.3`,
        { precision },
      );
    });

test("newton leaves saddles, also where the gradient is zero along the way out", () => {
  runScript(
    `${imports}
    let f = x => x[0]^2 - x[1]^2 + x[1]^4
    for_each(f)
  `.replace(
      "for_each(f)",
      ["[1.0, 0.0]", "[0.0, 0.0]", "[3.0, 1e-9]", "[-1.0, -0.1]"]
        .map(
          (from, i) => `
    let r${i} = minimize(f, from = ${from}, by = newton())
    assert r${i}.status == converged
    assert abs(abs(r${i}.x[1]) - sqrt(0.5)) < 1e-6 and abs(r${i}.x[0]) < 1e-6`,
        )
        .join("\n"),
    ),
  );
});

test("newton accepts a Hessian that is singular at the answer", () => {
  runScript(`${imports}
    let r = minimize(x => x[0]^4 + (x[0] + x[1])^2, from = [1, 2], by = newton())
    assert r.status == converged
    let flat = minimize(x => (x[0] + x[1] - 1)^2, from = [3, 4], by = newton())
    assert flat.status == converged and flat.value < 1e-12`);
});

test("points where the objective is not finite are not taken", () => {
  for (const solver of [
    "lbfgs()",
    "lbfgs(search = armijo())",
    "newton()",
    "lbfgs(search = hager_zhang())",
    "bfgs()",
    "nonlinear_cg()",
    "trust_region()",
    "trust_region(radius = 100)",
    "gradient_descent(step = 30, search = armijo())",
    "backtracking_descent(step = 30)",
    "gradient_descent(step = 30, search = wolfe())",
  ])
    runScript(`${imports}
      let r = minimize(x => x - 3 * log(x), from = 0.02, by = ${solver})
      assert r.status == converged
      assert abs(r.x - 3) < 1e-6
      let s = minimize(x => sum(x) - 2 * sum(sqrt(x)), from = [20.0, 0.3], by = ${solver})
      assert norm(s.x - 1) < 1e-6`);
});

test("every way to end", () => {
  const ran = runScript(
    `${imports}
    let few = minimize(x => dot(x, x), from = ones[2], by = gradient_descent(step = 1e-3, iters = 3))
    assert few.status == iterations and few.iterations == 3
    let wild = minimize(x => x^4, from = 2.0, by = gradient_descent(step = 1))
    assert wild.status == diverged and is_finite(wild.x)
    let stuck = minimize(x => x, from = 2.0, by = gradient_descent(step = 0))
    assert stuck.status == stalled or stuck.status == iterations
    let lying = minimize(x => stop_gradient(x * x) - x, from = 2.0, by = gradient_descent(step = 1, search = armijo(), tol = 1e-12))
    assert lying.status == line_search and lying.x == 2
    let lying2 = minimize(x => stop_gradient(x * x) - x, from = 2.0, by = lbfgs())
    assert lying2.status == line_search
    for_each_lying
    let endless = minimize(x => x[0] - x[1], from = [0.0, 0.0], by = lbfgs(iters = 50))
    assert endless.status != converged`.replace(
      "for_each_lying",
      ["bfgs()", "trust_region()", "nonlinear_cg()", "nonlinear_cg(search = hager_zhang())"]
        .map(
          (by, i) => `
    let lie${i} = minimize(x => stop_gradient(x * x) - x, from = 2.0, by = ${by})
    assert lie${i}.status == line_search and lie${i}.x == 2`,
        )
        .join("\n"),
    ),
  );
  assert.ok(ran.warnings.length >= 4, ran.warnings.join("\n"));
});

test("the best point is kept", () => {
  runScript(`${imports}
    let r = minimize(x => x^2, from = 1.0, by = gradient_descent(step = 1.05, iters = 20))
    assert r.status == iterations
    assert r.x == 1 and r.value == 1
    assert r.trace.value[20] > 1`);
});

test("traces, records and schedules", () => {
  const ran = runScript(`${imports}
    let r = minimize(x => dot(x, x), from = ones[2], by = gradient_descent(step = 0.25, iters = 6, tol = 0.1), record = s => (x: s.x, size: norm(s.x)))
    show r.iterations, r.trace.value, r.trace.error, r.trace.x, r.trace.size
    let once = minimize(x => x^2, from = 1.0, by = gradient_descent(step = t => if t == 0 then 0.25 else 0.5))
    assert once.iterations == 2 and once.x == 0`);
  const iterations = shownNumber(ran, "r.iterations");
  assert.equal(iterations, 5);
  const halves = [0, 1, 2, 3, 4, 5, 5].map((t) => 2 ** -t);
  assert.deepEqual(
    ran.shown.get("r.trace.value"),
    halves.map((h) => 2 * h * h),
  );
  assert.deepEqual(
    ran.shown.get("r.trace.x"),
    halves.flatMap((h) => [h, h]),
  );
});

test("one step at a time", () => {
  runScript(`${imports}
    let o = lbfgs()
    let f = x => dot(x - 3, x - 3) + sum(x^4)
    let whole = minimize(f, from = zeros[3], by = lbfgs(iters = 4))
    let stepped = loop s = o.start(f)(zeros[3]) for t in 0..4 { o.next(f)(s, t) }
    assert norm(stepped.x - whole.x) < 1e-12`);
});

test("optima are differentiated through their condition", () => {
  runScript(
    `${imports}
    for_each
    fn by_steps(c: real) = minimize(x => (x - c)^2 + 0.1 * x^4, from = 0.0, by = gradient_descent(step = 0.2, iters = 60), adjoint = unroll).x
    assert grad(by_steps)(1.0) ~= numeric_grad(by_steps)(1.0)
  `.replace(
      "for_each",
      ["lbfgs(tol = 1e-10)", "newton(tol = 1e-10)", "gradient_descent(step = 0.1, tol = 1e-10)"]
        .map(
          (by, i) => `
    fn best${i}(c: real) = argmin(x => dot(x - c, x - c) + 0.1 * sum(x^4), from = zeros[2], by = ${by})
    fn total${i}(c: real) = sum(best${i}(c))
    assert grad(total${i})(1.0) ~= numeric_grad(total${i})(1.0)`,
        )
        .join("\n"),
    ),
  );
});
