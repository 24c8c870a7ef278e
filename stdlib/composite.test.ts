/** Proximal, projected, mirror, block and Frank-Wolfe methods: answers, endings, scales, and derivatives of every kind. */
import assert from "node:assert/strict";
import test from "node:test";
import { runScript } from "./testing.ts";

const imports = `
import { proximal_gradient, projected_gradient, projected_descent, mirror_descent, block_coordinate_descent, frank_wolfe, simplex_vertex, l1_ball_vertex, l2_ball_vertex, box_vertex } from "std/constrained"
import { lasso, elastic_net, group_lasso, nonnegative_lasso, log_barrier, rows, indicator, no_penalty, entropic_step } from "std/prox"
import { project_simplex, project_l1_ball, project_l2_ball, project_box } from "std/projections"
`;
const precisions = ["f64", "f32"] as const;
const fill = (text: string, lines: readonly string[]) => text.replace("for_each", lines.join("\n        "));

/** min 0.5 |A x - y|^2 / n + penalty by one method, so that the answers can be compared. */
const regressions: readonly (readonly [string, string])[] = [
  ["proximal_gradient(lasso(0.2))", "lasso(0.2).prox"],
  ["proximal_gradient(lasso(0.2), accelerated = false, iters = 2000)", "lasso(0.2).prox"],
  ["proximal_gradient(lasso(0.2), step = 0.05, iters = 3000)", "lasso(0.2).prox"],
  ["proximal_gradient(lasso(0.2), step = t => 0.05 + 0.02 / (1 + t), iters = 3000)", "lasso(0.2).prox"],
  ["proximal_gradient(lasso([0.0, 0.1, 0.5, 1, 0, 0.3]))", "lasso([0.0, 0.1, 0.5, 1, 0, 0.3]).prox"],
  ["proximal_gradient(elastic_net(0.2, 0.5))", "elastic_net(0.2, 0.5).prox"],
  ["proximal_gradient(group_lasso(0.3))", "group_lasso(0.3).prox"],
  ["proximal_gradient(nonnegative_lasso(0.1))", "nonnegative_lasso(0.1).prox"],
  ["proximal_gradient(log_barrier(0.1))", "log_barrier(0.1).prox"],
  ["proximal_gradient(no_penalty())", "(x, s) => x"],
  ["proximal_gradient(indicator((project: project_simplex)))", "(x, s) => project_simplex(x)"],
  ["projected_gradient((project: project_simplex))", "(x, s) => project_simplex(x)"],
  ["projected_gradient((project: v => project_l1_ball(v, 0.7)))", "(x, s) => project_l1_ball(x, 0.7)"],
  [
    "projected_gradient((project: v => project_l2_ball(v, 0.5)), accelerated = false)",
    "(x, s) => project_l2_ball(x, 0.5)",
  ],
  [
    "projected_gradient((project: v => project_box(v, -0.1, 0.4)), step = 0.1, iters = 2000)",
    "(x, s) => project_box(x, -0.1, 0.4)",
  ],
  ["mirror_descent(entropic_step, step = 0.3, iters = 4000)", "(x, s) => project_simplex(x)"],
  ["block_coordinate_descent(lasso(0.2))", "lasso(0.2).prox"],
  ["block_coordinate_descent(lasso(0.2), step = [0.5, 0.2, 1, 0.5, 0.08, 2], iters = 2000)", "lasso(0.2).prox"],
  [
    "block_coordinate_descent(indicator((project: v => project_box(v, -0.1, 0.4))))",
    "(x, s) => project_box(x, -0.1, 0.4)",
  ],
];

