/** Entropic transport: one optimum by every solver, from any start; marginals, derivatives, plans that are rounded. */
import assert from "node:assert/strict";
import test from "node:test";
import { CpuRunner } from "../runtime/cpu/runner.ts";
import { runScript } from "./testing.ts";

const imports = `
import { sinkhorn, sinkhorn_scaling, sinkhorn_epsilon_scaling } from "std/transport"
import { sinkhorn_newton_sparse, sinkhorn_newton_safe, sinkhorn_newton_dense } from "std/transport"
import { no_potentials, transport_plan, transport_dual, transport_condition } from "std/transport"
import { entropic_transport, rounded_plan } from "std/transport"
`;

/** A problem of seven rows and five columns, with marginals that are far from equal. */
const problem = `
let C = uniform[7, 5](key(11))
let r = softmax(normal[7](key(12)))
let c = softmax(normal[5](key(13)))
let zero = no_potentials(C)
`;

const solvers = [
  "sinkhorn(ETA, OPTIONS)",
  "sinkhorn_scaling(ETA, OPTIONS)",
  "sinkhorn_scaling(ETA, sweeps = 3, OPTIONS)",
  "sinkhorn_epsilon_scaling(ETA, OPTIONS)",
  "sinkhorn_newton_sparse(ETA, OPTIONS)",
  "sinkhorn_newton_sparse(ETA, keep = 3, resume = true, OPTIONS)",
  "sinkhorn_newton_sparse(ETA, compressed = true, keep = 3, sweeps = 1, switch = 2, OPTIONS)",
  "sinkhorn_newton_safe(ETA, OPTIONS)",
  "sinkhorn_newton_dense(ETA, OPTIONS)",
] as const;

const tolerances = { f64: "tol = 1e-11", f32: "tol = 5e-6" } as const;
const precisions = ["f64", "f32"] as const;

const run = (text: string, precision: "f64" | "f32" = "f64") =>
  runScript(`${imports}${problem}${text}`, { precision, runner: new CpuRunner({ precision }) });

const by = (solver: string, eta: string, options: string) => solver.replace("ETA", eta).replace("OPTIONS", options);

for (const precision of precisions)
  test(`${precision}: every solver finds the one optimum, from good and bad starts, at any scale`, () => {
    const within = precision === "f64" ? "1e-8" : "1e-3";
    const text = solvers.map(
      (solver, i) => `
      let s${i} = solve((cost: C, rows: r, columns: c), from = zero, by = ${by(solver, "30", tolerances[precision])})
      assert s${i}.status == converged
      let P${i} = transport_plan(C, 30, s${i}.x)
      assert norm(sum(P${i}, axis = 1) - r, 1) + norm(sum(P${i}, axis = 0) - c, 1) <= 1.1 * s${i}.error + 20 * epsilon
      assert norm(P${i} - P0) <= ${within}
      assert abs(s${i}.value - (sum(C * P${i}) + sum(P${i} * log(P${i})) / 30)) <= ${within}
      assert abs(sum(s${i}.x.x) - sum(s${i}.x.y)) <= 100 * epsilon
      let far${i} = solve((cost: C, rows: r, columns: c), from = (x: 50 * normal[7](key(1)), y: 50 * normal[5](key(2))),
                          by = ${by(solver, "30", tolerances[precision])})
      assert far${i}.status == converged
      assert norm(transport_plan(C, 30, far${i}.x) - P0) <= ${within}
      // The same problem in other units: costs, masses.
      let scaled${i} = solve((cost: 1e4 * C + 3e4, rows: 1e3 * r, columns: 1e3 * c), from = zero,
                             by = ${by(solver, "3e-3", precision === "f64" ? "tol = 1e-11" : "tol = 3e-5")})
      assert scaled${i}.status == converged
      assert norm(1e-3 * transport_plan(1e4 * C + 3e4, 3e-3, scaled${i}.x) - P0) <= ${within}`,
    );
    run(text.join("\n"), precision);
  });

test("marginals that no plan has are infeasible", () => {
  const wrong = ["2 * r, columns: c", "r with [0] = 0.0, columns: c", "r, columns: c with [0] = -c[0]"];
  const text = solvers.flatMap((solver, i) =>
    wrong.map(
      (marginals, j) => `
      let s${i}${j} = solve((cost: C, rows: ${marginals}), from = zero, by = ${by(solver, "30", "iters = 5")})
      assert s${i}${j}.status == infeasible`,
    ),
  );
  run(text.join("\n"));
  assert.throws(() => run(`show entropic_transport(C, 2 * r, c, 30).value`), /K0412.*`infeasible`/);
});

