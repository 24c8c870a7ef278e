/** What takes symmetric matrices says so of others, on every back end, and never of a tangent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileOrThrow, createRuntime, type Module, RunError, type Runtime } from "./index.ts";
import { softwareDevice, withTimeLimit } from "./testing-adapter/testing.ts";

const device = await softwareDevice();

const program = compileOrThrow(
  `fn factor(A: real[n, n]) = cholesky(A)
fn tried(A: real[n, n]) = try_cholesky(A).L
fn values(A: real[n, n]) = { let (l, _) = eigh(A)
  l }
fn stacked(As: real[m, n, n]) = sum([values(A) for A in As])
fn in_loop(A: real[n, n]) = loop s = 0.0 for i in 0..3 { s + sum(values((1 + i) * A)) }
fn square(A: real[n, n]) = sum(values(A) ^ 2)
`,
  { file: "t.opt" },
);

const backends: Readonly<Record<string, () => Promise<Runtime>>> = {
  "cpu in f64": () => createRuntime({ backend: "cpu" }),
  "cpu in f32": () => createRuntime({ backend: "cpu", precision: "f32" }),
  webgpu: () => createRuntime({ device: device.gpu }),
  reference: () => createRuntime({ backend: "reference" }),
};

function matrix(low: number): number[][] {
  return [
    [4, 1, 0],
    [1, 3, 0.5],
    [0, low, 2],
  ];
}

for (const [backend, open] of Object.entries(backends))
  test(`${backend}: asymmetry beyond rounding is an error, and less is none`, async () => {
    using runtime = await open();
    const module = await runtime.load(program);
    const outcome = async (call: Promise<unknown>): Promise<string> => {
      try {
        await withTimeLimit("a call", call);
        return "done";
      } catch (error) {
        assert.ok(error instanceof RunError, String(error));
        return error.diagnostics.map((d) => `${d.code} ${d.message}`).join();
      }
    };
    const calls: Readonly<Record<string, (module: Module, A: number[][]) => Promise<unknown>>> = {
      cholesky: (m, A) => m.call("factor", { A }),
      try_cholesky: (m, A) => m.call("tried", { A }),
      eigh: (m, A) => m.call("values", { A }),
      "eigh in a lane": (m, A) => m.call("stacked", { As: [matrix(0.5), A] }),
      "eigh in a loop": (m, A) => m.call("in_loop", { A }),
    };
    // Relative to the largest entry, which is 4: well below what is allowed, and well above.
    const rounding = runtime.precision === "f64" ? 1e-7 : 1e-4;
    for (const [name, call] of Object.entries(calls)) {
      assert.equal(await outcome(call(module, matrix(0.5 + 4 * rounding))), "done", name);
      const said = await outcome(call(module, matrix(0.5 + 400 * rounding)));
      assert.match(
        said,
        new RegExp(`^K1151 \`${name.split(" ")[0]}\` takes a symmetric matrix, but .* differ by [\\d.e-]+\\.$`),
        name,
      );
    }
    assert.equal(await outcome(module.call("factor", { A: { data: new Float64Array(0), shape: [0, 0] } })), "done");
    // The direction is one no symmetric matrix takes; the derivative is that of the symmetric part.
    const A = matrix(0.5);
    const { tangent } = await module.jvp("square", { A }, { A: [[0, 2, 0], [0, 0, 0], [0, 0, 0]] }); // biome-ignore format: a matrix
    assert.ok(Math.abs((tangent as number) - 4) < 1e-3, `${tangent}`);
    await module.vjp("factor", { A }, matrix(7), ["A"]);
    await module.hvp("square", { A }, { A: matrix(7) });
  });