for (const precision of precisions)
  test(`${precision}: each method converges to a point of its condition`, () => {
    runScript(
      fill(
        `${imports}
        let (n, d) = (30, 6)
        let A = normal[n, d](key(1)) * [1.0, 2, 0.5, 1, 3, 0.3]
        let y = A @ [1.0, -1, 0.5, 0, 0, 0] + 0.1 * normal[n](key(2))
        fn f(x) = 0.5 * dot(A @ x - y, A @ x - y) / n
        for_each`,
        regressions.map(
          ([by, prox], i) => `
        let by${i} = ${by}
        let prox${i} = ${prox}
        let r${i} = minimize(f, from = fill[d](1 / d), by = by${i})
        assert r${i}.status == converged
        assert norm(prox${i}(r${i}.x - grad(f)(r${i}.x), 1) - r${i}.x) <= 5 * sqrt(epsilon)
        assert minimize(f, from = r${i}.x, by = by${i}).iterations <= 3`,
        ),
      ),
      { precision },
    );
  });

for (const precision of precisions)
  test(`${precision}: Frank-Wolfe ends within its gap of the minimum`, () => {
    runScript(
      fill(
        `${imports}
        let A = normal[20, 5](key(1))
        let y = normal[20](key(2))
        fn f(x) = 0.5 * dot(A @ x - y, A @ x - y) / 20
        for_each`,
        [
          ["simplex_vertex", "project_simplex", ""],
          ["d => l1_ball_vertex(d, 0.2)", "x => project_l1_ball(x, 0.2)", ""],
          ["d => l2_ball_vertex(d, 0.1)", "x => project_l2_ball(x, 0.1)", ", tol = 1e-5"],
          ["d => box_vertex(d, -0.1, 0.4)", "x => project_box(x, -0.1, 0.4)", ""],
          ["d => box_vertex(d, -0.1, 0.4)", "x => project_box(x, -0.1, 0.4)", ", atoms = 3, tol = 1e-3"],
        ].map(
          ([vertex, project, options], i) => `
        let vertex${i} = ${vertex}
        let project${i} = ${project}
        let r${i} = minimize(f, from = project${i}(fill[5](0.2)), by = frank_wolfe(vertex${i}, project${i}${options}, iters = 1000))
        assert r${i}.status == converged
        assert norm(project${i}(r${i}.x) - r${i}.x) <= 10 * epsilon
        let best${i} = minimize(f, from = project${i}(fill[5](0.2)), by = projected_gradient((project: project${i})))
        assert r${i}.value - best${i}.value <= r${i}.error + 10 * epsilon and best${i}.value <= r${i}.value + 10 * epsilon
        assert norm(r${i}.x - best${i}.x) <= 10 * sqrt(r${i}.error) + 10 * sqrt(epsilon)
        // No point of the set has a smaller product with d than the vertex.
        let d${i} = normal[5](key(9))
        assert max([dot(d${i}, vertex${i}(d${i}) - project${i}(normal[5](k))) for k in split[20](key(4))]) <= 10 * epsilon`,
        ),
      ),
      { precision },
    );
  });

