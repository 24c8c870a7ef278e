/** The iterative solvers of linear systems: residuals that are true, preconditioners, singular systems, batches. */
import assert from "node:assert/strict";
import test from "node:test";
import { runScript } from "./testing.ts";

const imports = `
import { cg, minres, bicgstab, gmres, normal_cg, lsmr, dense, iterative_refinement } from "std/linear"
import { jacobi, block_jacobi, diagonal_blocks } from "std/linear"
`;

/** Solvers by the matrices they take; each solver's iterations suffice for eight unknowns in either precision. */
const byMatrix = {
  definite: ["cg()", "minres()", "bicgstab()", "gmres()", "gmres(restart = 5)", "normal_cg()", "lsmr()"],
  indefinite: ["minres()", "gmres()", "normal_cg()", "lsmr()", "dense()", "iterative_refinement()"],
  general: [
    "bicgstab()",
    "gmres()",
    "normal_cg()",
    "lsmr()",
    "dense()",
    "iterative_refinement(inner = gmres(restart = 6))",
  ],
} as const;

const matrices = `
let seed = 5
let N = normal[8, 8](key(seed))
let (Q, R) = qr(N)
let definite = Q @ (linspace[8](1, 9) * Q')
let indefinite = Q @ ([-7, -4, -2, -1, 1, 3, 5, 8] * Q')
let general = Q @ diag(linspace[8](1, 5)) + 0.2 * triu(N)
let b = normal[8](key(seed + 1))
`;

