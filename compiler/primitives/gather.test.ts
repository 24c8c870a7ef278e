/** Gathers and scatters: places out of range, equal indices, and which update has the derivative. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ndArray } from "../core/array.ts";
import { gather, scatterAdd, scatterSet, takeAlongAxis } from "./gather.ts";
import { apply, applyVjp } from "./testing.ts";

const vector = (...values: number[]) => ndArray("real", [values.length], values);
const places = (...values: number[]) => ndArray("int", [values.length], values);

test("reading out of range gives 0 and writing there nothing; negative indices are not wrapped", () => {
  const x = vector(1, 2, 3);
  const at = places(-1, 0, 3, 2);
  assert.deepEqual([...apply((b, [a, i]) => [gather(b, a!, i!, 0)], [x, at])[0]!.data], [0, 1, 0, 3]);
  const u = vector(10, 20, 30, 40);
  assert.deepEqual([...apply((b, [a, i, v]) => [scatterAdd(b, a!, i!, v!, 0)], [x, at, u])[0]!.data], [21, 2, 43]);
  assert.deepEqual([...apply((b, [a, i, v]) => [scatterSet(b, a!, i!, v!, 0)], [x, at, u])[0]!.data], [20, 2, 40]);
});

test("of equal indices the last update wins, and it alone has a derivative", () => {
  const x = vector(1, 2, 3);
  const at = places(1, 0, 1);
  const u = vector(10, 20, 30);
  const build = (b: Parameters<typeof scatterSet>[0], [a, i, v]: readonly Parameters<typeof scatterSet>[1][]) => [
    scatterSet(b, a!, i!, v!, 0),
  ];
  assert.deepEqual([...apply(build, [x, at, u])[0]!.data], [20, 30, 3]);
  const [gx, gu] = applyVjp(build, [x, at, u], [true, false, true], [vector(5, 6, 7)]);
  assert.deepEqual([...gx!.data], [0, 0, 7]);
  assert.deepEqual([...gu!.data], [0, 5, 6]);
});

test("the axis and the shared axes", () => {
  const x = ndArray("int", [2, 3], [0, 1, 2, 10, 11, 12]);
  const rows = apply((b, [a, i]) => [gather(b, a!, i!, 0)], [x, ndArray("int", [1, 2], [1, 0])])[0]!;
  assert.deepEqual(rows.shape, [1, 2, 3]);
  assert.deepEqual([...rows.data], [10, 11, 12, 0, 1, 2]);
  const columns = apply((b, [a, i]) => [gather(b, a!, i!, 1)], [x, ndArray("int", [], [2])])[0]!;
  assert.deepEqual([columns.shape, [...columns.data]], [[2], [2, 12]]);
  const each = apply((b, [a, i]) => [gather(b, a!, i!, 1, 1)], [x, places(2, 0)])[0]!;
  assert.deepEqual([each.shape, [...each.data]], [[2], [2, 10]]);
  const along = apply((b, [a, i]) => [takeAlongAxis(b, a!, i!, 0)], [x, ndArray("int", [1, 3], [1, 0, 1])])[0]!;
  assert.deepEqual(
    [along.shape, [...along.data]],
    [
      [1, 3],
      [10, 1, 12],
    ],
  );
});

test("taking from an empty axis gives zeros", () => {
  const nothing = ndArray("real", [0, 2], []);
  const taken = apply((b, [a, i]) => [gather(b, a!, i!, 0)], [nothing, places(0, 5)])[0]!;
  assert.deepEqual(
    [taken.shape, [...taken.data]],
    [
      [2, 2],
      [0, 0, 0, 0],
    ],
  );
});