for (const precision of precisions)
  test(`${precision}: other scales, bad starts, trials outside the domain, functions that are not convex`, () => {
    runScript(
      `${imports}
      for_each_scale
      // The first steps lead to where the logarithm is not defined: they are not taken.
      let barrier = minimize(x => x - 3 * log(x), from = 0.01, by = proximal_gradient(lasso(0.5)))
      assert barrier.status == converged and abs(barrier.x - 2) < 20 * sqrt(epsilon)
      fn rosenbrock(x) = 100 * (x[1] - x[0]^2)^2 + (1 - x[0])^2
      let valley = minimize(rosenbrock, from = [-1.2, 1], by = projected_gradient((project: v => project_box(v, -2, [0.5, 2])), iters = 20000, tol = 30 * sqrt(epsilon)))
      assert valley.status == converged and norm(valley.x - [0.5, 0.25]) < 1e-2
      let saddle = minimize(x => x[0] * x[1], from = [0.3, 0.2], by = projected_gradient((project: v => project_box(v, -1, 1))))
      assert saddle.status == converged
      // Far from the minimum, and far from the right scale of the step.
      let far = minimize(x => sum(cosh(x - 1)), from = [20.0, -8], by = proximal_gradient(lasso(0.5)))
      assert far.status == converged and norm(far.x - (1 - asinh(0.5))) < 20 * sqrt(epsilon)
      let p = minimize(p => (p.a - 2)^2 + dot(p.b - 1, p.b - 1), from = (a: 0.0, b: zeros[2, 2]), by = proximal_gradient(lasso(1)))
      assert norm(p.x - (a: 1.5, b: fill[2, 2](0.5))) < 10 * sqrt(epsilon)
      let number = minimize(x => (x - 2)^2, from = 7, by = proximal_gradient(lasso(1)))
      assert abs(number.x - 1.5) < 10 * sqrt(epsilon)
      let groups = minimize(X => dot(X - 1, X - 1), from = zeros[3, 4], by = block_coordinate_descent(group_lasso(1)))
      assert norm(groups.x - 0.75) < 10 * sqrt(epsilon)
      let simplices = minimize(X => dot(X - eye[3], X - eye[3]), from = fill[3, 3](1 / 3), by = block_coordinate_descent(indicator((project: project_simplex))))
      assert norm(simplices.x - eye[3]) < 10 * sqrt(epsilon)`.replace(
        "for_each_scale",
        ["1e-3", "1", "1e4"]
          .map(
            (scale, i) => `
      let big${i} = minimize(x => 0.5 * ${scale} * dot(x - [1, -2], [1.0, 9] * (x - [1, -2])), from = [500.0, 300], by = proximal_gradient(lasso(${scale} * 0.5), iters = 3000, tol = sqrt(epsilon) * max(1, ${scale})))
      assert big${i}.status == converged
      assert norm(big${i}.x - [0.5, -2 + 0.5 / 9]) < 3 * sqrt(epsilon) * max(1, 1 / ${scale})`,
          )
          .join("\n"),
      ),
      { precision },
    );
  });

test("every way to end", () => {
  const ran = runScript(`${imports}
    let few = minimize(x => sum((x - 3)^4), from = zeros[2], by = proximal_gradient(lasso(0.1), iters = 2))
    assert few.status == iterations and few.iterations == 2
    let there = minimize(x => dot(x, x), from = zeros[2], by = proximal_gradient(lasso(0.1)))
    assert there.status == converged and there.iterations == 0
    let lying = minimize(x => stop_gradient(x * x) - 9 * x, from = 2.0, by = proximal_gradient(lasso(0.1), tries = 8))
    assert lying.status == line_search
    let lying2 = minimize(x => stop_gradient(dot(x, x)) - 9 * sum(x), from = ones[2], by = block_coordinate_descent(lasso(0.1), tries = 8))
    assert lying2.status == line_search
    let lying3 = minimize(x => stop_gradient(1e6 * norm(x - 1)) + sum(x), from = ones[2], by = frank_wolfe(d => box_vertex(d, 0, 1), x => project_box(x, 0, 1), tries = 8))
    assert lying3.status == line_search
    let wild = minimize(x => x^4, from = 9.0, by = proximal_gradient(lasso(0.1), step = 1))
    assert wild.status == diverged and is_finite(wild.x)
    let endless = minimize(x => -sum(x), from = zeros[2], by = proximal_gradient(lasso(0.1), iters = 50))
    assert endless.status != converged`);
  assert.ok(ran.warnings.length >= 3, ran.warnings.join("\n"));
});

