/** Optimality conditions as mathematics: whole texts, and gradients against numbers. */
import assert from "node:assert/strict";
import test from "node:test";
import { parse, parseExpression } from "../syntax/parse.ts";
import { runScript } from "../testing.ts";
import { conditionsOf } from "./conditions.ts";
import type { Formula } from "./formula.ts";
import { gradientOf } from "./gradient.ts";
import { latex, print, unicode } from "./print.ts";
import { Names, translate } from "./translate.ts";

const explain = (text: string, notation: "unicode" | "latex" = "unicode", only?: string) =>
  conditionsOf(parse(text, { file: "test.opt" }).source, only, notation);

const markowitz = `
problem markowitz(mu: real[n], sigma: real[n, n], risk: real) {
  var x: real[n]
  minimize risk * dot(x, sigma @ x) - dot(mu, x)
  subject to {
    budget: sum(x) == 1
    long: x >= 0
  }
}`;

test("a problem: its Lagrangian and the Karush-Kuhn-Tucker system", () => {
  assert.equal(
    explain(markowitz),
    `problem markowitz
  unknown          x ∈ ℝ^n
  given            mu ∈ ℝ^n
                   sigma ∈ ℝ^(n × n)
                   risk ∈ ℝ
  minimize         risk · xᵀ sigma x − muᵀ x
  subject to       budget: Σ x = 1
                   long: x ≥ 0
  Lagrangian       L = risk · xᵀ sigma x − muᵀ x + ν_budget · (Σ x − 1) − λ_longᵀ x
  stationarity     ∇[x] L = risk · sigma x + risk · sigmaᵀ x − mu + ν_budget · 𝟏 − λ_long = 0
  feasibility      Σ x − 1 = 0
                   −x ≤ 0
  dual sign        λ_long ≥ 0
  complementarity  λ_long ∘ (−x) = 0`,
  );
});

test("the same in LaTeX", () => {
  assert.equal(
    explain(markowitz, "latex"),
    String.raw`% problem markowitz
\begin{align*}
  \text{unknown} && x \in {\mathbb{R}}^{n} \\
  \text{given} && \mu \in {\mathbb{R}}^{n} \\
  \text{given} && \sigma \in {\mathbb{R}}^{n \times n} \\
  \text{given} && \mathrm{risk} \in \mathbb{R} \\
  \text{minimize} && \mathrm{risk}\,{x}^{\top} \sigma x - {\mu}^{\top} x \\
  \text{subject to} && \textit{budget}: \textstyle\sum x = 1 \\
  \text{subject to} && \textit{long}: x \ge 0 \\
  \text{Lagrangian} && L = \mathrm{risk}\,{x}^{\top} \sigma x - {\mu}^{\top} x + \nu_{\mathrm{budget}}\,\left(\textstyle\sum x - 1\right) - {\lambda_{\mathrm{long}}}^{\top} x \\
  \text{stationarity} && \nabla_{x} L = \mathrm{risk}\,\sigma x + \mathrm{risk}\,{\sigma}^{\top} x - \mu + \nu_{\mathrm{budget}}\,\mathbf{1} - \lambda_{\mathrm{long}} = 0 \\
  \text{feasibility} && \textstyle\sum x - 1 = 0 \\
  \text{feasibility} && -x \le 0 \\
  \text{dual sign} && \lambda_{\mathrm{long}} \ge 0 \\
  \text{complementarity} && \lambda_{\mathrm{long}} \circ \left(-x\right) = 0 \\
\end{align*}`,
  );
});

