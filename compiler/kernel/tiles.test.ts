/** Matrix products in tiles: which are made, and what they compute, interpreted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { matmul } from "../primitives/dot.ts";
import { traceFunction } from "../primitives/testing.ts";
import { canShare } from "../target/wgsl/team.ts";
import { buildPlan } from "./build.ts";
import { randomArray } from "./testing-comparison.ts";
import { assertSameOutcome, evaluated, interpreted, outcomeOf } from "./testing-plans.ts";
import { narrowed } from "./testing-random-graphs.ts";
import { tileCases } from "./testing-tile-cases.ts";
import { programTolerance } from "./testing-tolerance.ts";
import { verifyKernel } from "./testing-verify.ts";

/** What WebGPU guarantees a workgroup, less what joins sums. */
const workgroupBytes = 16_384 - 512;

for (const { name, operands, build, tiles, isLarge } of tileCases)
  test(name, () => {
    const graph = traceFunction(build, operands);
    const given = narrowed(operands, "f32");
    const plan = buildPlan(graph, { precision: "f32", style: "invocations" });
    const made = plan.kernels.filter((k) => k.name.endsWith("_tiles"));
    assert.deepEqual(
      made.map((k) => Number((k.grid.count as { value: number }).value)),
      tiles,
    );
    for (const k of made) {
      verifyKernel(k);
      assert.ok(canShare(k), `a workgroup cannot share ${k.name}`);
      const shared = k.locals!.filter((a) => a.each === undefined);
      const bytes = shared.reduce((sum, a) => sum + 4 * a.length, 0);
      assert.ok(bytes <= workgroupBytes, `${bytes} bytes of workgroup memory`);
    }
    if (isLarge) return;
    const found = outcomeOf(interpreted("invocations"), graph, given, "f32");
    assertSameOutcome(name, found, outcomeOf(evaluated, graph, given, "f32"), programTolerance.f32);
  });

for (const { name, operands, build, tiles, isLarge } of tileCases)
  test(`${name}, in blocks of an invocation each`, () => {
    const graph = traceFunction(build, operands);
    const options = { precision: "f32", style: "invocations", products: "blocks" } as const;
    const made = buildPlan(graph, options).kernels.filter((k) => k.name.endsWith("_blocks"));
    // Blocks are small: no product has too few.
    assert.equal(made.length, Math.max(tiles.length, 1));
    for (const k of made) {
      verifyKernel(k);
      assert.ok(!canShare(k), `a workgroup shares ${k.name}`);
    }
    if (isLarge) return;
    const given = narrowed(operands, "f32");
    const found = outcomeOf(interpreted("invocations", "blocks"), graph, given, "f32");
    assertSameOutcome(name, found, outcomeOf(evaluated, graph, given, "f32"), programTolerance.f32);
  });

test("products with few terms, or of a row or a column, are no blocks", () => {
  const blocks = (m: number, k: number, n: number) => {
    const operands = [randomArray([m, k], 1), randomArray([k, n], 2)];
    const graph = traceFunction((b, [x, y]) => [matmul(b, x!, y!)], operands);
    const { kernels } = buildPlan(graph, { precision: "f32", style: "invocations", products: "blocks" });
    return kernels.filter((k) => k.name.endsWith("_blocks")).length;
  };
  assert.deepEqual([blocks(80, 8, 80), blocks(100, 7, 80), blocks(1, 300, 300), blocks(300, 300, 1)], [1, 0, 0, 0]);
});
