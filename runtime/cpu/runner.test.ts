/** Compiled graphs against the evaluator: primitives, fusions, control flow, random graphs and programs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bind, compile } from "../../compiler/index.ts";
import { controlCases } from "../../compiler/kernel/testing-control-cases.ts";
import { fusionCases } from "../../compiler/kernel/testing-fusion-cases.ts";
import { graphsOf, type Runnable, sampleInstances } from "../../compiler/kernel/testing-graphs.ts";
import {
  assertSameOutcome,
  ComparingRunner,
  evaluated,
  outcomeOf,
  type RunGraph,
} from "../../compiler/kernel/testing-plans.ts";
import { narrowed, randomGraph, sizes } from "../../compiler/kernel/testing-random-graphs.ts";
import { randomScript } from "../../compiler/kernel/testing-random-scripts.ts";
import { primitiveTolerance, programTolerance } from "../../compiler/kernel/testing-tolerance.ts";
import { elementwiseCases } from "../../compiler/primitives/elementwise.cases.ts";
import { linearAlgebraCases } from "../../compiler/primitives/linear-algebra.cases.ts";
import { reductionCases } from "../../compiler/primitives/reduction.cases.ts";
import { structureCases } from "../../compiler/primitives/structure.cases.ts";
import { traceFunction } from "../../compiler/primitives/testing.ts";
import { windowsAndSamplesCases } from "../../compiler/primitives/windows-and-samples.cases.ts";
import { CpuRunner } from "./runner.ts";

/** One runner for all graphs of a precision: its memory is as the graphs before left it. */
const runners = { f64: new CpuRunner({ precision: "f64" }), f32: new CpuRunner({ precision: "f32" }) };
const compiled: RunGraph = (graph, inputs, context) =>
  runners[context.precision].run(graph, inputs, context, { keep: false });

function agree({ name, graph, operands }: Runnable, precision: "f64" | "f32", tolerance: number): void {
  const given = narrowed(operands, precision);
  assertSameOutcome(
    `${name} in ${precision}`,
    outcomeOf(compiled, graph, given, precision),
    outcomeOf(evaluated, graph, given, precision),
    tolerance,
  );
}

const cases = [
  ...elementwiseCases,
  ...reductionCases,
  ...structureCases,
  ...linearAlgebraCases,
  ...windowsAndSamplesCases,
];

for (const precision of ["f64", "f32"] as const)
  test(`primitives, their derivatives and batches in ${precision}`, () => {
    for (const testCase of cases) {
      // Cases that say nothing in f32 have condition numbers beyond it.
      if (precision === "f32" && testCase.single === false) continue;
      for (const instance of sampleInstances(testCase, 3))
        for (const runnable of graphsOf(testCase, instance)) agree(runnable, precision, primitiveTolerance[precision]);
    }
  });

for (const precision of ["f64", "f32"] as const)
  test(`every style of fusion, loops, branches and checks in ${precision}`, () => {
    for (const { name, operands, build } of fusionCases)
      agree({ name, operands, graph: traceFunction(build, operands) }, precision, programTolerance[precision]);
    for (const runnable of controlCases) agree(runnable, precision, programTolerance[precision]);
  });

for (const [size, seeds] of [
  ["small", 400],
  ["medium", 200],
  ["large", 80],
] as const)
  test(`random graphs of ${size} arrays`, () => {
    for (let seed = 0; seed < seeds; seed++) {
      const precision = seed % 2 === 0 ? "f64" : "f32";
      agree(randomGraph(seed, 4 + (seed % 40), sizes[size]), precision, programTolerance[precision]);
    }
  });

test("random programs, their derivatives and batches", () => {
  for (let seed = 0; seed < 24; seed++) {
    const precision = seed % 2 === 0 ? "f64" : "f32";
    const text = randomScript(seed);
    const { program } = compile(text, { file: "random.opt" });
    assert.ok(program, text);
    const runner = new ComparingRunner(precision, [{ name: "compiled", run: compiled }]);
    try {
      bind(program, { data: {}, runner, precision }).run({ onEvent: () => {} });
    } catch (error) {
      throw new Error(`${text}\n${error instanceof Error ? error.message : String(error)}`);
    }
    assert.ok(runner.count > 0);
  }
});
