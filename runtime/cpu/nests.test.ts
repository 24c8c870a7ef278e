/** Scripts of nested control flow, empty arrays, ints and bools, compiled against the evaluator, graph by graph. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bind, compile } from "../../compiler/index.ts";
import { ComparingRunner } from "../../compiler/kernel/testing-plans.ts";
import { CpuRunner } from "./runner.ts";

const scripts: Readonly<Record<string, string>> = {
  "ints, bools, tuples and loops over them": `
let bs = [true, false, true]
let is = [3, -2, 7]
show bs and not bs, is * 2, mod(is, 4), sum(is), max(is), min(is), prod(is), cumsum(is), is[[2, 0]], argmax(is), sum(bs), is == 3
show [i * i for i in is], [if b then 1 else 2 for b in bs], [i / 3 for i in is], abs(is), -is, sort(is), where(bs, is, 0)
show loop s = 0 for i in is { if i > 0 then s + i else s - i }
show loop b = true for x in bs { b and x }
let (a, o) = scan s = 0 for i in is { (s + i, s * i) }
show a, o
show loop (p, q) = (1.0, 2.0) for i in 0..5 { (q, p + q) }
show loop (p, q) = (1, 2) for i in 0..4 { (q, p) }
show loop s = (a: 1.0, b: [1.0, 2.0], c: true, d: 3) for i in 0..4 { (a: s.b[0], b: s.b * s.a, c: not s.c, d: s.d + i) }
show loop s = 100.0 while s > 1 { s / 3 }
show [loop s = x while s > 1 { s / 3 } for x in [100.0, 5.0, 0.5]]
show [loop s = x for t in 0..i { s * 2 } for (x, i) in zip([1.0, 2.0, 3.0], [0, 2, 1])]`,
  "empty arrays": `
let z = zeros[0]
let Z = zeros[0, 3]
let W = zeros[3, 0]
show sum(z), Z, W, W @ Z, Z @ W, sum(Z, axis = 0), sum(Z, axis = 1), [x * 2 for x in z], concat(z, [1.0])
show z @ Z, norm(z), prod(z), all(z > 0), any(z > 0), cumsum(z), grad(x => sum(x))(z)
show loop s = 1.0 for x in z { s + x }
show grad(v => sum(W @ v))(z)`,
  "functions, loops and batches of nothing": `
let z = zeros[0]
fn f(x: real[0]) = sum(x) + 1
show [f(q) for q in zeros[3, 0]], grad(f)(z), hessian(f)(z), [f(q) for q in zeros[0, 0]]
show loop s = zeros[0] for i in 0..3 { s * 2 }
show loop s = zeros[2, 0] for i in 0..3 { sin(s) }
let (a, o) = scan s = 0.0 for q in zeros[0, 2] { (s + q[0], q) }
show a, o
show sum(zeros[0, 5], axis = 0), zeros[0, 5] @ ones[5], ones[5] @ zeros[5, 0], zeros[3, 0] @ zeros[0, 2]
show sort(z), cumsum(zeros[2, 0], axis = 0), all([q > 0 for q in z])
show 1.0, 2, true, sin(1.0), if 2 > 1 then 3 else 4
show [1.0][0], [[2]][0][0], [true][0]`,
  "maps and derivatives of solves, loops and choices in each other": `
solver newton(tol: real = 1e-10, iters: int = 50) solves fixpoint(T) {
 start(x) = (x: x)
 next(s, t) = (x: T(s.x))
}
fn r(a: real) = fixpoint(u => 0.5 * sin(u) + a, from = 0.0, by = newton()).x
show r(0.3), grad(r)(0.3), [r(a) for a in [0.1, 0.2, 0.3, 0.9]], [grad(r)(a) for a in [0.1, 0.5]], grad(grad(r))(0.3), hessian(v => sum([r(q) * q for q in v]))([0.1, 0.2])
fn deep(x: real[3]) = sum([if q > 0.2 then (loop s = q for t in 0..3 { if s > 0.5 then s * (loop w = s for k in 0..2 { sin(w) + x[k] }) else s + 0.3 }) else -q for q in x])
show deep([0.1, 0.3, 0.7]), grad(deep)([0.1, 0.3, 0.7]), hessian(deep)([0.1, 0.3, 0.7]), [grad(deep)(v) for v in [[0.1, 0.3, 0.7], [0.5, -0.2, 0.1]]]
fn early(x: real[3]) = loop s = 0.0 for q in x while s < 1 { s + q^2 + 0.2 }
show early([0.9, 0.8, 0.1]), grad(early)([0.9, 0.8, 0.1]), [early(v) for v in eye[3]], [grad(early)(v) for v in 0.9 * eye[3]], hessian(early)([0.3, 0.4, 0.5])`,
  "batches over ints and bools of loops in choices with solves inside": `
solver newton(tol: real = 1e-10, iters: int = 50) solves fixpoint(T) {
 start(x) = (x: x)
 next(s, t) = (x: T(s.x))
}
fn k(a: real, n: int, p: bool) = if p then (loop s = a for t in 0..4 while t < n { if s > 0.5 then sin(s) else fixpoint(u => 0.3 * cos(u) + s, from = 0.0, by = newton()).x }) else a * n
let A = [0.1, 0.6, 0.9, -0.4]
let N = [0, 2, 3, 1]
let P = [true, true, false, true]
show [k(A[i], N[i], P[i]) for i in 0..4], grad(A => sum([k(A[i], N[i], P[i]) for i in 0..4]))(A), hessian(A => sum([k(A[i], N[i], P[i])^2 for i in 0..4]))(A)
show [[k(A[i], N[j], P[j]) for i in 0..4] for j in 0..4]
let best = minimize(x => sum((x - A)^4 + (x - 1)^2), from = zeros[4])
show best.x, best.value
fn inner(b: real) = minimize(x => (x[0] - b)^2 + exp(x[1] * b) + x[1]^2, from = [0.0, 0.0]).x
show [inner(b) for b in A], [jvp(inner)(b, 1.0) for b in A], grad(b => sum(inner(b)))(0.3)`,
  "factorisations in loops in batches, and sums over networks": `
let A = [[2.0, 0.3, 0.1], [0.3, 1.5, 0.2], [0.1, 0.2, 1.1]]
fn step(x: real[3], t: real) = linear_solve(A + t * outer(x, x), if t > 0.5 then sin(x) else (loop s = x for q in x { s * q + 0.1 }))
fn f(x: real[3]) = sum(loop s = x for t in [0.1, 0.7, 0.4, 0.9] { step(s, t) + [if e > 0 then e else (loop r = e for k in 0..3 while r < 0.2 { r + 0.15 }) for e in s] })
let X = [[0.3, -0.2, 0.5], [0.1, 0.9, -0.4]]
show [f(x) for x in X], [grad(f)(x) for x in X], hessian(f)(X[0]), grad(X => sum([f(x) * norm(x) for x in X]))(X)
fn d(x: real[3]) = logdet(A + outer(x, x)) + ({ let (w, U) = eigh(A + outer(x, x))
 sum(w^3) }) + sum(cholesky(A + outer(x, x)) @ x)
show d(X[0]), [grad(d)(x) for x in X], hessian(d)(X[1])
let B = [sin(i * 1.0) * cos(j * 2.0) + (if i == j then 4 else 0) for i in 0..60 for j in 0..60]
show linear_solve(B, [1.0 * i for i in 0..60])[:5], sum(inverse(B)), logdet(B @ B')
show [argsort(r)[:3] for r in B], sort(B, axis = 0)[0, :4]
let c = scan s = zeros[60] for r in B { (tanh(s + 0.1 * r), sum(s)) }
show c[1], grad(B => sum((scan s = zeros[60] for r in B { (tanh(s + 0.1 * r), sum(s^2)) })[1]))(B)[:3, :3]
fn mlp(W: real[40, 30], V: real[10, 40]) = mean([logsumexp(V @ tanh(W @ B[i, :30])) - (V @ tanh(W @ B[i, :30]))[min(i, 9)] for i in 0..60])
let W = [sin(1.0 * i * j) * 0.3 for i in 0..40 for j in 0..30]
let V = [cos(1.0 * i + j) * 0.3 for i in 0..10 for j in 0..40]
show mlp(W, V), grad(W => mlp(W, V))(W)[:2, :4], grad(V => mlp(W, V))(V)[:2, :4]`,
};

for (const [name, text] of Object.entries(scripts))
  test(name, () => {
    const { program, diagnostics } = compile(text, { file: "test.opt" });
    assert.ok(program, JSON.stringify(diagnostics));
    const cpu = new CpuRunner({ precision: "f64" });
    const compared = new ComparingRunner("f64", [
      { name: "compiled", run: (graph, inputs, context) => cpu.run(graph, inputs, context, { keep: false }) },
    ]);
    let shown = 0;
    const onEvent = (e: { readonly kind: string }) => {
      if (e.kind === "show") shown += 1;
    };
    bind(program, { data: {}, runner: compared }).run({ onEvent });
    assert.ok(shown > 0 && compared.count > 0);
  });
