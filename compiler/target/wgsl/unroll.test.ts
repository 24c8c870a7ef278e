/** Loops of several steps at once compute what they did before, bit by bit. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as ir from "../../kernel/expressions.ts";
import { interpretKernel, type Storage } from "../../kernel/interpret.ts";
import type { Expression, Kernel, Loop, Statement } from "../../kernel/ir.ts";
import { prepare } from "../../kernel/prepare.ts";
import { assertSameStorage, randomKernel } from "../../kernel/testing-kernels.ts";
import { foursOf } from "./fours.ts";
import { unrolled } from "./unroll.ts";
import { forEachStatement } from "./walk.ts";

const withBody = (kernel: Kernel, body: readonly Statement[]): Kernel => ({
  ...kernel,
  grid: { ...kernel.grid, body },
});

const loopsOf = (statements: readonly Statement[]): Loop[] => {
  const found: Loop[] = [];
  forEachStatement(statements, (s) => {
    if (s.op === "loop") found.push(s);
  });
  return found;
};

/** For each row of x a sum of a few of its elements, its largest step and what was stored last. */
function sums(width: number, isKnown: boolean): Kernel {
  const rows = 6;
  const x = ir.kernelArray("x", "real", rows * width, "read");
  const counts = ir.kernelArray("counts", "int", rows, "read");
  const out = ir.kernelArray("out", "real", rows * 2, "write");
  const grid = ir.loop("row", rows, "independent", (row) => {
    const total = ir.local("real", "total");
    const twice = ir.local("real", "twice");
    const last = ir.local("real", "last");
    const count = isKnown ? ir.int(width) : ir.load(counts, row);
    return [
      { op: "variable", local: total, value: ir.real(0.1) },
      { op: "variable", local: last, value: ir.real(-1) },
      ir.loop("k", count, "serial", (k) => {
        const place = ir.knownBelow(ir.add(ir.mul(row, ir.int(width)), k), rows * width);
        return [
          { op: "let", local: twice, value: ir.mul(ir.load(x, place), ir.real(2)) },
          { op: "assign", local: last, value: ir.sub(twice, ir.mul(last, ir.real(0.5))) },
          { op: "assign", local: total, value: ir.add(total, ir.mul(twice, ir.toReal(k))) },
        ];
      }),
      { op: "store", array: out, index: ir.mul(row, ir.int(2)), value: total },
      { op: "store", array: out, index: ir.add(ir.mul(row, ir.int(2)), ir.int(1)), value: last },
    ];
  });
  return { name: "sums", span: undefined, arrays: [x, counts, out], grid, description: "" };
}

for (const isKnown of [true, false])
  test(`sums of ${isKnown ? "a known number of" : "some"} terms`, () => {
    for (let width = 1; width <= 13; width++) {
      const kernel = sums(width, isKnown);
      const storage = (): Storage[] => [
        Float32Array.from({ length: 6 * width }, (_, i) => Math.sin(i + 0.3)),
        Int32Array.from({ length: 6 }, (_, i) => Math.min(width, (5 * i) % (width + 1))),
        new Float32Array(12),
      ];
      const [expected, found] = [storage(), storage()];
      interpretKernel(kernel, expected, "f32");
      interpretKernel(withBody(kernel, unrolled(kernel.grid.body)), found, "f32");
      assertSameStorage(found, expected, `${width} terms`);
    }
  });

test("random kernels", () => {
  let changed = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const { kernel, storage } = randomKernel(seed, seed % 9);
    const body = unrolled(kernel.grid.body);
    if (loopsOf(body).length !== loopsOf(kernel.grid.body).length) changed += 1;
    const [expected, found] = [storage("f64"), storage("f64")];
    interpretKernel(kernel, expected, "f64");
    interpretKernel(withBody(kernel, body), found, "f64");
    assertSameStorage(found, expected, `seed ${seed}`);
  }
  assert.ok(changed > 10, `only ${changed} kernels have loops to unroll`);
});

test("rows whose length is a multiple of four are read by fours", () => {
  const foursIn = (width: number) => foursOf(prepare(unrolled(sums(width, true).grid.body))).size;
  assert.deepEqual([foursIn(8), foursIn(12), foursIn(10), foursIn(3)], [4, 4, 0, 0]);
});

test("loops that hold loops, and long bodies, stay", () => {
  const x = ir.kernelArray("x", "real", 64, "both");
  const inner = (i: ReturnType<typeof ir.local>) =>
    ir.loop("j", 8, "serial", (j) => [
      { op: "store", array: x, index: ir.add(ir.mul(i, ir.int(8)), j), value: ir.toReal(j) },
    ]);
  const [outer] = unrolled([ir.loop("i", 8, "serial", (i) => [inner(i)])]) as [Loop];
  assert.equal(Number((outer.count as { value: number }).value), 8);
  assert.equal(Number(((outer.body[0] as Loop).count as { value: number }).value), 2);
  const long = ir.loop("i", 8, "serial", (i) => {
    let value: Expression = ir.load(x, i);
    for (let n = 0; n < 60; n++) value = ir.add(ir.mul(value, value), ir.real(n));
    return [{ op: "store", array: x, index: i, value }];
  });
  assert.deepEqual(unrolled([long]), [long]);
});
