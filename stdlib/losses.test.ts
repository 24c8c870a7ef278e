/** Losses: closed forms, gradients that are prediction minus target, second derivatives, kinks. */
import test from "node:test";
import { runScript } from "./testing.ts";

const imports = `import { huber_loss, binary_logistic_loss, binary_hinge_loss, binary_perceptron_loss, binary_sparsemax_loss, multiclass_logistic_loss, multiclass_hinge_loss, multiclass_perceptron_loss, multiclass_sparsemax_loss, fenchel_young_loss, sparse_maximum } from "std/losses"
import { project_simplex, project_hypercube } from "std/projections"\n`;

for (const precision of ["f64", "f32"] as const)
  test(`${precision}: values and gradients`, () => {
    runScript(
      `${imports}
      let s = [0.3, -1.2, 2.0, 1.6]
      let e = [0.0, 0, 0, 1]
      let small = 30 * epsilon
      assert norm(grad(s => multiclass_logistic_loss(3, s))(s) - (softmax(s) - e)) < small
      assert norm(grad(s => multiclass_sparsemax_loss(3, s))(s) - (project_simplex(s) - e)) < small
      assert norm(grad(s => multiclass_hinge_loss(3, s))(s) - ([0.0, 0, 1, 0] - e)) < small
      assert norm(grad(s => multiclass_perceptron_loss(3, s))(s) - ([0.0, 0, 1, 0] - e)) < small
      assert norm(hessian(s => multiclass_logistic_loss(3, s))(s) - (diag(softmax(s)) - outer(softmax(s), softmax(s)))) < small
      assert norm(hessian(s => multiclass_sparsemax_loss(3, s))(s) - jacobian(v => project_simplex(v))(s)) < small
      assert abs(multiclass_sparsemax_loss(2, [0.0, 0, 5])) < small
      assert abs(multiclass_hinge_loss(2, [0.0, 0, 5])) < small and abs(multiclass_hinge_loss(2, [0.0, 0, 0.5]) - 0.5) < small
      assert multiclass_perceptron_loss(2, [0.0, 0, 5]) == 0
      let p = project_simplex(s)
      assert abs(multiclass_sparsemax_loss(3, s) - 0.5 * (norm(e - s)^2 - norm(p - s)^2)) < small

      let z = [-3.0, -0.4, 0, 0.7, 5]
      for_labels
      assert norm(binary_logistic_loss(1, [-1000.0, 1000]) - [1000, 0]) == 0
      assert norm(binary_hinge_loss(1, z) - [4, 1.4, 1, 0.3, 0]) < small
      assert norm(binary_hinge_loss(0, -z) - binary_hinge_loss(true, z)) == 0
      assert norm(binary_perceptron_loss(1, z) - [3, 0.4, 0, 0, 0]) < small
      assert norm(binary_sparsemax_loss(1, z) - [3, 0.49, 0.25, 0.0225, 0]) < small
      assert norm(grad(z => sum(binary_sparsemax_loss(1, z)))(z) - (project_hypercube(0.5 * (z + 1)) - 1)) < small

      assert norm(huber_loss(z, z + [0.1, -0.1, 2, -3, 0], 0.5) - [0.005, 0.005, 0.875, 1.375, 0]) < small
      assert norm(grad(r => sum(huber_loss(0, r)))([0.5, 1, -4, 0]) - [0.5, 1, -1, 0]) == 0

      // Fenchel-Young: the same losses from their smoothed maxima.
      let logistic = fenchel_young_loss(logsumexp)
      assert abs(logistic(e, s) - multiclass_logistic_loss(3, s)) < small
      let sparse = fenchel_young_loss(sparse_maximum, conjugate = p => 0.5 * dot(p, p))
      assert abs(sparse(e, s) - multiclass_sparsemax_loss(3, s)) < small
      assert abs(sparse(p, s)) < small
      assert norm(grad(s => sparse(e, s))(s) - (p - e)) < small`.replace(
        "for_labels",
        ["0", "1"]
          .map(
            (y) => `assert norm(grad(z => sum(binary_logistic_loss(${y}, z)))(z) - (sigmoid(z) - ${y})) < small
      assert norm(binary_logistic_loss(${y}, z) - [multiclass_logistic_loss(${y}, [0.0, v]) for v in z]) < small
      assert norm(binary_sparsemax_loss(${y}, z) - [multiclass_sparsemax_loss(${y}, [0.0, v]) for v in z]) < small`,
          )
          .join("\n      "),
      ),
      { precision },
    );
  });

test("fitting with a loss: the mean over a data set, its gradient against differences", () => {
  runScript(
    `${imports}
    let X = normal[20, 3](key(1))
    let labels = randint[20](key(2), 0, 4)
    for_losses`.replace(
      "for_losses",
      ["logistic", "hinge", "perceptron", "sparsemax"]
        .map(
          (name) => `
    fn ${name}(W: real[4, 3]) = mean([multiclass_${name}_loss(y, W @ x) for (x, y) in zip(X, labels)])
    let W_${name} = normal[4, 3](key(7))
    // A small step of our own: extrapolation would reach over the kinks of piecewise losses.
    let D_${name} = normal[4, 3](key(8))
    let difference_${name} = (${name}(W_${name} + 1e-6 * D_${name}) - ${name}(W_${name} - 1e-6 * D_${name})) / 2e-6
    assert abs(dot(grad(${name})(W_${name}), D_${name}) - difference_${name}) < 1e-8`,
        )
        .join("\n"),
    ),
  );
});