test("derivatives through each: both modes, twice, unrolled, batched", () => {
  runScript(
    fill(
      `${imports}
      let A = normal[12, 4](key(1))
      let y = normal[12](key(2))
      fn fit(w) = x => 0.5 * dot(A @ x - w * y, A @ x - w * y) / 12 + 0.05 * sum(x^4)
      for_each`,
      [
        ["proximal_gradient(lasso(p[1]), tol = 1e-12, iters = 400)", "zeros[4]"],
        ["proximal_gradient(elastic_net(p[1], 0.5), accelerated = false, tol = 1e-12, iters = 600)", "zeros[4]"],
        ["proximal_gradient(group_lasso(p[1]), tol = 1e-12, iters = 400)", "zeros[4]"],
        ["projected_gradient((project: v => project_simplex(v, 2 * p[1])), tol = 1e-12, iters = 400)", "fill[4](0.1)"],
        ["projected_gradient((project: v => project_l2_ball(v, p[1])), tol = 1e-12, iters = 400)", "fill[4](0.1)"],
        [
          "mirror_descent((x, d) => entropic_step(x, d, 2 * p[1]), step = 0.4, tol = 1e-12, iters = 1200)",
          "fill[4](0.05)",
        ],
        ["block_coordinate_descent(lasso(p[1]), tol = 1e-12, iters = 100)", "zeros[4]"],
        [
          "frank_wolfe(d => l1_ball_vertex(d, p[1]), x => project_l1_ball(x, p[1]), atoms = 8, tol = 1e-14)",
          "zeros[4]",
        ],
      ].map(
        ([by, from], i) => `
      fn best${i}(p) = argmin(fit(p[0]), from = ${from}, by = ${by})
      fn unrolled${i}(p) = argmin(fit(p[0]), from = ${from}, by = ${by}, adjoint = unroll)
      fn total${i}(p) = dot([1.0, -2, 3, 0.5], sin(best${i}(p)))
      let p${i} = [1.3, 0.12]
      let J${i} = jacobian(best${i}, mode = forward)(p${i})
      assert norm(J${i}) > 0.01
      assert norm(J${i} - jacobian(best${i}, mode = reverse)(p${i})) < 1e-9
      assert norm(J${i} - jacobian(unrolled${i}, mode = forward)(p${i})) < 1e-7
      assert norm(grad(total${i})(p${i}) - numeric_grad(total${i})(p${i})) < 1e-6
      assert norm(hvp(total${i})(p${i}, [1.0, 1]) - numeric_grad(p => jvp(total${i})(p, [1.0, 1]))(p${i})) < 1e-5
      let several${i} = [best${i}([w, 0.12]) for w in [0.7, 1.3, 1.6]]
      assert norm(several${i}[1] - best${i}(p${i})) < 1e-10`,
      ),
    ),
  );
});

test("unrolled in reverse mode", () => {
  runScript(
    fill(
      `${imports}
      let A = normal[12, 4](key(1))
      let y = normal[12](key(2))
      fn fit(w) = x => 0.5 * dot(A @ x - w * y, A @ x - w * y) / 12
      for_each`,
      [
        "proximal_gradient(lasso(p[1]), tol = 1e-9, iters = 60)",
        "projected_gradient((project: v => project_simplex(v, 2 * p[1])), tol = 1e-9, iters = 60)",
        "block_coordinate_descent(lasso(p[1]), tol = 1e-9, iters = 40)",
      ].map(
        (by, i) => `
      fn best${i}(p) = argmin(fit(p[0]), from = fill[4](0.1), by = ${by})
      fn unrolled${i}(p) = argmin(fit(p[0]), from = fill[4](0.1), by = ${by}, adjoint = unroll)
      assert norm(grad(p => sum(unrolled${i}(p)))([1.3, 0.2]) - grad(p => sum(best${i}(p)))([1.3, 0.2])) < 1e-5`,
      ),
    ),
  );
});

test("the lasso's closed form, n observations: on the support -n (X'X)^-1 sign(b), off it 0 (paper 01, R5)", () => {
  runScript(`${imports}
    let (n, d) = (40, 6)
    let X = normal[n, d](key(4))
    let y = X @ [2.0, -1.5, 1, 0, 0, 0] + 0.1 * normal[n](key(5))
    fn best(l: real) = argmin(b => 0.5 / n * dot(X @ b - y, X @ b - y), from = zeros[d], by = proximal_gradient(lasso(l), tol = 1e-12))
    let b = best(0.3)
    assert norm(b[3:]) == 0 and min(abs(b[:3])) > 0.1
    let XS = X[:, :3]
    let closed = -n * linear_solve(XS' @ XS, sign(b[:3]))
    let found = jacobian(best)(0.3)
    assert norm(found[:3] - closed) < 1e-9 and norm(found[3:]) == 0`);
});

