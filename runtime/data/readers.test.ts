/** Good files of each format, and what is said about bad ones. */
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import path from "node:path";
import test, { type TestContext } from "node:test";
import { zipSync } from "fflate";
import { readData } from "./readers.ts";
import { bytesOf, declare, diagnosticOf, npyFile, npyHeader, temporaryFolder, type Wanted } from "./testing.ts";

/** Reads one file of a temporary folder. */
function reading(t: TestContext, name: string, content: string | Uint8Array) {
  const folder = temporaryFolder(t, { [name]: content });
  return (wanted: Wanted = {}) => {
    const { dtype, shape, data } = readData(declare(name, wanted), undefined, { folder });
    return { dtype, shape, data: [...data] };
  };
}

const vector: Wanted = { shape: ["n"] };
const column = (name: string, more: Wanted = {}): Wanted => ({ ...vector, select: ["column", name], ...more });

test("csv: all columns, one, some, and all but some", (t) => {
  const read = reading(t, "a.csv", 'x, "the y",z\r\n1,2,3\r\n\r\n4,-5e-1,+6\r\n');
  assert.deepEqual(read(), { dtype: "real", shape: [2, 3], data: [1, 2, 3, 4, -0.5, 6] });
  assert.deepEqual(read(column("the y")), { dtype: "real", shape: [2], data: [2, -0.5] });
  assert.deepEqual(read({ select: ["columns", "z", "x"] }).data, [3, 1, 6, 4]);
  assert.deepEqual(read({ select: ["except", "the y"] }).data, [1, 3, 4, 6]);
  assert.deepEqual(read(column("z", { type: "int" })).data, [3, 6]);
  assert.match(
    diagnosticOf(() => read(vector)),
    /K0308: .*3 columns are a matrix. \| Choose one: `column "z"`/,
  );
  assert.match(
    diagnosticOf(() => read(column("z", { shape: ["n", "d"] }))),
    /K0308: .* \| Write `columns "z"`/,
  );
});

test("csv: marks, delimiters, quotes, infinities and booleans", (t) => {
  assert.deepEqual(reading(t, "a.csv", "\ufeffa;b\n1;2\n")().data, [1, 2]);
  assert.deepEqual(reading(t, "a.tsv", "a\tb\ninf\t-Infinity")().data, [Infinity, -Infinity]);
  assert.deepEqual(reading(t, "a.csv", 'a,b\n"1","2"\n')().data, [1, 2]);
  assert.deepEqual(reading(t, "a.csv", "a\ntrue\nFALSE\n")({ shape: ["n"], type: "bool" }).data, [1, 0]);
  assert.match(
    diagnosticOf(() => reading(t, "a.csv", "a;b\n1,5;2\n")()),
    /K0307.*decimal points/,
  );
});

test("csv: columns left out may hold anything", (t) => {
  assert.deepEqual(reading(t, "a.csv", "name,x\nann,1\nbob,2\n")({ select: ["except", "name"] }).data, [1, 2]);
});

