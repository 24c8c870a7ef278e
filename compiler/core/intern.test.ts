/** Graphs that are the same are one object; those that differ in anything are not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { add, mul } from "../primitives/arithmetic.ts";
import { condPrimitive } from "../transform/control/cond.ts";
import { Builder } from "./builder.ts";
import { type Graph, intLiteral, realLiteral, realScalar } from "./graph.ts";
import { internGraph } from "./intern.ts";
import type { Primitive } from "./primitive.ts";

const at = (start: number) => ({ file: "t.opt", start, end: start + 1 });

interface Variant {
  readonly name?: string;
  readonly literal?: number;
  readonly place?: number;
  readonly pass?: "value" | "derivative";
  readonly swapped?: boolean;
  readonly length?: number;
  readonly second?: boolean;
}

function example(variant: Variant = {}): Graph {
  const { name = "f", literal = 2, place = 5, pass = "value", swapped = false, length = 3, second = false } = variant;
  const b = new Builder();
  const [x, y] = [b.input({ dtype: "real", shape: [length] }), b.input({ dtype: "real", shape: [length] })];
  const made = b.at(at(place), () => mul(b, swapped ? y : x, realLiteral(literal)), pass);
  const sum = add(b, made, y);
  return b.close(name, [second ? made : sum]).graph;
}

test("a graph that was made again is the first one", () => {
  const first = internGraph(example());
  assert.equal(internGraph(first), first);
  assert.equal(internGraph(example()), first);
  assert.notEqual(example(), first);
});

test("graphs that differ stay apart", () => {
  const variants: Variant[] = [
    {},
    { name: "g" },
    { literal: 3 },
    { literal: 0 },
    { literal: -0 },
    { literal: Number.NaN },
    { place: 6 },
    { pass: "derivative" },
    { swapped: true },
    { length: 4 },
    { second: true },
  ];
  const found = variants.map((v) => internGraph(example(v)));
  assert.equal(new Set(found).size, variants.length);
  variants.forEach((v, i) => {
    assert.equal(internGraph(example(v)), found[i]);
  });
});

test("nested graphs have to be the same object, and parameters count", () => {
  const branch = (value: number): Graph => internGraph(new Builder().close("if", [realLiteral(value)]).graph);
  const choice = (then: Graph, otherwise: Graph, extra: Record<string, unknown> = {}): Graph => {
    const b = new Builder();
    const p = b.input({ dtype: "bool", shape: [] });
    return b.close("c", b.emit(condPrimitive as Primitive, [p], { then, otherwise, ...extra })).graph;
  };
  const first = internGraph(choice(branch(1), branch(2)));
  assert.equal(internGraph(choice(branch(1), branch(2))), first);
  assert.notEqual(internGraph(choice(branch(2), branch(1))), first);
  assert.notEqual(internGraph(choice(branch(1), branch(1))), first);
  const told = (place: number) =>
    internGraph(choice(branch(1), branch(2), { told: { at: at(place), list: [1, "a"] } }));
  assert.equal(told(3), told(3));
  assert.notEqual(told(3), told(4));
  assert.notEqual(told(3), first);
});

test("outputs are told apart by kind and type", () => {
  const of = (literal: Parameters<Builder["close"]>[1][number]) => {
    const b = new Builder();
    b.input(realScalar);
    return internGraph(b.close("o", [literal]).graph);
  };
  assert.equal(of(realLiteral(1)), of(realLiteral(1)));
  assert.notEqual(of(realLiteral(1)), of(intLiteral(1)));
});
