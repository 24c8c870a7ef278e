/** Bandits: probabilities that are the stated ones, and learners that use their feedback and their context. */
import test from "node:test";
import { CpuRunner } from "../runtime/cpu/runner.ts";
import { runScript } from "./testing.ts";

for (const precision of ["f64", "f32"] as const) {
  const run = (text: string) => runScript(text, { precision, runner: new CpuRunner({ precision }) });

  test(`${precision}: the normaliser of Tsallis-INF, from even to far apart costs`, () => {
    run(`
      import { tsallis_probabilities } from "std/bandits"
      let k = key(4)
      let costs = [10^(4 * mod(i, 7) / 7) * uniform[20](fold_in(k, i)) for i in 0..200]
      let rates = [2 / sqrt(1 + 20 * i) for i in 0..200]
      let P = [tsallis_probabilities(c, r) for (c, r) in zip(costs, rates)]
      assert all(P > 0) and max(abs(sum(P, axis = 1) - 1)) < 100 * epsilon
      // p^(-1/2) rate / 2 = cost - z, with one z for all arms.
      let z = [c - 2 / (r * sqrt(p)) for (c, r, p) in zip(costs, rates, P)]
      let spread = [max(v) - min(v) for v in z]
      assert all(spread <= 1e3 * epsilon * (max(costs, axis = 1) + 2 / rates * sqrt(20)))
      assert norm(tsallis_probabilities(fill[4](3), 0.7) - 0.25) < 10 * epsilon`);
  });

  test(`${precision}: each learner against those that do not learn`, () => {
    run(`
      import { binned, by_rule, chebyshev_bandit, play, tsallis_inf, uniform_arms } from "std/bandits"
      let T = 1000
      let c = uniform[T](key(5))
      // The best arm is at 9 c; of the arms that are always the same, 4 or 5.
      let environment = (start: 0, respond: (n, t, i) => (n + 1, 3 + round(20 * (c[t] - i / 9)^2)))
      let costs = policy => mean(play(policy, environment, c, key(3)).costs)
      let best = costs(by_rule(10, c => int(9 * c + 0.5)))
      let fixed = min(costs(by_rule(10, c => 4)), costs(by_rule(10, c => 5)))
      let uniform = costs(uniform_arms(10))
      let (tsallis, bins) = (costs(tsallis_inf(10)), costs(binned(tsallis_inf(10), 5, 0, 1)))
      let chebyshev = costs(chebyshev_bandit(10, 0, 1))
      assert best < chebyshev < bins < tsallis < uniform
      assert tsallis - fixed < 0.65 * (uniform - fixed) and bins < fixed and chebyshev - best < 0.2 * (fixed - best)
      assert play(uniform_arms(10), environment, c, key(3)).environment == T`);
  });

  test(`${precision}: costs that are all alike, and regressions in their box`, () => {
    run(`
      import { box_least_squares, chebyshev, chebyshev_bandit, play, tsallis_inf } from "std/bandits"
      let same = (start: 0, respond: (n, t, i) => (n, 1))
      let contexts = linspace[50](-1, 1)
      assert all(play(tsallis_inf(4), same, contexts, key(1)).costs == 1)
      assert all(play(chebyshev_bandit(4, -1, 1), same, contexts, key(1)).costs == 1)
      assert norm(chebyshev(cos(0.4), 5) - [cos(0.4 * j) for j in 0..5]) < 20 * epsilon
      let M = normal[6, 4](key(2))
      let G = M' @ M
      let h = normal[4](key(3))
      let free = box_least_squares(G, h, fill[4](100), zeros[4])
      assert norm(G @ free - h) < 1e-2
      let x = box_least_squares(G, h, fill[4](0.1), zeros[4])
      let slope = G @ x - h
      assert max(abs(x)) <= 0.1 and norm(x - clamp(x - slope, -0.1, 0.1)) < 1e-5
      assert max(abs(free)) > 0.1`);
  });
}
