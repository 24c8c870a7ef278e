/** The checker finds wrong derivatives wherever they are, says where, and accuses nobody of a kink. */
import assert from "node:assert/strict";
import test from "node:test";
import { compile, createRuntime, type Module } from "../index.ts";
import {
  type Arguments,
  type ClaimedGradient,
  checkGradient,
  GradientError,
  numericDerivative,
  tensors,
} from "../testing.ts";
import type { Shaped, Tensor } from "../values.ts";

const seed = 11;

async function moduleOf(source: string): Promise<Module> {
  const { program, diagnostics } = compile(source, { file: "checked.opt" });
  assert.deepEqual(diagnostics, []);
  const runtime = await createRuntime({ backend: "cpu" });
  return runtime.load(program, {});
}

async function failureOf(check: Promise<unknown>): Promise<GradientError> {
  try {
    await check;
  } catch (error) {
    assert.ok(error instanceof GradientError, String(error));
    return error;
  }
  return assert.fail("nothing was found");
}

const vector = (args: Arguments, name: string) => (args[name] as Shaped).data as Float64Array;

test("correct derivatives pass: objectives, tuples, ints, solves, to second order", async () => {
  const module = await moduleOf(`
objective ridge(w: real[5]; log_penalty: real) = sum(cos(w)^2) + exp(log_penalty) * dot(w, w)
fn powers(x: real[3], n: int) = loop s = 1.0 for i in 0..4 { if i < n then s * sum(x) + x[0] else s }
fn fitted(p: real[2]) = sum(argmin(w => dot(w - p, w - p) + w[0]^4 + exp(w[1] * p[0]), from = zeros[2])^2)
fn layers(layer: (w: real[2, 3], b: real[2]), x: real[3]) = tanh(layer.w @ x + layer.b)`);
  const options = { runs: 20, seed, order: 2 } as const;
  const report = await checkGradient(
    module,
    "ridge",
    { w: tensors.normal([5]), log_penalty: tensors.uniform(-3, 3) },
    options,
  );
  assert.deepEqual(report, { runs: 20, kinks: 0, undefined: 0, seed });
  await checkGradient(module, "powers", { x: tensors.normal([3]), n: tensors.integer(0, 4) }, options);
  await checkGradient(module, "fitted", { p: tensors.normal([2]) }, { ...options, runs: 10 });
  const { default: fc } = await import("fast-check");
  const layer = fc.record({ w: tensors.normal([2, 3]), b: tensors.normal([2]) });
  await checkGradient(module, "layers", { layer, x: tensors.normal([3]) }, { runs: 20, seed });
});

test("a wrong derivative rule is found in either mode, named, shrunk and reproduced by a script", async () => {
  const module = await moduleOf(`
fn soft(x: real) = log1p(exp(x)) derivative dx => 1.1 * sigmoid(x) * dx
fn total(x: real[4]) = sum([soft(v) * v for v in x])`);
  for (const mode of ["forward", "reverse"] as const) {
    const error = await failureOf(checkGradient(module, "total", { x: tensors.normal([4]) }, { modes: [mode], seed }));
    assert.match(error.message, /^The gradient of `total` is wrong/);
    assert.match(error.message, new RegExp(`${mode} mode`));
    const again = await failureOf(
      checkGradient(module, "total", { x: tensors.normal([4]) }, { modes: [mode], seed: error.seed, path: error.path }),
    );
    assert.deepEqual(again.arguments, error.arguments);
    // The script shows two different gradients.
    const script = await moduleOf(error.script!);
    const { shown } = await script.run();
    const [analytic, numeric] = shown.map((s) => (s.value as Tensor).toArray() as number[]);
    assert.ok(analytic!.some((a, i) => Math.abs(a - numeric![i]!) > 1e-3));
  }
});

test("a wrong second derivative is found where the gradient is right", async () => {
  const module = await moduleOf(`
fn cube_slope(x: real) = 3 * x^2 derivative dx => 5 * x * dx
fn cube(x: real) = x^3 derivative dx => cube_slope(x) * dx
fn f(x: real[2]) = sum([cube(v) for v in x])`);
  await checkGradient(module, "f", { x: tensors.normal([2]) }, { runs: 20, seed });
  const error = await failureOf(checkGradient(module, "f", { x: tensors.normal([2]) }, { runs: 20, seed, order: 2 }));
  assert.match(error.message, /^The second derivative of `f` is wrong/);
});

test("one wrong entry of ten thousand is found and named", async () => {
  const n = 10_000;
  const wrong: ClaimedGradient = (args) => {
    const x = vector(args, "x");
    const gradient = x.map((t, i) => Math.cos(t) * (i === 7311 ? 1.05 : 1));
    return { value: x.reduce((s, t) => s + Math.sin(t), 0), gradient: { x: { data: gradient, shape: [n] } } };
  };
  const error = await failureOf(
    checkGradient(wrong, { x: tensors.normal([n], { edges: "none" }) }, { runs: 100, seed }),
  );
  assert.equal(error.place, "x[7311]");
});

