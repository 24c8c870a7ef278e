/**
 * Certificates against derivatives without rounding: whatever is solved loosely, ill-conditioned, damped, close to a change
 * of its active set or in f32, the gradient is wrong by at most what its certificate says.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { ndArray } from "../compiler/core/array.ts";
import { CpuRunner } from "../runtime/cpu/runner.ts";
import * as exact from "./exact.ts";
import { type Plain, runScript } from "./testing.ts";

type Numbers = number | readonly number[] | readonly (readonly number[])[];
type Precision = "f64" | "f32";

/** A problem: what the script reads, and the gradient in p. */
interface Problem {
  readonly data: Readonly<Record<string, Numbers>>;
  readonly gradient: readonly number[];
}

/** Of numbers that f32 holds, so that both precisions have the same problem. */
class Draws {
  #state: number;
  constructor(seed: number) {
    this.#state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) >>> 0;
    for (let i = 0; i < 8; i++) this.between(0, 1);
  }
  between(low: number, high: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.fround(low + ((high - low) * ((t ^ (t >>> 14)) >>> 0)) / 2 ** 32);
  }
  vector = (n: number) => Array.from({ length: n }, () => this.between(-2, 2));
  matrix = (m: number, n: number) => Array.from({ length: m }, () => this.vector(n));
  oneOf = <T>(items: readonly T[]): T => items[Math.floor(this.between(0, 0.999) * items.length)]!;
}

const tolerance = (draws: Draws) => draws.oneOf([0.3, 0.1, 0.01, 1e-3, 1e-5, 1e-7].map(Math.fround));
/** Columns of sizes that differ by up to so many powers of ten. */
function scaled(draws: Draws, A: readonly (readonly number[])[], powers: number): number[][] {
  const sizes = A[0]!.map(() => 10 ** (-powers * draws.between(0, 1)));
  return A.map((row) => row.map((x, j) => Math.fround(x * sizes[j]!)));
}
const weighted = (w: readonly number[], moves: readonly exact.Vector[]) =>
  moves.map((v) => exact.rounded(exact.inner(exact.vector(w), v)));

/** x of least |A x - p1 b|^2 + p0 |x|^2. */
function ridge(draws: Draws, precision: Precision): Problem {
  const wide = precision === "f64";
  const A = scaled(draws, draws.matrix(5, 3), draws.oneOf(wide ? [0, 3, 6] : [0, 1, 2]));
  const [b, w] = [draws.vector(5), draws.vector(3)];
  const p = [Math.fround(10 ** (-(wide ? 8 : 3) * draws.between(0, 1))), draws.between(1, 3)];
  const columns = exact.transposed(exact.matrix(A));
  const K = columns.map((u, i) =>
    columns.map((v, j) => exact.plus(exact.inner(u, v), i === j ? exact.exactly(p[0]!) : exact.zero)),
  );
  const unit = exact.solutions(K, [columns.map((u) => exact.inner(u, exact.vector(b)))])![0]!;
  const x = unit.map((v) => exact.times(v, exact.exactly(-p[1]!)));
  return {
    data: { A, b, w, p, tol: tolerance(draws) },
    gradient: weighted(w, [exact.solutions(K, [x])![0]!, unit]),
  };
}

/** (M + p0 N) x = p1 b. */
function linear(draws: Draws): Problem {
  const [M, N, b, w] = [draws.matrix(4, 4), draws.matrix(4, 4), draws.vector(4), draws.vector(4)];
  const p = [draws.between(-0.2, 0.2), draws.between(1, 3)];
  const [exactN, share] = [exact.matrix(N), exact.exactly(p[0]!)];
  const K = exact.matrix(M).map((row, i) => row.map((x, j) => exact.plus(x, exact.times(share, exactN[i]![j]!))));
  const unit = exact.solutions(K, [exact.vector(b)])![0]!;
  const x = unit.map((v) => exact.times(v, exact.exactly(-p[1]!)));
  const moved = exact.solutions(K, [exactN.map((row) => exact.inner(row, x))])![0]!;
  return { data: { A: M, N, b, w, p, tol: tolerance(draws) }, gradient: weighted(w, [moved, unit]) };
}

