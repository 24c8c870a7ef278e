/** The TypeScript interface with the real compiler: the program of its own documentation, from source to gradient. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "./data/testing.ts";
import { BindError, CompileError, compile, compileOrThrow, createRuntime, RunError, Tensor } from "./index.ts";
import { compileFile, readProgramData, saveAll } from "./node.ts";

const source = `data X: real[n, d]
data y: real[n]
param penalty: real = 0.5
fn twice(k: int) = 2 * k
fn halves(x: real[m]) = (half: x / 2, first: x[0] > 0)
objective loss(w: real[d]; penalty: real) = sum((X @ w - y)^2) + penalty * dot(w, w)
show loss(zeros[d]; penalty)
save (w: zeros[d]) to "w.json"
`;
const data = {
  X: [
    [1, 0],
    [0, 1],
    [1, 1],
  ],
  y: Float64Array.of(1, 2, 3),
};

test("a program is compiled, loaded, called, differentiated and run", async () => {
  const { program, diagnostics } = compile(source, { file: "loss.opt" });
  assert.deepEqual(diagnostics, []);
  using runtime = await createRuntime({ backend: "cpu", precision: "f64" });
  const module = await runtime.load(program, { data, params: { penalty: 0.1 } });
  assert.equal(await module.call("loss", { w: [0, 0], penalty: 0.5 }), 14);
  const { value, gradient } = await module.valueAndGradient("loss", { w: [0, 0], penalty: 0.5 });
  assert.equal(value, 14);
  assert.ok(gradient instanceof Tensor);
  assert.deepEqual([gradient.shape, gradient.dtype, gradient.toArray()], [[2], "real", [-8, -10]]);
  assert.equal(await module.call("twice", { k: 21 }), 42);
  const halves = (await module.call("halves", { x: gradient })) as { half: Tensor; first: boolean };
  assert.deepEqual([halves.half.toArray(), halves.first], [[-4, -5], false]);
  const result = await module.run();
  assert.deepEqual(result.shown, [{ expression: "loss(zeros[d]; penalty)", value: 14 }]);
  assert.equal(result.saves[0]?.path, "w.json");
});

test("what is wrong comes as errors with diagnostics", async () => {
  assert.throws(
    () => compileOrThrow("show foo\n", { file: "a.opt" }),
    (error) => {
      assert.ok(error instanceof CompileError);
      assert.match(error.message, /a\.opt:1:6[\s\S]*show foo/);
      return true;
    },
  );
  const runtime = await createRuntime();
  const program = compileOrThrow(source, { file: "loss.opt" });
  await assert.rejects(runtime.load(program, { data: { ...data, y: [1, 2] } }), BindError);
  await assert.rejects(runtime.load(program), BindError);
  const module = await runtime.load(program, { data });
  await assert.rejects(module.call("los", {}), RunError);
  await assert.rejects(module.call("loss", { w: [1, 2, 3], penalty: 1 }), RunError);
  const failing = await runtime.load(compileOrThrow('assert 1 > 2, "order"\n', { file: "a.opt" }));
  await assert.rejects(failing.run(), RunError);
  await assert.rejects(createRuntime({ backend: "tpu" as never }), /no backend/);
  await assert.rejects(createRuntime({ backend: "webgpu", precision: "f64" }), /no 64-bit reals/);
});

test("files are read and written by the part for Node", async (t) => {
  const script = source
    .replace("real[n, d]\n", 'real[n, d] from "p.csv" columns except "y"\n')
    .replace("y: real[n]\n", 'y: real[n] from "p.csv" column "y"\n');
  const folder = temporaryFolder(t, { "a.opt": script, "p.csv": "a,b,y\n1,0,1\n0,1,2\n1,1,3\n" });
  const program = compileFile(path.join(folder, "a.opt"));
  const runtime = await createRuntime();
  const module = await runtime.load(program, { data: readProgramData(program, { folder }) });
  const files = saveAll(await module.run(), { folder });
  assert.deepEqual(files, [path.join(folder, "w.json")]);
  assert.equal(readFileSync(files[0]!, "utf8"), '{"w":[0,0]}\n');
});

test("all data files that are missing are told at once", (t) => {
  const program = compileOrThrow('data a: real[n] from "a.csv"\ndata b: real[m] from "b.npy"\n', { file: "t.opt" });
  const isBoth = (error: unknown) => error instanceof BindError && error.diagnostics.length === 2;
  assert.throws(() => readProgramData(program, { folder: temporaryFolder(t) }), isBoth);
});

test("a program that uses it ends by itself", () => {
  const index = fileURLToPath(new URL("./index.ts", import.meta.url));
  const code = `import { compile, createRuntime } from ${JSON.stringify(index)};
const runtime = await createRuntime();
const module = await runtime.load(compile("show 1 + 1\\n", { file: "a.opt" }).program);
console.log((await module.run()).shown[0].value);`;
  const { status, stdout } = spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", code], {
    cwd: path.dirname(index),
    encoding: "utf8",
    timeout: 30_000,
  });
  assert.deepEqual([status, stdout], [0, "2\n"]);
});

test("whole numbers stand for reals in what is differentiated", async () => {
  const source =
    "fn f(t: real, x: (a: real, b: real[2])) = t ^ 2 * x.a * sum(x.b)\nfn g(x: (a: real, b: real[2])) = f(3, x)";
  const runtime = await createRuntime();
  const module = await runtime.load(compile(source, { file: "whole.opt" }).program);
  const x = { a: 1, b: [1, 2] };
  const plain = (value: unknown) => JSON.parse(JSON.stringify(value, (_, v) => v?.toArray?.() ?? v));
  assert.deepEqual(plain(await module.valueAndGradient("g", { x })), { value: 27, gradient: { a: 27, b: [9, 9] } });
  assert.deepEqual(plain(await module.jvp("f", { t: 3, x }, { t: 1, x })), { value: 27, tangent: 72 });
  assert.deepEqual(plain(await module.vjp("f", { t: 3, x }, 1, ["t", "x"])), {
    value: 27,
    cotangents: { t: 18, x: { a: 27, b: [9, 9] } },
  });
  const second = plain(await module.hvp("f", { t: 3, x }, { t: 1, x }));
  assert.deepEqual(second.tangent, { t: 42, x: { a: 45, b: [15, 15] } });
});