for (const precision of ["f64", "f32"] as const) {
  const run = (text: string) => runScript(`${imports}${matrices}${text}`, { precision });

  for (const [matrix, solvers] of Object.entries(byMatrix))
    test(`${precision}: ${matrix} systems, at any scale of the right-hand side`, () => {
      run(
        solvers
          .map(
            (by, i) => `
        let s${i} = solve((A: ${matrix}, b: b), by = ${by})
        assert s${i}.status == converged
        assert norm(${matrix} @ s${i}.x - b) <= 1.01 * sqrt(epsilon) * norm(b)
        let small${i} = linear_solve(${matrix}, 1e-9 * b, by = ${by})
        assert norm(${matrix} @ small${i} - 1e-9 * b) <= 1.01e-9 * sqrt(epsilon) * norm(b)
        let large${i} = linear_solve(v => 1e3 * (${matrix} @ v), 1e6 * b, by = ${by})
        assert norm(${matrix} @ large${i} - 1e3 * b) <= 1.01e3 * sqrt(epsilon) * norm(b)
        assert norm(linear_solve(${matrix}, zeros[8], by = ${by})) == 0`,
          )
          .join("\n"),
      );
    });

  test(`${precision}: unknowns in tuples, and numbers`, () => {
    const symmetric = "p => (u: 3 * p.u + 0.1 * sum(p.v), v: 2 * p.v + 0.1 * p.u)";
    const text = ["cg()", "minres()", "bicgstab()", "gmres()", "normal_cg()", "lsmr()", "dense()"].map(
      (by, i) => `
      let t${i} = linear_solve(${symmetric}, (u: 3.2, v: fill[2](2.1)), by = ${by})
      assert norm(t${i} - (u: 1.0, v: ones[2])) < 10 * sqrt(epsilon)
      assert abs(linear_solve(x => 4 * x, 2.0, by = ${by}) - 0.5) < 10 * sqrt(epsilon)`,
    );
    run(text.join("\n"));
  });

  test(`${precision}: preconditioners save iterations and change no answer`, () => {
    run(`
      let scales = 10^linspace[12](-2, 2)
      let M = normal[12, 12](key(2))
      let A = scales * (eye[12] + 0.02 * (M + M')) * reshape[12, 1](scales)
      let y = A @ ones[12]
      let plain = solve((A: A, b: y), by = cg())
      let scaled = solve((A: A, b: y), by = cg(precondition = jacobi(diag(A))))
      assert scaled.status == converged and scaled.iterations < plain.iterations
      let blocks = solve((A: A, b: y), by = minres(precondition = block_jacobi(diagonal_blocks[3, 4](A))))
      assert blocks.status == converged
      let B = A + 0.1 * scales * M * reshape[12, 1](scales)
      let bi = solve((A: B, b: y), by = bicgstab(precondition = jacobi(diag(B))))
      assert bi.status == converged and norm(B @ bi.x - y) <= 1.01 * sqrt(epsilon) * norm(y)
      let few = solve((A: B, b: y), by = gmres(restart = 4, precondition = jacobi(diag(B))))
      assert few.status == converged and norm(B @ few.x - y) <= 1.01 * sqrt(epsilon) * norm(y)
      let exact = block_jacobi(diagonal_blocks[1, 12](A))(A @ ones[12])
      assert norm(exact - 1) < 1e7 * epsilon
      assert norm(jacobi([2.0, 0.0])([1.0, 3.0]) - [0.5, 3.0]) == 0`);
  });

  test(`${precision}: singular systems say so, or get the least-squares solution that was asked for`, () => {
    run(`
      // Rank two; the least-squares solution of least norm is by the pseudoinverse.
      let U = [[1.0, 2], [3, 4], [5, 7]]
      let V = [[1.0, 0], [2, 1], [1, 1]]
      let A = U @ V'
      let y = [1.0, -1, 2]
      let pinv = V @ linear_solve(V' @ V, linear_solve(U' @ U, U' @ y))
      let l = solve((A: A, b: y), by = lsmr())
      assert l.status == converged and norm(l.x - pinv) < 300 * sqrt(epsilon)
      let inside = A @ [1.0, 2, 3]
      let ok = solve((A: A, b: inside), by = lsmr())
      assert ok.status == converged and norm(A @ ok.x - inside) < 10 * sqrt(epsilon) * norm(inside)
      let damped = linear_solve(A, y, by = lsmr(damping = 0.5))
      assert norm(A' @ (A @ damped - y) + 0.25 * damped) < 1e3 * sqrt(epsilon)
      let n = solve((A: A, b: y), by = normal_cg())
      assert n.status != converged
      let S = [[1.0, 1, 0], [1, 1, 0], [0, 0, 2]]
      let m = solve((A: S, b: [1.0, 2, 2]), by = minres())
      assert m.status != converged and norm(S' @ (S @ m.x - [1.0, 2, 2])) < 30 * sqrt(epsilon)
      let fine = solve((A: S, b: [3.0, 3, 2]), by = minres())
      assert fine.status == converged
      let g = solve((A: S, b: [1.0, 2, 2]), by = gmres())
      assert g.status != converged and norm(g.x) < 1e3
      let d = solve((A: S, b: [1.0, 2, 2]), by = dense())
      assert d.status == singular
      let r = solve((A: S, b: [1.0, 2, 2]), by = iterative_refinement())
      assert r.status == singular
      let c = solve((A: -S, b: [3.0, 3, 2]), by = cg())
      assert c.status == singular
      let k = solve((A: [[0.0, 1], [-1, 0]], b: [1.0, 0]), by = bicgstab())
      assert k.status != converged or norm([[0.0, 1], [-1, 0]] @ k.x - [1.0, 0]) < 10 * sqrt(epsilon)`);
  });

  test(`${precision}: where rounding spoils the short recurrence, the error told is still the true one`, () => {
    const text = ["cg(iters = 200)", "minres(iters = 200)", "bicgstab(iters = 200)", "normal_cg(iters = 200)"].map(
      (by, i) => `
      let h${i} = solve((A: hard, b: ones[8]), by = ${by})
      assert abs(h${i}.error - norm(hard @ h${i}.x - 1) / norm(ones[8])) <= 0.3 * sqrt(epsilon)`,
    );
    run(`let hard = Q @ ((epsilon^0.5)^linspace[8](0, 1) * Q')\n${text.join("\n")}`);
  });

  test(`${precision}: one system after the other is what a batch of them is`, () => {
    const text = ["cg()", "minres()", "bicgstab()", "gmres(restart = 5)", "lsmr()"].map(
      (by, i) => `
      let whole${i} = [linear_solve(definite + c * eye[8], b, by = ${by}) for c in [0.0, 1, 30]]
      let tight${i} = [linear_solve(definite + c * eye[8], b) for c in [0.0, 1, 30]]
      assert norm(whole${i} - tight${i}) < 10 * sqrt(epsilon) * norm(tight${i})
      let middle${i} = linear_solve(definite + eye[8], b, by = ${by})
      assert norm(whole${i}[1] - middle${i}) <= 1e3 * epsilon * norm(middle${i})`,
    );
    run(text.join("\n"));
  });
}

test("a solver of a system says how it failed", () => {
  const { warnings } = runScript(`${imports}
    show solve((A: [[1.0, 1], [1, 1]], b: [1.0, 2]), by = dense()).status
    show linear_solve(eye[3], ones[3], by = cg(iters = 0))`);
  assert.match(warnings.join("\n"), /`singular` after 0 iterations[\s\S]*`iterations` after 0 iterations/);
});