test("models: sets and bounds through the projection, with derivatives", () => {
  runScript(`${imports}
    problem plan(c: real[n], top: real) {
      var x: real[n] in (project: project_simplex)
      var u: real
      minimize dot(x - c, x - c) + (u - x[0])^2
      subject to {
        cap: u <= top
      }
    }
    problem inside(c: real[n]) {
      var x: real[n]
      maximize dot(c, x) - 0.5 * dot(x, x)
      subject to {
        band: -1 <= x <= 1
      }
    }
    let c = [0.5, 1.2, 0.4]
    let r = solve(plan(c, 0.1), by = projected_descent())
    assert r.status == converged
    assert abs(sum(r.x) - 1) < 1e-12 and r.u == 0.1
    fn total(c) = dot([1.0, 2, 3], solve(plan(c, 0.1), by = projected_descent(tol = 1e-12)).x)
    assert norm(grad(total)(c) - numeric_grad(total)(c)) < 1e-6
    let b = solve(inside([0.5, -3, 2]), by = projected_descent())
    assert norm(b.x - [0.5, -1, 1]) < 1e-7
    assert norm(b.dual.band - [0, -2, 1]) < 1e-6`);
});

for (const precision of precisions)
  test(`${precision}: tuples, sets by name, rows as groups`, () => {
    runScript(
      `${imports}
      import { simplex, l1_ball } from "std/sets"
      let c = (a: 0.9, b: [[0.5, 0.1], [-0.2, 0.3]])
      fn f(p) = dot(p - c, p - c)
      let close = 30 * sqrt(epsilon)
      let start = (a: 1.0, b: zeros[2, 2])
      let best = project_simplex(c)
      assert norm(argmin(f, from = start, by = projected_gradient(simplex)) - best) < close
      assert norm(argmin(f, from = start, by = frank_wolfe(simplex_vertex, project_simplex)) - best) < close
      assert norm(argmin(f, from = (a: 0.2, b: fill[2, 2](0.2)), by = mirror_descent(entropic_step, step = 0.5)) - best) < close
      assert norm(argmin(f, from = start, by = projected_gradient(l1_ball(0.7))) - project_l1_ball(c, 0.7)) < close
      let (X, Y) = (normal[15, 4](key(1)), normal[15, 3](key(2)))
      fn fit(W) = 0.5 * sum((X @ W - Y)^2)
      fn whole(l: real) = argmin(fit, from = zeros[4, 3], by = proximal_gradient(rows(group_lasso(l))))
      let blocks = argmin(fit, from = zeros[4, 3], by = block_coordinate_descent(group_lasso(5)))
      assert norm(whole(5) - blocks) < close and norm(blocks[1]) == 0 and norm(blocks[0]) > 0.01
      let path = [whole(l) for l in [1.0, 5, 50]]
      assert norm(path[1] - blocks) < close and norm(path[2]) == 0`,
      { precision },
    );
  });

test("steps that no longer move anything do not grow without bound", () => {
  for (const by of ["proximal_gradient(lasso(0.1)", "block_coordinate_descent(lasso(0.1)"])
    runScript(
      `${imports}
      let A = normal[20, 5](key(1))
      let y = normal[20](key(2))
      let r = minimize(x => 0.5 * dot(A @ x - y, A @ x - y) / 20, from = zeros[5], by = ${by}, tol = -1, iters = 400))
      assert r.status == stalled or r.status == iterations
      assert r.error < 0.01`,
      { precision: "f32" },
    );
});
