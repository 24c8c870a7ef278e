/** The distributions against their moments, the generator against its usual form in JavaScript. */
import assert from "node:assert/strict";
import test from "node:test";
import { type Plain, runScript } from "./testing.ts";

function mulberry32(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const generator = (seed: number) => `
import { mulberry32 } from "std/random"
let (last, us) = scan s = ${seed} for i in 0..200 {
  let r = mulberry32(s)
  (r.state, r.value)
}
show us
assert all(us >= 0) and all(us < 1)`;

function numbers(value: Plain | undefined): readonly number[] {
  assert.ok(Array.isArray(value));
  return value as readonly number[];
}

test("mulberry32 is the usual one, bit for bit", () => {
  for (const seed of [0, 1, 12345, 2147483647, -7]) {
    const next = mulberry32(seed);
    const expected = Array.from({ length: 200 }, () => next());
    assert.deepEqual(numbers(runScript(generator(seed)).shown.get("us")), expected);
    const single = numbers(runScript(generator(seed), { precision: "f32" }).shown.get("us"));
    single.forEach((u, i) => {
      assert.ok(Math.abs(u - expected[i]!) <= 2 ** -24, `${u} is not ${expected[i]}`);
    });
  }
});

test("gamma, beta and dirichlet have their moments", () => {
  for (const precision of ["f64", "f32"] as const)
    runScript(
      `
import { gamma, beta, dirichlet } from "std/random"
let (k1, k2, k3, k4) = split[4](key(11))
let n = 6000
let g = gamma(k1, fill[n](2.5), 2.0)
assert abs(mean(g) - 1.25) < 0.05 and abs(var(g) - 0.625) < 0.06
let small = gamma(k4, fill[n](0.3))
assert abs(mean(small) - 0.3) < 0.04 and all(small >= 0)
let b = beta(k2, fill[n](2.0), fill[n](3.0))
assert abs(mean(b) - 0.4) < 0.02 and abs(var(b) - 0.04) < 0.005
assert all(b >= 0) and all(b <= 1)
let d = [dirichlet(k, [1, 2, 3]) for k in split[3000](k3)]
assert norm(mean(d, axis = 0) - [1, 2, 3] / 6) < 0.03
assert norm(sum(d, axis = 1) - 1, inf) < 1e-5`,
      { precision },
    );
});

test("gamma samples are differentiable in their shape and rate", () => {
  runScript(`
import { gamma } from "std/random"
fn average(a: real) = mean(gamma(key(3), fill[2000](1.0) * a, 2.0))
assert abs(grad(average)(2.0) - 0.5) < 0.05
fn at_rate(r: real) = mean(gamma(key(3), fill[2000](3.0), r))
assert grad(at_rate)(2.0) ~= numeric_grad(at_rate)(2.0)`);
});
