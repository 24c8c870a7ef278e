/** Small programs that between them use every construct of the language: what the fuzzer takes apart. */
export const seeds: readonly string[] = [
  `let x = [1.0, 2.0, 3.0]
let (a, b) = (sum(x), x[-1])
show "caption", a + b * 2 ^ -3, x[1:], x[:2], x[[0, 2]], x with [1] = 5.0 with [0] += a
assert a > 0 and not (b < 0 or b == a), "why"`,
  `fn f(x: real[n], t: int) -> real[n] = x * n + t
fn init[h](k: key) = (W: normal[h, 3](k), b: zeros[h])
type P = (W: real[h, 3], b: real[h])
fn apply(p: P, x: real[3]) -> real[h] = tanh(p.W @ x + p.b)
let p = init[2](key(3))
show f([1.0, 2.0], 3), apply(p, [1.0, 0.5, -1.0]), p with (b: ones[2]), size(p), unravel(p, ravel(p))
show grad(p => sum(apply(p, ones[3])))(p)`,
  `param n: int = 4
param w: real = 0.5
let y = loop s = (x: w, i: 0) for t in 0..n while s.x < 10 { (x: s.x * 2 + t, i: s.i + 1) }
let (last, outs) = scan c = 0.0 for v in iota[n] { let d = c + v
  (d, d * d) }
show y.x, y.i, last, outs
show loop z = 1.0 while z < 100 { z * 3 }`,
  `let A = [[2.0, 0.5], [0.5, 1.0]]
show A', A @ A, A[0], A[:, 1], A[0, 1], linear_solve(A, [1.0, 2.0]), cholesky(A), det(A), outer(A[0], A[1])
show [[i * j for j in 0..3] for i in 0..2], [a + b for (a, b) in zip(A[0], A[1])], [x + y for x in A[0] for y in A[1]]
show sum(A, axis = 0), max(A), argmax(A, axis = 1), norm(A), mean(A, axis = -1), where(A > 1, A, 0), sort([3, 1, 2])`,
  `let k = key(7)
let (k1, k2) = split(k)
let ks = split[3](k1)
show normal[2](k2), [uniform(q) for q in ks], randint[4](fold_in(k, 3), 0, 5), permutation[4](fold_in(k, 1))
fn draw(k: key) = if bernoulli(k, 0.5) then 1.0 else 2.0
show draw(fold_in(k, 9)), choose[2](fold_in(k, 4), 5), categorical(fold_in(k, 5), [0.2, 0.8])`,
  `fn g(x) = sum(x^2 * exp(-x)) / (1 + dot(x, x))
show grad(g)([1.0, 2.0]), hessian(g)([1.0, 2.0]), hvp(g)([1.0, 2.0], [0.5, 1.0]), value_and_grad(g)([1.0, 2.0])
show jvp(x => sin(x))(1.0, 2.0), vjp(x => x * x)([1.0, 2.0], [3.0, 4.0]), jacobian(x => x^3, mode = reverse)([1.0, 2.0])
let (v, df) = linearize(x => sqrt(x))(4.0)
show v, df(1.0), grad(x => x * stop_gradient(x))(3.0), checkpoint(x => x * 2)(3.0), numeric_grad(g)([1.0, 2.0])`,
  `solver descent(step: real = 0.1, search = t => 1.0) minimizes f {
  fn scaled(t: int) = step * search(t)
  start(x) = (x: x)
  next(s, t) = (x: s.x - scaled(t) * grad(f)(s.x))
  error(s) = norm(grad(f)(s.x))
}
let r = minimize(x => dot(x - 1, x - 1), from = zeros[2], by = descent(iters = 40, tol = 1e-6), record = s => (x: s.x))
show r.x, r.value, r.status, r.iterations, r.trace.value
show grad(p => argmin(x => (x - p)^2, from = 0.0, by = descent()))(2.0), r.status == converged`,
  `solver newton_step() solves root(F) {
  start(x) = (x: x)
  next(s, t) = (x: s.x - F(s.x) / jvp(F)(s.x, 1.0))
}
solver iterate() solves fixpoint(T) {
  start(x) = (x: x)
  next(s, t) = (x: T(s.x))
}
condition at(x: real; c: real) { x^2 == c }
show root(at(; 2.0), from = 1.0, by = newton_step()).x, fixpoint(x => cos(x), from = 0.5, by = iterate(), adjoint = unroll).x
show grad(c => root(x => at(x; c), from = 1.0, by = newton_step()).x)(2.0)`,
  `objective ridge(w: real[d], b: real; penalty: real, X: real[m, d]) = mean((X @ w + b)^2) + penalty * dot(w, w)
let X = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
show ridge([1.0, 2.0], 0.5; 0.1, X), grad(ridge)([1.0, 2.0], 0.5; 0.1, X)
let fixed = ridge(; 0.1, X)
show fixed((w: [1.0, 1.0], b: 2.0))`,
  `fn soft(x: real) = log1p(exp(x)) derivative dx => dx * sigmoid(x)
fn through(x: real) = round(x) pullback u => u
fn two(a: real, b: real) = a * b derivative (da, db) => da * b + a * db
show grad(soft)(0.5), grad(through)(1.4), grad(x => two(x, soft(x)))(0.5), [soft(v) for v in [1.0, 2.0]]`,
  `problem plan(c: real[n], T: int) {
  var x: real[n]
  maximize dot(c, x) - dot(x, x)
  subject to {
    let total = sum(x)
    cap: total <= 1
    band: 0 <= x <= 1
    each: [x[t + 1] - x[t] <= 0.5 for t in 0..T - 1]
  }
}
property "sums" for all (n: int in 1..4, x: real[n] in normal(), s: real in uniform(0, 1) where s > 0) { sum(s * x) ~= s * sum(x) within 1e-9 }
plot [1.0, 2.0], x = [0, 1], title = "t", kind = scatter, log = true
save [1.0] to "a.npy"`,
  `let m = [[0.0, 1.0], [2.0, 3.0]]
show einsum("ij,j->i", m, [1.0, 2.0]), concat(m[0], m[1]), stack(m[0], m[1]), reshape[4](m), roll(m[0], 1), flip(m[0])
show tril(m), diag(m), eye[2], fill[2](3), linspace[3](0, 1), one_hot[3](1), top_k[1](m[0]), cumsum(m[0]), segment_sum[2]([1.0, 2.0], [0, 1])
show conv(ones[1, 4, 4], ones[1, 1, 2, 2], stride = 1, padding = same), max_pool[2, 2](ones[1, 4, 4]), patches[2, 2](ones[1, 4, 4]), resize[2, 2](ones[1, 4, 4])
show eigh(m + m'), svd(m), qr(m), div(7, 2), mod(-1, 5), int(2.7), bit_and(6, 3), shift_left(1, 3), 0x1F, 1e-3, is_finite(inf), clamp(3.0, 0, 1)`,
];
