/** What nobody reads of loops, branches and calls goes, and what is read is what it was. */
import assert from "node:assert/strict";
import test from "node:test";
import { Builder } from "../core/builder.ts";
import { evaluate, evaluationContext } from "../core/evaluate.ts";
import { type Equation, type Graph, realLiteral, realScalar } from "../core/graph.ts";
import type { Primitive } from "../core/primitive.ts";
import { controlCases } from "../kernel/testing-control-cases.ts";
import { assertSameOutcome, evaluated, outcomeOf } from "../kernel/testing-plans.ts";
import { programTolerance } from "../kernel/testing-tolerance.ts";
import { add, mul } from "../primitives/arithmetic.ts";
import { greater, less } from "../primitives/comparison.ts";
import { sin } from "../primitives/math.ts";
import { callPrimitive } from "./control/call.ts";
import { type CondParams, cond } from "./control/cond.ts";
import { check } from "./control/effects.ts";
import { type ScanParams, scan } from "./control/scan.ts";
import { trim } from "./trim.ts";

const reading = (graph: Graph, outputs: Graph["outputs"]): Graph => ({ ...graph, outputs });

for (const { name, graph, operands } of controlCases)
  test(`${name}, each of its results alone`, () => {
    const whole = outcomeOf(evaluated, graph, operands, "f64");
    graph.outputs.forEach((output, i) => {
      const found = outcomeOf(evaluated, trim(reading(graph, [output])), operands, "f64");
      const results = whole.results.length > 0 ? [whole.results[i]!] : [];
      assertSameOutcome(`result ${i}`, found, { ...whole, results }, programTolerance.f64);
    });
  });

/** x and y, y by itself, z from both, and what each step saw of them. */
function loop(progress: boolean): Graph {
  const body = new Builder();
  const [c, unused, x, y, z] = [1, 2, 3, 4, 5].map(() => body.input(realScalar)) as [
    ReturnType<Builder["input"]>,
    ...ReturnType<Builder["input"]>[],
  ];
  const seen = sin(body, x!);
  const step = body.close("step", [
    add(body, x!, c),
    mul(body, y!, y!),
    add(body, z!, mul(body, x!, y!)),
    seen,
    mul(body, unused!, y!),
    seen,
  ]).graph;
  const b = new Builder();
  const inputs = [1, 2, 3, 4, 5].map(() => b.input(realScalar));
  const results = scan(b, inputs, {
    ...{ body: step, condition: undefined, length: 7, constants: 2, carry: 3, stacked: 0 },
    ...{ reverse: false, counted: false, ...(progress && { progress: { expression: "loop" } }) },
  });
  return b.close("loop", [...results]).graph;
}

function only(graph: Graph, ...places: number[]): Equation {
  const { equations } = trim(
    reading(
      graph,
      places.map((i) => graph.outputs[i]!),
    ),
  );
  assert.equal(equations.length, 1);
  return equations[0]!;
}

const sizes = ({ inputs, outputs, params }: Equation) => {
  const { constants, carry, body } = params as ScanParams;
  return { operands: inputs.length, results: outputs.length, constants, carry, stacked: body.outputs.length - carry };
};

test("a loop keeps the state that is read, and what that state is made from", () => {
  assert.deepEqual(sizes(only(loop(false), 0)), { operands: 2, results: 2, constants: 1, carry: 1, stacked: 0 });
  assert.deepEqual(sizes(only(loop(false), 2)), { operands: 4, results: 4, constants: 1, carry: 3, stacked: 0 });
  assert.deepEqual(sizes(only(loop(false), 1, 4)), { operands: 2, results: 3, constants: 1, carry: 1, stacked: 1 });
});

test("a solve keeps the traces that are read, and of the others what it tells", () => {
  assert.deepEqual(sizes(only(loop(true), 0)), { operands: 6, results: 5, constants: 2, carry: 4, stacked: 0 });
  assert.deepEqual(sizes(only(loop(true), 0, 3)), { operands: 5, results: 5, constants: 2, carry: 3, stacked: 1 });
  assert.deepEqual(sizes(only(loop(true), 0, 4)), { operands: 5, results: 5, constants: 2, carry: 3, stacked: 1 });
  assert.deepEqual(sizes(only(loop(true), 3, 4)), { operands: 4, results: 5, constants: 2, carry: 2, stacked: 2 });
});

