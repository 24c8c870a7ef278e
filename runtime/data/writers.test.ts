/** What is saved can be read again, and a failed save changes nothing. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import fc from "fast-check";
import { ndArray, sizeOf } from "../../compiler/core/array.ts";
import type { ScalarType, Value } from "../../compiler/program.ts";
import { writeAtomically } from "./atomic.ts";
import { readData } from "./readers.ts";
import { declare, diagnosticOf, temporaryFolder } from "./testing.ts";
import { checkSavePath, saveValue } from "./writers.ts";

// A fixed seed, printed by fast-check on failure; another one can be tried by hand.
fc.configureGlobal({ seed: Number(process.env.FUZZ_SEED ?? 20_240_613) });

function array(shape: readonly number[], values: readonly number[], type: ScalarType = "real"): Value {
  return {
    kind: "array",
    type,
    array: ndArray(type === "real" ? "real" : type === "bool" ? "bool" : "int", shape, values),
  };
}
const named = (fields: Record<string, Value>): Value => ({
  kind: "tuple",
  names: Object.keys(fields),
  items: Object.values(fields),
});

const files = (folder: string) => readdirSync(folder).filter((name) => name !== "package.json");

test("arrays survive every format", (t) => {
  const folder = temporaryFolder(t);
  const number = fc.double({ noNaN: true });
  const shaped = fc
    .array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 })
    .chain((shape) =>
      fc.tuple(fc.constant(shape), fc.array(number, { minLength: sizeOf(shape), maxLength: sizeOf(shape) })),
    );
  fc.assert(
    fc.property(shaped, fc.constantFrom(".npy", ".npz", ".json", ".csv"), ([shape, values], extension) => {
      const axes = extension === ".csv" ? shape.slice(0, 2) : shape;
      const entries = values.slice(0, sizeOf(axes));
      saveValue(array(axes, entries), `a${extension}`, { folder }, undefined);
      const back = extension === ".csv" && axes.length === 0 ? [1] : axes;
      const read = readData(declare(`a${extension}`, { shape: back.map((_, i) => `n${i}`) }), undefined, { folder });
      assert.deepEqual(read.shape, back);
      // Strictly: -0 is not 0.
      assert.deepEqual([...read.data], entries);
    }),
    { numRuns: 200 },
  );
  assert.equal(files(folder).length, 4);
});

test("a named tuple is members, columns or an object; nested names are joined with dots", (t) => {
  const folder = temporaryFolder(t);
  const value = named({
    w: array([2], [1, 2]),
    inner: named({ b: array([2], [3, 4], "int"), on: array([2], [1, 0], "bool") }),
  });
  for (const name of ["p.npz", "p.json", "p.csv"]) saveValue(value, name, { folder }, undefined);
  assert.equal(readFileSync(path.join(folder, "p.csv"), "utf8"), "w,inner.b,inner.on\n1,3,true\n2,4,false\n");
  assert.equal(
    readFileSync(path.join(folder, "p.json"), "utf8"),
    '{"w":[1,2],"inner":{"b":[3,4],"on":[true,false]}}\n',
  );
  for (const name of ["p.npz", "p.json"]) {
    const read = readData(declare(name, { type: "int", shape: ["n"], select: ["array", "inner.b"] }), undefined, {
      folder,
    });
    assert.deepEqual([...read.data], [3, 4]);
  }
});

test("types keep their size", (t) => {
  const folder = temporaryFolder(t);
  const header = (value: Value) => {
    saveValue(value, "a.npy", { folder }, undefined);
    const bytes = readFileSync(path.join(folder, "a.npy"));
    assert.equal((10 + bytes.readUInt16LE(8)) % 64, 0);
    return /'descr': '([^']*)'/.exec(bytes.toString("latin1"))?.[1];
  };
  assert.equal(header(array([1], [1])), "<f8");
  assert.equal(
    header({ kind: "array", type: "real", array: { dtype: "real", shape: [1], data: Float32Array.of(1) } }),
    "<f4",
  );
  assert.equal(header(array([1], [1], "int")), "<i4");
  assert.equal(header(array([1], [1], "bool")), "|b1");
  assert.equal(header(array([1, 2], [1, -1], "key")), "<u4");
});

test("what a format cannot hold is said", (t) => {
  const folder = temporaryFolder(t);
  const said = (value: Value, name: string) => diagnosticOf(() => saveValue(value, name, { folder }, undefined));
  const pair = named({ a: array([2], [1, 2]), b: array([3], [1, 2, 3]) });
  assert.match(said(pair, "a.csv"), /K0332: .*a has 2 rows and b has 3/);
  assert.match(said(pair, "a.npy"), /K0332: .*\.npz/);
  assert.match(said(array([1, 1, 1], [1]), "a.csv"), /K0332: .*3 axes/);
  assert.match(said(array([], [1], "status"), "a.npy"), /K0332: .*status/);
  assert.match(said(array([2], [1, 2], "key"), "a.csv"), /K0332/);
  assert.match(said(named({}), "a.npz"), /K0332/);
  assert.match(said(pair, "a.txt"), /K0302: .*\.csv, \.npy, \.npz and \.json/);
  assert.match(said(pair, "../a.json"), /K0303: .*--allow-write/);
  assert.match(
    diagnosticOf(() => checkSavePath("/tmp/else/a.json", { folder }, undefined)),
    /K0303/,
  );
  assert.deepEqual(files(folder), []);
  saveValue(pair, "out/deep/a.json", { folder }, undefined);
  assert.deepEqual(files(folder), ["out"]);
});

test("a failed save leaves the old file and nothing else", (t) => {
  const folder = temporaryFolder(t, { "old.json": "before" });
  const value = array([1], [1]);
  mkdirSync(path.join(folder, "taken.json"));
  assert.match(
    diagnosticOf(() => saveValue(value, "taken.json", { folder }, undefined)),
    /K0331: .*folder/,
  );
  assert.match(
    diagnosticOf(() => saveValue(value, "old.json/a.json", { folder }, undefined)),
    /K0331: .*no folder/,
  );
  // The content fails half-way: as a full disk would.
  const half = { [Symbol.toPrimitive]: () => assert.fail() } as unknown as string;
  assert.throws(() => writeAtomically(path.join(folder, "old.json"), half));
  assert.equal(readFileSync(path.join(folder, "old.json"), "utf8"), "before");
  assert.deepEqual(files(folder).sort(), ["old.json", "taken.json"]);
  writeFileSync(path.join(folder, "old.json"), "", { mode: 0o600 });
  saveValue(value, "old.json", { folder }, undefined);
  assert.equal(readFileSync(path.join(folder, "old.json"), "utf8"), "[1]\n");
});