test("csv: what is wrong is said with row and column", (t) => {
  const said = (content: string | Uint8Array, wanted: Wanted = {}) =>
    diagnosticOf(() => reading(t, "a.csv", content)(wanted));
  assert.match(said("a,b\n1,2\n\n3,x y\n"), /K0307: a\.csv: row 2 \(line 4\), column "b" is not a number: "x y"/);
  assert.match(said("a,b\n1,\n"), /K0306: .*row 1 \(line 2\), column "b" has no value\./);
  for (const word of ["NaN", "NA", "null", "?"]) assert.match(said(`a,b\n1,${word}\n`), /K0306/);
  assert.match(said("a,b\n1,2\n3\n"), /K0305: a\.csv: line 3 has 1 cell, but the header names 2 columns/);
  assert.match(said("a,b\n1,2,3\n"), /K0305/);
  assert.match(said("progression,b\n1,2\n", column("progresion")), /K0304: .*\| Did you mean "progression"\?/);
  assert.match(said("a,b\n1,2\n", column("zzzz")), /K0304: .*\| Its columns are "a" and "b"/);
  assert.match(said("a,b\n1,2\n", { select: ["except", "c"] }), /K0304/);
  assert.match(said("a,b,a\n1,2,3\n"), /K0315: .*columns 1 and 3 are both named "a"/);
  assert.match(said(",b\n0,2\n"), /K0319: .*column 1 has no name.*columns except ""/);
  assert.match(said("1,2\n3,4\n"), /K0319: .*first row holds numbers/);
  assert.match(said(""), /K0314/);
  assert.match(said("\n\n"), /K0314/);
  assert.match(said("a,b\n"), /K0314: .*no row/);
  assert.match(said("a,b\n1e999,2\n"), /K0307/);
  assert.match(said("a,b\n0x10,2\n"), /K0307/);
  assert.match(said('a,b\n"1,2\n'), /K0311/);
  assert.match(said(new Uint8Array([0xff, 0xfe, 65, 0])), /K0311: .*UTF-16/);
  assert.match(
    said("a,b\n1,2\n3,2.5\n4,0.5\n", { type: "int" }),
    /K0310: .*row 2 \(line 3\), column "b" is 2\.5.*another/,
  );
  assert.match(said("a\n4294967296\n", { ...vector, type: "int" }), /K0310: .*32 bits/);
  assert.match(said("a\n2\n", { ...vector, type: "bool" }), /K0307/);
  assert.match(said("a\n2\n", { select: ["array", "a"] }), /K0313/);
});

test("npy: every type, both byte orders, all versions", (t) => {
  const cases: [string, ArrayBufferView, number[]][] = [
    ["|u1", Uint8Array.of(0, 255), [0, 255]],
    ["|i1", Int8Array.of(-1, 7), [-1, 7]],
    ["<u2", Uint16Array.of(1, 65535), [1, 65535]],
    ["<i2", Int16Array.of(-2, 3), [-2, 3]],
    ["<u4", Uint32Array.of(1, 4294967295), [1, 4294967295]],
    ["<i4", Int32Array.of(-5, 6), [-5, 6]],
    ["<u8", BigUint64Array.of(7n, 8n), [7, 8]],
    ["<i8", BigInt64Array.of(-7n, 2n ** 40n), [-7, 2 ** 40]],
    ["<f2", Uint16Array.of(0x3c00, 0xc000), [1, -2]],
    ["<f4", Float32Array.of(0.5, -Infinity), [0.5, -Infinity]],
    ["<f8", Float64Array.of(1 / 3, 1e300), [1 / 3, 1e300]],
    ["|b1", Uint8Array.of(1, 0), [1, 0]],
    ["?", Uint8Array.of(1, 0), [1, 0]],
  ];
  for (const [descr, values, expected] of cases)
    for (const version of [1, 2, 3]) {
      const read = reading(t, "a.npy", npyFile(npyHeader(descr, [2]), bytesOf(values), version));
      assert.deepEqual(read(vector), { dtype: "real", shape: [2], data: expected }, descr);
      if (!descr.startsWith("<")) continue;
      const itemSize = Number(descr[2]);
      const swapped = Uint8Array.from(
        bytesOf(values),
        (_, i) => bytesOf(values)[i - (i % itemSize) + itemSize - 1 - (i % itemSize)]!,
      );
      const big = reading(t, "b.npy", npyFile(npyHeader(descr.replace("<", ">"), [2]), swapped, version));
      assert.deepEqual(big(vector).data, expected, `big ${descr}`);
    }
});

