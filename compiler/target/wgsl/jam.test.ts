/** Iterations side by side compute what they did one after the other, bit by bit. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as ir from "../../kernel/expressions.ts";
import { interpretKernel, type Storage } from "../../kernel/interpret.ts";
import type { Expression, Kernel, KernelArray, Loop, Statement } from "../../kernel/ir.ts";
import { prepare } from "../../kernel/prepare.ts";
import { assertSameStorage, randomKernel } from "../../kernel/testing-kernels.ts";
import { verifyKernel } from "../../kernel/testing-verify.ts";
import { flatGrid } from "./flatten.ts";
import { foursOf } from "./fours.ts";
import { jammed } from "./jam.ts";
import { unrolled } from "./unroll.ts";
import { forEachExpression, forEachStatement } from "./walk.ts";

/** A kernel as it is printed; `least`: the fewest invocations. */
function together(kernel: Kernel, least: number): Kernel {
  const { index, count, body } = jammed({ ...flatGrid(kernel), body: unrolled(flatGrid(kernel).body) }, kernel, least);
  const grid: Loop = { ...kernel.grid, index, count: ir.int(count), body };
  return { ...kernel, grid };
}

const countOf = (kernel: Kernel): number => Number((kernel.grid.count as { value: number }).value);

/** How often the text of a kernel loads from an array, each place of it once. */
function loadsOf(kernel: Kernel, array: KernelArray): number {
  const found = new Set<Expression>();
  forEachExpression(kernel.grid.body, (e) => {
    if (e.op === "load" && e.array === array) found.add(e);
  });
  return found.size;
}

interface Case {
  readonly kernel: Kernel;
  readonly shared: KernelArray;
  readonly storage: () => Storage[];
}

/** X w, and what is made of it: rows are the grid, or a loop in its one iteration. */
function product(rows: number, columns: number, form: "grid" | "known" | "counted" | "in place"): Case {
  const x = ir.kernelArray("x", "real", rows * columns, "read");
  const w = ir.kernelArray("w", "real", columns, "read");
  const n = ir.kernelArray("n", "int", 1, "read");
  const out = ir.kernelArray("out", "real", rows, form === "in place" ? "both" : "write");
  const row = (i: Expression): Statement[] => {
    const sum = ir.local("real", "sum");
    const scale = ir.local("real", "scale");
    const before = form === "in place" ? ir.load(out, i) : ir.toReal(i);
    return [
      { op: "let", local: scale, value: ir.add(before, ir.real(0.5)) },
      { op: "variable", local: sum, value: scale },
      ir.loop(
        "k",
        columns,
        "reduction",
        (k) => {
          const product = ir.mul(ir.load(x, ir.add(ir.mul(i, ir.int(columns)), k)), ir.load(w, k));
          return [{ op: "assign", local: sum, value: ir.add(sum, product) }];
        },
        { accumulators: [{ local: sum, operator: "add" }] },
      ),
      {
        op: "if",
        condition: ir.lt(sum, ir.real(0)),
        then: [{ op: "assign", local: sum, value: ir.mul(sum, scale) }],
        otherwise: [],
      },
      { op: "store", array: out, index: i, value: sum },
    ];
  };
  const isGrid = form === "grid" || form === "in place";
  const grid = isGrid
    ? ir.loop("row", rows, "independent", row)
    : ir.loop("all", 1, "independent", () => {
        const last = ir.local("real", "last");
        const count = form === "known" ? ir.int(rows) : ir.load(n, ir.int(0));
        const loop = ir.loop("row", count, "independent", (i) => row(ir.knownBelow(i, rows)));
        // So that the loop is no part of the grid.
        return [{ op: "let", local: last, value: ir.load(w, ir.int(0)) }, loop];
      });
  const storage = (): Storage[] => [
    Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i + 0.3)),
    Float32Array.from({ length: columns }, (_, i) => Math.cos(2 * i)),
    Int32Array.of(rows),
    Float32Array.from({ length: rows }, (_, i) => (form === "in place" ? i / 7 : 0)),
  ];
  const kernel = { name: "product", span: undefined, arrays: [x, w, n, out], grid, description: "" };
  return { kernel, shared: w, storage };
}

for (const form of ["grid", "known", "counted", "in place"] as const)
  test(`rows that read the same, ${form}`, () => {
    for (let rows = 1; rows <= 14; rows++)
      for (const columns of [3, 8, 9]) {
        const { kernel, storage } = product(rows, columns, form);
        const made = together(kernel, 1);
        verifyKernel(made);
        const [expected, found] = [storage(), storage()];
        interpretKernel(kernel, expected, "f32");
        interpretKernel(made, found, "f32");
        assertSameStorage(found, expected, `${rows} rows of ${columns}`);
      }
  });

test("four rows read what they have in common once", () => {
  const { kernel, shared } = product(16, 8, "grid");
  const made = together(kernel, 1);
  assert.equal(countOf(made), 4);
  // Of each step of four terms.
  assert.equal(loadsOf(made, shared), 4);
  assert.equal(countOf(together(kernel, 5)), 8);
  assert.equal(countOf(together(kernel, 9)), 16);
});

