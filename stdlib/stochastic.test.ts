/** The stochastic solvers: deterministic objectives, noise, schedules, decay, single steps. */
import assert from "node:assert/strict";
import test from "node:test";
import { runScript } from "./testing.ts";

const imports = `
import { polyak_sgd, armijo_sgd, diffgrad } from "std/stochastic"
import { absolute_friction, signed_friction, wide_friction, scaled_friction } from "std/stochastic"
import { sgd, momentum, adam, adamw, amsgrad, rmsprop, adagrad, adadelta } from "std/stochastic"
`;

const solvers = [
  "sgd(step = 0.1, ITERS)",
  "momentum(step = 0.02, ITERS)",
  "momentum(step = 0.02, nesterov = true, ITERS)",
  "adam(step = t => 0.3 * 0.98^t, ITERS)",
  "adamw(step = t => 0.3 * 0.98^t, decay = 0, ITERS)",
  "amsgrad(step = t => 0.3 * 0.99^t, ITERS)",
  "amsgrad(step = t => 0.3 * 0.99^t, corrected_first = true, ITERS)",
  "diffgrad(step = t => 0.3 * 0.98^t, ITERS)",
  "diffgrad(step = t => 0.3 * 0.98^t, friction = wide_friction, ITERS)",
  "rmsprop(step = t => 0.1 * 0.98^t, ITERS)",
  "adagrad(step = 1, ITERS)",
  "adadelta(step = 5, ITERS)",
  "polyak_sgd(ITERS)",
  "polyak_sgd(largest = inf, delta = 1e-9, momentum = 0.2, ITERS)",
  "armijo_sgd(ITERS)",
  "armijo_sgd(aggressiveness = 0.7, goldstein = true, grow = 1, ITERS)",
];

for (const precision of ["f64", "f32"] as const)
  for (const solver of solvers) {
    test(`${precision}: ${solver} takes a deterministic objective of a named tuple`, () => {
      runScript(
        `${imports}
        fn q(p) = 2 * (p.a - 1)^2 + dot(p.b - 3, p.b - 3)
        let r = minimize(q, from = (a: 0.0, b: zeros[3]), by = ${solver.replace("ITERS", "iters = 600")})
        assert norm(r.x - (a: 1.0, b: fill[3](3.0))) < 2e-2`,
        { precision },
      );
    });

    test(`${precision}: ${solver} learns from samples`, () => {
      runScript(
        `${imports}
        let X = normal[200, 3](key(1))
        let y = X @ [1, -2, 0.5]
        fn loss(w, k: key) = {
          let rows = randint[20](k, 0, 200)
          mean((X[rows] @ w - y[rows])^2)
        }
        let r = minimize(loss, from = zeros[3], by = ${solver.replace("ITERS", "iters = 500, key = key(5)")})
        assert norm(r.x - [1, -2, 0.5]) < 0.1
        assert r.trace.value[0] > 10 * r.trace.value[499]`,
        { precision },
      );
    });
  }

test("steps are those of the formulas", () => {
  runScript(`${imports}
    fn f(x, k) = dot(x, x) / 2 + dot(x, normal[2](k))
    let start = [1.0, -2.0]
    let k0 = fold_in(key(9), 0)
    let g = grad(f)(start, k0)
    let one = minimize(f, from = start, by = sgd(step = 0.1, decay = 0.5, iters = 1, key = key(9)))
    assert norm(one.x - (0.95 * start - 0.1 * g)) < 1e-12
    let a = minimize(f, from = start, by = adam(step = 0.1, iters = 1, key = key(9)))
    assert norm(a.x - (start - 0.1 * sign(g))) < 1e-6
    let w = minimize(f, from = start, by = adamw(step = 0.1, decay = 0.5, iters = 1, key = key(9)))
    assert norm(w.x - (0.95 * start - 0.1 * sign(g))) < 1e-6
    let r = minimize(f, from = start, by = rmsprop(step = 0.1, rate = 0.75, iters = 1, key = key(9)))
    assert norm(r.x - (start - 0.2 * sign(g))) < 1e-6
    let d = minimize(f, from = start, by = adagrad(step = 0.1, iters = 1, key = key(9)))
    assert norm(d.x - (start - 0.1 * sign(g))) < 1e-6
    let m = minimize(f, from = start, by = momentum(step = 0.1, iters = 1, key = key(9)))
    assert norm(m.x - (start - 0.1 * g)) < 1e-12
    let n = minimize(f, from = start, by = momentum(step = 0.1, nesterov = true, iters = 1, key = key(9)))
    assert norm(n.x - (start - 0.19 * g)) < 1e-12
    let e = minimize(f, from = start, by = adadelta(rate = 0.5, eps = 1e-6, iters = 1, key = key(9)))
    assert norm(e.x - (start - 1e-3 / sqrt(0.5 * g^2 + 1e-6) * g)) < 1e-9`);
});