test("wrong gradients written by hand: a sign, a factor, a missing term", async () => {
  const claims: Readonly<Record<string, (a: number, b: number) => readonly [number, number]>> = {
    sign: (a, b) => [b * Math.cos(a * b), -a * Math.cos(a * b)],
    factor: (a, b) => [2 * b * Math.cos(a * b), 2 * a * Math.cos(a * b)],
    missing: (a, b) => [b * Math.cos(a * b), 0],
  };
  for (const [kind, gradient] of Object.entries(claims)) {
    const f: ClaimedGradient = ({ a, b }) => {
      const [da, db] = gradient(a as number, b as number);
      return { value: Math.sin((a as number) * (b as number)), gradient: { a: da, b: db } };
    };
    const error = await failureOf(checkGradient(f, { a: tensors.normal(), b: tensors.normal() }, { seed }));
    assert.ok(error.place, kind);
  }
});

test("kinks and the edges of domains are counted, not accused", async () => {
  const kinked: ClaimedGradient = ({ x }) => {
    const t = vector({ x: x! }, "x");
    return {
      value: t.reduce((s, v) => s + Math.abs(v) + Math.max(v, 0), 0),
      gradient: { x: { data: t.map((v) => Math.sign(v) + (v > 0 ? 1 : 0)), shape: [3] } },
    };
  };
  const report = await checkGradient(kinked, { x: tensors.normal([3]) }, { runs: 200, seed });
  assert.ok(report.kinks > 10 && report.kinks < 100, `${report.kinks} kinks`);
  const log: ClaimedGradient = ({ x }) => ({ value: Math.log(x as number), gradient: { x: 1 / (x as number) } });
  const edge = await checkGradient(log, { x: tensors.uniform(-1, 1) }, { runs: 100, seed });
  assert.ok(edge.undefined > 20);
  await assert.rejects(checkGradient(log, { x: tensors.uniform(-2, -1) }, { runs: 10, seed }), /Nothing was checked/);
});

test("numeric derivatives state an error that holds, and know a kink", () => {
  const cases: readonly (readonly [(t: number) => number, number])[] = [
    [Math.exp, 1],
    [(t) => Math.sin(5 * t), 5],
    [(t) => 1 / (1 + t), -1],
    [(t) => Math.sqrt(1 + t) * 1e6, 5e5],
    [(t) => t ** 3 - 1e-3 * t, -1e-3],
    [(t) => 1e8 + t, 1],
    [() => 3, 0],
  ];
  for (const [f, exact] of cases) {
    const { value, error, kink } = numericDerivative(f, 1);
    assert.ok(Math.abs(value - exact) <= error, `${f}: ${value} is not within ${error} of ${exact}`);
    assert.ok(error <= 1e-6 * Math.max(1, Math.abs(exact)) || exact === 1, `${f}: ${error}`);
    assert.equal(kink, false, String(f));
  }
  for (const f of [Math.cbrt, (t: number) => 5 * t + Math.sign(t) * Math.sqrt(Math.abs(t))])
    assert.equal(numericDerivative(f, 1).kink, true, `${f}: an infinite slope`);
  for (const f of [Math.abs, (t: number) => Math.max(t, 0) + t ** 2, (t: number) => (t < 0 ? Number.NaN : t)])
    assert.equal(numericDerivative(f, 1).kink, true, String(f));
});

test("arguments are what their names say", async () => {
  const { default: fc } = await import("fast-check");
  const sample = <T>(arbitrary: import("fast-check").Arbitrary<T>) => fc.sample(arbitrary, { seed, numRuns: 20 });
  const data = (t: unknown) => (t as Shaped).data as Float64Array;
  for (const x of sample(tensors.simplex(4)))
    assert.ok(Math.abs(data(x).reduce((s, t) => s + t, 0) - 1) < 1e-12 && data(x).every((t) => t > 0));
  for (const p of sample(tensors.permutation(6))) assert.deepEqual([...data(p)].sort(), [0, 1, 2, 3, 4, 5]);
  for (const q of sample(tensors.orthogonal(4))) {
    const m = data(q);
    for (let i = 0; i < 4; i++)
      for (let j = 0; j < 4; j++) {
        let s = 0;
        for (let k = 0; k < 4; k++) s += m[4 * i + k]! * m[4 * j + k]!;
        assert.ok(Math.abs(s - (i === j ? 1 : 0)) < 1e-12);
      }
  }
  for (const a of sample(tensors.spd(3, { condition: 100 }))) {
    const [x, y, z] = [data(a)[1], data(a)[3], data(a)[0]];
    assert.ok(Math.abs(x! - y!) < 1e-14 && z! > 0);
  }
  for (const n of sample(tensors.integer(2, 5))) {
    const [value] = (n as Shaped).data;
    assert.ok(Number.isInteger(value) && value! >= 2 && value! <= 5);
  }
  const edgy = sample(tensors.normal([50], { edges: "all" })).flatMap((t) => [...data(t)]);
  assert.ok(edgy.includes(0) && edgy.some((x) => Math.abs(x) > 1e7));
});