test("rows that change what they read are computed together only when none is left over", () => {
  assert.equal(countOf(together(product(13, 8, "in place").kernel, 1)), 13);
  assert.equal(countOf(together(product(14, 8, "in place").kernel, 1)), 7);
  assert.equal(countOf(together(product(13, 8, "grid").kernel, 1)), 4);
});

test("rows with nothing in common stay alone", () => {
  const x = ir.kernelArray("x", "real", 64, "read");
  const out = ir.kernelArray("out", "real", 8, "write");
  const grid = ir.loop("row", 8, "independent", (i) => {
    const sum = ir.local("real", "sum");
    return [
      { op: "variable", local: sum, value: ir.real(0) },
      ir.loop("k", 8, "serial", (k) => [
        { op: "assign", local: sum, value: ir.add(sum, ir.load(x, ir.add(ir.mul(i, ir.int(8)), k))) },
      ]),
      { op: "store", array: out, index: i, value: sum },
    ];
  });
  const made = together({ name: "rows", span: undefined, arrays: [x, out], grid, description: "" }, 1);
  assert.equal(countOf(made), 8);
});

test("columns side by side are read by fours", () => {
  const [rows, columns] = [8, 12];
  const x = ir.kernelArray("x", "real", rows * columns, "read");
  const r = ir.kernelArray("r", "real", rows, "read");
  const out = ir.kernelArray("out", "real", columns, "write");
  const grid = ir.loop("column", columns, "independent", (j) => {
    const sum = ir.local("real", "sum");
    return [
      { op: "variable", local: sum, value: ir.real(0) },
      ir.loop("i", rows, "serial", (i) => {
        const product = ir.mul(ir.load(x, ir.add(ir.mul(i, ir.int(columns)), j)), ir.load(r, i));
        return [{ op: "assign", local: sum, value: ir.add(sum, product) }];
      }),
      { op: "store", array: out, index: j, value: sum },
    ];
  });
  const kernel: Kernel = { name: "columns", span: undefined, arrays: [x, r, out], grid, description: "" };
  const made = together(kernel, 1);
  assert.equal(countOf(made), 3);
  const ofX: Statement[] = [];
  const fours = foursOf(prepare(made.grid.body));
  for (const [s, { four }] of fours) if (four.array === x) ofX.push(s);
  // Four rows in a step.
  assert.equal(ofX.length, 4 * 4);
  const storage = (): Storage[] => [
    Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i + 0.3)),
    Float32Array.from({ length: rows }, (_, i) => Math.cos(i)),
    new Float32Array(columns),
  ];
  const [expected, found] = [storage(), storage()];
  interpretKernel(kernel, expected, "f32");
  interpretKernel(made, found, "f32");
  assertSameStorage(found, expected, "columns");
});

test("random kernels", () => {
  let changed = 0;
  const statementsOf = (kernel: Kernel): number => {
    let count = 0;
    forEachStatement(kernel.grid.body, () => {
      count += 1;
    });
    return count;
  };
  for (let seed = 1; seed <= 900; seed++) {
    const { kernel, storage } = randomKernel(seed, seed % 9);
    const made = together(kernel, 1);
    const grid = flatGrid(kernel);
    const before = { ...kernel, grid: { ...kernel.grid, body: unrolled(grid.body) } };
    if (statementsOf(made) !== statementsOf(before)) changed += 1;
    const [expected, found] = [storage("f64"), storage("f64")];
    interpretKernel(kernel, expected, "f64");
    interpretKernel(made, found, "f64");
    assertSameStorage(found, expected, `seed ${seed}`);
  }
  assert.ok(changed > 10, `only ${changed} kernels have rows to compute together`);
});

test("places made of names that share names are looked through once", () => {
  const [x, out] = [ir.kernelArray("x", "real", 64, "read"), ir.kernelArray("out", "real", 256, "write")];
  const kernel = (isOfRow: boolean): Kernel => {
    const grid = ir.loop("row", 256, "independent", (row) => {
      const total = ir.local("real", "total");
      const inner = ir.loop("k", 8, "serial", (k) => {
        let [a, b]: [Expression, Expression] = [k, isOfRow ? row : ir.int(3)];
        const lets: Statement[] = [];
        for (let i = 0; i < 60; i++) {
          const [next, other] = [ir.local("int", "a"), ir.local("int", "b")];
          lets.push({ op: "let", local: next, value: ir.rem(ir.add(a, b), ir.int(64)) });
          lets.push({ op: "let", local: other, value: ir.rem(ir.add(ir.mul(a, ir.int(3)), b), ir.int(64)) });
          [a, b] = [next, other];
        }
        return [...lets, { op: "assign", local: total, value: ir.add(total, ir.load(x, a)) }];
      });
      return [
        { op: "variable", local: total, value: ir.toReal(row) },
        inner,
        { op: "store", array: out, index: row, value: total },
      ];
    });
    return { name: "places", span: undefined, description: "", arrays: [x, out], grid };
  };
  assert.equal(countOf(together(kernel(false), 1)), 128, "the same for all rows");
  assert.equal(countOf(together(kernel(true), 1)), 256, "another for each row");
});