/** The value and the error of each step. */
function toldBy(graph: Graph): number[][] {
  const told: number[][] = [];
  const context = evaluationContext({
    precision: "f64",
    tick: (progress) => {
      if (progress) told.push([progress.value, progress.error]);
    },
  });
  evaluate(
    graph,
    [2, 0.3, 0.5, 0.7, 0.9].map((x) => ({ dtype: "real", shape: [], data: Float64Array.of(x) })),
    context,
  );
  return told;
}

test("a solve tells the same whichever of its results are read", () => {
  const graph = loop(true);
  const whole = toldBy(graph);
  assert.equal(whole.length, 7);
  for (let mask = 1; mask < 2 ** graph.outputs.length; mask++) {
    const read = graph.outputs.filter((_, i) => (mask >> i) % 2 === 1);
    const trimmed = trim(reading(graph, read));
    assert.deepEqual(toldBy(trimmed), whole, `results ${mask.toString(2)}`);
    assert.equal(trim(trimmed), trimmed);
  }
});

test("a solve that measures no value keeps nothing to tell it", () => {
  const graph = loop(true);
  const e = graph.equations[0]!;
  const { body } = e.params as ScanParams;
  const outputs = body.outputs.map((a, i) => (i === 3 ? realLiteral(Number.NaN) : a));
  const unmeasured = { ...graph, equations: [{ ...e, params: { ...e.params, body: { ...body, outputs } } }] };
  assert.deepEqual(sizes(only(unmeasured, 0)), { operands: 5, results: 4, constants: 2, carry: 3, stacked: 0 });
  assert.deepEqual(toldBy(trim(reading(unmeasured, [graph.outputs[0]!]))), toldBy(unmeasured));
});

test("what has an effect inside stays, without the results that nobody reads", () => {
  const body = new Builder();
  const x = body.input(realScalar);
  check(body, greater(body, x, realLiteral(0)), [], { code: "K0001", message: "no", help: undefined, span: undefined });
  const step = body.close("step", [mul(body, x, realLiteral(0.5)), sin(body, x)]).graph;
  const b = new Builder();
  const inputs = [b.input(realScalar), b.input(realScalar)];
  const results = scan(b, [inputs[0]!], {
    ...{ body: step, condition: undefined, length: 7, constants: 0, carry: 1, stacked: 0 },
    ...{ reverse: false, counted: false },
  });
  const { graph } = b.close("outer", [...results, inputs[1]!]);
  assert.deepEqual(sizes(only(graph, 3)), { operands: 1, results: 2, constants: 0, carry: 1, stacked: 0 });
});

test("a condition keeps the state that it reads", () => {
  const graph = loop(false);
  const e = graph.equations[0]!;
  const condition = new Builder();
  const inputs = [1, 2, 3, 4, 5].map(() => condition.input(realScalar));
  const { graph: holds } = condition.close("holds", [less(condition, inputs[3]!, realLiteral(9))]);
  const conditional = { ...graph, equations: [{ ...e, params: { ...e.params, condition: holds } }] };
  assert.deepEqual(sizes(only(conditional, 0)), { operands: 3, results: 3, constants: 1, carry: 2, stacked: 0 });
});

test("branches and calls lose results and operands, and keep their checks", () => {
  const way = (sign: number): Graph => {
    const b = new Builder();
    const [x, y] = [b.input(realScalar), b.input(realScalar)];
    check(b, greater(b, y, realLiteral(0)), [], { code: "K0001", message: "no", help: undefined, span: undefined });
    return b.close("way", [mul(b, x, realLiteral(sign)), y]).graph;
  };
  const b = new Builder();
  const [p, x, y] = [b.input(realScalar), b.input(realScalar), b.input(realScalar)];
  const chosen = cond(b, greater(b, p, realLiteral(0)), way(1), way(-1), [x, y]);
  const called = b.emit(callPrimitive as Primitive, chosen, { graph: way(2), recompute: false });
  const { graph } = b.close("both", [...called]);
  const trimmed = trim(reading(graph, [graph.outputs[1]!]));
  const [, branch, last] = trimmed.equations;
  assert.deepEqual([branch!.inputs.length, branch!.outputs.length], [2, 1]);
  // The promise and its check.
  assert.equal((branch!.params as CondParams).then.equations.length, 2);
  assert.deepEqual([last!.inputs.length, last!.outputs.length], [1, 1]);
});

test("a graph of which everything is read stays as it is", () => {
  const graph = loop(false);
  assert.equal(trim(graph), graph);
});