test("sets, two-sided lines, comprehensions, maximization and entries", () => {
  const text = explain(`
problem plan(A: real[m, n], b: real[m], c: real[n], T: int) {
  var x: real[n] in simplex
  var u: real[T]
  maximize dot(c, x) - 0.1 * dot(u, u)
  subject to {
    let used = A @ x
    cap: used <= b
    sweep: [u[t + 1] - u[t] <= 0.1 for t in 0..T - 1]
  }
}
problem corner() {
  var x: real[2]
  minimize x[0] * exp(x[1])
  subject to { band: 1 <= x <= 5 }
}`);
  assert.equal(
    text,
    `problem plan
  unknown          x ∈ ℝ^n, x ∈ simplex
                   u ∈ ℝ^T
  given            A ∈ ℝ^(m × n)
                   b ∈ ℝ^m
                   c ∈ ℝ^n
                   T: int
  maximize         cᵀ x − 0.1 · uᵀ u
  subject to       cap: A x ≤ b
                   sweep: u[t + 1] − u[t] ≤ 0.1,  t ∈ 0..T - 1
  Lagrangian       L = 0.1 · uᵀ u − cᵀ x + λ_capᵀ (A x − b) + λ_sweepᵀ [u[t + 1] - u[t] - 0.1 for t in 0..T - 1]
  stationarity     −(Aᵀ λ_cap − c) ∈ N(x)
                   where N(x) is the normal cone of simplex at x
                   ∇[u] L = 0.2 · u + (∂([u[t + 1] - u[t] - 0.1 for t in 0..T - 1])/∂u)ᵀ λ_sweep = 0
  feasibility      A x − b ≤ 0
                   [u[t + 1] - u[t] - 0.1 for t in 0..T - 1] ≤ 0
  dual sign        λ_cap ≥ 0
                   λ_sweep ≥ 0
  complementarity  λ_cap ∘ (A x − b) = 0
                   λ_sweep ∘ [u[t + 1] - u[t] - 0.1 for t in 0..T - 1] = 0

problem corner
  unknown          x ∈ ℝ²
  minimize         x₀ · exp(x₁)
  subject to       band: 1 ≤ x ≤ 5
  Lagrangian       L = x₀ · exp(x₁) + λ_band_lowerᵀ (1 − x) + λ_band_upperᵀ (x − 5)
  stationarity     exp(x₁) − λ_band_lower₀ + λ_band_upper₀ = 0
                   x₀ · exp(x₁) − λ_band_lower₁ + λ_band_upper₁ = 0
  feasibility      1 − x ≤ 0
                   x − 5 ≤ 0
  dual sign        λ_band_lower ≥ 0
                   λ_band_upper ≥ 0
  complementarity  λ_band_lower ∘ (1 − x) = 0
                   λ_band_upper ∘ (x − 5) = 0`,
  );
});

test("objectives and conditions, by name", () => {
  const text = `
objective ridge(w: real[d], p: real; X: real[n, d], y: real[n]) = 0.5 * norm(X @ w - y)^2 / n + exp(p) * dot(w, w)
condition circle(x: real, y: real; r: real) {
  let s = x + y
  on: x^2 + y^2 == r^2
  line: s == sin(x)
}`;
  assert.equal(
    explain(text, "unicode", "ridge"),
    `objective ridge
  unknown       w ∈ ℝ^d
                p ∈ ℝ
  given         X ∈ ℝ^(n × d)
                y ∈ ℝ^n
  minimize      0.5 · ‖X w − y‖² / n + exp(p) · wᵀ w
  stationarity  ∇[w] ridge = (1 / n) · Xᵀ (X w − y) + 2 · exp(p) · w = 0
                ∇[p] ridge = wᵀ w · exp(p) = 0`,
  );
  assert.equal(
    explain(text, "unicode", "circle"),
    `condition circle
  unknown  x ∈ ℝ
           y ∈ ℝ
  given    r ∈ ℝ
  on       x² + y² − r² = 0
  line     x + y − sin(x) = 0`,
  );
  assert.equal(explain(text, "unicode", "nothing"), undefined);
});

/** A formula over numbers, vectors and matrices, as nested arrays. */
type Value = number | readonly Value[];

const each = (a: Value, b: Value, f: (x: number, y: number) => number): Value =>
  typeof a === "number"
    ? typeof b === "number"
      ? f(a, b)
      : b.map((y) => each(a, y, f))
    : a.map((x, i) => each(x, typeof b === "number" ? b : b[i]!, f));
const sumOf = (a: Value): number => (typeof a === "number" ? a : a.reduce<number>((s, x) => s + sumOf(x), 0));
const times = (a: Value, b: Value): Value => {
  const rows = a as readonly Value[];
  return Array.isArray(rows[0]) ? rows.map((r) => times(r, b)) : sumOf(each(a, b, (x, y) => x * y));
};
const flip = (a: Value): Value => {
  const rows = a as readonly (readonly number[])[];
  return Array.isArray(rows[0]) ? rows[0].map((_, j) => rows.map((r) => r[j]!)) : a;
};