for (const precision of precisions)
  test(`${precision}: costs so large that exp(-eta C) is zero`, () => {
    const options = precision === "f64" ? "tol = 1e-10" : "tol = 2e-4";
    const text = solvers.map(
      (solver, i) => `
      let s${i} = solve((cost: D, rows: r, columns: c), from = zero, by = ${by(solver, "1", `${options}, iters = 3000`)})
      assert s${i}.status == converged
      assert is_finite(s${i}.value) and all(is_finite(s${i}.x.x)) and all(is_finite(s${i}.x.y))`,
    );
    run(`let D = 40 * C + 1000\n${text.join("\n")}`, precision);
  });

for (const precision of precisions)
  test(`${precision}: what a sweep does, and the closed forms of gradient and Hessian`, () => {
    run(
      `
      // Without costs the plan is the product of its marginals, after one sweep.
      let free = solve((cost: zeros[7, 5], rows: r, columns: c), from = zero, by = sinkhorn(30, tol = 10 * epsilon))
      assert free.iterations == 0
      assert norm(transport_plan(zeros[7, 5], 30, free.x) - outer(r, c)) <= 20 * epsilon
      // A sweep ends with the columns: the rows hold all of the error.
      let s = solve((cost: C, rows: r, columns: c), from = zero, by = sinkhorn(30, tol = 0, iters = 3))
      let P = transport_plan(C, 30, s.x)
      assert norm(sum(P, axis = 0) - c, 1) <= 100 * epsilon
      assert abs(norm(sum(P, axis = 1) - r, 1) - s.error) <= 200 * epsilon
      // The condition is minus the gradient of the dual; its derivative is M.
      let f = w => transport_dual(C, r, c, 30, w)
      let level = transport_condition(C, r, c, 30, s.x)
      assert norm(level + grad(f)(s.x)) <= 100 * epsilon
      let v = (x: normal[7](key(3)), y: normal[5](key(4)))
      let flat = (x: v.x - (sum(v.x) - sum(v.y)) / 7, y: v.y)
      let (R, K) = (sum(P, axis = 1), sum(P, axis = 0))
      let Mv = (x: 30 * (R * flat.x + P @ flat.y), y: 30 * (P' @ flat.x + K * flat.y))
      assert norm(jvp(w => transport_condition(C, r, c, 30, w))(s.x, flat) - Mv) <= 1e3 * epsilon
      ${precision === "f64" ? "let h = 1e-6\n assert norm((grad(f)(s.x - h * flat) - grad(f)(s.x + h * flat)) / (2 * h) - Mv) <= 1e-6" : ""}`,
      precision,
    );
  });

for (const precision of precisions)
  test(`${precision}: the list of the largest entries multiplies as they do, ties and all`, () => {
    run(
      `
      import { list_of_entries, masked, largest } from "std/transport-newton"
      let P = exp(normal[9, 6](key(51)))
      let (v, u) = (normal[6](key(52)), normal[9](key(53)))
      // The entries of the order that sorts put first: of equal ones, those of lowest index.
      fn kept[count](P: real[n, m]) = {
        let first = argsort(-flatten(P))[:count]
        reshape[n, m](fill[n * m](false) with [first] = true)
      }
      fn differ[count](P: real[n, m], v: real[m], u: real[n]) = {
        let (list, matrix) = (list_of_entries[count](P, log(P)), masked(P, kept[count](P)))
        norm(list.times(v) - matrix.times(v)) + norm(list.transposed(u) - matrix.transposed(u))
      }
      assert differ[1](P, v, u) <= 100 * epsilon
      assert differ[17](P, v, u) <= 100 * epsilon
      assert differ[54](P, v, u) <= 100 * epsilon
      let steps = round(P)
      let tied = max(steps, 1)
      assert differ[20](tied, v, u) <= 1000 * epsilon
      assert differ[20](fill[9, 6](2.0), v, u) <= 100 * epsilon
      // Derivatives flow through the values.
      fn quadratic(P, listed: bool) = {
        let block = largest[6](P, log(P), listed)
        dot(u, block.times(v)) + dot(v, block.transposed(u))^2
      }
      assert norm(grad(P => quadratic(P, true))(P) - grad(P => quadratic(P, false))(P)) <= 1e3 * epsilon`,
      precision,
    );
  });

