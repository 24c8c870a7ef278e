/** Structural primitives: what moves where, no-ops, and symbolic dimensions; conversions and integer arithmetic. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type NdArray, ndArray } from "../core/array.ts";
import { Builder } from "../core/builder.ts";
import { addDims, multiplyDims, opaqueDimension, rigidDimension, subtractDims } from "../core/dimension.ts";
import { type Atom, showType } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { mul } from "./arithmetic.ts";
import * as bits from "./bits.ts";
import { convert, truncateToInt } from "./convert.ts";
import { matmul } from "./dot.ts";
import { einsum } from "./einsum.ts";
import { gather } from "./gather.ts";
import { iota } from "./iota.ts";
import { argmax, reduceMax, reduceSum } from "./reduce.ts";
import * as rounding from "./rounding.ts";
import * as shape from "./shape.ts";
import { apply, applyJvp } from "./testing.ts";

const matrix = ndArray("int", [2, 3], [1, 2, 3, 4, 5, 6]);
const result = (f: (b: Emitter, x: Atom) => Atom, x: NdArray = matrix) => {
  const [y] = apply((b, [a]) => [f(b, a!)], [x]);
  return { shape: y!.shape, data: [...y!.data] };
};

test("where elements go", () => {
  assert.deepEqual(
    result((b, x) => shape.transpose(b, x, [1, 0])),
    { shape: [3, 2], data: [1, 4, 2, 5, 3, 6] },
  );
  assert.deepEqual(result((b, x) => shape.reverse(b, x, [1])).data, [3, 2, 1, 6, 5, 4]);
  assert.deepEqual(result((b, x) => shape.slice(b, x, [0, 0], [2, 3], [1, 2])).data, [1, 3, 4, 6]);
  assert.deepEqual(result((b, x) => shape.sliceAxis(b, x, 1, 1)).data, [2, 3, 5, 6]);
  assert.deepEqual(
    result((b, x) => shape.pad(b, x, [0, 1], [1, 0], [0, 1], 9)),
    {
      shape: [3, 6],
      data: [9, 1, 9, 2, 9, 3, 9, 4, 9, 5, 9, 6, 9, 9, 9, 9, 9, 9],
    },
  );
  assert.deepEqual(
    result((b, x) => shape.broadcast(b, x, [2, 2, 3], [0, 2])).data,
    [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6],
  );
  const row = ndArray("int", [1, 2], [7, 8]);
  assert.deepEqual(result((b, x) => shape.broadcast(b, x, [3, 2], [0, 1]), row).data, [7, 8, 7, 8, 7, 8]);
  assert.deepEqual(result((b, x) => shape.concat(b, [x, x], 1)).data, [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]);
  assert.deepEqual(result((b, x) => shape.moveAxis(b, x, 1, 0)).shape, [3, 2]);
});

test("helpers that change nothing emit nothing", () => {
  const b = new Builder();
  const x = b.input({ dtype: "real", shape: [2, 3] });
  const same = [
    shape.broadcast(b, x, [2, 3], [0, 1]),
    shape.reshape(b, x, [2, 3]),
    shape.transpose(b, x, [0, 1]),
    shape.concat(b, [x], 0),
    shape.pad(b, x, [0, 0], [0, 0], [0, 0], 0),
    shape.slice(b, x, [0, 0], [2, 3], [1, 1]),
    shape.reverse(b, x, []),
    reduceSum(b, x, []),
    convert(b, x, "real"),
  ];
  for (const y of same) assert.equal(y, x);
  assert.equal(b.equations.length, 0);
});

test("the constant of a pad has no derivative", () => {
  const x = ndArray("real", [1], [2]);
  const { values, tangents } = applyJvp(
    (b, [a]) => [shape.pad(b, a!, [1], [0], [0], 5)],
    [x],
    [ndArray("real", [1], [1])],
  );
  assert.deepEqual([...values[0]!.data], [5, 2]);
  assert.deepEqual([...tangents[0]!.data], [0, 1]);
});

test("shapes are inferred from symbols", () => {
  const b = new Builder();
  const [n, d] = [rigidDimension("n"), rigidDimension("d")];
  const k = opaqueDimension("k");
  const x = b.input({ dtype: "real", shape: [n, d] });
  const v = b.input({ dtype: "real", shape: [k] });
  const shapes = {
    flat: shape.reshape(b, x, [multiplyDims(n, d)]),
    joined: shape.concat(b, [x, x, shape.sliceAxis(b, x, 0, 1)], 0),
    window: shape.sliceAxis(b, x, 0, 2, subtractDims(n, 1)),
    every: shape.slice(b, x, [0, 0], [n, d], [2, 1]),
    spread: shape.pad(b, x, [1, 0], [0, 0], [1, 0], 0),
    repeated: shape.broadcast(b, v, [n, k], [1]),
    product: matmul(b, shape.transpose(b, x, [1, 0]), x),
    unknown: matmul(b, x, v),
    sum: einsum(b, "ij,ik->jk", [x, x]),
    best: reduceMax(b, x, [1]),
    index: argmax(b, x, 0),
    rows: gather(b, x, iota(b, addDims(n, 1)), 0),
    mixed: mul(b, v, shape.sliceAxis(b, shape.reshape(b, x, [multiplyDims(n, d)]), 0, 0, k)),
  };
  const shown = Object.fromEntries(Object.entries(shapes).map(([name, a]) => [name, showType(a.type)]));
  assert.deepEqual(shown, {
    flat: "real[d * n]",
    joined: "real[3 * n - 1, d]",
    window: "real[n - 3, d]",
    every: "real[div(n + 1, 2), d]",
    spread: "real[2 * n, d]",
    repeated: "real[n, k]",
    product: "real[d, d]",
    unknown: "real[n]",
    sum: "real[d, d]",
    best: "real[n]",
    index: "int[d]",
    rows: "real[n + 1, d]",
    mixed: "real[k]",
  });
});

test("conversions", () => {
  const reals = ndArray("real", [8], [1.9, -1.9, 0, -0, 3e9, -3e9, Number.NaN, Number.POSITIVE_INFINITY]);
  const expected = [1, -1, 0, 0, 2147483647, -2147483648, 0, 2147483647];
  assert.deepEqual(result((b, x) => convert(b, x, "int"), reals).data, expected);
  assert.deepEqual(
    [...reals.data].map((x) => truncateToInt(x) + 0),
    expected,
  );
  assert.deepEqual(result((b, x) => convert(b, x, "bool"), reals).data, [1, 1, 0, 0, 1, 1, 1, 1]);
  const b = new Builder();
  const two = convert(b, { kind: "literal", value: 2, type: { dtype: "int", shape: [] } }, "real");
  assert.deepEqual(two, { kind: "literal", value: 2, type: { dtype: "real", shape: [] } });
});

test("div and mod of ints round down as in Python, and 0 by 0 is 0", () => {
  const x = ndArray("int", [6], [7, -7, 7, -7, 5, -2147483648]);
  const y = ndArray("int", [6], [3, 3, -3, -3, 0, -1]);
  const both = (f: typeof rounding.divFloor) => [...apply((b, [p, q]) => [f(b, p!, q!)], [x, y])[0]!.data];
  assert.deepEqual(both(rounding.divFloor), [2, -3, -3, 2, 0, -2147483648]);
  assert.deepEqual(both(rounding.modFloor), [1, 2, -2, -1, 0, 0]);
});

test("div and mod of reals are exact and agree", () => {
  const x = ndArray("real", [5], [7.5, -7.5, 0.3, -5, 1]);
  const y = ndArray("real", [5], [2, 2, 0.1, Number.POSITIVE_INFINITY, 0.1]);
  const both = (f: typeof rounding.divFloor) => [...apply((b, [p, q]) => [f(b, p!, q!)], [x, y])[0]!.data];
  assert.deepEqual(both(rounding.divFloor), [3, -4, 2, -1, 9]);
  assert.deepEqual(both(rounding.modFloor), [1.5, 0.5, 0.3 % 0.1, Number.POSITIVE_INFINITY, 1 % 0.1]);
});

test("round takes halves to the even integer", () => {
  const x = ndArray("real", [7], [0.5, 1.5, 2.5, -0.5, -1.5, 0.49999999999999994, 2251799813685247.5]);
  const rounded = result(rounding.round, x).data.map((v) => v + 0);
  assert.deepEqual(rounded, [0, 2, 2, 0, -2, 0, 2251799813685248]);
});

test("shifts: the right one is logical, amounts count modulo 32", () => {
  const x = ndArray("int", [3], [-1, -8, 5]);
  const by = ndArray("int", [3], [28, 1, 33]);
  assert.deepEqual([...apply((b, [p, q]) => [bits.shiftRight(b, p!, q!)], [x, by])[0]!.data], [15, 2147483644, 2]);
  assert.deepEqual([...apply((b, [p, q]) => [bits.shiftLeft(b, p!, q!)], [x, by])[0]!.data], [-268435456, -16, 10]);
});
