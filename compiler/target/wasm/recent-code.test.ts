import assert from "node:assert/strict";
import { test } from "node:test";
import * as k from "../../kernel/expressions.ts";
import type { Expression, Kernel, Local, Precision, Statement } from "../../kernel/ir.ts";
import { FunctionBuilder } from "./encoder.ts";
import { RecentCode } from "./recent-code.ts";
import { runKernel } from "./testing.ts";

/** out[i] = value(x[i]), arrays and locals new each time. */
function kernelOf(name: string, value: (x: Expression) => Expression, count = 7): Kernel {
  const [x, out] = [k.kernelArray("x", "real", count, "read"), k.kernelArray("out", "real", count, "write")];
  const body = (i: Local): Statement[] => [{ op: "store", array: out, index: i, value: value(k.load(x, i)) }];
  const grid = k.loop("i", count, "independent", body, { vectorize: true });
  return { name, span: undefined, arrays: [x, out], grid, description: "" };
}

function run(kernel: Kernel, precision: Precision): number[] {
  const Storage = precision === "f64" ? Float64Array : Float32Array;
  const count = kernel.arrays[0]!.length;
  const x = Storage.from(Array.from({ length: count }, (_, i) => i - 2));
  return [...runKernel(kernel, [x, new Storage(count)], precision)[1]!];
}

test("kernels that do the same have the same code, whatever they are called", () => {
  for (const name of ["first", "second"])
    for (const precision of ["f64", "f32"] as const) {
      const twice = kernelOf(name, (x) => k.mul(x, k.real(2)));
      assert.deepEqual(run(twice, precision), [-4, -2, 0, 2, 4, 6, 8]);
    }
});

test("a constant, the sign of a zero, a length or the precision makes another kernel", () => {
  const kernels = [
    kernelOf("a", (x) => k.add(k.mul(x, k.real(2)), k.real(3))),
    kernelOf("b", (x) => k.add(k.mul(x, k.real(2)), k.real(4))),
    kernelOf("c", (x) => k.div(k.real(1), k.max(x, k.real(-0)))),
    kernelOf("d", (x) => k.div(k.real(1), k.max(x, k.real(0)))),
    kernelOf("e", (x) => k.add(k.mul(x, k.real(2)), k.real(3)), 8),
  ];
  const code = new RecentCode();
  const writers = kernels.flatMap((kernel) =>
    (["f64", "f32"] as const).map((precision) => {
      const f = new FunctionBuilder([]);
      assert.ok(!code.restore(f, kernel, precision), kernel.name);
      f.i32(1);
      code.keep(f, kernel, precision);
      return f;
    }),
  );
  assert.equal(writers.length, 10);
  const again = new FunctionBuilder(["i32", "i32"]);
  assert.ok(
    code.restore(
      again,
      kernelOf("other", (x) => k.add(k.mul(x, k.real(2)), k.real(3))),
      "f64",
    ),
  );
  assert.deepEqual([...again.code.written()], [...writers[0]!.code.written()]);
});

test("what calls functions of its module is written anew in each", () => {
  const x = k.local("real", "x");
  const square = { name: "square", parameters: [x], body: [], result: k.mul(x, x) };
  const cube = { name: "cube", parameters: [x], body: [], result: k.mul(k.mul(x, x), x) };
  const both = () => kernelOf("both", (a) => k.sub(k.call(cube, a), k.call(square, a)));
  const one = () => kernelOf("one", (a) => k.call(square, a));
  const expected = [-12, -2, 0, 0, 4, 18, 48];
  assert.deepEqual(run(both(), "f64"), expected);
  assert.deepEqual(run(one(), "f64"), [4, 1, 0, 1, 4, 9, 16]);
  assert.deepEqual(run(both(), "f64"), expected);
});

test("only the latest kernels are remembered", () => {
  const code = new RecentCode();
  const kernel = (i: number) => kernelOf("k", (x) => k.add(x, k.real(i)), 1);
  const write = (i: number) => {
    const f = new FunctionBuilder([]);
    f.i32(i);
    code.keep(f, kernel(i), "f64");
  };
  const isKnown = (i: number) => code.restore(new FunctionBuilder([]), kernel(i), "f64");
  for (let i = 0; i < 512; i++) write(i);
  assert.ok(isKnown(0), "used again, it is the latest");
  write(512);
  assert.ok(isKnown(0) && !isKnown(1) && isKnown(2) && isKnown(512));
});
