/** Numbers that f32 cannot hold are refused wherever they come from: they would be infinities without a word. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import * as compiler from "../compiler/index.ts";
import { bytesOf, npyFile, npyHeader, temporaryFolder } from "./data/testing.ts";
import { BindError, compileOrThrow, createRuntime, type Module, RunError } from "./index.ts";
import { performScript } from "./script/perform.ts";

const largest = 3.4028234663852886e38;
/** The largest number that is rounded to it. */
const edge = 3.4028235677973362e38;

async function performed(folder: string, text: string, precision: "f64" | "f32", set: Record<string, string> = {}) {
  const said: string[] = [];
  const file = path.join(folder, "t.opt");
  writeFileSync(file, text);
  const request = {
    file,
    backend: "reference",
    data: {},
    set,
    precision,
    seed: 0,
    allowRead: [],
    allowWrite: [],
    render: { color: false, width: 200 },
  } as const;
  await performScript(compiler, request, {
    emit: (message) => {
      if (message.kind === "diagnostic") said.push(`${message.diagnostic.code} ${message.diagnostic.message}`);
    },
    now: () => 0,
    isInterrupted: () => false,
  });
  return said;
}

test("in files, with the file, the row and the column", async (t) => {
  const folder = temporaryFolder(t, {
    "x.csv": `a,b\n1,${edge}\n\n-inf,-1e39\n3,1e40\n`,
    "x.json": `{"w": [[1, "Infinity"], [${largest}, 1e39]]}`,
    "x.npy": npyFile(npyHeader("<f8", [2, 2]), bytesOf(Float64Array.of(1, edge, Infinity, -4e38))),
    "small.npy": npyFile(npyHeader("<f4", [2]), bytesOf(Float32Array.of(largest, -Infinity))),
  });
  const beyond = "which is too large for f32: its largest number is about 3.4e38";
  const cases = {
    'data X: real[n, d] from "x.csv"': `K1150 x.csv: row 2 (line 4), column "b" is -1e+39, ${beyond}; so is another.`,
    'data X: real[n] from "x.csv" column "a"': undefined,
    'data X: real[n, d] from "x.json" array "w"': `K1150 x.json: entry [1, 1] is 1e+39, ${beyond}.`,
    'data X: real[n, d] from "x.npy"': `K1150 x.npy: entry [1, 1] is -4e+38, ${beyond}.`,
    'data X: real[n] from "small.npy"': undefined,
  };
  for (const [text, expected] of Object.entries(cases)) {
    assert.deepEqual(await performed(folder, `${text}\n`, "f32"), expected === undefined ? [] : [expected], text);
    assert.deepEqual(await performed(folder, `${text}\n`, "f64"), [], text);
  }
});

test("in scripts and settings", async (t) => {
  const folder = temporaryFolder(t);
  const text = "fn f(x: real) = x - 1e39\nparam p: real = -1e200\nshow f(2.0), 3.4028235e38, inf, 1e-60\n";
  const said = await performed(folder, text, "f32");
  assert.deepEqual(
    said.map((s) => s.replace(/, which.*/, "")),
    ["K1150 This is 1e200", "K1150 This is 1e39"],
  );
  assert.deepEqual(await performed(folder, text, "f64"), []);
  const set = await performed(folder, "param p: real[2] = [1.0, 2.0]\nshow p\n", "f32", { p: "[1, 1e39]" });
  assert.match(set.join(), /^K1150 Entry \[1\] of `p` is 1e\+39, which is too large for f32/);
});

const program = compileOrThrow(
  `data X: real[n, 2]
param p: real[2] = [1.0, 2.0]
fn f(x: real[2], s: (t: real, n: int)) -> real[2] = x * s.t
fn g(x: real[2]) = sum(x * x)
`,
  { file: "t.opt" },
);

function saidBy(error: unknown): string {
  assert.ok(error instanceof RunError || error instanceof BindError, String(error));
  return error.diagnostics.map((d) => `${d.code} ${d.message.replace(/, which.*/, "")}`).join();
}

for (const backend of ["cpu", "reference"] as const)
  test(`${backend}: from TypeScript`, async () => {
    const load = async (precision: "f64" | "f32", X: number[][], p: number[]) => {
      const runtime = await createRuntime({ backend, precision });
      return runtime.load(program, { data: { X }, params: { p } });
    };
    const loading = (X: number[][], p: number[]) =>
      load("f32", X, p).then(
        () => "nothing",
        (error) => saidBy(error),
      );
    assert.match(
      await loading([[1, 2], [3, 1e39]], [1, 1e40]), // biome-ignore format: two rows
      /^K1150 the value given for X: entry \[1, 1\] is 1e\+39,K1150 the value given for p: entry \[1\] is 1e\+40$/,
    );
    assert.equal(await loading([[Infinity, edge]], [largest, -Infinity]), "nothing");
    const s = { t: 2, n: 1 };
    const calls: Readonly<Record<string, (module: Module) => Promise<unknown>>> = {
      "Entry [1] of `x` is -1e+39": (m) => m.call("f", { x: [1, -1e39], s }),
      "`s.t` is 1e+100": (m) => m.call("f", { x: [1, 2], s: { t: 1e100, n: 1 } }),
      "Entry [0] of `x` is 1e+39": (m) => m.valueAndGradient("g", { x: [1e39, 1] }),
      "Entry [0] of the tangent of `x` is 1e+39": (m) => m.jvp("g", { x: [1, 1] }, { x: [1e39, 1] }),
      "The cotangent is 1e+39": (m) => m.vjp("g", { x: [1, 1] }, 1e39, ["x"]),
      "Entry [1] of the tangent of `x` is 1e+39": (m) => m.hvp("g", { x: [1, 1] }, { x: [1, 1e39] }),
    };
    const single = await load("f32", [[1, 2]], [1, 2]);
    const double = await load("f64", [[1, 2]], [1, 1e39]);
    for (const [message, call] of Object.entries(calls)) {
      await assert.rejects(call(single), (error) => saidBy(error) === `K1150 ${message}`, message);
      await call(double);
    }
  });
