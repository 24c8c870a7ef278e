/** Plans of loops, branches, calls, checks and fused kernels on a device, against the evaluator in f32. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { NdArray } from "../../compiler/core/array.ts";
import { Builder } from "../../compiler/core/builder.ts";
import { CheckError, evaluationContext } from "../../compiler/core/evaluate.ts";
import type { Graph } from "../../compiler/core/graph.ts";
import { fetchArrays } from "../../compiler/core/remote-array.ts";
import { bind, compile } from "../../compiler/index.ts";
import { controlCases } from "../../compiler/kernel/testing-control-cases.ts";
import { fusionCases } from "../../compiler/kernel/testing-fusion-cases.ts";
import { assertSameOutcome, evaluated, type GraphOutcome, outcomeOf } from "../../compiler/kernel/testing-plans.ts";
import { narrowed } from "../../compiler/kernel/testing-random-graphs.ts";
import { programTolerance } from "../../compiler/kernel/testing-tolerance.ts";
import type { GraphRunner } from "../../compiler/program.ts";
import { fastDevicePolicy, softwarePolicy } from "../../compiler/target/wgsl/policy.ts";
import { softwareDevice, withTimeLimit } from "../testing-adapter/testing.ts";
import { WebGpuRunner } from "./executor.ts";

const device = await softwareDevice();
const runner = WebGpuRunner.create(device);
/** Each block a piece of its own, and never more than one step of a loop at once. */
const inPieces = WebGpuRunner.create(device, { policy: { ...fastDevicePolicy, largestPiece: 1 }, fuel: 1 });
/** As much at once as there is, but the host is asked after each step. */
const stepByStep = WebGpuRunner.create(device, { policy: fastDevicePolicy, fuel: 1 });
/** Loops are dispatched at first, and soon go over to the resident workgroup. */
const goingOver = WebGpuRunner.create(device, { policy: { ...softwarePolicy, patience: 0.1 } });
const onSoftware = WebGpuRunner.create(device, { policy: softwarePolicy });
after(() => Promise.all([runner, inPieces, stepByStep, goingOver, onSoftware].map((r) => r.close())));

async function outcomeOnDevice(
  what: string,
  graph: Graph,
  inputs: readonly NdArray[],
  runner: WebGpuRunner,
): Promise<GraphOutcome> {
  const solves: { status: number; iterations: number; error: number }[] = [];
  const context = evaluationContext({
    precision: "f32",
    solved: ({ status, iterations, error }) => solves.push({ status, iterations, error }),
  });
  try {
    const results = await withTimeLimit(what, runner.run(graph, inputs, context));
    return { results, failure: undefined, solves };
  } catch (error) {
    if (!(error instanceof CheckError)) throw error;
    return { results: [], failure: error.failure, solves };
  }
}

async function compare(
  name: string,
  graph: Graph,
  operands: readonly NdArray[],
  on: WebGpuRunner = runner,
): Promise<void> {
  const given = narrowed(operands, "f32");
  const found = await outcomeOnDevice(name, graph, given, on);
  assertSameOutcome(name, found, outcomeOf(evaluated, graph, given, "f32"), programTolerance.f32);
}

/** A device need not tell NaNs from numbers that it computes: what is compared there is finite. */
const aboutNaN = /none/;

for (const { name, graph, operands } of controlCases)
  if (!aboutNaN.test(name)) test(name, () => compare(name, graph, operands));

for (const { name, graph, operands } of controlCases)
  if (!aboutNaN.test(name))
    test(`${name}, in pieces and step by step`, async () => {
      await compare(`${name}, in pieces`, graph, operands, inPieces);
      await compare(`${name}, step by step`, graph, operands, stepByStep);
      await compare(`${name}, going over`, graph, operands, goingOver);
    });

for (const { name, operands, build } of fusionCases)
  test(name, () => {
    const b = new Builder();
    const inputs = operands.map((x) => b.input({ dtype: x.dtype, shape: x.shape }));
    return compare(name, b.close(name, build(b, inputs)).graph, operands);
  });

test("one graph runs again and again, each time from the beginning", async () => {
  const { graph, operands } = controlCases[0]!;
  for (let i = 0; i < 3; i++) await compare("again", graph, operands);
  assert.ok(runner.statistics.submissions >= 1);
});

test("blocks of products, whole and in part, are added to states where these lie", async () => {
  const script = `let a = [[sin(1.0 * (i + 2 * j)) / 8 for j in 0..64] for i in 0..47]
let b = [[cos(1.0 * (2 * i + j)) / 8 for j in 0..64] for i in 0..48]
let r = loop (x, y, z) = (zeros[47, 47], ones[48, 48], zeros[47, 48]) for t in 0..9 {
  let p = (a + t) @ b'
  (x / 2 + (a * y[0, 0]) @ a', y / 4 + (t * b) @ b' + z[0, 0], p - z + 3 * (z > 1.0))
}`;
  const { program, diagnostics } = compile(script, { file: "t.opt" });
  assert.ok(program, diagnostics.map((d) => d.message).join("\n"));
  let loops = 0;
  const comparing: GraphRunner = {
    run: async (graph, operands, context, options) => {
      await fetchArrays(operands);
      await compare("blocks", graph, operands, onSoftware);
      loops += graph.equations.filter((e) => e.primitive.name === "scan").length;
      return onSoftware.run(graph, operands, context, options);
    },
  };
  await bind(program, { data: {}, precision: "f32", runner: comparing }).runLater({ onEvent: () => undefined });
  assert.equal(loops, 1);
});
