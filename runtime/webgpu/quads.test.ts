/** Products whose operands the invocations of a quad read for each other, on a device. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { evaluationContext } from "../../compiler/core/evaluate.ts";
import type { Atom } from "../../compiler/core/graph.ts";
import type { Emitter } from "../../compiler/core/primitive.ts";
import { buildPlan } from "../../compiler/kernel/build.ts";
import { randomArray } from "../../compiler/kernel/testing-comparison.ts";
import { assertSameOutcome, evaluated, outcomeOf } from "../../compiler/kernel/testing-plans.ts";
import { narrowed } from "../../compiler/kernel/testing-random-graphs.ts";
import { programTolerance } from "../../compiler/kernel/testing-tolerance.ts";
import { matmul } from "../../compiler/primitives/dot.ts";
import { transpose } from "../../compiler/primitives/shape.ts";
import { traceFunction } from "../../compiler/primitives/testing.ts";
import { printKernel } from "../../compiler/target/wgsl/kernel.ts";
import { softwareDevice, withTimeLimit } from "../testing-adapter/testing.ts";
import { WebGpuRunner } from "./executor.ts";

const device = await softwareDevice();
const runner = WebGpuRunner.create(device);
after(() => runner.close());

const options = { precision: "f32", style: "invocations", products: "blocks" } as const;

/** Whether operands are transposed, and the rows, terms and columns of the product. */
const cases = [
  { left: false, right: false, sizes: [64, 32, 64] },
  { left: true, right: false, sizes: [64, 32, 64] },
  { left: false, right: true, sizes: [64, 36, 64] },
  { left: true, right: true, sizes: [64, 300, 32] },
  { left: true, right: false, sizes: [96, 40, 80] },
  { left: false, right: false, sizes: [24, 600, 12] },
] as const;

test("the adapter of the tests computes a quad in a vector", () => {
  assert.ok(device.hasQuads);
});

for (const { left, right, sizes } of cases)
  test(`${sizes.join(" x ")}, ${left ? "transposed" : "plain"} times ${right ? "transposed" : "plain"}`, async () => {
    const [m, k, n] = sizes;
    const operands = [randomArray(left ? [k, m] : [m, k], 1), randomArray(right ? [n, k] : [k, n], 2)];
    const turned = (b: Emitter, x: Atom, isTransposed: boolean) => (isTransposed ? transpose(b, x, [1, 0]) : x);
    const graph = traceFunction((b, [x, y]) => [matmul(b, turned(b, x!, left), turned(b, y!, right))], operands);
    const [kernel] = buildPlan(graph, options).kernels.filter((made) => made.name.endsWith("_blocks"));
    const places = kernel!.arrays.map(() => 0);
    const { text } = printKernel(kernel!, places, { readsFours: true, readsInQuads: true });
    assert.match(text, /quadBroadcast\(/);
    const given = narrowed(operands, "f32");
    const run = runner.run(graph, given, evaluationContext({ precision: "f32" }));
    const results = await withTimeLimit("product", run);
    const expected = outcomeOf(evaluated, graph, given, "f32");
    assertSameOutcome("product", { results, failure: undefined, solves: [] }, expected, programTolerance.f32);
  });