function evaluate(f: Formula, at: Readonly<Record<string, Value>>): Value {
  const go = (g: Formula): Value => evaluate(g, at);
  switch (f.kind) {
    case "number":
      return f.value;
    case "name":
      return at[f.name]!;
    case "ones":
      return 1;
    case "unit":
      return (at.x as readonly number[]).map((_, i) => (i === go(f.index) ? 1 : 0));
    case "add":
      return f.terms.map(go).reduce((a, b) => each(a, b, (x, y) => x + y));
    case "multiply":
      return f.factors.map(go).reduce<Value>((a, b) => each(a, b, (x, y) => x * y), f.coefficient);
    case "divide":
      return each(go(f.numerator), go(f.denominator), (x, y) => x / y);
    case "power":
      return each(go(f.base), go(f.exponent), (x, y) => x ** y);
    case "inner":
      return sumOf(each(go(f.left), go(f.right), (x, y) => x * y));
    case "matrix":
      return times(go(f.left), go(f.right));
    case "transpose":
      return flip(go(f.of));
    case "total":
      return sumOf(go(f.of));
    case "norm":
      return Math.sqrt(sumOf(each(go(f.of), 2, (x, y) => x ** y)));
    case "entry":
      return f.places.reduce<Value>((v, p) => (v as readonly Value[])[Number(go(p))]!, go(f.of));
    case "apply":
      return each(go(f.of), 0, (x) =>
        f.name === "sign" ? Math.sign(x) : (Math[f.name as "exp"] as (x: number) => number)(x),
      );
    default:
      return assert.fail(`no rule for ${f.kind}`);
  }
}

const goals = [
  "a * dot(x, S @ x) - dot(b, x)",
  "sum(exp(x) * b) / (1 + a^2)",
  "norm(S @ x - b)^2 + norm(x - b)",
  "x[0]^3 * x[1] - a / x[2] + x[0] * x[0]",
  "sum(log(x^2 + 1)) + sum(tanh(x)) + sum(sqrt(x + 3))",
  "dot(sin(x) * cos(x), b) * exp(-dot(x, x))",
  "sum((x - b)^4) / dot(x, b)",
  "dot(S' @ x, S @ b) + abs(dot(x, b)) - sum(tan(0.3 * x))",
  "sum(a^x) + (a + dot(b, x))^2.5",
];

test("gradients by rule are those of the compiler", () => {
  const at = {
    x: [0.7, -0.4, 1.2],
    b: [0.3, 0.9, 1.1],
    a: 1.3,
    S: [
      [1.1, 0.2, -0.3],
      [0.5, 0.8, 0.1],
      [-0.2, 0.6, 1.4],
    ],
  };
  const script = [
    ...Object.entries(at).map(([n, v]) => `let ${n}0 = ${JSON.stringify(v)}`),
    ...goals.map((g, i) => `fn f${i}(x: real[3], a: real, b: real[3], S: real[3, 3]) = ${g}`),
    ...goals.map((_, i) => `show grad(f${i})(x0, a0, b0, S0)`),
  ].join("\n");
  const { values } = runScript(script);
  goals.forEach((text, i) => {
    const names = new Names(text);
    for (const [n, rank] of Object.entries({ x: 1, a: 0, b: 1, S: 2 }))
      names.known.set(n, { kind: "name", name: n, rank });
    const formula = translate(parseExpression(text, { file: "test.opt" }).expression!, names);
    const slope = gradientOf(formula, "x");
    const found = each(
      evaluate(slope, at),
      at.x.map(() => 0),
      (v) => v,
    ) as readonly number[];
    const wanted = values.get(`grad(f${i})(x0, a0, b0, S0)`)!;
    wanted.forEach((w, j) => {
      assert.ok(
        Math.abs(w - found[j]!) <= 1e-10 * (1 + Math.abs(w)),
        `${text}: ${print(slope, unicode)} is ${found}, not ${wanted}`,
      );
    });
    assert.ok(!print(slope, latex).includes("undefined"));
  });
});
