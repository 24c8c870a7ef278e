/** Forms that solve: fixed points, roots, optima, linear systems, each with several ways to be differentiated. */
import { form } from "./forms-values.ts";
import { type Form, type Grower, type Scope, within } from "./grow.ts";
import { binding, expression } from "./tree.ts";
import { array, isReal, leafTypes, type RealType, type Type } from "./types.ts";

const maySolve = (type: Type, _: Grower, scope: Scope) => isReal(type) && scope.solves > 0;
const inner = (scope: Scope): Scope => ({ ...within(scope, []), solves: scope.solves - 1 });

/** Tolerances are far below what a check can see, so that derivatives of steps and of conditions agree. */
const iterate = "fixed_point(tol = 1e-14, iters = 60)";

export const solveForms: readonly Form[] = [
  form("fixpoint", 2, maySolve, (g, type, scope) => {
    const u = g.fresh("u", type);
    const adjoint = g.one([
      "",
      "",
      ", adjoint = unroll",
      ", adjoint = implicit(by = gmres(tol = 1e-13))",
      ", adjoint = implicit(by = direct())",
      ", adjoint = unroll(checkpoint = true)",
    ]);
    // A contraction by 1/4 whatever stands in it, as long as that does not contain u.
    const factor = g.grow(type, inner(scope), "fixpoint");
    const shift = g.grow(type, inner(scope), "fixpoint", 2);
    return expression(
      "fixpoint",
      type,
    )`fixpoint(${u.name} => 0.25 * sin(${u.name} * tanh(${factor})) + tanh(${shift}), from = 0.0 * ${g.leaf(type, scope)}, by = ${iterate}${adjoint}).x`;
  }),
  form("contraction", 1, maySolve, (g, type, scope) => {
    const u = g.fresh("u", type);
    const body = g.grow(type, within(inner(scope), [u]), "fixpoint");
    const adjoint = g.one(["unroll", "unroll(checkpoint = true)"]);
    // Any map, a few steps of it: unrolled steps are a loop like any other.
    return expression(
      "contraction",
      type,
    )`fixpoint(${u.name} => tanh(${binding([u], body)}), from = ${g.grow(type, scope, "fixpoint")}, by = fixed_point(tol = 0.0, iters = ${g.count(4, 1)}), adjoint = ${adjoint}).x`;
  }),
  form("root of", 1, maySolve, (g, type, scope) => {
    const u = g.fresh("u", type);
    const target = g.grow(type, inner(scope), "fixpoint");
    return expression(
      "root of",
      type,
    )`root(${u.name} => ${u.name} + 0.5 * tanh(${u.name}) - tanh(${target}), from = 0.0 * ${g.leaf(type, scope)}, by = newton_root(tol = 1e-13)).x`;
  }),
  form("argmin", 2, maySolve, (g, type, scope) => {
    const w = g.fresh("w", type);
    const target = g.grow(type, inner(scope), "fixpoint");
    const weight = g.grow(type, inner(scope), "fixpoint", 2);
    const adjoint = g.one([
      "",
      "",
      ", adjoint = implicit(by = cg(tol = 1e-13))",
      ", adjoint = implicit(by = direct(cholesky))",
    ]);
    // Newton's method wants unknowns.
    const axes = leafTypes(type as RealType).flatMap((leaf) => leaf.shape);
    const newton = g.nonEmpty(...axes) && !g.chance(4);
    const by = newton ? "newton(tol = 1e-12)" : "lbfgs(tol = 1e-11)";
    return expression(
      "argmin",
      type,
      ...(newton ? axes : []),
    )`argmin(${w.name} => { let e = ${w.name} - tanh(${target})\n 0.5 * sum(e^2) + 0.5 * sum(tanh(${weight})^2 * sqrt(1 + ${w.name}^2)) }, from = 0.0 * ${g.leaf(type, scope)}, by = ${by}${adjoint})`;
  }),
  form("linear system", 2, maySolve, (g, type, scope) => {
    const q = g.fresh("q", type);
    const c = g.fresh("c", type);
    const right = g.grow(type, inner(scope), "fixpoint");
    const direction = g.grow(type, inner(scope), "fixpoint", 2);
    const by = g.one(["cg(tol = 1e-13)", "gmres(tol = 1e-13)", "bicgstab(tol = 1e-13)"]);
    return expression(
      "linear system",
      type,
    )`({ let ${c.name} = tanh(${direction})\n linear_solve(${q.name} => 2 * ${q.name} + 0.3 * sum(${c.name} * ${q.name}) * ${c.name}, ${right}, by = ${by}) })`;
  }),
  form(
    "system of a matrix",
    1,
    (type) => type.kind === "real" && type.shape.length === 1,
    (g, type, scope) => {
      const n = type.kind === "real" ? type.shape[0]! : "n";
      const matrix = g.grow(array(n, n), scope, "factors");
      return expression(
        "system of a matrix",
        type,
      )`linear_solve(eye[${n}] * (1.5 * ${n} + 1) + tanh(${matrix}), ${g.grow(type, scope, "factors")})`;
    },
  ),
];

/** Which imports a text with these forms needs. */
export const solverImports: readonly (readonly [string, string])[] = [
  ["lbfgs", "std/first-order"],
  ["newton", "std/second-order"],
  ["cg", "std/linear"],
  ["gmres", "std/linear"],
  ["bicgstab", "std/linear"],
  ["fixed_point", "std/roots"],
  ["newton_root", "std/roots"],
  ["levenberg_marquardt", "std/least-squares"],
  ["interior_point", "std/constrained"],
];
