import assert from "node:assert/strict";
import test from "node:test";
import { runScript } from "./testing.ts";

const imports = `import { dual_patch_norm, normalize_rows, patch_rows, tract, tract_by_stopping, tract_convolution,
  tract_gradient, tract_tokens } from "std/training"`;

test("the gradient of three rows, to twelve digits", () => {
  runScript(`${imports}
    let X = [[1.0, 2], [3, -1], [0.5, 0.5]]
    let u = [[0.1], [-0.2], [0.3]]
    assert norm(X' @ u - [[-0.35], [0.55]]) < 1e-14
    let golden = [[-0.07915157785825144], [0.28660113812726334]]
    assert norm(tract_gradient(X, u) - golden) < 1e-12
    let W = [[0.3], [-0.7]]
    assert norm(grad(W => dot(u, tract(X, W)))(W) - golden) < 1e-12
    assert norm(grad(W => dot(u, tract_by_stopping(X, W)))(W) - golden) < 1e-12`);
});

for (const precision of ["f64", "f32"] as const)
  test(`${precision}: the ridge problem is solved, by rows as by columns; values and other gradients are those of the product`, () => {
    runScript(
      `${imports}
      ${[
        [30, 8, 5],
        [6, 20, 5],
        [1, 7, 2],
        [9, 9, 1],
      ]
        .map(
          ([b, n, m], i) => `
      let X${i} = normal[${b}, ${n}](key(${i}))
      let W${i} = normal[${n}, ${m}](key(${10 + i}))
      let u${i} = normal[${b}, ${m}](key(${20 + i}))
      let G${i} = tract_gradient(X${i}, u${i}, 0.3)
      // Both forms, whichever of them was taken.
      let by_columns${i} = linear_solve(X${i}' @ X${i} / ${b} + 0.3 * eye[${n}], X${i}' @ u${i})
      let by_rows${i} = X${i}' @ linear_solve(X${i} @ X${i}' / ${b} + 0.3 * eye[${b}], u${i})
      let close${i} = 500 * epsilon * norm(u${i}) * norm(X${i})
      assert norm(G${i} - by_columns${i}) < close${i} and norm(G${i} - by_rows${i}) < close${i}
      // The step of length 0.7 is the answer of the ridge problem.
      let ridge${i} = S => sum((X${i} @ S + 0.7 * ${b} * u${i})^2) + 0.3 * ${b} * sum(S^2)
      assert norm(grad(ridge${i})(-0.7 * G${i})) < 1e4 * epsilon * norm(X${i}' @ u${i})
      assert norm(tract(X${i}, W${i}) - X${i} @ W${i}) == 0
      assert norm(tract_by_stopping(X${i}, W${i}) - X${i} @ W${i}) < 100 * epsilon * norm(X${i}) * norm(W${i})
      let through${i} = W => sum(sin(tract(X${i}, W, 0.3)))
      assert norm(grad(through${i})(W${i}) - tract_gradient(X${i}, cos(X${i} @ W${i}), 0.3)) < close${i}
      let stopped${i} = W => sum(sin(tract_by_stopping(X${i}, W, 0.3)))
      assert norm(grad(through${i})(W${i}) - grad(stopped${i})(W${i})) < 10 * close${i}
      assert norm(grad(X => sum(sin(tract(X, W${i}))))(X${i}) - grad(X => sum(sin(X @ W${i})))(X${i})) < close${i}`,
        )
        .join("\n")}`,
      { precision },
    );
  });

test("the step of one row does not follow its contrast, and the floor bounds it", () => {
  runScript(`${imports}
    fn moved(s: real) = {
      let X = fill[1, 25](s)
      sum(X @ tract_gradient(X, [[1.0]]))
    }
    let found = [moved(s) for s in [0.1, 1, 10, 100]]
    assert norm(found - [0.7143, 0.9960, 1, 1], inf) < 5e-5
    // Where the gradient vanishes TrAct's does, and nowhere else.
    let X = normal[12, 5](key(1))
    let u = normal[12, 2](key(2))
    let none = u - X @ linear_solve(X' @ X, X' @ u)
    assert norm(tract_gradient(X, none)) < 1e-12 and norm(tract_gradient(X, u)) > 0.1`);
});

test("inputs of any scale in f32", () => {
  const ran = runScript(
    `${imports}
    let X = 255 * uniform[2000, 25](key(1))
    let u = normal[2000, 3](key(2)) / 2000
    let G = tract_gradient(X, u)
    show norm(G), G[0]`,
    { precision: "f32" },
  );
  const exact = runScript(
    `${imports}
    let X = 255 * uniform[2000, 25](key(1))
    let u = normal[2000, 3](key(2)) / 2000
    show norm(tract_gradient(X, u))`,
  );
  const [single, double] = [Number(ran.shown.get("norm(G)")), Number(exact.shown.get("norm(tract_gradient(X, u))"))];
  // The condition number of the covariance is near 1e6 here without the mean taken out, times rounding 6e-8.
  assert.ok(Math.abs(single / double - 1) < 3e-2, `${single}, ${double}`);
});

test("tokens, convolutions and their rows", () => {
  runScript(`${imports}
    let X = normal[4, 3, 6](key(1))
    let W = normal[6, 2](key(2))
    assert norm(tract_tokens(X, W) - reshape[4, 3, 2](reshape[12, 6](X) @ W)) < 1e-14
    let u = normal[4, 3, 2](key(3))
    assert norm(grad(W => dot(u, tract_tokens(X, W)))(W) - tract_gradient(reshape[12, 6](X), reshape[12, 2](u))) < 1e-12
    // Convolutions agree with conv, at every stride and padding.
    let images = normal[3, 2, 7, 6](key(4))
    let F = normal[5, 2, 3, 2](key(5))
    let flat = reshape[5, 12](F)'
    let plain = tract_convolution[3, 2](images, flat)
    assert norm(plain - reshape[3, 25, 5](einsum("mfrc->mrcf", conv(images, F)))) < 1e-12
    let strided = tract_convolution[3, 2](images, flat, stride = 2, padding = 1)
    let framed = zeros[3, 2, 9, 8] with [:, :, 1:8, 1:7] = images
    let expected = einsum("mfrc->mrcf", conv(framed, F, stride = 2))
    assert norm(ravel(strided) - ravel(expected)) < 1e-12
    let v = normal[3, 25, 5](key(6))
    let rows = patch_rows[3, 2](images)
    // The divisor is the number of patches, 75, not that of images.
    let G = linear_solve(rows' @ rows / 75 + 0.1 * eye[12], rows' @ reshape[75, 5](v))
    assert norm(grad(W => dot(v, tract_convolution[3, 2](images, W)))(flat) - G) < 1e-12`);
});

test("the baselines: normalised rows", () => {
  runScript(`${imports}
    let X = 3 + normal[6, 9](key(1))
    let N = normalize_rows(X)
    assert norm([mean(x) for x in N]) < 1e-12 and norm([var(x) for x in N] - 1) < 1e-4
    assert norm(normalize_rows(7 * X - 2) - N) < 1e-4
    let p = (gain: ones[9], shift: zeros[9], W: normal[9, 4](key(2)), b: zeros[4], gain_after: 2 * ones[4], shift_after: ones[4])
    let Z = dual_patch_norm(X, p)
    assert norm([mean(z) for z in Z] - 1) < 1e-12
    let f = p => sum(sin(dual_patch_norm(X, p)))
    assert norm(ravel(grad(f)(p)) - ravel(numeric_grad(f)(p))) < 1e-5`);
});
