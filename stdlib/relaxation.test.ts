/** SOR, its best parameter, and the SSOR preconditioner: rates that theory gives, singular systems, derivatives. */
import test from "node:test";
import { CpuRunner } from "../runtime/cpu/runner.ts";
import { runScript } from "./testing.ts";

const setting = `
import { cg, jacobi, optimal_relaxation, richardson, sor, ssor } from "std/linear"
fn laplacian(x: real[m, m]) = {
  let p = pad(x, (1, 1), (1, 1))
  4 * x - p[:-2, 1:-1] - p[2:, 1:-1] - p[1:-1, :-2] - p[1:-1, 2:]
}
let A = jacobian(v => ravel(laplacian(reshape[10, 10](v))))(zeros[100])
let b = normal[100](key(3))
let best = optimal_relaxation(cos(pi / 11))
`;

for (const precision of ["f64", "f32"] as const) {
  const run = (text: string) => runScript(`${setting}${text}`, { precision, runner: new CpuRunner({ precision }) });

  test(`${precision}: SOR converges at the rate of its parameter`, () => {
    run(`
      let tight = max(1e-8, 40 * epsilon)
      let r = solve((A: A, b: b), by = sor(omega = best, tol = tight))
      assert r.status == converged and norm(A @ r.x - b) <= 1.01 * tight * norm(b)
      let on_grid = solve((A: laplacian, b: reshape[10, 10](b)), by = sor(omega = best, tol = tight))
      assert abs(on_grid.iterations - r.iterations) <= 1 and norm(ravel(on_grid.x) - r.x) < 1e3 * tight
      assert epsilon > 1e-12 or 36 <= r.iterations <= 39
      let slow = solve((A: A, b: b), by = sor(omega = 1.8, tol = tight))
      assert epsilon > 1e-12 or 84 <= slow.iterations <= 87
      // Above the best parameter the error falls by omega - 1 at each iteration.
      let rate = (slow.trace.error[60] / slow.trace.error[20])^(1 / 40)
      assert epsilon > 1e-12 or abs(rate - 0.8) < 0.02
      let gauss_seidel = solve((A: A, b: b), by = sor(tol = 1e-3))
      let plain_jacobi = solve((A: A, b: b), by = richardson(precondition = jacobi(diag(A)), tol = 1e-3))
      assert gauss_seidel.status == converged and plain_jacobi.status == converged
      assert 1.6 < plain_jacobi.iterations / gauss_seidel.iterations < 2.4
      assert abs(best - 1.5603879) < 1e-6`);
  });

  test(`${precision}: SSOR halves the iterations of conjugate gradients, and is symmetric and positive`, () => {
    run(`
      let plain = solve((A: A, b: b), by = cg())
      let s = solve((A: A, b: b), by = cg(precondition = ssor(A, 1.4)))
      assert s.status == converged and 2 * s.iterations < plain.iterations
      assert norm(A @ s.x - b) <= 1.01 * sqrt(epsilon) * norm(b)
      let small = [[4.0, -1, 0.5], [-1, 3, 0.2], [0.5, 0.2, 2]]
      let P = jacobian(ssor(small, 1.3))(zeros[3])
      let W = diag([4.0, 3, 2]) / 1.3 + tril(small, -1)
      let M = 1.3 / 0.7 * W @ diag([1 / 4, 1 / 3, 1 / 2]) @ W'
      assert norm(P @ M - eye[3]) < 30 * epsilon and norm(P - P') < 10 * epsilon`);
  });

  test(`${precision}: a zero on the diagonal is singular, too much relaxation never converges`, () => {
    run(`
      assert solve((A: [[0.0, 1], [1, 0]], b: [1.0, 2]), by = sor()).status == singular
      let far = solve((A: [[2.0, 1], [1, 2]], b: [1.0, 2]), by = sor(omega = 2.5, iters = 300))
      assert far.status != converged
      assert abs(linear_solve(x => 4 * x, 2.0, by = sor()) - 0.5) < 10 * sqrt(epsilon)`);
  });

  if (precision === "f64")
    test("f64: derivatives through SOR, implicit and unrolled", () => {
      run(`
        let S = [[4.0, -1, 0.5], [-1, 3, 0.2], [0.5, 0.2, 2]]
        fn total(t: real) = sum(linear_solve(S + t * eye[3], [1.0, t, 2], by = sor(omega = 1.1, tol = 1e-13))^2)
        fn exact(t: real) = sum(linear_solve(S + t * eye[3], [1.0, t, 2])^2)
        fn unrolled(t: real) = {
          let r = solve((A: S + t * eye[3], b: [1.0, t, 2]), by = sor(omega = 1.1, iters = 60, tol = 1e-13), adjoint = unroll)
          sum(r.x^2)
        }
        let e = grad(exact)(0.3)
        assert abs(grad(total)(0.3) - e) < 1e-10 and abs(jvp(total)(0.3, 1.0) - e) < 1e-10
        assert abs(grad(unrolled)(0.3) - e) < 1e-9
        assert abs(jvp(grad(total))(0.3, 1.0) - jvp(grad(exact))(0.3, 1.0)) < 1e-8`);
    });
}
