/** Constants of loops that are one number in all places: made in the loop again where its kernels read them, else kept. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Builder } from "../core/builder.ts";
import { type ArrayType, type Atom, type Graph, realLiteral } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { add, mul } from "../primitives/arithmetic.ts";
import { less } from "../primitives/comparison.ts";
import { cumsum } from "../primitives/cumulative.ts";
import { exp } from "../primitives/math.ts";
import { reduceSum } from "../primitives/reduce-sum.ts";
import { fill, reshape } from "../primitives/shape.ts";
import { scan } from "../transform/control/scan.ts";
import { sinkNumbers } from "./sink.ts";
import { randomArray } from "./testing-comparison.ts";
import { assertSameOutcome, evaluated, interpreted, outcomeOf } from "./testing-plans.ts";

const vector: ArrayType = { dtype: "real", shape: [6] };

/** A loop of a constant and a state, in which `body` makes the next state; the constant is made by `constant`. */
function loopOf(
  constant: (b: Emitter, x: Atom) => Atom,
  body: (b: Emitter, c: Atom, s: Atom) => Atom,
  counted = false,
): Graph {
  const inside = new Builder();
  const [c, s] = [inside.input(vector), inside.input(vector)];
  const step = inside.close("body", [body(inside, c, s)]).graph;
  const before = new Builder();
  const [k, t] = [before.input(vector), before.input(vector)];
  const small = less(before, reduceSum(before, mul(before, k, t), [0]), realLiteral(1e3));
  const condition = before.close("condition", [small]).graph;
  const b = new Builder();
  const x = b.input(vector);
  const inputs = [...(counted ? [{ kind: "literal", type: { dtype: "int", shape: [] }, value: 3 } as Atom] : [])];
  const params = { body: step, condition, length: 4, constants: 1, carry: 1, stacked: 0, reverse: false, counted };
  const [state] = scan(b, [...inputs, constant(b, x), x], params);
  return b.close("loop", [state!]).graph;
}

const twice = (b: Emitter): Atom => mul(b, fill(b, realLiteral(0.25), [6]), realLiteral(2));
const constantsOf = (graph: Graph): unknown =>
  graph.equations.find((e) => e.primitive.name === "scan")!.params.constants;

const cases: readonly { readonly name: string; readonly graph: Graph; readonly left: number }[] = [
  {
    name: "numbers that kernels read",
    graph: loopOf(twice, (b, c, s) => add(b, exp(b, mul(b, c, s)), reshape(b, reshape(b, c, [2, 3]), [6]))),
    left: 0,
  },
  { name: "the same in a loop that is counted", graph: loopOf(twice, (b, c, s) => mul(b, c, s), true), left: 0 },
  { name: "what is read from memory", graph: loopOf(twice, (b, c, s) => mul(b, cumsum(b, c, 0, false), s)), left: 1 },
  {
    name: "what is moved and then read from memory",
    graph: loopOf(twice, (b, c, s) => mul(b, reshape(b, cumsum(b, reshape(b, c, [2, 3]), 0, false), [6]), s)),
    left: 1,
  },
  { name: "what becomes the state", graph: loopOf(twice, (_, c) => c), left: 1 },
  {
    name: "arrays of several numbers",
    graph: loopOf(
      (b, x) => mul(b, x, x),
      (b, c, s) => mul(b, c, s),
    ),
    left: 1,
  },
];

for (const { name, graph, left } of cases)
  test(name, () => {
    assert.equal(constantsOf(graph), 1);
    assert.equal(constantsOf(sinkNumbers(graph)), left);
    const operands = [randomArray([6], 1)];
    const expected = outcomeOf(evaluated, graph, operands, "f64");
    for (const style of ["vector", "invocations"] as const)
      assertSameOutcome(style, outcomeOf(interpreted(style), graph, operands, "f64"), expected, 1e-12);
  });
