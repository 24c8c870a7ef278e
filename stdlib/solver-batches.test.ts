/** A batch of solves gives what each gives alone, lane by lane, for every deterministic solver of smooth problems. */
import test from "node:test";
import { runScript } from "./testing.ts";

const imports = `
import { gradient_descent, nonlinear_cg, lbfgs, armijo, hager_zhang } from "std/first-order"
import { newton, bfgs, trust_region } from "std/second-order"
import { gauss_newton, levenberg_marquardt, dogleg } from "std/least-squares"
import { newton_root, broyden, bisection, fixed_point, anderson } from "std/roots"
import { gmres } from "std/linear"
`;

/** Lanes of random problems that end after different numbers of iterations; the last one starts at its answer. */
const setting = `
let k = 4
let targets = normal[k, 3](key(SEED))
let starts = concat(2 * normal[3, 3](key(SEED + 1)), targets[3:4], axis = 0)
`;

const forms: Readonly<Record<string, readonly string[]>> = {
  "minimize(x => sum(sqrt(1 + (x - c)^2) + (x - c) * ([1, 2, 3] * (x - c) + 0.3 * flip(x - c))), from = x0, by = BY)": [
    "gradient_descent(step = 0.2)",
    "gradient_descent(step = 0.5, search = armijo())",
    "nonlinear_cg(search = hager_zhang())",
    "lbfgs()",
    "bfgs()",
    "newton()",
    "trust_region()",
  ],
  "least_squares(x => concat(sinh(x - c), 0.5 * (x - c)), from = x0, by = BY)": [
    "gauss_newton()",
    "levenberg_marquardt()",
    "dogleg()",
  ],
  "root(x => sinh(x - c) + 0.2 * flip(x - c), from = x0, by = BY)": [
    "newton_root()",
    "newton_root(inner = gmres())",
    "broyden()",
  ],
  "root(x => sinh(x - c), from = x0, by = BY)": ["bisection()"],
  "fixpoint(x => c + 0.5 * sin(x - c), from = x0, by = BY)": ["fixed_point()", "anderson()"],
};

for (const precision of ["f64", "f32"] as const)
  for (const [call, solvers] of Object.entries(forms))
    test(`${precision}: ${call}`, () => {
      const seed = precision === "f64" ? 11 : 12;
      const text = solvers.map((by, i) => {
        const solve = call.replace("BY", by);
        const alone = [0, 1, 2, 3].map(
          (lane) => `
          let lane${i}_${lane} = one${i}(targets[${lane}], starts[${lane}])
          assert all${i}.status[${lane}] == lane${i}_${lane}.status and lane${i}_${lane}.status == converged
          assert abs(all${i}.iterations[${lane}] - lane${i}_${lane}.iterations) <= 1
          assert norm(all${i}.x[${lane}] - lane${i}_${lane}.x) <= 30 * sqrt(epsilon)
          assert norm(all${i}.x[${lane}] - targets[${lane}]) <= 100 * sqrt(epsilon)`,
        );
        return `
        fn one${i}(c: real[3], x0: real[3]) = ${solve}
        let all${i} = [one${i}(c, x0) for (c, x0) in zip(targets, starts)]
        ${by === "bisection()" ? "" : `assert all${i}.iterations[3] == 0`}
        ${alone.join("\n")}`;
      });
      runScript(`${imports}${setting.replaceAll("SEED", String(seed))}${text.join("\n")}`, { precision });
    });
