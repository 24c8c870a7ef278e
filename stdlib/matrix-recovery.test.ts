/** Matrix recovery: the subgradient as written, its mean under Gaussian measurements, and what each solver recovers. */
import test from "node:test";
import { CpuRunner } from "../runtime/cpu/runner.ts";
import { runScript } from "./testing.ts";

const setting = `
import {
  absolute_loss, factored_gradient, measure, random_start, spectral_start, squared_loss, subgm, subgm_proportional
} from "std/matrix-recovery"
let (k1, k2, k3, k4) = split[4](key(8))
let (V, _) = qr(normal[8, 2](k1))
let X = V @ diag([3.0, 2]) @ V'
let A = normal[160, 8, 8](k2)
let clean = measure(A, X)
let y = clean + where(uniform[160](k3) < 0.1, 10 * normal[160](k4), 0)
fn distance(U) = norm(U @ U' - X)
`;

for (const precision of ["f64", "f32"] as const) {
  const run = (text: string) => runScript(`${setting}${text}`, { precision, runner: new CpuRunner({ precision }) });

  test(`${precision}: gradient of the loss, the spectral start and the first step`, () => {
    run(`
      let U = normal[8, 3](key(1))
      let signs = sign(measure(A, U @ U') - y)
      let Q = sum([s * M for (s, M) in zip(signs, A)], axis = 0) / 160
      assert norm(grad(absolute_loss(A, y))(U @ U') - Q) < 100 * epsilon
      assert norm(grad(U => absolute_loss(A, y)(U @ U'))(U) - (Q + Q') @ U) < 300 * epsilon
      let one = solve((loss: absolute_loss(A, y)), from = U, by = subgm(iters = 1, step = 0.3, sweeps = 200)).x
      let (l, _) = eigh(Q' @ Q)
      assert norm(one - (U - 0.3 / sqrt(max(l)) * (Q + Q') @ U)) < 1e-4
      let C = sum([s * (M + M') for (s, M) in zip(sign(y), A)], axis = 0) / 320
      let (c, W) = eigh(C)
      let S = spectral_start[8](A, y, 0.1)
      assert norm(S @ S' - 0.01 * W @ diag(max(c, 0)) @ W') < 100 * epsilon
      let first = spectral_start[1](A, y, 1.0)
      assert norm(C @ first - max(c) * first) < 1e4 * epsilon
      assert std(ravel(random_start[40, 40](key(2), 3.0))) > 2.5`);
  });

  test(`${precision}: with many Gaussian measurements the loss is the distance, its gradient the direction`, () => {
    run(`
      let many = normal[20000, 4, 4](key(6))
      let Z = [[1.0, 0.5, 0, 0], [0.5, -1, 0, 0.3], [0, 0, 2, 0], [0, 0.3, 0, 0.4]]
      assert abs(absolute_loss(many, zeros[20000])(Z) / (sqrt(2 / pi) * norm(Z)) - 1) < 0.02
      // E sign(<A, Z> - s) A = sqrt(2 / pi) (1 - p) Z / |Z| for outliers of any size.
      let huge = where(uniform[20000](key(7)) < 0.2, 1e6 * normal[20000](key(9)), 0)
      let Q = grad(absolute_loss(many, huge))(Z)
      assert norm(Q - sqrt(2 / pi) * 0.8 * Z / norm(Z)) < 0.06
      // Noise of deviation 2: sqrt(2 / pi) Z / sqrt(|Z|^2 + 4).
      let noisy = grad(absolute_loss(many, 2 * normal[20000](key(9))))(Z)
      assert norm(noisy - sqrt(2 / pi) * Z / sqrt(norm(Z)^2 + 4)) < 0.06`);
  });

  test(`${precision}: what each solver recovers, and where each fails`, () => {
    run(`
      let exact = max(1e-6, 100 * epsilon)
      let loss = absolute_loss(A, y)
      let start = spectral_start[8](A, y, 1e-8)
      let full = solve((loss: loss), from = start, by = subgm())
      assert distance(full.x) < exact and abs(full.value - loss(full.x @ full.x')) < 10 * epsilon
      assert distance(solve((loss: loss), from = spectral_start[2](A, y, 1e-8), by = subgm()).x) < exact
      assert distance(solve((loss: loss), from = random_start[8, 8](key(3), 1e-8), by = subgm()).x) < exact
      assert distance(solve((loss: loss), from = start, by = subgm(step = 0.35, frobenius = true)).x) < exact
      let noiseless = solve((loss: absolute_loss(A, clean)), from = spectral_start[8](A, clean, 1e-8),
                            by = subgm_proportional(step = 0.2, tol = max(1e-8, 50 * epsilon)))
      assert noiseless.status == converged and distance(noiseless.x) < exact
      assert distance(solve((loss: loss), from = spectral_start[8](A, y, 1.0), by = subgm()).x) > 1e-3
      let small = spectral_start[8](A, clean, 1e-4)
      let squares = by => solve((loss: squared_loss(A, clean)), from = small, by = by).x
      assert distance(squares(factored_gradient(step = 0.01))) < 1e-3
      let spoiled = solve((loss: squared_loss(A, y)), from = small, by = factored_gradient(step = 0.01))
      assert distance(spoiled.x) > 0.5
      let ideal = solve((loss: B => sum((B - X)^2) / 4), from = random_start[8, 8](key(3), 1e-4),
                        by = factored_gradient(step = 0.1, iters = 500))
      assert distance(ideal.x) < 1e-5
      assert norm(solve((loss: loss), from = zeros[8, 2], by = subgm(iters = 3)).x) == 0`);
  });
}
