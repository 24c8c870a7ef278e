/** Properties made by hand: what is drawn, how failures shrink, and that they can be seen again. */
import assert from "node:assert/strict";
import test from "node:test";
import { ndArray } from "../../compiler/core/array.ts";
import type { BoundProperty, PropertyVariable, ScalarType, Value } from "../../compiler/program.ts";
import { DiagnosticError, errorAt } from "../../compiler/syntax/diagnostic.ts";
import { draw } from "./draw.ts";
import { literal } from "./literal.ts";
import { type PropertyResult, runProperty } from "./run-property.ts";

const span = { file: "t.opt", start: 0, end: 1 };

function zeros(shape: readonly number[], type: ScalarType = "real"): Value {
  const size = shape.reduce((a, b) => a * b, 1);
  const dtype = type === "real" ? "real" : type === "bool" ? "bool" : "int";
  return { kind: "array", type, array: ndArray(dtype, shape, new Array<number>(size).fill(0)) };
}

const entries = (value: Value): number[] =>
  value.kind === "array" ? [...value.array.data] : value.items.flatMap(entries);

interface Variable {
  readonly type?: PropertyVariable["type"];
  readonly generator: PropertyVariable["generator"];
  readonly shape: (ints: Readonly<Record<string, number>>) => Value;
}

function property(
  variables: Readonly<Record<string, Variable>>,
  holds: (ints: Record<string, number>, values: Record<string, number[]>) => boolean | "kink" | undefined,
): BoundProperty {
  return {
    title: "made by hand",
    span,
    variables: Object.entries(variables).map(([name, v]) => ({
      name,
      span,
      type: v.type ?? "real",
      generator: v.generator,
    })),
    shapeOf: (name, ints) => variables[name]!.shape(ints),
    evaluate: (ints, values) => {
      const passed = holds({ ...ints }, Object.fromEntries(Object.entries(values).map(([k, v]) => [k, entries(v)])));
      return passed === undefined ? "discarded" : passed === "kink" ? "kink" : passed ? "passed" : "failed";
    },
    sides: (_, values) => Object.entries(values).map(([expression, value]) => ({ expression, value })),
  };
}

function failure(result: PropertyResult): Extract<PropertyResult, { kind: "failed" }> {
  assert.equal(result.kind, "failed");
  return result as Extract<PropertyResult, { kind: "failed" }>;
}

const int = (low: number, high: number): Variable => ({
  type: "int",
  generator: { kind: "range", low, high },
  shape: () => zeros([], "int"),
});
const normal = (shape: Variable["shape"]): Variable => ({ generator: { kind: "normal" }, shape });

test("what holds passes", () => {
  const p = property({ x: normal(() => zeros([3])) }, (_, { x }) => x!.every(Number.isFinite));
  assert.deepEqual(runProperty(p, { runs: 50 }), { kind: "passed", runs: 50, discarded: 0, kinks: 0 });
});

test("ranges are half-open, uniform numbers inside, simplices on the simplex", () => {
  let state = 1;
  const uniform = () => {
    state = (state * 48271) % 0x7fffffff;
    return state / 0x7fffffff;
  };
  const range = entries(draw(zeros([500], "int"), { kind: "range", low: 1, high: 4 }, uniform));
  assert.deepEqual([...new Set(range)].sort(), [1, 2, 3]);
  const interval = entries(draw(zeros([500]), { kind: "uniform", low: -2, high: 3 }, uniform));
  assert.ok(Math.min(...interval) >= -2 && Math.max(...interval) < 3 && Math.min(...interval) < -1.9);
  const gauss = entries(draw(zeros([2000]), { kind: "normal" }, uniform));
  assert.ok(Math.abs(gauss.reduce((a, b) => a + b * b, 0) / 2000 - 1) < 0.15);
  const rows = entries(draw(zeros([2, 3]), { kind: "simplex" }, uniform));
  assert.ok(Math.abs(rows.slice(0, 3).reduce((a, b) => a + b, 0) - 1) < 1e-12);
  assert.ok(rows.every((x) => x > 0));
});

test("a failure shrinks to the smallest sizes and the simplest numbers", () => {
  const p = property({ n: int(1, 9), x: normal(({ n }) => zeros([n!])) }, ({ n }, { x }) => {
    assert.equal(x!.length, n);
    return !(n! >= 3 && x!.some((v) => v > 0.5));
  });
  const result = failure(runProperty(p, { runs: 200, seed: 7 }));
  const shown = Object.fromEntries(result.inputs.map(({ name, value }) => [name, literal(value)]));
  assert.equal(shown.n, "3");
  assert.deepEqual(
    JSON.parse(shown.x!).filter((v: number) => v !== 0),
    [1],
  );
  assert.equal(result.sides[0]?.expression, "x");
});

test("seed and path bring the smallest failure back", () => {
  const p = property({ n: int(1, 9), x: normal(({ n }) => zeros([n!, 2])) }, (_, { x }) => x!.every((v) => v < 1.2));
  const first = failure(runProperty(p, { runs: 200, seed: 3 }));
  const again = failure(runProperty(p, { runs: 200, seed: first.seed, path: first.path }));
  assert.deepEqual(again.inputs, first.inputs);
});

test("failures shrink inside their bounds, tuples leaf by leaf", () => {
  const pair: Value = { kind: "tuple", names: ["w", "on"], items: [zeros([2]), zeros([], "bool")] };
  const p = property(
    { t: { type: "tuple", generator: { kind: "uniform", low: 2, high: 5 }, shape: () => pair } },
    (_, { t }) => !(t![0]! > 3 && t![2] === 1),
  );
  const result = failure(runProperty(p, { runs: 200, seed: 1 }));
  const [w0, w1, on] = entries(result.inputs[0]!.value);
  assert.ok(w0! > 3 && w0! <= 5);
  assert.deepEqual([w1, on], [2, 1]);
});

test("what is thrown is a failure, and shown", () => {
  const p = property({ x: normal(() => zeros([])) }, (_, { x }) => {
    if (x![0]! > 1) throw new DiagnosticError(errorAt("K0501", span, "singular"));
    return true;
  });
  const result = failure(runProperty(p, { runs: 500, seed: 2 }));
  assert.ok(result.error instanceof DiagnosticError);
});

test("a where clause that lets nothing through shows nothing", () => {
  const p = property({ x: normal(() => zeros([])) }, () => undefined);
  const result = runProperty(p, { runs: 10 });
  assert.equal(result.kind, "exhausted");
  const half = property({ x: normal(() => zeros([])) }, (_, { x }) => (x![0]! > 0 ? true : undefined));
  const passed = runProperty(half, { runs: 20 });
  assert.ok(passed.kind === "passed" && passed.runs === 20 && passed.discarded > 0);
});

test("counterexamples are written as source", () => {
  assert.equal(
    literal({ kind: "tuple", names: ["a", "b"], items: [zeros([2, 1]), zeros([], "bool")] }),
    "(a: [[0], [0]], b: false)",
  );
  const numbers: Value = { kind: "array", type: "real", array: ndArray("real", [3], [1e21, -1e-7, 1 / 3]) };
  assert.equal(literal(numbers), "[1e21, -1e-7, 0.3333333333333333]");
});
