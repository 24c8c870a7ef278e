/** Kernels on a device, held to the interpreter. */
import assert from "node:assert/strict";
import test from "node:test";
import * as k from "../../compiler/kernel/expressions.ts";
import type { Storage } from "../../compiler/kernel/interpret.ts";
import type { Accumulator, Expression, Kernel, KernelArray, Statement } from "../../compiler/kernel/ir.ts";
import { randomKernel } from "../../compiler/kernel/testing-kernels.ts";
import { canShare } from "../../compiler/target/wgsl/team.ts";
import { tameKernel } from "../../compiler/target/wgsl/testing-tame.ts";
import { softwareDevice, withTimeLimit } from "../testing-adapter/testing.ts";
import { cases } from "./testing-cases.ts";
import { assertResults, interpreted } from "./testing-expectation.ts";
import { runKernel } from "./testing-runner.ts";

const device = await softwareDevice();

for (const make of cases) {
  const { kernel, storage } = make();
  test(kernel.name, async () => {
    const found = await withTimeLimit(kernel.name, runKernel(device, kernel, storage()));
    assertResults(kernel, found, interpreted(kernel, storage()));
  });
}

test("random kernels", async () => {
  for (let seed = 1; seed <= 120; seed++) {
    const { kernel: wild, storage } = randomKernel(seed, 20);
    const kernel = tameKernel(wild);
    const options = { arenaCount: 1 + (seed % 8), workgroupSize: 2 ** (seed % 8) };
    const found = await withTimeLimit(kernel.name, runKernel(device, kernel, storage("f32"), options));
    assertResults(kernel, found, interpreted(kernel, storage("f32")));
  }
});

/** Sums of each operator over a row, with another loop around one of them, and a map of the row. */
function teamKernel(columns: number): { readonly kernel: Kernel; readonly storage: () => Storage[] } {
  const [x, flags] = [k.kernelArray("x", "real", 5 * columns, "read"), k.kernelArray("f", "bool", 5 * columns, "read")];
  const [sums, found, map] = [
    k.kernelArray("sums", "real", 20, "write"),
    k.kernelArray("found", "int", 10, "write"),
    k.kernelArray("map", "real", 5 * columns, "write"),
  ];
  const grid = k.loop("row", 5, "independent", (row) => {
    const at = (i: Expression) => k.add(k.mul(row, k.int(columns)), i);
    const statements: Statement[] = [];
    const total = (
      kind: "real" | "int" | "bool",
      initial: Expression,
      operator: Accumulator["operator"],
      of: (i: Expression) => Expression,
    ) => {
      const local = k.local(kind, operator);
      statements.push({ op: "variable", local, value: initial });
      const body = (i: Expression): Statement[] => [{ op: "assign", local, value: k.binary(operator, local, of(i)) }];
      statements.push(k.loop("i", columns, "reduction", body, { accumulators: [{ local, operator }] }));
      return local;
    };
    const load = (i: Expression) => k.load(x, at(i));
    const real = [
      total("real", k.real(3), "add", load),
      total("real", k.real(2), "mul", (i) => k.add(k.real(1), k.mul(k.real(1e-3), load(i)))),
      total("real", k.real(0.25), "min", load),
      total("real", k.real(-0.25), "max", load),
    ];
    const other = [
      total("int", k.int(0), "add", (i) => k.unary("toInt", k.load(flags, at(i)))),
      total("bool", k.bool(true), "and", (i) => k.load(flags, at(i))),
      total("bool", k.bool(false), "or", (i) => k.load(flags, at(i))),
    ];
    // Blocks of a long sum: a loop that is shared in one that is not.
    const parts = k.local("real", "parts");
    statements.push({ op: "variable", local: parts, value: k.real(0) });
    statements.push(
      k.loop("part", 3, "serial", (part) => {
        const sum = k.local("real", "sum");
        return [
          { op: "variable", local: sum, value: k.real(0) },
          k.loop("i", columns, "reduction", (i) => [{ op: "assign", local: sum, value: k.add(sum, load(i)) }], {
            accumulators: [{ local: sum, operator: "add" }],
          }),
          { op: "assign", local: parts, value: k.add(parts, k.mul(sum, k.toReal(part))) },
        ];
      }),
    );
    const put = (array: KernelArray, index: Expression, value: Expression): Statement => ({
      op: "store",
      array,
      index,
      value,
    });
    real.forEach((e, n) => {
      statements.push(put(sums, k.add(k.mul(row, k.int(4)), k.int(n)), n === 0 ? k.add(e, parts) : e));
    });
    statements.push(put(found, k.mul(row, k.int(2)), other[0]!));
    const both = k.add(k.unary("toInt", other[1]!), k.mul(k.int(2), k.unary("toInt", other[2]!)));
    statements.push(put(found, k.add(k.mul(row, k.int(2)), k.int(1)), both));
    statements.push(k.loop("i", columns, "independent", (i) => [put(map, at(i), k.add(load(i), real[0]!))]));
    return statements;
  });
  const storage = (): Storage[] => [
    Float32Array.from({ length: 5 * columns }, (_, i) => Math.sin(i)),
    Int32Array.from({ length: 5 * columns }, (_, i) => (i < columns ? 1 : i < 2 * columns ? 0 : Number(i % 7 < 3))),
    new Float32Array(20),
    new Int32Array(10),
    new Float32Array(5 * columns),
  ];
  return {
    kernel: {
      name: `team of ${columns}`,
      span: undefined,
      arrays: [x, flags, sums, found, map],
      grid,
      description: "",
    },
    storage,
  };
}

