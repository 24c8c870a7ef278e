/** Largest elements and sums of exponentials less them in one pass: when, and what comes of it, interpreted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { NdArray } from "../core/array.ts";
import { traceFunction } from "../primitives/testing.ts";
import { buildPlan } from "./build.ts";
import * as ir from "./expressions.ts";
import { expWithin } from "./functions/exponential.ts";
import { interpretKernel, type Storage } from "./interpret.ts";
import type { Kernel, Statement } from "./ir.ts";
import { onlinePass } from "./schedule-online.ts";
import { logSumExp, onlineCases, rowsOfAllKinds } from "./testing-online-cases.ts";
import { assertSameOutcome, evaluated, interpreted, outcomeOf } from "./testing-plans.ts";
import { narrowed } from "./testing-random-graphs.ts";
import { programTolerance } from "./testing-tolerance.ts";
import { verifyKernel } from "./testing-verify.ts";

const software = { precision: "f32", style: "invocations", products: "blocks" } as const;

/** Whether a kernel adds up what is less a reference. */
function isOnePass(kernel: Kernel): boolean {
  const declares = (statements: readonly Statement[]): boolean =>
    statements.some((s) => s.op === "variable" && s.local.name === "reference");
  return declares(kernel.grid.body);
}

for (const { name, operands, build, isOnePass: expected } of onlineCases)
  test(name, () => {
    const graph = traceFunction(build, operands);
    const { kernels } = buildPlan(graph, software);
    kernels.forEach(verifyKernel);
    assert.equal(kernels.some(isOnePass), expected, kernels.map((k) => k.description).join("\n"));
    const given = narrowed(operands, "f32");
    const found = outcomeOf(interpreted("invocations", "blocks"), graph, given, "f32");
    assertSameOutcome(name, found, outcomeOf(evaluated, graph, given, "f32"), programTolerance.f32);
    for (const options of [
      { ...software, products: "tiles" },
      { ...software, precision: "f64" },
    ] as const)
      assert.ok(!buildPlan(graph, options).kernels.some(isOnePass), "elsewhere");
  });

/** Each number by itself: a few of its own last places, or of one's. */
function assertNear(what: string, found: NdArray, expected: NdArray): void {
  expected.data.forEach((v, i) => {
    const w = found.data[i]!;
    if (Object.is(v, w) || v === w) return;
    assert.ok(Math.abs(w - v) <= 1e-6 * Math.max(1, Math.abs(v)), `${what}: [${i}] is ${w}, not ${v}`);
  });
}

for (const n of [2, 3, 64, 127, 128, 129, 131, 150, 500])
  test(`rows of all kinds, of ${n} numbers`, () => {
    const given = [rowsOfAllKinds(n, 60 + n)];
    const graph = traceFunction((b, [x]) => logSumExp(b, x!, [1]), given);
    assert.ok(buildPlan(graph, software).kernels.some(isOnePass));
    const found = outcomeOf(interpreted("invocations", "blocks"), graph, given, "f32");
    const expected = outcomeOf(evaluated, graph, given, "f32");
    const names = ["the largest element", "the sum", "log-sum-exp"];
    names.forEach((what, i) => {
      assertNear(what, found.results[i]!, expected.results[i]!);
    });
  });

test("masked elements do not count, however many there are", () => {
  const n = 20_000;
  const x = ir.kernelArray("x", "real", n, "read");
  const out = ir.kernelArray("out", "real", 2, "write");
  const grid = ir.loop("row", 1, "independent", () => {
    const pass = onlinePass((place) => ir.load(x, place), n, "most");
    return [
      ...pass.statements,
      { op: "store", array: out, index: ir.int(0), value: pass.most },
      { op: "store", array: out, index: ir.int(1), value: pass.sumLess(pass.most) },
    ];
  });
  const kernel: Kernel = { name: "pass", span: undefined, arrays: [x, out], grid, description: "" };
  verifyKernel(kernel);
  for (const value of [-1000, -59, -19, 0, 50, 59, 61, 1e30]) {
    const elements = new Float32Array(n).fill(Number.NEGATIVE_INFINITY);
    elements.fill(value, n - 3);
    const storage: Storage[] = [elements, new Float32Array(2)];
    interpretKernel(kernel, storage, "f32");
    assert.equal(storage[1]![0], Math.fround(value));
    assert.ok(Math.abs(storage[1]![1]! - 3) < 1e-6, `beside ${value} the sum is ${storage[1]![1]}`);
  }
});

test("exponentials between their limits are within one unit of the last place, and keep NaN", () => {
  const n = 40_001;
  const x = ir.kernelArray("x", "real", n, "read");
  const y = ir.kernelArray("y", "real", n, "write");
  const grid = ir.loop("i", n, "independent", (i) => [
    { op: "store", array: y, index: i, value: expWithin(ir.load(x, i)) },
  ]);
  const kernel: Kernel = { name: "exponentials", span: undefined, arrays: [x, y], grid, description: "" };
  const elements = Float32Array.from({ length: n }, (_, i) => -86 + (174 * i) / (n - 1));
  const ends = [Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, -1000, 1000, 0];
  elements.set(ends);
  const results = new Float32Array(n);
  interpretKernel(kernel, [elements, results], "f32");
  const [least, most] = [Math.exp(-86), Math.exp(88)];
  const expected = [Number.NaN, least, most, least, most, 1, ...Array.from(elements.subarray(6), Math.exp)];
  results.forEach((found, i) => {
    const e = expected[i]!;
    assert.ok(Object.is(found, e) || Math.abs(found - e) <= 2 ** -23 * e, `e^${elements[i]} is ${found}, not ${e}`);
  });
});
