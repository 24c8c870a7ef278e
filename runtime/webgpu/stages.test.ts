/** Long sorts and running results on a device, whose plans do them in stages, against the evaluator. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { evaluationContext } from "../../compiler/core/evaluate.ts";
import { realLiteral } from "../../compiler/core/graph.ts";
import { assertSameNumbers, evaluated } from "../../compiler/kernel/testing-plans.ts";
import { primitiveTolerance } from "../../compiler/kernel/testing-tolerance.ts";
import { add, mul } from "../../compiler/primitives/arithmetic.ts";
import { cumsum } from "../../compiler/primitives/cumulative.ts";
import { sort } from "../../compiler/primitives/sort.ts";
import { traceFunction } from "../../compiler/primitives/testing.ts";
import { longCases, longLine } from "../../compiler/primitives/testing-stages.ts";
import { fastDevicePolicy, softwarePolicy } from "../../compiler/target/wgsl/policy.ts";
import { scan } from "../../compiler/transform/control/scan.ts";
import { softwareDevice, withTimeLimit } from "../testing-adapter/testing.ts";
import { WebGpuRunner } from "./executor.ts";

const device = await softwareDevice();
const dispatched = WebGpuRunner.create(device, { policy: fastDevicePolicy });
const onSoftware = WebGpuRunner.create(device, { policy: softwarePolicy });
/** Each block a piece of its own, and one step of a loop at once. */
const inPieces = WebGpuRunner.create(device, { policy: { ...fastDevicePolicy, largestPiece: 1 }, fuel: 1 });
after(() => Promise.all([dispatched, onSoftware, inPieces].map((r) => r.close())));

async function assertOnDevice(lengths: readonly number[], chosen: RegExp, runner: WebGpuRunner): Promise<void> {
  const cases = longCases(lengths).filter(({ name }) => chosen.test(name));
  assert.ok(cases.length >= lengths.length);
  for (const { name, operands, build } of cases) {
    const graph = traceFunction(build, operands);
    const context = evaluationContext({ precision: "f32" });
    const expected = evaluated(graph, operands, context);
    const found = await withTimeLimit(name, runner.run(graph, operands, context));
    assertSameNumbers(name, found[0]!, expected[0]!, primitiveTolerance.f32);
  }
}

test("lines of all kinds", () => assertOnDevice([1024], /./, onSoftware));
test("lengths about the shortest", () => assertOnDevice([1023, 1025], /^(argsort|cumsum|cumargmax) of/, onSoftware));
test("in dispatches", () => assertOnDevice([1025, 4096], /^(argsort|cumsum|cumargmin).* columns of/, dispatched));
/** v becomes sort(v) and then its running sums, a little of them, five times. */
const looped = longLine(1500, 0);
const body = traceFunction(
  (b, [v]) => {
    const sums = cumsum(b, v!, 0, true);
    return [add(b, sort(b, v!, 0), mul(b, sums, realLiteral(-0.001)))];
  },
  [looped],
);
const repeated = traceFunction(
  (b, [v]) => {
    const once = { condition: undefined, constants: 0, carry: 1, stacked: 0, reverse: false, counted: false };
    return scan(b, [v!], { body, length: 5, ...once });
  },
  [looped],
);

for (const [name, runner] of Object.entries({ dispatched, onSoftware, inPieces }))
  test(`in a loop, ${name}`, async () => {
    const context = evaluationContext({ precision: "f32" });
    const expected = evaluated(repeated, [looped], context);
    const found = await withTimeLimit(name, runner.run(repeated, [looped], context));
    assertSameNumbers(name, found[0]!, expected[0]!, primitiveTolerance.f32);
  });

test("longer lines", () =>
  assertOnDevice([4096, 10_000, 65_537], /^(argsort|cumsum|cumargmin backwards) of \d+, reals/, onSoftware));