/** exp(A x) = p0 b + p1 c, so that x = A^-1 log(p0 b + p1 c). */
function exponential(draws: Draws, precision: Precision): Problem {
  const A = scaled(draws, draws.matrix(3, 3), draws.oneOf(precision === "f64" ? [0, 1, 3] : [0, 1]));
  const positive = () => Array.from({ length: 3 }, () => draws.between(0.1, 2));
  const [b, c, w, p] = [positive(), positive(), draws.vector(3), [draws.between(0.5, 1.5), draws.between(0.2, 1.2)]];
  const [exactB, exactC, [p0, p1]] = [
    exact.vector(b),
    exact.vector(c),
    exact.vector(p) as [exact.Rational, exact.Rational],
  ];
  const total = exactB.map((v, i) => exact.plus(exact.times(v, p0), exact.times(exactC[i]!, p1)));
  const moves = [exactB, exactC].map((v) => v.map((x, i) => exact.over(x, total[i]!)));
  const data = { A, b, N: [c], w, p, tol: tolerance(draws) };
  return { data, gradient: weighted(w, exact.solutions(exact.matrix(A), moves)!) };
}

/** x of least |B x|^2 / 2 + |x|^2 / 16 - (a + p0 u).x with rows G x <= d + p1 v; half of them hardly bind or hardly do not. */
function program(draws: Draws): Problem | undefined {
  const [B, a, u, G, v, w] = [
    draws.matrix(3, 3),
    draws.vector(3),
    draws.vector(3),
    draws.matrix(2, 3),
    draws.vector(2),
    draws.vector(3),
  ];
  const p = [draws.between(-1, 1), draws.between(-0.3, 0.3)];
  const near = draws.oneOf([1, 0.1, 1e-3]);
  const d = draws.vector(2).map((x) => Math.fround(Math.abs(x) * near));
  const columns = exact.transposed(exact.matrix(B));
  const Q = columns.map((s, i) =>
    columns.map((t, j) => exact.plus(exact.inner(s, t), exact.exactly(i === j ? 0.125 : 0))),
  );
  const along = (base: readonly number[], direction: readonly number[], size: number) =>
    exact.vector(base).map((x, i) => exact.plus(x, exact.times(exact.exactly(size), exact.exactly(direction[i]!))));
  const parts = { Q, c: along(a, u, p[0]!), G: exact.matrix(G), d: along(d, v, p[1]!), H: [], h: [] };
  const none = (n: number) => Array.from({ length: n }, () => exact.zero);
  const moves = exact.movements(parts, [
    { c: exact.vector(u), d: none(2), h: [] },
    { c: none(3), d: exact.vector(v), h: [] },
  ]);
  const data = { A: B, b: a, u, N: G, d, v, w, p, tol: tolerance(draws) };
  return moves && { data, gradient: weighted(w, moves) };
}

const imports = `
import { lbfgs } from "std/first-order"
import { newton_root, broyden, anderson } from "std/roots"
import { levenberg_marquardt } from "std/least-squares"
import { cg, gmres, bicgstab } from "std/linear"
import { osqp, interior_point } from "std/constrained"
`;

