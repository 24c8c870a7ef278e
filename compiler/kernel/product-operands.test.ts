/** How operands of matrix products are laid out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { traceFunction } from "../primitives/testing.ts";
import { buildPlan } from "./build.ts";
import type { Product } from "./plan.ts";
import { productCases } from "./testing-product-cases.ts";

function productsOf(name: string): readonly Product[] {
  const { build, operands } = productCases.find((c) => c.name === name)!;
  const plan = buildPlan(traceFunction(build, operands), { precision: "f64", style: "vector" });
  return plan.functions.at(-1)!.steps.filter((s) => s.kind === "product");
}

const strides = ({ a }: Product) => [a.row, a.column];

test("operands are laid out along the axis by which they come from memory in longer runs", () => {
  // 5 columns of a window are neighbours, and 16 windows of a row of the image.
  const [values, gram] = productsOf("windows are laid out once for all products that read them, transposed or not");
  assert.deepEqual(strides(values!), [1, 1024]);
  assert.deepEqual(strides(gram!), [1024, 1]);
  const [rows] = productsOf("rows that are picked by indices, as both operands");
  assert.deepEqual(strides(rows!), [30, 1]);
  // Every other window: no neighbours, so row after row.
  const [sparse] = productsOf("windows at every other place, with an edge of zeros");
  assert.deepEqual(strides(sparse!), [9, 1]);
});

test("products that read the same read one buffer, and a square operand's transpose is one by its strides", () => {
  const products = productsOf("a square operand and its transpose are told apart");
  assert.equal(new Set(products.map((p) => p.a.buffer)).size, 1);
  assert.deepEqual(products.map(strides), [
    [40, 1],
    [1, 40],
    [40, 1],
    [40, 1],
    [1, 40],
  ]);
});
