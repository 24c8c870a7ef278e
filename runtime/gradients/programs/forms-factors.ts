/** Forms of factorisations and windows, by what does not depend on the choice of signs and bases, and of problems. */
import { form } from "./forms-values.ts";
import type { Form, Grower, Scope } from "./grow.ts";
import { expression, type Node } from "./tree.ts";
import { array, scalar, type Type } from "./types.ts";

const isVectorOf = (n: "n" | "m") => (type: Type, g: Grower) =>
  type.kind === "real" && type.shape.length === 1 && type.shape[0] === n && g.nonEmpty("n", "m");
const isScalar = (type: Type, g: Grower) => type.kind === "real" && type.shape.length === 0 && g.nonEmpty("n", "m");

/** A matrix `real[n, n]` whose singular values stay apart: a diagonal, and what moves them by less than their gaps. */
function apart(g: Grower, scope: Scope): Node {
  const matrix = g.grow(array("n", "n"), scope, "factors");
  const all = g.fresh("c", array("n", "n")).name;
  return expression(
    "apart",
    array("n", "n"),
  )`({ let ${all} = tanh(${matrix})\n diag(linspace[n](1.0, 2.0 * n + 1)) + (0.3 / (n + 1)) * ${all} })`;
}

export const factorForms: readonly Form[] = [
  form("singular values", 4, isVectorOf("n"), (g, type, scope) => {
    const [u, s, v] = [g.fresh("u", type).name, g.fresh("s", type).name, g.fresh("v", type).name];
    const matrix = apart(g, scope);
    if (g.chance(2))
      return expression("singular values", type, "n", "m")`({ let (${u}, ${s}, ${v}) = svd(${matrix})\n ${s} })`;
    // One pair of vectors after the other, as their outer product: its sign is no choice.
    return expression(
      "singular values",
      type,
      "n",
      "m",
    )`({ let (${u}, ${s}, ${v}) = svd(${matrix})\n ${u} @ (tanh(${s}) * (${v}' @ ${g.grow(type, scope, "factors")})) })`;
  }),
  form("projection", 4, isVectorOf("n"), (g, type, scope) => {
    const [q, r] = [g.fresh("q", type).name, g.fresh("r", type).name];
    return expression(
      "projection",
      type,
      "n",
      "m",
    )`({ let (${q}, ${r}) = qr(${apart(g, scope)})\n tril(${q}) @ (triu(${r}) @ tanh(${g.grow(type, scope, "factors")})) })`;
  }),
  form("eigenvectors", 4, isVectorOf("n"), (g, type, scope) => {
    const [l, v, a] = [g.fresh("l", type).name, g.fresh("v", type).name, g.fresh("a", type).name];
    return expression(
      "eigenvectors",
      type,
      "n",
      "m",
    )`({ let ${a} = ${apart(g, scope)}\n let (${l}, ${v}) = eigh(0.5 * (${a} + ${a}'))\n ${v} @ (sin(${l}) * (${v}' @ ${g.grow(type, scope, "factors")})) })`;
  }),
  form("windows", 4, isScalar, (g, _, scope) => {
    const image = g.grow(array("n", "m"), scope, "factors");
    const kernel = g.grow(array("n", "m"), scope, "factors", 2);
    return expression(
      "windows",
      scalar,
      "n",
      "m",
    )`sum(tanh(conv(reshape[1, 1, n, m](${image}), reshape[1, 1, n, m](${kernel}), padding = 1)))`;
  }),
];

const maySolve = (type: Type, g: Grower, scope: Scope) => isVectorOf("n")(type, g) && scope.solves > 0;

/** Solves of whole models: a problem, whose constraints hold with and without equality, and least squares. */
export const problemForms: readonly Form[] = [
  form("least squares", 4, maySolve, (g, type, scope) => {
    const inner = { ...scope, solves: scope.solves - 1 };
    const w = g.fresh("w", type).name;
    const [c, d] = [g.fresh("c", array("n", "n")).name, g.fresh("d", type).name];
    const [matrix, right] = [apart(g, inner), g.grow(type, inner, "fixpoint", 2)];
    return expression(
      "least squares",
      type,
      "n",
      "m",
    )`({ let ${c} = ${matrix}\n let ${d} = tanh(${right})\n least_squares(${w} => concat(${c} @ ${w} - ${d}, 0.5 * tanh(${w}) + 0.1), from = zeros[n], by = levenberg_marquardt(tol = 1e-12)).x })`;
  }),
  form("problem", 2, maySolve, (g, type, scope) => {
    const inner = { ...scope, solves: scope.solves - 1 };
    const target = g.grow(type, inner, "fixpoint", 2);
    const by = g.one(["interior_point(tol = 1e-10)", "interior_point(tol = 1e-11)"]);
    return expression("problem", type, "n", "m")`solve(fuzzed_nearest(tanh(${target})), by = ${by}).x`;
  }),
];

/** What programs with a `problem` declare: active limits, an active equation, and neither near a change of its part. */
export const problemDeclaration = `problem fuzzed_nearest(t: real[k]) {
  var x: real[k]
  minimize sum((x - t) ^ 2) + 0.1 * sum(x ^ 4)
  subject to {
    whole: sum(x) == 1
    low: x >= t - 4
    high: x[0] <= 3
  }
}
`;