/** The functions of p that are differentiated, of the data of one problem and the tolerance `tol`. */
const smooth: readonly (readonly [(draws: Draws, precision: Precision) => Problem, string])[] = [
  ...[
    "lbfgs(tol = tol)",
    "lbfgs(tol = tol), adjoint = implicit(by = cg(tol = 1e-2))",
    "lbfgs(tol = tol), adjoint = implicit(by = bicgstab(tol = 1e-2))",
    "lbfgs(tol = tol), adjoint = implicit(damping = 1e-3)",
    "lbfgs(tol = tol), adjoint = implicit(polish = 1)",
  ].map(
    (by) =>
      [
        ridge,
        `argmin(x => 0.5 * sum((A @ x - p[1] * b)^2) + 0.5 * p[0] * dot(x, x), from = zeros[n], by = ${by})`,
      ] as const,
  ),
  [
    ridge,
    "least_squares(x => concat(A @ x - p[1] * b, sqrt(p[0]) * x), from = zeros[n], by = levenberg_marquardt(tol = tol)).x",
  ],
  [linear, "root(x => (A + p[0] * N) @ x - p[1] * b, from = zeros[n], by = broyden(tol = tol)).x"],
  [
    linear,
    "root(x => (A + p[0] * N) @ x - p[1] * b, from = zeros[n], by = broyden(tol = tol), adjoint = implicit(by = gmres(restart = 4, tol = 1e-2))).x",
  ],
  [linear, "linear_solve(x => (A + p[0] * N) @ x, p[1] * b, by = gmres(restart = 3, tol = tol))"],
  [
    exponential,
    "root(x => A' @ (exp(A @ x) - p[0] * b - p[1] * N[0]), from = zeros[n], by = newton_root(tol = tol)).x",
  ],
  [
    exponential,
    "argmin(x => sum(exp(A @ x) - (p[0] * b + p[1] * N[0]) * (A @ x)), from = zeros[n], by = lbfgs(tol = tol))",
  ],
];

const shapeOf = (v: Numbers): number[] => (typeof v === "number" ? [] : [v.length, ...shapeOf(v[0]! as Numbers)]);
const entries = (v: Numbers): number[] => (typeof v === "number" ? [v] : (v as readonly Numbers[]).flatMap(entries));
const many = (v: Plain | undefined) => v as readonly number[];

/** Certificates of the function of p for each problem at once. */
function certificates(f: string, problems: readonly Problem[], precision: Precision) {
  const names = Object.keys(problems[0]!.data);
  const unknowns = (problems[0]!.data.w as readonly number[]).length;
  const sizes = (n: string) => shapeOf(problems[0]!.data[n]!).map((d) => (d === unknowns ? "n" : String(d)));
  const types = Object.fromEntries(names.map((n) => [n, sizes(n).join(", ")]));
  const declared = names.map((n) => `data all_${n}: real[k${types[n] ? `, ${types[n]}` : ""}] from "${n}.npy"`);
  const { shown } = runScript(
    `${imports}${declared.join("\n")}
fn loss(${names.map((n) => `${n}: real${types[n] ? `[${types[n]}]` : ""}`).join(", ")}) = dot(w, ${f})
let c = [certificate(p => loss(${names.join(", ")}))(p) for (${names.join(", ")}) in zip(${names.map((n) => `all_${n}`).join(", ")})]
let gradients = c.gradient
let errors = c.error
show gradients, errors`,
    {
      precision,
      runner: new CpuRunner({ precision }),
      read: ({ name }) => {
        const all = problems.map((q) => q.data[name.slice(4)]!) as readonly Numbers[];
        return ndArray("real", [all.length, ...shapeOf(all[0]!)], all.flatMap(entries));
      },
    },
  );
  const [g, stated] = [many(shown.get("gradients")), many(shown.get("errors"))];
  return problems.map((_, i) => ({ gradient: [g[2 * i]!, g[2 * i + 1]!], error: stated[i]! }));
}

function compare(
  what: string,
  problem: Problem,
  found: { readonly gradient: readonly number[]; readonly error: number },
) {
  const wrong = Math.hypot(...found.gradient.map((x, i) => x - problem.gradient[i]!));
  assert.ok(wrong <= found.error, `${what}: wrong by ${wrong}, but ${found.error} is stated`);
  return { wrong, stated: found.error, size: Math.hypot(...problem.gradient) };
}

