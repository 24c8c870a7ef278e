/** The adjoints agree: implicit by any linear solver, unrolled, stepped; in both modes, twice, and in batches. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { codesOf, runScript } from "../testing.ts";

type Shown = ReturnType<typeof runScript>;

function close(shown: Shown, a: string, b: string, tolerance: number): void {
  const [x, y] = [shown.values.get(a), shown.values.get(b)];
  assert.ok(x && y && x.length === y.length, `${a} and ${b} are shown`);
  x.forEach((v, i) => {
    assert.ok(Math.abs(v - y[i]!) <= tolerance * Math.max(1, Math.abs(v)), `${a} = ${x}, ${b} = ${y}`);
  });
}

const imports = `
import { lbfgs } from "std/first-order"
import { cg, gmres, bicgstab } from "std/linear"
import { newton_root } from "std/roots"
fn f(p: real[3], w: (u: real[2], v: real)) = dot(w.u - p[:2], w.u - p[:2]) + p[0]^2 * w.u[1]^4 + exp(w.u[0] * p[1]) + (w.v - p[2] * w.u[0])^2
`;
const choices: Readonly<Record<string, string>> = {
  by_lu: "implicit(by = direct())",
  by_cholesky: "implicit(by = direct(cholesky))",
  by_qr: "implicit(by = direct(qr))",
  by_cg: "implicit(by = cg(tol = 1e-13))",
  by_gmres: "implicit(by = gmres(tol = 1e-13))",
  by_bicgstab: "implicit(by = bicgstab(tol = 1e-13))",
  by_preconditioned: "implicit(by = cg(tol = 1e-13, precondition = r => (u: r.u / [2.0, 3.0], v: r.v / 2)))",
  by_polished: "implicit(polish = 1)",
  by_unrolled: "unroll",
  by_checkpoints: "unroll(checkpoint = true)",
};

test("every adjoint gives one derivative, in both modes and twice, on random problems", () => {
  const names = Object.keys(choices);
  const programs = names.map(
    (name) =>
      `fn ${name}(p: real[3]) = { let w = argmin(w => f(p, w), from = (u: zeros[2], v: 0.0), by = lbfgs(tol = 1e-11, iters = 30), adjoint = ${choices[name]})
  [w.u[0], w.u[1] * w.v, w.v^2] }`,
  );
  const seed = 5;
  const point = fc.array(fc.integer({ min: 2, max: 12 }), { minLength: 3, maxLength: 3 });
  const points = fc.sample(point, { seed, numRuns: 2 }).map((p) => `[${p.map((t) => (t / 10).toFixed(1)).join(", ")}]`);
  const shown = runScript(`${imports}${programs.join("\n")}
let ps = [${points.join(", ")}]
${names
  .map(
    (n) => `let f_${n} = [jacobian(${n}, mode = forward)(p) for p in ps]
let r_${n} = [jacobian(${n}, mode = reverse)(p) for p in ps]
let h_${n} = [hessian(p => sum(${n}(p)))(p) for p in ps]
show f_${n}, r_${n}, h_${n}`,
  )
  .join("\n")}`);
  for (const n of names) {
    close(shown, "f_by_lu", `f_${n}`, 1e-7);
    close(shown, "f_by_lu", `r_${n}`, 1e-7);
    close(shown, "h_by_lu", `h_${n}`, 1e-5);
  }
});

test("a linear system given as a function is differentiated as the dense one, whatever it is nested in", () => {
  const shown = runScript(`${imports}
let B = normal[4, 4](key(1))
let S = B @ B' + eye[4]
let G = B + 5 * eye[4]
fn dense(p: real[4]) = linear_solve(G + diag(p), sin(p))
fn by_gmres(p: real[4]) = linear_solve(v => G @ v + p * v, sin(p), by = gmres(tol = 1e-14))
fn by_bicgstab(p: real[4]) = linear_solve(G + diag(p), sin(p), by = bicgstab(tol = 1e-14))
fn nested(p: real[4]) = linear_solve(v => v + linear_solve(w => S @ w + p * w, v, by = cg(tol = 1e-14)), sin(p), by = gmres(tol = 1e-14))
fn nested_dense(p: real[4]) = linear_solve(eye[4] + inverse(S + diag(p)), sin(p))
let p = [0.3, 0.2, 0.9, 0.5]
let (j, jg, jb) = (jacobian(dense)(p), jacobian(by_gmres, mode = reverse)(p), jacobian(by_bicgstab, mode = forward)(p))
let (h, hg) = (hessian(p => sum(dense(p)^3))(p), hessian(p => sum(by_gmres(p)^3))(p))
let (jn, jnd) = (jacobian(nested, mode = reverse)(p), jacobian(nested_dense)(p))
let (hn, hnd) = (hessian(p => sum(nested(p)^3))(p), hessian(p => sum(nested_dense(p)^3))(p))
let ps = 0.3 * normal[3, 4](key(3))
let (lanes, lanes_dense) = ([grad(p => sum(by_gmres(p)^2))(p) for p in ps], [grad(p => sum(dense(p)^2))(p) for p in ps])
let through = grad(ps => sum([by_gmres(p) for p in ps]^2))(ps)
show j, jg, jb, h, hg, jn, jnd, hn, hnd, lanes, lanes_dense, through`);
  close(shown, "j", "jg", 1e-12);
  close(shown, "j", "jb", 1e-12);
  close(shown, "h", "hg", 1e-11);
  close(shown, "jnd", "jn", 1e-12);
  close(shown, "hnd", "hn", 1e-11);
  close(shown, "lanes_dense", "lanes", 1e-12);
  close(shown, "lanes_dense", "through", 1e-12);
});

test("many unknowns are solved for by conjugate gradients or GMRES, and a model's own solver may be any", () => {
  const shown = runScript(`${imports}
fn many(a: real) = sum(argmin(w => 0.005 * sum((iota[500] + 1) * w^2) - a^2 * sum(w), from = zeros[500], by = lbfgs(tol = 1e-9, iters = 2000)))
let (slope, closed) = (grad(many)(2.0), 4 * sum(100 / (iota[500] + 1)))
fn around(a: real) = sum(fixpoint(x => 0.3 * sin(x) + 0.3 * a * cos(roll(x, 1)), from = zeros[450]).x)
let (turn, measured) = (grad(around)(2.0), numeric_grad(around)(2.0))
show slope, closed, turn, measured`);
  close(shown, "closed", "slope", 1e-6);
  close(shown, "measured", "turn", 1e-6);
});

test("a few steps from the answer approach the implicit derivative as the solver contracts", () => {
  const shown = runScript(`
solver descent(step: real = 0.1) minimizes f {
  start(x) = (x: x)
  next(s, t) = (x: s.x - step * grad(f)(s.x))
}
fn best(p: real, w: real) = (w - p)^2 + p * w
let go = descent(tol = 1e-12, iters = 500)
fn exact(p: real) = argmin(w => best(p, w), from = 0.0, by = go)
fn one(p: real) = argmin(w => best(p, w), from = 0.0, by = go, adjoint = one_step)
fn five(p: real) = argmin(w => best(p, w), from = 0.0, by = go, adjoint = neumann(5))
let (value, plain) = (five(1.0), exact(1.0))
let (e, o, f) = (grad(exact)(1.0), grad(one)(1.0), grad(five)(1.0))
let expected = [e * (1 - 0.8), e * (1 - 0.8^5)]
let found = [o, f]
show value, plain, expected, found`);
  close(shown, "plain", "value", 0);
  close(shown, "expected", "found", 1e-10);
});

test("an answer that moves along a valley gets the derivative of least norm, and a warning", () => {
  const { values, warnings } = runScript(`${imports}
fn valley(a: real) = argmin(w => (w[0] + w[1] - a)^2, from = zeros[2], by = lbfgs())
show jacobian(valley)(1.0), hessian(a => sum(valley(a)))(1.0)`);
  for (const x of values.get("jacobian(valley)(1.0)")!) assert.ok(Math.abs(x - 0.5) < 1e-9);
  assert.ok(Math.abs(values.get("hessian(a => sum(valley(a)))(1.0)")![0]!) < 1e-9);
  assert.ok(warnings.length > 0 && warnings.every((w) => w.code === "K0411"));
});

test("an answer that nothing but kinks hold gets a warning with its derivative of zero, in both modes", () => {
  for (const derivative of [
    "grad(best)(1.0)",
    "jvp(best)(1.0, 1.0)",
    "grad(p => sum([best(q) for q in [p, p]]))(1.0)",
    "grad(p => loop s = 0.0 for i in 0..2 { s + best(p) })(1.0)",
    "grad(p => loop s = 0.0 for i in 0..2 { s + (loop t = 0.0 for k in 0..2 { t + best(p * s) }) })(1.0)",
    "grad(p => if p > 0.0 then best(p) else 2.0)(1.0)",
  ]) {
    const { warnings } = runScript(`${imports}
fn best(p: real) = argmin(w => abs(w - p), from = 0.0, by = lbfgs())
show ${derivative}`);
    assert.deepEqual(
      warnings.map((w) => w.code),
      ["K0411"],
      derivative,
    );
  }
});

test("adjoint systems that are not solved end the run or warn, by how far they are", () => {
  const script = (options: string) => `${imports}
let A = diag([1.0, 1.1, 1.2, 1.3])
fn best(p: real[4]) = argmin(w => 0.5 * dot(w, A @ w) - dot(p, w), from = zeros[4], by = lbfgs(), adjoint = implicit(by = cg(${options})))
show grad(p => sum(best(p)))(ones[4])`;
  assert.throws(() => runScript(script("iters = 1")), /The linear system for the derivative/);
  const { warnings } = runScript(script("iters = 3, tol = 1e-12"));
  assert.deepEqual(
    warnings.map((w) => w.code),
    ["K0419"],
  );
  assert.deepEqual(runScript(script("tol = 1e-12")).warnings, []);
});

test("adjoints that make no sense are refused while checking", () => {
  const call = (adjoint: string) =>
    codesOf(`${imports}
show argmin(w => w^2, from = 1.0, by = lbfgs(), adjoint = ${adjoint})`);
  for (const adjoint of ["3", "neumann", "one_step()", "cg()"]) assert.deepEqual(call(adjoint), ["K0522"], adjoint);
  assert.deepEqual(call("implicit(damping = [1.0, 2.0])"), ["K0526"]);
  assert.deepEqual(call("unroll(checkpoint = 3)"), ["K0526"]);
  assert.deepEqual(call("implicit(by = direct(3))"), ["K0527"]);
  assert.deepEqual(call("implicit(by = lbfgs())"), ["K0528"]);
  assert.deepEqual(call("implicit(polish = 2)"), []);
});