for (const [columns, workgroupSize] of [
  [1, 8],
  [63, 64],
  [64, 64],
  [200, 16],
  [1000, 128],
] as const)
  test(`${columns} iterations shared by ${workgroupSize} invocations`, async () => {
    const { kernel, storage } = teamKernel(columns);
    assert.ok(canShare(kernel));
    const run = runKernel(device, kernel, storage(), { isTeam: true, workgroupSize });
    assertResults(kernel, await withTimeLimit(kernel.name, run), interpreted(kernel, storage()), 1e-4);
  });

test("a subnormal constant is itself or zero", async () => {
  const out = k.kernelArray("out", "real", 2, "write");
  const kernel: Kernel = {
    name: "subnormal",
    span: undefined,
    arrays: [out],
    grid: k.loop("i", 2, "independent", (i) => [
      { op: "store", array: out, index: i, value: k.select(k.eq(i, k.int(0)), k.real(1e-40), k.real(-1e-45)) },
    ]),
    description: "",
  };
  const [found] = await withTimeLimit(kernel.name, runKernel(device, kernel, [new Float32Array(2)]));
  assert.ok(found![0] === 0 || found![0] === Math.fround(1e-40), `${found![0]}`);
  assert.ok(found![1] === 0 || found![1] === Math.fround(-1e-45), `${found![1]}`);
});

/** out[i] = i for all of a grid. */
function countingKernel(count: number): Kernel {
  const out = k.kernelArray("out", "int", count, "write");
  return {
    name: `counting to ${count}`,
    span: undefined,
    arrays: [out],
    grid: k.loop("i", count, "independent", (i) => [{ op: "store", array: out, index: i, value: i }]),
    description: "",
  };
}

for (const [workgroupSize, count] of [
  [64, 65_535 * 64 + 1000],
  [1, 3 * 65_535 - 1],
  [256, 257],
] as const) {
  test(`a grid of ${count} in workgroups of ${workgroupSize}`, async () => {
    const kernel = countingKernel(count);
    const run = runKernel(device, kernel, [new Int32Array(count)], { arenaCount: 1, workgroupSize });
    const [found] = await withTimeLimit(kernel.name, run);
    assert.equal(
      found!.findIndex((x, i) => x !== i),
      -1,
    );
  });
}
