/** Dimensions: polynomial arithmetic agrees with numbers, and unification finds what makes two sizes equal. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import {
  addDims,
  applyOperation,
  compareDims,
  type Dim,
  equalDims,
  flexibleDimension,
  knownDim,
  multiplyDims,
  powerDim,
  resolve,
  rigidDimension,
  showDim,
  subtractDims,
  unifyDims,
} from "./dimension.ts";

type Tree =
  | { readonly size: "n" | "d" }
  | { readonly value: number }
  | { readonly op: "+" | "-" | "*" | "div" | "mod" | "min" | "max"; readonly a: Tree; readonly b: Tree };

const tree = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<Tree>({ size: "n" }, { size: "d" }),
    fc.integer({ min: 0, max: 9 }).map((value): Tree => ({ value })),
    fc.record({
      op: fc.constantFrom("+", "-", "*", "min", "max"),
      a: tie("tree"),
      b: tie("tree"),
    }) as fc.Arbitrary<Tree>,
    fc.record({
      op: fc.constantFrom("div", "mod"),
      a: tie("tree"),
      b: fc.integer({ min: 1, max: 5 }).map((value): Tree => ({ value })),
    }) as fc.Arbitrary<Tree>,
  ),
})).tree;

/** The tree with `n` and `d` standing for these. */
function build(t: Tree, n: Dim, d: Dim): Dim {
  if ("value" in t) return t.value;
  if ("size" in t) return t.size === "n" ? n : d;
  const [a, b] = [build(t.a, n, d), build(t.b, n, d)];
  switch (t.op) {
    case "+":
      return addDims(a, b);
    case "-":
      return subtractDims(a, b);
    case "*":
      return multiplyDims(a, b);
    default:
      return applyOperation(t.op, a, b);
  }
}

test("a polynomial has the value its numbers give", () => {
  fc.assert(
    fc.property(tree, fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 20 }), (t, x, y) => {
      const [n, d] = [flexibleDimension("n"), flexibleDimension("d")];
      const symbolic = build(t, n, d);
      unifyDims(n, x);
      unifyDims(d, y);
      assert.equal(resolve(symbolic), build(t, x, y));
    }),
    { seed: 11, numRuns: 500 },
  );
});

test("sums and products do not depend on the order they are written in", () => {
  const [n, d] = [rigidDimension("n"), rigidDimension("d")];
  assert.ok(equalDims(multiplyDims(addDims(n, 1), d), addDims(d, multiplyDims(d, n))));
  assert.ok(equalDims(subtractDims(addDims(300, n), 300), n));
  assert.equal(subtractDims(multiplyDims(n, d), multiplyDims(d, n)), 0);
  assert.equal(showDim(addDims(multiplyDims(2, powerDim(n, 2)), subtractDims(1, d))), "2 * n^2 - d + 1");
});

test("sizes of a script are never equal by accident", () => {
  const [n, d] = [rigidDimension("n"), rigidDimension("d")];
  assert.equal(unifyDims(n, d), "different");
  assert.equal(unifyDims(n, 10), "different");
  assert.equal(unifyDims(n, addDims(n, 1)), "different");
  assert.equal(compareDims(applyOperation("div", multiplyDims(4, n), 5), 10), "unknown");
  assert.equal(
    compareDims(applyOperation("div", multiplyDims(4, n), 5), applyOperation("div", multiplyDims(n, 4), 5)),
    "equal",
  );
  assert.ok(equalDims(applyOperation("div", multiplyDims(4, n), 2), multiplyDims(2, n)));
});

test("a signature's sizes are solved for, one at a time", () => {
  const m = flexibleDimension("m");
  assert.equal(unifyDims(addDims(multiplyDims(2, m), 1), 7), "equal");
  assert.equal(knownDim(m), 3);
  const k = flexibleDimension("k");
  const n = rigidDimension("n");
  assert.equal(unifyDims(addDims(k, 1), n), "equal");
  assert.equal(showDim(k), "n - 1");
  const odd = flexibleDimension("odd");
  assert.equal(unifyDims(multiplyDims(2, odd), 7), "different");
});