for (const precision of ["f64", "f32"] as const) {
  test(`${precision}: no smooth solve's derivative is wrong by more than is stated`, () => {
    const stated: { wrong: number; stated: number; size: number }[] = [];
    for (const [number, [make, f]] of smooth.entries()) {
      const problems = Array.from({ length: 10 }, (_, i) => make(new Draws(100 * number + i), precision));
      certificates(f, problems, precision).forEach((found, i) => {
        stated.push(compare(`${f}, seed ${100 * number + i}`, problems[i]!, found));
      });
    }
    // Statements that are always true say nothing.
    const epsilon = precision === "f64" ? 2 ** -52 : 2 ** -23;
    const idle = stated.filter((s) => s.stated > 1e4 * Math.max(s.wrong, epsilon * s.size)).length;
    assert.ok(idle <= stated.length / 5, `${idle} of ${stated.length} are more than 10000 times too large`);
  });

  test(`${precision}: nor is a model's, also where constraints hardly bind`, () => {
    const model = (by: string) => `${imports}
data A: real[n, n] from "A.npy"
data b: real[n] from "b.npy"
data u: real[n] from "u.npy"
data N: real[m, n] from "N.npy"
data d: real[m] from "d.npy"
data v: real[m] from "v.npy"
data w: real[n] from "w.npy"
data p: real[2] from "p.npy"
data tol: real from "tol.npy"
problem qp(p: real[2]) {
  var x: real[n]
  minimize 0.5 * sum((A @ x)^2) + 0.0625 * dot(x, x) - dot(b + p[0] * u, x)
  subject to { rows: N @ x <= d + p[1] * v }
}
let c = certificate(p => dot(w, solve(qp(p), by = ${by}).x))(p)
show c.gradient, c.error`;
    const runner = new CpuRunner({ precision });
    let compared = 0;
    for (const by of ["osqp(tol = tol)", "interior_point(tol = tol)"])
      for (let seed = 0; seed < 6; seed++) {
        const problem = program(new Draws(seed));
        if (!problem) continue;
        const read = ({ name }: { readonly name: string }) =>
          ndArray("real", shapeOf(problem.data[name]!), entries(problem.data[name]!));
        let shown: ReadonlyMap<string, Plain>;
        try {
          ({ shown } = runScript(model(by), { precision, runner, read }));
        } catch (error) {
          // A rough answer between two active sets is refused.
          assert.match(String(error), /K0980/, `${by}, seed ${seed}`);
          continue;
        }
        compare(`${by}, seed ${seed}`, problem, {
          gradient: many(shown.get("c.gradient")),
          error: Number(shown.get("c.error")),
        });
        compared += 1;
      }
    assert.ok(compared >= 6, `only ${compared} were compared`);
  });
}

test("beyond the unknowns whose matrix is built, too; and models without equations have a derivative there", () => {
  runScript(
    `import { cg } from "std/linear"
import { lbfgs } from "std/first-order"
import { osqp } from "std/constrained"
let s = 1 + 0.2 * sin(iota[450])
let b = cos(iota[450])
fn A(p: real, v: real[450]) = (2 + p) * s * v - 0.9 * concat(v[1:], [0.0]) - 0.9 * concat([0.0], v[:449])
fn solved(p: real, tol: real) = sum(linear_solve(v => A(p, v), b, by = cg(tol = tol))^2)
let c = certificate(p => solved(p, 1e-2))(0.3)
let wrong = abs(c.gradient - grad(p => solved(p, 1e-13))(0.3))
assert wrong <= c.error and c.error <= 100 * wrong
fn least(p: real, tol: real) =
  sum(argmin(x => 0.5 * dot(x, A(p, x)) - dot(b, x) + 0.01 * sum(x^4), from = zeros[450], by = lbfgs(tol = tol))^2)
let d = certificate(p => least(p, 0.1))(0.3)
let off = abs(d.gradient - grad(p => least(p, 1e-11))(0.3))
assert off <= d.error and d.error <= 100 * off
problem clipped(c: real[n]) {
  var x: real[n]
  minimize 0.5 * dot(x - c, x - c)
  subject to { x >= 0 }
}
assert grad(p => sum(solve(clipped(p * iota[450] - 100.5), by = osqp()).x))(1.0) ~= 450 * 449 / 2 - 101 * 100 / 2`,
    { runner: new CpuRunner({ precision: "f64" }) },
  );
});