for (const precision of precisions)
  test(`${precision}: a solve with listed entries is that with a matrix, its derivatives too`, () => {
    const [tol, within] = precision === "f64" ? ["1e-12", "1e-8"] : ["1e-5", "1e-2"];
    run(
      `
      let D = uniform[20, 18](key(61))
      let p = softmax(0.3 * normal[20](key(62)))
      let q = softmax(0.3 * normal[18](key(63)))
      let from = no_potentials(D)
      let list = solve((cost: D, rows: p, columns: q), from = from, by = sinkhorn_newton_sparse(40, keep = 2, tol = ${tol}))
      let matrix = solve((cost: D, rows: p, columns: q), from = from,
                         by = sinkhorn_newton_sparse(40, keep = 2, listed = false, tol = ${tol}))
      assert list.status == converged and abs(list.iterations - matrix.iterations) <= 1
      assert norm(transport_plan(D, 40, list.x) - transport_plan(D, 40, matrix.x)) <= 20 * ${tol}
      let V = normal[20, 18](key(64))
      fn f(D, listed: bool) = sum(V * transport_plan(D, 15, solve((cost: D, rows: p, columns: q), from = from,
        by = sinkhorn_newton_sparse(15, keep = 2, listed = listed, most = 20, most_sweeps = 21, iters = 10, tol = ${tol}),
        adjoint = unroll).x))
      assert norm(grad(D => f(D, true))(D) - grad(D => f(D, false))(D)) <= ${within} * norm(grad(D => f(D, false))(D))`,
      precision,
    );
  });

/** Once by each kind of solver, with a number of steps that reverse mode can unroll. */
test("derivatives of the plan: forward, reverse, twice, by the condition and by the steps", () => {
  const unrolled = [
    "sinkhorn(12, tol = 1e-13, iters = 200)",
    "sinkhorn_scaling(12, sweeps = 10, tol = 1e-13, iters = 20)",
    "sinkhorn_newton_sparse(12, tol = 1e-13, iters = 8, most = 20, most_sweeps = 21)",
    "sinkhorn_newton_dense(12, tol = 1e-13, iters = 8, most_sweeps = 21)",
  ];
  const text = unrolled.map(
    (solver, i) => `
    fn implicit${i}(C) = sum(V * transport_plan(C, 12, solve((cost: C, rows: r, columns: c), from = zero, by = ${solver}).x))
    fn unrolled${i}(C) = sum(V * transport_plan(C, 12, solve((cost: C, rows: r, columns: c), from = zero, by = ${solver},
                                                            adjoint = unroll).x))
    assert norm(grad(implicit${i})(C) - reference) <= 1e-8
    assert norm(grad(unrolled${i})(C) - reference) <= 1e-8`,
  );
  run(`
    let V = normal[7, 5](key(21))
    let D = normal[7, 5](key(22))
    let by = eta => sinkhorn_newton_sparse(eta, tol = 1e-13)
    fn f(C) = sum(V * entropic_transport(C, r, c, 12, by = by).plan)
    let reference = grad(f)(C)
    assert norm(reference - numeric_grad(f)(C)) <= 1e-8
    assert abs(jvp(f)(C, D) - sum(reference * D)) <= 1e-11
    assert norm(jvp(grad(f))(C, D) - numeric_grad(C => jvp(f)(C, D))(C)) <= 1e-6
    // In the marginals, whose sums stay equal, and in eta.
    fn g(t) = sum(V * entropic_transport(C, softmax(t.r), softmax(t.c), exp(t.e), by = by).plan)
    let t = (r: log(r), c: log(c), e: log(12))
    assert norm(grad(g)(t) - numeric_grad(g)(t)) <= 1e-8
    // The optimal cost: plan and potentials.
    let best = entropic_transport(C, r, c, 12, by = by)
    fn centred(v) = v - mean(v)
    assert norm(grad(C => entropic_transport(C, r, c, 12, by = by).value)(C) - best.plan) <= 1e-12
    assert norm(centred(grad(r => entropic_transport(C, r, c, 12, by = by).value)(r) - best.x)) <= 1e-11
    assert norm(centred(grad(c => entropic_transport(C, r, c, 12, by = by).value)(c) - best.y)) <= 1e-11
    let k = certificate(f)(C)
    assert norm(k.gradient - reference) <= 1e-11 and k.error <= 1e-9 and not k.singular
    ${text.join("\n")}`);
});

test("f32: the derivative of the plan, by the condition and by the steps", () => {
  run(
    `
    let V = normal[7, 5](key(21))
    fn f(C) = sum(V * entropic_transport(C, r, c, 12, by = eta => sinkhorn(eta, tol = 2e-6)).plan)
    fn u(C) = sum(V * transport_plan(C, 12, solve((cost: C, rows: r, columns: c), from = zero,
                                                  by = sinkhorn(12, tol = 2e-6, iters = 100), adjoint = unroll).x))
    assert norm(grad(f)(C) - grad(u)(C)) <= 1e-4 * (1 + norm(grad(u)(C)))
    assert abs(jvp(f)(C, V) - sum(grad(f)(C) * V)) <= 1e-4`,
    "f32",
  );
});

