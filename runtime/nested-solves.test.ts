/**
 * Derivatives through solves whose functions are made of factorisations, sorts, updates, loops, branches, draws and
 * other solves, of orders one to three, in both modes and mixed, in batches and in loops. The oracle sees values alone:
 * central differences, extrapolated to a step of zero.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bind, compile } from "../compiler/index.ts";
import { CpuRunner } from "./cpu/runner.ts";

const runner = new CpuRunner({ precision: "f64" });

const declarations = `
import { newton } from "std/second-order"
import { newton_root, anderson } from "std/roots"
import { levenberg_marquardt } from "std/least-squares"
import { interior_point } from "std/constrained"
import { gmres } from "std/linear"
let by_newton = newton(tol = 1e-13)
let by_root = newton_root(tol = 1e-13)
let c = [1.0, 2.0]
let start = [0.3, 0.1]
fn square(x) = dot(x, x)
fn matrix(t, w) = [[2.0 + t, 0.3 * w[0]], [0.3 * w[0], 7.0 - t * w[1]]]
fn tall(t, w) = [[2.0 + t, 0.3 * w[0]], [0.1 * w[0], 7.0 - t * w[1]], [w[1], t]]
fn soft(x: real) = log1p(exp(x)) derivative dx => sigmoid(x) * dx
fn inner(t: real) = argmin(w => (w - t)^2 + 0.1 * w^4, from = 0.0, by = by_newton)
fn held(t: real) = root(y => y^3 + y - inner(t * y + 1), from = 0.5, by = by_root).x
fn step(s: real, a: real) = root(y => y + 0.3 * y^3 - s - a, from = s, by = by_root).x
fn piece(w: real, t: real) = if w < 20 then w^2 * t else w^3 + 5 * t
problem bounded(a: real[3], b: real) {
  var x: real[3]
  minimize 0.5 * dot(x - a, x - a) + 0.05 * sum(x^4)
  subject to {
    all: sum(x) == b
    low: x[0] <= -1.0
    high: x[1] <= 50
  }
}
`;

/** Functions of t, smooth about 0.7. */
const functions: Readonly<Record<string, string>> = {
  "a solve in a condition in an objective": "held(t)^2 + sin(t * held(2 * t))",
  "solves in a scan":
    "{ let (l, o) = scan s = t for a in [0.1, 0.2, 0.3] { let q = step(s, a * t)\n (q, q * s) }\n l + dot(o, [1.0, 2.0, 3.0]) }",
  linear_solve:
    "dot(argmin(w => { let z = linear_solve(matrix(t, w) + outer(w, w), [1.0, t])\n square(w - z) + 0.1 * square(w) }, from = start, by = by_newton), c)",
  eigh: "dot(argmin(w => { let (l, V) = eigh(matrix(t, w))\n dot(l, [1.0, 0.5]) + 0.1 * V[0, 0]^2 + square(w - [0.5, 0.2]) }, from = start, by = by_newton), c)",
  svd: "dot(argmin(w => { let (U, s, V) = svd(tall(t, w))\n dot(s, [1.0, 0.5]) + square(w) }, from = start, by = by_newton), c)",
  qr: "dot(argmin(w => { let (Q, R) = qr(tall(t, w))\n sum(Q^2 @ c) + R[0, 1]^2 + square(w) }, from = start, by = by_newton), c)",
  cholesky:
    "dot(argmin(w => { let L = cholesky(matrix(t, w))\n L[1, 0] * 2 + L[1, 1]^3 + square(w) }, from = start, by = by_newton), c)",
  "sorts and gathers":
    "dot(argmin(w => { let s = sort(w * [t, 2.0] + [1.0, -1.0])\n let u = w with [[1, 0, 1]] += t * w[[0, 1, 1]]^2\n dot(s, c) + sum(top_k[1](sin(w) + [1.0, 5.0])^2) + sum(u^2) + 3 * square(w) }, from = start, by = by_newton), c)",
  "sums along an axis":
    "dot(argmin(w => sum(cumsum(w * t)^2) + sum(cumprod(1 + w * t)) + sum(cummax(w + [0.0, 2.0])) + square(w), from = start, by = by_newton), c)",
  "branches and draws":
    "argmin(w => (w - t)^2 + piece(w, t) + sum(sin(w * uniform[3](key(5), 0.0, t))) + sum([if v > 0 then v * w^2 else sin(v * w) * t for v in [-1.0, 2.0]]), from = 0.3, by = by_newton)",
  "a loop that stops by its state":
    "argmin(w => (w - t)^2 + 5 * (loop s = w + 1 for i in 0..20 while abs(s) > 0.27 { s / (1.5 + t^2) })^2, from = 0.3, by = by_newton)",
  "unknowns with names":
    "{ let r = argmin(p => square(p.a - t) + (p.b - sum(p.a) * t)^2 + soft(p.b), from = (a: start, b: 0.3), by = by_newton)\n r.a[0] * r.b + r.a[1] }",
  "a batch of solves":
    "sum([argmin(w => (w - t * q)^2 + w^4 * 0.1, from = 0.0, by = by_newton) for q in [1.0, 2.0, 3.0]] * [1.0, 2.0, 3.0])",
  "least squares and fixed points":
    "sum(least_squares(w => concat([w[0] - t, w[1] * w[0] - 1], 0.1 * w), from = [1.0, 1.0], by = levenberg_marquardt(tol = 1e-13)).x) + fixpoint(u => 0.5 * sin(u * t) + t, from = 0.0, by = anderson(tol = 1e-13)).x",
  "a model with constraints":
    "dot(solve(bounded(sin(t) * [0.4, -0.6, 0.9], t), by = interior_point(tol = 1e-12)).x, [1.0, 2.0, 3.0])",
};

