/** Gradient checks of functions of tuples, with arrays and tuples as values, of second derivatives, and of kinks. */
import assert from "node:assert/strict";
import test from "node:test";
import { compile, createRuntime, type Module } from "../index.ts";
import { checkGradient, GradientError, tensors, trees } from "../testing.ts";

const seed = 23;

async function moduleOf(source: string): Promise<Module> {
  const { program, diagnostics } = compile(source, { file: "checked.opt" });
  assert.deepEqual(diagnostics, []);
  return (await createRuntime({ backend: "cpu" })).load(program, {});
}

async function failureOf(check: Promise<unknown>): Promise<GradientError> {
  try {
    await check;
  } catch (error) {
    assert.ok(error instanceof GradientError, String(error));
    return error;
  }
  return assert.fail(`nothing was found, seed ${seed}`);
}

test("a wrong rule is found in functions of tuples, and its field and entry are named", async () => {
  const module = await moduleOf(`
type Layer = (w: real[3, 2], b: real[3])
fn bend(x: real, t: int) = x^2 derivative dx => (if t == 4 then 2.1 else 2.0) * x * dx
fn total(layer: Layer, x: real[2]) = sum([bend(layer.w[div(t, 2), mod(t, 2)], t) for t in 0..6]) + dot(layer.b, layer.b) * x[0] + x[1]`);
  for (const mode of ["forward", "reverse"] as const) {
    const error = await failureOf(
      checkGradient(module, "total", trees(module, "total"), { modes: [mode], runs: 100, seed }),
    );
    if (mode === "reverse") assert.equal(error.place, "layer.w[2, 0]");
    assert.match(error.message, /layer = \(w: \[\[/);
  }
});

test("functions with arrays and tuples as values: a wrong entry of the value's derivative is found", async () => {
  const module = await moduleOf(`
fn slip(x: real[4]) = sin(x) derivative dx => cos(x) * dx with [3] = 0.9 * cos(x[3]) * dx[3]
fn pair(x: real[4]) = (s: x[0] * x[1], v: slip(x))
fn fine(x: real[4]) = (s: x[0] * x[1], v: sin(x))
fn array(x: real[4]) = [a * slip(x) for a in x]`);
  const x = { x: tensors.normal([4]) };
  await checkGradient(module, "fine", x, { runs: 30, seed });
  const cases = [
    ["pair", "forward"],
    ["pair", "reverse"],
    ["array", "forward"],
    ["array", "reverse"],
  ] as const;
  for (const [name, mode] of cases) {
    const error = await failureOf(checkGradient(module, name, x, { modes: [mode], runs: 100, seed }));
    if (mode === "reverse") assert.equal(error.place, "x[3]");
  }
});

test("one wrong entry of ten thousand in a pullback is found and named", async () => {
  const module = await moduleOf(`
fn waves(x: real[10000]) = sum(sin(x)) pullback u => u * (cos(x) with [7311] = 1.05 * cos(x[7311]))`);
  const x = tensors.normal([10_000], { edges: "none" });
  const error = await failureOf(checkGradient(module, "waves", { x }, { runs: 100, seed, modes: ["reverse"] }));
  assert.equal(error.place, "x[7311]");
});

test("second derivatives of functions of tuples: right ones pass, wrong ones are found", async () => {
  const module = await moduleOf(`
type State = (a: real, b: real[3])
fn slope(x: real, t: int) = cos(x) derivative dx => -(if t == 1 then 1.2 else 1.0) * sin(x) * dx
fn wave(x: real, t: int) = sin(x) derivative dx => slope(x, t) * dx
fn right(p: State, c: real) = sum(sin(p.b) * p.a^2) + exp(0.1 * p.a) * p.b[0] * c
fn wrong(p: State, c: real) = p.a * c * sum([wave(p.b[t], t) for t in 0..3])`);
  await checkGradient(module, "right", trees(module, "right"), { order: 2, runs: 40, seed });
  await checkGradient(module, "wrong", trees(module, "wrong"), { runs: 40, seed });
  const error = await failureOf(checkGradient(module, "wrong", trees(module, "wrong"), { order: 2, runs: 100, seed }));
  assert.match(error.message, /^The second derivative of `wrong` is wrong/);
});

test("kinks everywhere, and no accusation", async () => {
  const module = await moduleOf(`
fn kinked(x: real[4], t: real) = sum(relu(x - t)) + max(x) + norm(x) + (sort(x))[1] + sum(clamp(x, -1, 1)) + (if t > 0 then t else 2 * t) + sum(abs(x)^1.5)
fn branches(x: real[4]) = loop s = 0.0 for e in x { if e > s then s + e else s - 0.5 * e }`);
  const options = { runs: 150, seed, order: 2 } as const;
  const report = await checkGradient(module, "kinked", trees(module, "kinked"), options);
  assert.ok(report.kinks > 5, `${report.kinks} kinks`);
  const branches = await checkGradient(module, "branches", trees(module, "branches"), options);
  assert.ok(branches.kinks < 100, `${branches.kinks} kinks`);
});

test("arguments come from declared types", async () => {
  const module = await moduleOf(`
let h = 2
type Layer = (w: real[h, d], b: real[h])
fn net(layers: Layer[3, d = 4], n: int, k: int = 2) = sum(layers.w) * n * k
objective fit(w: real[m + 1]; p: real, on: bool) = if on then sum(w) * p else p
fn open(x, f: real -> real) = f(x)`);
  const { default: fc } = await import("fast-check");
  const shapes = (args: Record<string, import("fast-check").Arbitrary<unknown>>) =>
    JSON.parse(JSON.stringify(fc.sample(fc.record(args), { seed, numRuns: 1 })[0], (_, v) => v?.shape ?? v));
  const fit = shapes(trees(module, "fit", { sizes: { m: 4 } }));
  assert.deepEqual(fit.w, [5]);
  assert.equal(typeof fit.on, "boolean");
  assert.deepEqual(shapes(trees(module, "fit")).w, [4]);
  const net = shapes(trees(module, "net"));
  assert.deepEqual(net.layers, { w: [3, 2, 4], b: [3, 2] });
  assert.deepEqual(Object.keys(net), ["layers", "n"]);
  assert.throws(() => trees(module, "open"), /`x` cannot be drawn: it has no type/);
  assert.throws(() => trees(module, "open", { given: { x: tensors.normal() } }), /`f` cannot be drawn/);
  assert.throws(() => trees(module, "none"), /no function, objective or condition named `none`/);
  assert.throws(() => trees(module, "fit", { given: { q: tensors.normal() } }), /no argument `q`/);
});
