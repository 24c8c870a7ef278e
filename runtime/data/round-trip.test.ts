/** What a script saves, on every back end and in every format, is read again as it was: bits, shapes and types. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import type { Value } from "../../compiler/program.ts";
import { compileOrThrow, createRuntime, RunError, type Runtime } from "../index.ts";
import { readProgramData, saveAll } from "../node.ts";
import { softwareDevice, withTimeLimit } from "../testing-adapter/testing.ts";
import { readData } from "./readers.ts";
import { declare, temporaryFolder } from "./testing.ts";

const device = await softwareDevice();

const backends: Readonly<Record<string, () => Promise<Runtime>>> = {
  "cpu in f64": () => createRuntime({ backend: "cpu" }),
  "cpu in f32": () => createRuntime({ backend: "cpu", precision: "f32" }),
  webgpu: () => createRuntime({ device: device.gpu }),
  reference: () => createRuntime({ backend: "reference" }),
};

/** By name: an expression, and the formats that hold its shape. */
const values: Readonly<Record<string, readonly [expression: string, formats: string]>> = {
  vector: ["[1.0 / 3, -0.0, inf, -inf, 1e-30 / 7, -1e30 / 7, 0.1 + 0.2]", "csv json npy npz"],
  matrix: ["[[1.0 / 3, 2.5, 1e21], [sqrt(2.0), -0.0, inf]]", "csv json npy npz"],
  column: ["[[0.5], [0.25]]", "csv json npy npz"],
  cube: ["[[[1.0 / 7, 2.0]], [[3.0, 4.0]]]", "json npy npz"],
  ints: ["[2147483647, -2147483648, 0]", "csv json npy npz"],
  flags: ["[true, false, true]", "csv json npy npz"],
  number: ["1.0 / 3", "csv json npy npz"],
  count: ["-7", "csv json npy npz"],
  flag: ["1 < 2", "csv json npy npz"],
  nothing: ["zeros[0]", "json npy npz"],
  wide: ["zeros[2, 0]", "json npy npz"],
  flat: ["zeros[0, 3]", "npy npz"],
};
const saving = Object.entries(values)
  .flatMap(([name, [expression, formats]]) => [
    `let ${name} = ${expression}`,
    ...formats.split(" ").map((format) => `save ${name} to "out/${name}.${format}"`),
  ])
  .join("\n");

for (const [backend, open] of Object.entries(backends))
  test(`${backend}: every format`, async (t) => {
    const folder = temporaryFolder(t);
    using runtime = await open();
    const module = await runtime.load(compileOrThrow(`${saving}\n`, { file: "t.opt" }));
    const result = await withTimeLimit("the script", module.run());
    saveAll(result, { folder });
    assert.ok(result.saves.length > 30);
    for (const { path: file, value } of result.saves) {
      assert.ok(value.kind === "array", file);
      const { type, array } = value;
      assert.ok(type === "real" || type === "int" || type === "bool", file);
      const declaration = declare(file, { type, shape: array.shape.map((_, i) => `n${i}`) });
      const read = readData(declaration, undefined, { folder });
      assert.deepEqual([read.dtype, read.shape], [array.dtype, [...array.shape]], file);
      // deepEqual of strict assertions tells -0 from 0.
      assert.deepEqual([...read.data], [...array.data], file);
    }
  });

const plain: Value = {
  kind: "tuple",
  names: undefined,
  items: [1, 2].map((k) => ({
    kind: "array",
    type: "real",
    array: { dtype: "real", shape: [2], data: Float64Array.of(k, k + 0.5) },
  })),
};

test("the columns of a plain tuple have names that can be read", (t) => {
  const folder = temporaryFolder(t);
  saveAll({ ...noResult, saves: [{ expression: "p", path: "p.csv", value: plain }] }, { folder });
  assert.equal(readFileSync(path.join(folder, "p.csv"), "utf8"), "c0,c1\n1,2\n1.5,2.5\n");
  const program = compileOrThrow('data X: real[n, 2] from "p.csv"\ndata y: real[n] from "p.csv" column "c1"\n', {
    file: "t.opt",
  });
  const { X, y } = readProgramData(program, { folder });
  assert.deepEqual([[...X!.data], [...y!.data]], [[1, 2, 1.5, 2.5], [2, 2.5]]); // biome-ignore format: two arrays
});

const noResult = { shown: [], asserts: [], plots: [], solves: [], warnings: [] };

test("what cannot be saved is a RunError", (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(path.join(folder, "taken.json"));
  const codeOf = (file: string) => {
    try {
      saveAll({ ...noResult, saves: [{ expression: "p", path: file, value: plain }] }, { folder });
      return "saved";
    } catch (error) {
      assert.ok(error instanceof RunError, String(error));
      return error.diagnostics.map((d) => `${d.code} ${d.message}`).join();
    }
  };
  assert.match(codeOf("taken.json"), /^K0331 .* it is a folder\.$/);
  assert.match(codeOf("p.npy"), /^K0332 .* a tuple is several arrays\.$/);
  assert.match(codeOf("p.txt"), /^K0302 /);
  assert.match(codeOf("../p.json"), /^K0303 /);
  assert.match(codeOf(`${"long".repeat(100)}.json`), /^K0331 .* its name is too long\.$/);
});