/** Derivatives of f at t, and their orders. */
const derivatives: readonly (readonly [expression: string, order: 1 | 2 | 3])[] = [
  ["grad(f)(t)", 1],
  ["jvp(f)(t, 1.0)", 1],
  ["grad(q => [f(s) for s in [q + 0.01, q]][1])(t)", 1],
  ["grad(q => { let (l, o) = scan s = q for z in [0.0, 0.0] { (s, f(s)) }\n 0.5 * sum(o) })(t)", 1],
  ["grad(grad(f))(t)", 2],
  ["jvp(grad(f))(t, 1.0)", 2],
  ["grad(r => jvp(q => jvp(f)(q, 1.0))(r, 1.0))(t)", 3],
];

const point = 0.7;
const width = 0.01;
/** Of differences that cancel digits, relative. */
const tolerances = [0, 1e-7, 1e-6, 1e-3] as const;

const real = (x: number) => ({
  kind: "array" as const,
  type: "real" as const,
  array: { dtype: "real" as const, shape: [], data: Float64Array.of(x) },
});

/** Values of an extrapolation in the square of the step, which is `steps[i]` times the width for `values[i]`. */
function extrapolated(steps: readonly number[], values: readonly number[]): number {
  let row = [...values];
  for (let m = 1; m < steps.length; m++)
    row = row.slice(1).map((next, i) => {
      const [a, b] = [steps[i]! ** 2, steps[i + m]! ** 2];
      return (a * next - b * row[i]!) / (a - b);
    });
  return row[0]!;
}

for (const [name, body] of Object.entries(functions))
  test(name, async () => {
    const names = derivatives.map((_, i) => `d${i}`);
    const asked = derivatives.map(([e], i) => `fn ${names[i]}(t: real) = ${e}`);
    const text = `${declarations}fn f(t: real) = ${body}\n${asked.join("\n")}\n`;
    const { program, diagnostics } = compile(text, { file: "t.opt" });
    assert.ok(program, diagnostics.map((d) => d.message).join("\n"));
    const bound = bind(program, { data: {}, runner, precision: "f64" });
    const call = async (f: string, t: number): Promise<number> => {
      const warnings: string[] = [];
      const value = await bound.callLater(
        f,
        { t: real(t) },
        {
          onEvent: (e) => {
            if (e.kind === "warning") warnings.push(e.diagnostic.message);
          },
        },
      );
      assert.deepEqual(warnings, [], f);
      assert.ok(value.kind === "array");
      return value.array.data[0]!;
    };
    const known = new Map<number, number>();
    for (let k = -12; k <= 12; k++) known.set(k, await call("f", point + k * width));
    const f = (k: number): number => known.get(k)!;
    const difference = (order: number, k: number): number => {
      const h = k * width;
      if (order === 1) return (f(k) - f(-k)) / (2 * h);
      if (order === 2) return (f(k) - 2 * f(0) + f(-k)) / h ** 2;
      return (f(2 * k) - 2 * f(k) + 2 * f(-k) - f(-2 * k)) / (2 * h ** 3);
    };
    for (const [i, [expression, order]] of derivatives.entries()) {
      const steps = order === 1 ? [1, 2, 3, 4] : [2, 4, 6];
      const expected = extrapolated(
        steps,
        steps.map((k) => difference(order, k)),
      );
      const found = await call(names[i]!, point);
      const off = Math.abs(found - expected) / (1 + Math.abs(expected));
      assert.ok(off <= tolerances[order], `${expression}: ${found} for ${expected}, off by ${off}\n${text}`);
    }
  });