test("npy: scalars, matrices in either order, empty arrays", (t) => {
  const file = (shape: number[], fortran: boolean, values: number[]) =>
    npyFile(npyHeader("<f8", shape, fortran), bytesOf(Float64Array.from(values)));
  assert.deepEqual(reading(t, "a.npy", file([], false, [4]))({ shape: [] }), { dtype: "real", shape: [], data: [4] });
  assert.deepEqual(reading(t, "a.npy", file([2, 3], true, [1, 4, 2, 5, 3, 6]))().data, [1, 2, 3, 4, 5, 6]);
  const cube = Array.from({ length: 24 }, (_, i) => i);
  const fortran = cube.map((_, at) => (at % 2) * 12 + (Math.floor(at / 2) % 3) * 4 + Math.floor(at / 6));
  assert.deepEqual(reading(t, "a.npy", file([2, 3, 4], true, fortran))({ shape: ["a", "b", "c"] }).data, cube);
  assert.deepEqual(reading(t, "a.npy", file([0, 3], false, []))().shape, [0, 3]);
});

test("npy: shapes and types are compared with the declaration", (t) => {
  const read = reading(t, "a.npy", npyFile(npyHeader("<f4", [2, 3]), bytesOf(Float32Array.of(1, 2, 3, 4, 5.5, 6))));
  assert.deepEqual(read({ shape: [2, "d"] }).shape, [2, 3]);
  assert.match(
    diagnosticOf(() => read({ shape: ["n", 784] })),
    /K0309: .*X is declared real\[n, 784\].*shape \[2, 3\]/,
  );
  assert.match(
    diagnosticOf(() => read({ shape: ["n", "n"] })),
    /K0309: .*two axes are to be equal/,
  );
  assert.match(
    diagnosticOf(() => read(vector)),
    /K0308: .*1 axis, but/,
  );
  assert.match(
    diagnosticOf(() => read({ type: "int" })),
    /K0310: .*entry \[1, 1\] is 5\.5/,
  );
  assert.match(
    diagnosticOf(() => read({ select: ["column", "a"] })),
    /K0313/,
  );
  const hollow = reading(t, "b.npy", npyFile(npyHeader("<f8", [2]), bytesOf(Float64Array.of(1, Number.NaN))));
  assert.match(
    diagnosticOf(() => hollow(vector)),
    /K0306: .*entry \[1\] is NaN/,
  );
});

test("npy: lying and broken headers are refused before anything is set aside", (t) => {
  const said = (bytes: Uint8Array) => diagnosticOf(() => reading(t, "a.npy", bytes)(vector));
  const eight = new Uint8Array(8);
  assert.match(said(npyFile(npyHeader("<f8", [2]), eight)), /K0311: .*promises 16 bytes.*but 8 follow.*cut short/);
  assert.match(said(npyFile(npyHeader("<f8", [1]), new Uint8Array(9))), /K0311/);
  assert.match(said(npyFile(npyHeader("<f8", [1e9]), eight)), /K0311/);
  assert.match(said(npyFile(npyHeader("<f8", [2 ** 31 - 1, 2 ** 31 - 1]), eight)), /K0312/);
  assert.match(said(npyFile(npyHeader("<f8", [1e15]), eight)), /K0312/);
  assert.match(said(npyFile(npyHeader("<c16", [1]), eight)), /K0316: .*<c16/);
  assert.match(said(npyFile(npyHeader("<U4", [1]), eight)), /K0316/);
  assert.match(said(npyFile(npyHeader("|O", [1]), eight)), /K0316/);
  assert.match(
    said(npyFile("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }", eight)),
    /K0316: .*records/,
  );
  assert.match(said(npyFile("{'descr': '<f8'}", eight)), /K0311/);
  assert.match(said(npyFile(npyHeader("<f8", [1]), eight, 9)), /K0311: .*version 9/);
  assert.match(
    said(npyFile(npyHeader("<u8", [1]), bytesOf(BigUint64Array.of(2n ** 63n)))),
    /K0310: .*9223372036854775808/,
  );
  assert.match(said(new Uint8Array(0)), /K0311/);
});

