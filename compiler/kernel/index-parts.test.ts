/** Indices taken apart by what divides them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { forEachNode } from "./affine.ts";
import { add, coordinatesOf, int, kernelArray, linearIndex, load, local, mul, rem } from "./expressions.ts";
import { partsOf, readsNeighbours } from "./index-parts.ts";
import type { Expression } from "./ir.ts";

const numbers = kernelArray("numbers", "real", 100_000, "read");

/** Elements of an array of some shape, in another order of axes, at an index into the result. */
function permuted(index: Expression, shape: readonly number[], order: readonly number[]): Expression {
  const at = coordinatesOf(
    index,
    order.map((axis) => shape[axis]!),
  );
  return load(
    numbers,
    linearIndex(
      shape.map((_, axis) => at[order.indexOf(axis)]!),
      shape,
    ),
  );
}

const divides = (roots: readonly Expression[]): boolean => {
  let found = false;
  forEachNode(roots, (e) => {
    if (e.op === "binary" && (e.name === "div" || e.name === "rem")) found = true;
  });
  return found;
};

test("an index is taken apart into the axes it runs over, and nothing divides their sum", () => {
  for (const [shape, order, parts] of [
    [
      [4, 5],
      [1, 0],
      [5, 4],
    ],
    [
      [2, 3, 4],
      [2, 0, 1],
      [4, 2, 3],
    ],
    [
      [2, 3, 4],
      [2, 1, 0],
      [4, 3, 2],
    ],
    [
      [7, 6, 5, 4],
      [1, 3, 0, 2],
      [6, 4, 7, 5],
    ],
    [[3, 4], [0, 1], [12]],
  ] as const) {
    const n = shape.reduce((p, d) => p * d, 1);
    const index = local("int", "i", n);
    const found = partsOf([permuted(index, shape, order)], index, n);
    assert.deepEqual(found, parts);
    const sum = linearIndex(
      found.map((d) => local("int", "part", d)),
      found,
    );
    assert.ok(!divides([permuted(sum, shape, order)]), `${shape} by ${order}`);
  }
});

test("an index stays whole where its divisors do not fit", () => {
  const index = local("int", "i", 60);
  const at = (n: number) => load(numbers, rem(index, int(n)));
  assert.deepEqual(partsOf([at(4), at(12)], index, 60), [5, 3, 4]);
  assert.deepEqual(partsOf([at(4), at(6)], index, 60), [60]);
  assert.deepEqual(partsOf([at(7)], index, 60), [60]);
});

test("neighbours are read as neighbours when all loads move by one element", () => {
  const [i, j] = [local("int", "i", 10), local("int", "j", 10)];
  const at = (e: Expression) => load(numbers, e);
  assert.ok(readsNeighbours([at(add(mul(j, int(10)), i)), at(j)], i));
  assert.ok(!readsNeighbours([at(add(mul(j, int(10)), i)), at(j)], j));
  assert.ok(!readsNeighbours([at(rem(i, int(3)))], i));
  assert.ok(!readsNeighbours([at(mul(i, int(2)))], i));
});