for (const solver of ["adam", "adamw", "amsgrad", "diffgrad"])
  for (const iterations of [1, 2, 5, 40])
    test(`${iterations} steps of ${solver} in f32 are those in f64, but for the rounding of steps`, () => {
      // Curvatures far apart, so that the moments of the entries differ; steps that are sums of few digits.
      const points = (["f64", "f32"] as const).map((precision) => {
        const { shown } = runScript(
          `${imports}
          fn f(x) = 0.5 * (1000 * (x[0] - 1)^2 + 10 * (x[1] + 2)^2 + (x[2] - 3)^2)
          let r = minimize(f, from = zeros[3], by = ${solver}(step = 0.0625, iters = ${iterations}))
          show r.x`,
          { precision },
        );
        return shown.get("r.x") as readonly number[];
      });
      const [expected, found] = points as [readonly number[], readonly number[]];
      // A correction that had lost digits would be off by 1e-5 of every step.
      expected.forEach((x, i) => {
        const error = Math.abs(found[i]! - x);
        assert.ok(error <= iterations * 0.0625 * 1e-6, `entry ${i}: ${found[i]}, not ${x}: ${error}`);
      });
    });

test("the frictions are those of the formulas, leaf by leaf", () => {
  runScript(`${imports}
    let (before, g) = ((a: 1.0, b: [0.5, -2.0]), (a: -1.0, b: [0.5, 1.0]))
    let d = before - g
    let sizes = [1.0, 0.5, 1.0]
    let (mu, nu) = (mean(sizes), sqrt(mean((sizes - mean(sizes))^2)))
    fn near(x, y) = norm(x - y) < 1e-14
    assert near(absolute_friction(before, g), 1 / (1 + exp(-abs(d))))
    assert near(signed_friction(before, g), 1 / (1 + exp(-d)))
    assert near(wide_friction(before, g), 9 / (1 + exp(-0.5 * abs(d))) - 4)
    assert near(scaled_friction(1.0)(before, g), 1 / (1 + exp(-(nu * abs(d) - mu))))
    assert near(scaled_friction(2.0)(before, g), 1 / (1 + exp(-(nu^2 * abs(d) - mu))))
    assert near(scaled_friction(0.5)(before, g), 1 / (1 + exp(-(sqrt(nu) * abs(d) - mu))))
    // From the same gradient on the friction is 1/2, from a far one 1.
    assert near(absolute_friction(g, g), (a: 0.5, b: fill[2](0.5)))
    assert near(absolute_friction(1e3 + g, g), (a: 1.0, b: ones[2]))
    assert near(scaled_friction(1.0)(zeros[2], zeros[2]), fill[2](0.5))
    assert norm(grad(z => sum(scaled_friction(1.0)(zeros[2], z * ones[2])))(1.0)) < inf`);
});

test("two steps of diffGrad and of AMSGrad by hand", () => {
  runScript(`${imports}
    fn f(x) = 0.5 * dot([1, 4] * x, x)
    let x0 = [1.0, -2.0]
    let g0 = [1, 4] * x0
    let damped = minimize(f, from = x0, by = diffgrad(step = 0.1, iters = 2), record = s => (x: s.x))
    let x1 = damped.trace.x[1]
    assert norm(x1 - (x0 - 0.1 / (1 + exp(-abs(g0))) * sign(g0))) < 1e-8
    let g1 = [1, 4] * x1
    let mh = (0.09 * g0 + 0.1 * g1) / 0.19
    let vh = (0.999e-3 * g0^2 + 1e-3 * g1^2) / (1 - 0.999^2)
    assert norm(damped.x - (x1 - 0.1 / (1 + exp(-abs(g0 - g1))) * mh / (sqrt(vh) + 1e-8))) < 1e-12
    let penalised = minimize(f, from = x0, by = diffgrad(step = 0.1, penalty = 0.5, iters = 3))
    let by_hand = minimize(x => f(x) + 0.25 * dot(x, x), from = x0, by = diffgrad(step = 0.1, iters = 3))
    assert norm(penalised.x - by_hand.x) < 1e-14
    let plain = minimize(f, from = x0, by = adam(step = 0.1, iters = 3))
    let half = minimize(f, from = x0, by = diffgrad(step = 0.2, friction = (before, g) => 0.5, iters = 3))
    assert norm(plain.x - half.x) < 1e-14
    // v / (1 - b2^(t + 1)) falls where the gradient does, so its maximum is the first one.
    let first = minimize(f, from = x0, by = amsgrad(step = 0.5, corrected_first = true, iters = 2), record = s => (x: s.x))
    let y1 = x0 - 0.5 * sign(g0)
    let h1 = [1, 4] * y1
    assert norm(first.trace.x[1] - y1) < 1e-8
    assert norm(first.x - (y1 - 0.5 * (0.09 * g0 + 0.1 * h1) / 0.19 / abs(g0))) < 1e-8
    fn total(c: real) = sum(minimize((x, k) => c * dot(x, x) + dot(x, normal[2](k)), from = ones[2],
      by = diffgrad(step = 0.1, iters = 6, key = key(3)), adjoint = unroll).x)
    assert grad(total)(1.0) ~= numeric_grad(total)(1.0)
    assert grad(grad(total))(1.0) ~= numeric_grad(grad(total))(1.0)`);
});