test("npz: members by name, stored or deflated", (t) => {
  const w = npyFile(npyHeader("<f8", [2]), bytesOf(Float64Array.of(1, 2)));
  const b = npyFile(npyHeader("<f8", [1]), bytesOf(Float64Array.of(3)));
  for (const level of [0, 6] as const) {
    const read = reading(t, "a.npz", zipSync({ "W.npy": w, "in.b.npy": b }, { level }));
    assert.deepEqual(read({ ...vector, select: ["array", "W"] }).data, [1, 2]);
    assert.deepEqual(read({ ...vector, select: ["array", "in.b"] }).data, [3]);
    assert.match(
      diagnosticOf(() => read(vector)),
      /K0313: .*2 arrays.*"W" and "in\.b"/,
    );
    assert.match(
      diagnosticOf(() => read({ ...vector, select: ["array", "w"] })),
      /K0304: .*Did you mean "W"/,
    );
    assert.match(
      diagnosticOf(() => read(column("W"))),
      /K0313/,
    );
    assert.deepEqual(reading(t, "b.npz", zipSync({ "W.npy": w }, { level }))(vector).data, [1, 2]);
  }
});

test("npz: bombs, liars and flipped bits", (t) => {
  const member = npyFile(npyHeader("<f8", [2]), bytesOf(Float64Array.of(1, 2)));
  const stored = zipSync({ "W.npy": member }, { level: 0 });
  const flipped = stored.slice();
  flipped[30 + 5 + member.length - 3]! ^= 1;
  assert.match(
    diagnosticOf(() => reading(t, "a.npz", flipped)(vector)),
    /K0311: .*checksum/,
  );

  const deflated = zipSync({ "W.npy": member }, { level: 9 });
  const size = new DataView(deflated.buffer);
  const directory = deflated.length - 22 - 46 - 5;
  assert.equal(size.getUint32(directory, true), 0x02014b50);
  size.setUint32(directory + 24, 0x7fff_0000, true);
  assert.match(
    diagnosticOf(() => reading(t, "a.npz", deflated)(vector)),
    /K0311: .*cannot be as large/,
  );
  size.setUint32(directory + 24, 0xffff_fff0, true);
  assert.match(
    diagnosticOf(() => reading(t, "a.npz", deflated)(vector)),
    /K0312/,
  );
  size.setUint32(directory + 24, 40, true);
  assert.match(
    diagnosticOf(() => reading(t, "a.npz", deflated)(vector)),
    /K0311/,
  );
  assert.match(
    diagnosticOf(() => reading(t, "a.npz", new Uint8Array(3))(vector)),
    /K0311/,
  );
  assert.match(
    diagnosticOf(() => reading(t, "a.npz", zipSync({}))(vector)),
    /K0313: .*empty|K0311/,
  );
});

test("json: nested lists, members, columns and records", (t) => {
  assert.deepEqual(reading(t, "a.json", "[[1, 2], [3, 4.5]]")(), {
    dtype: "real",
    shape: [2, 2],
    data: [1, 2, 3, 4.5],
  });
  assert.deepEqual(reading(t, "a.json", "7")({ shape: [], type: "int" }).data, [7]);
  assert.deepEqual(reading(t, "a.json", '["Infinity", true]')(vector).data, [Infinity, 1]);
  assert.deepEqual(reading(t, "a.json", '{"w": [1, 2]}')(vector).data, [1, 2]);
  const read = reading(t, "a.json", '{"a": [1, 2], "b": [3, 4], "in": {"c": [5]}}');
  assert.deepEqual(read({ ...vector, select: ["array", "b"] }).data, [3, 4]);
  assert.deepEqual(read({ ...vector, select: ["array", "in.c"] }).data, [5]);
  assert.deepEqual(read(column("a")).data, [1, 2]);
  assert.deepEqual(read({ select: ["columns", "b", "a"] }).data, [3, 1, 4, 2]);
  const records = reading(t, "a.json", '[{"a": 1, "b": 2}, {"b": 4, "a": 3}]');
  assert.deepEqual(records(), { dtype: "real", shape: [2, 2], data: [1, 2, 3, 4] });
  assert.deepEqual(records(column("b")).data, [2, 4]);
});