test("a batch gives what its problems give one by one", () => {
  run(`
    let Cs = uniform[4, 7, 5](key(31))
    let plan = C => entropic_transport(C, r, c, 40).plan
    let batched = [plan(C) for C in Cs]
    let looped = loop looped = zeros_like(batched) for i in 0..4 { looped with [i] = plan(Cs[i]) }
    assert norm(batched - looped) <= 1e-8
    fn total(Cs) = sum([sum(plan(C)^2) for C in Cs])
    assert norm(grad(total)(Cs)[2] - grad(C => sum(plan(C)^2))(Cs[2])) <= 1e-7`);
});

test("beyond 400 potentials the derivative is solved by iteration", () => {
  run(`
    let B = uniform[205, 205](key(41))
    let D = uniform[205, 205](key(42), -1, 1)
    let m = fill[205](1 / 205)
    fn f(C) = sum(D * entropic_transport(C, m, m, 100, by = eta => sinkhorn_newton_sparse(eta, tol = 1e-13)).plan)
    let slope = grad(f)(B)
    let h = 1e-6
    assert sum(slope * D) ~= (f(B + h * D) - f(B - h * D)) / (2 * h) within 1e-5`);
});

for (const precision of precisions)
  test(`${precision}: a rounded plan has its marginals and moves little`, () => {
    run(
      `
      let rough = solve((cost: C, rows: r, columns: c), from = zero, by = sinkhorn(60, tol = 0.05))
      let P = transport_plan(C, 60, rough.x)
      let Q = rounded_plan(P, r, c)
      assert min(Q) >= 0
      assert norm(sum(Q, axis = 1) - r, 1) + norm(sum(Q, axis = 0) - c, 1) <= 50 * epsilon
      assert norm(ravel(Q - P), 1) <= 2 * rough.error + 50 * epsilon
      assert norm(rounded_plan(Q, r, c) - Q) <= 10 * epsilon
      assert norm(rounded_plan(zeros[7, 5], r, c) - outer(r, c)) <= 10 * epsilon`,
      precision,
    );
  });

test("what a step gains is the difference of the duals, and no step loses", () => {
  run(`
    import { gain } from "std/transport-newton"
    let w = (x: 0.1 * normal[7](key(51)), y: 0.1 * normal[5](key(52)))
    let d = (x: normal[7](key(53)), y: normal[5](key(54)))
    let dual = w => transport_dual(C, r, c, 8, w)
    let difference = a => dual(w + a * d) - dual(w)
    let gained = a => gain(transport_plan(C, 8, w), 8, grad(dual)(w), d, a)
    assert max([abs(gained(a) - difference(a)) / abs(difference(a)) for a in [0.3, 0.01, 1e-4]]) <= 1e-9
    let far = solve((cost: C, rows: r, columns: c), from = (x: 3 * normal[7](key(1)), y: 3 * normal[5](key(2))),
                    by = sinkhorn_newton_sparse(60, keep = 3, sweeps = 1, switch = 2, iters = 60))
    assert far.status == converged
    assert all(far.trace.value[1:] >= far.trace.value[:60] - 20 * epsilon)`);
});

test("epsilon scaling saves sweeps from a cold start", () => {
  const ran = run(`
    // Points in the order of a line, matched to the same points moved by half the line: potentials have far to go.
    let a = linspace[40](0, 1)
    let b = linspace[40](0.5, 1.5)
    let D = [(p - q)^2 for p in a for q in b]
    let m = fill[40](1 / 40)
    let cold = solve((cost: D, rows: m, columns: m), from = no_potentials(D), by = sinkhorn(5000, tol = 1e-3))
    let warm = solve((cost: D, rows: m, columns: m), from = no_potentials(D), by = sinkhorn_epsilon_scaling(5000, tol = 1e-3))
    let newton = solve((cost: D, rows: m, columns: m), from = no_potentials(D), by = sinkhorn_newton_sparse(5000))
    show cold.iterations, warm.iterations, newton.iterations
    assert warm.status == converged and newton.status == converged
    assert norm(transport_plan(D, 5000, newton.x) - transport_plan(D, 5000, warm.x)) <= 1e-3
    assert warm.iterations < 0.5 * cold.iterations`);
  assert.equal(ran.asserts, 3);
});