test("a beta of zero or below corrects as its power says", () => {
  runScript(`${imports}
    fn f(x) = dot(x, x) / 2
    let a = minimize(f, from = [1.0, -2.0], by = adam(step = 0.1, b1 = 0, b2 = 0, iters = 1))
    assert norm(a.x - [0.9, -1.9]) < 1e-6
    fn total(b: real) = sum(minimize(f, from = ones[2], by = adam(step = 0.1, b1 = b, iters = 3), adjoint = unroll).x)
    assert grad(total)(0.9) ~= numeric_grad(total)(0.9)
    assert grad(total)(-0.5) ~= numeric_grad(total)(-0.5)`);
});

test("steps that are searched for are those of the formulas", () => {
  runScript(`${imports}
    fn f(x, k) = dot([1, 4] * x, x) / 2 + 0 * normal(k)
    let start = [1.0, -2.0]
    let g = [1.0, -8.0]
    let capped = minimize(f, from = start, by = polyak_sgd(largest = 0.1, iters = 1, key = key(9)))
    assert norm(capped.x - (start - 0.1 * g)) < 1e-12
    let free = minimize(f, from = start, by = polyak_sgd(lowest = 0.5, delta = 2, iters = 1, key = key(9)))
    assert norm(free.x - (start - 8 / 67 * g)) < 1e-12
    let none = minimize(f, from = start, by = polyak_sgd(lowest = 100, iters = 1, key = key(9)))
    assert norm(none.x - start) == 0
    let there = minimize(f, from = zeros[2], by = polyak_sgd(lowest = -1, iters = 2, key = key(9)))
    assert norm(there.x) == 0
    let moved = minimize(f, from = start, by = polyak_sgd(largest = 0.1, momentum = 0.5, iters = 2, key = key(9)))
    let second = start - 0.1 * g
    assert norm(moved.x - (second - 0.1 * [1, 4] * second - 0.05 * g)) < 1e-12
    // 0.8^j from 1 until the sample's loss drops by a tenth of a |g|^2.
    let a = loop a = 1.0 for i in 0..15 while f(start - a * g, key(0)) > f(start, key(0)) - 0.1 * a * 65 { 0.8 * a }
    let searched = minimize(f, from = start, by = armijo_sgd(iters = 1, key = key(9)))
    assert norm(searched.x - (start - a * g)) < 1e-12 and a < 0.9
    let stuck = minimize(f, from = start, by = armijo_sgd(tries = 0, iters = 1, key = key(9)))
    assert norm(stuck.x - (start - g)) < 1e-12`);
});

test("the last point is the answer, and a run without an error is no warning", () => {
  const ran = runScript(`${imports}
    let r = minimize((x, k) => x^2 + 0 * normal(k), from = 1.0, by = sgd(step = 1.05, iters = 10))
    show r.status, r.iterations
    assert abs(r.x - (-1.1)^10) < 1e-9`);
  assert.equal(ran.shown.get("r.status"), "iterations");
  assert.deepEqual(ran.warnings, []);
});

test("one step at a time gives what a whole solve gives; so do equal keys", () => {
  runScript(`${imports}
    fn f(x, k) = dot(x - normal[2](k), x)
    let whole = minimize(f, from = ones[2], by = adam(step = 0.1, iters = 7, key = key(4)))
    let o = adam(step = 0.1)
    let s = loop s = o.start(f)(ones[2]) for t in 0..7 { o.next(f)(s, t, fold_in(key(4), t)) }
    assert norm(s.x - whole.x) == 0
    let other = minimize(f, from = ones[2], by = adam(step = 0.1, iters = 7, key = key(5)))
    assert norm(other.x - whole.x) > 0
    let plain = o.next(x => dot(x, x))(o.start(x => dot(x, x))(ones[2]), 0, key(1))
    assert norm(plain.x - 0.9) < 1e-6`);
});

test("unrolled steps are differentiated", () => {
  runScript(`${imports}
    fn total(c: real) = sum(minimize((x, k) => c * dot(x, x) + dot(x, normal[2](k)), from = ones[2],
      by = adam(step = 0.1, iters = 6, key = key(3)), adjoint = unroll).x)
    assert grad(total)(1.0) ~= numeric_grad(total)(1.0)`);
});

test("a trace is plotted also where it is all that is kept of its solve", () => {
  const { outputs } = runScript(`${imports}
    fn path(f) = minimize(f, from = 1.0, by = adam(step = 0.1, iters = 5), record = s => (x: s.x)).trace.x
    let xs = path(x => x^2)
    plot xs, title = "path"`);
  assert.deepEqual(outputs, ["path"]);
});