test("json: what is wrong is said with its path", (t) => {
  const said = (content: string, wanted: Wanted = vector) => diagnosticOf(() => reading(t, "a.json", content)(wanted));
  assert.match(said("[[1, 2], [3]]"), /K0305: .*\[1\] has 1 entry, but \[0\] has 2/);
  assert.match(said("[[1, 2], 3]"), /K0305: .*\[1\] is 3, but \[0\] is a list/);
  assert.match(said("[1, [2]]"), /K0305: .*\[1\] is a list, but \[0\] is no list/);
  assert.match(said('[1, "x"]'), /K0307: .*\[1\] is "x", not a number/);
  assert.match(said("[1, null]"), /K0306: .*\[1\] has no value/);
  assert.match(said("[1e999]"), /K0307/);
  assert.match(said("[1,"), /K0311/);
  assert.match(said('{"a": [1], "b": [2]}'), /K0313: .*"a" and "b"/);
  assert.match(said('{"aa": [1], "b": [2]}', { ...vector, select: ["array", "ab"] }), /K0304/);
  assert.match(said('{"a": [1], "b": [2, 3]}', { select: ["columns", "a", "b"] }), /K0305/);
  assert.match(said('[{"a": 1}, {"b": 1}]', column("a")), /K0306: .*row 2, column "a"/);
  assert.match(said("[".repeat(50) + "]".repeat(50)), /K0312/);
  assert.match(said("[".repeat(1e6)), /K0311/);
  assert.match(said('{"__proto__": [1], "a": [1]}', { ...vector, select: ["array", "constructor"] }), /K0304/);
});

test("files that are not there, not readable or not allowed", (t) => {
  const folder = temporaryFolder(t, { "diabetes.csv": "a\n1\n", "x.txt": "a", "sub/deep.csv": "a\n2\n" });
  const outside = temporaryFolder(t, { "secret.csv": "a\n1\n" });
  const read = (name: string | undefined, more = {}) => readData(declare(name, vector), undefined, { folder, ...more });
  assert.match(
    diagnosticOf(() => read("diabtes.csv")),
    /K0301: .*\| Did you mean "diabetes\.csv"\?/,
  );
  assert.match(
    diagnosticOf(() => read("sub/other-name.csv")),
    /K0301: .*"deep\.csv"/,
  );
  assert.match(
    diagnosticOf(() => read("none/a.csv")),
    /K0301: .*no folder/,
  );
  assert.match(
    diagnosticOf(() => read("x.txt")),
    /K0302: karush cannot read \.txt.*\.csv, \.tsv, \.npy, \.npz/,
  );
  assert.match(
    diagnosticOf(() => read("Makefile")),
    /K0302/,
  );
  assert.match(
    diagnosticOf(() => read(undefined)),
    /K0318: .*--data X=FILE/,
  );
  assert.match(
    diagnosticOf(() => read("https://example.org/a.csv")),
    /K0303/,
  );
  const secret = path.join(outside, "secret.csv");
  assert.match(
    diagnosticOf(() => read(secret)),
    /K0303: .*--allow-read/,
  );
  assert.match(
    diagnosticOf(() => read(path.relative(folder, secret))),
    /K0303/,
  );
  symlinkSync(secret, path.join(folder, "link.csv"));
  assert.match(
    diagnosticOf(() => read("link.csv")),
    /K0303/,
  );
  assert.deepEqual(read("link.csv", { read: [outside] }).shape, [1]);
  assert.deepEqual(readData(declare("diabetes.csv", vector), secret, { folder }).shape, [1]);
  assert.deepEqual(
    readData(declare("../diabetes.csv", vector), undefined, { folder: path.join(folder, "sub") }).shape,
    [1],
  );
});

test("a folder named like a file, and a device, are refused", (t) => {
  const folder = temporaryFolder(t, { "d.csv/inner": "x" });
  assert.match(
    diagnosticOf(() => readData(declare("d.csv", vector), undefined, { folder })),
    /K0317: d\.csv is a folder/,
  );
  symlinkSync("/dev/zero", path.join(folder, "zero.csv"));
  assert.match(
    diagnosticOf(() => readData(declare("zero.csv", vector), undefined, { folder, read: ["/dev"] })),
    /K0317: .*no ordinary file/,
  );
});
