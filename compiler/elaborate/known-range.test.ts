/** What is said of the range of ints holds, and indices that are sure to be inside are not checked. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bind } from "../bind.ts";
import { compile } from "../compile.ts";
import type { NdArray } from "../core/array.ts";
import { Builder } from "../core/builder.ts";
import { evaluate } from "../core/evaluate.ts";
import { type Atom, type Graph, intLiteral } from "../core/graph.ts";
import type { EvaluationContext } from "../core/primitive.ts";
import { add, mul, sub } from "../primitives/arithmetic.ts";
import { less } from "../primitives/comparison.ts";
import { convert } from "../primitives/convert.ts";
import { cumsum } from "../primitives/cumulative.ts";
import { gather, scatterSet } from "../primitives/gather.ts";
import { iota } from "../primitives/iota.ts";
import { divFloor, maximum, minimum, modFloor } from "../primitives/rounding.ts";
import { select } from "../primitives/select.ts";
import { broadcast, concat, reshape, reverse, slice } from "../primitives/shape.ts";
import { argsort } from "../primitives/sort.ts";
import { isKnownBelow } from "./known-range.ts";

const length = 4;
type Make = (b: Builder, x: Atom, y: Atom, k: number) => Atom;

/** From two arrays of four ints and a number to another four. */
const steps: Readonly<Record<string, Make>> = {
  add: (b, x, y) => add(b, x, y),
  shift: (b, x, _y, k) => add(b, x, intLiteral(k)),
  sub: (b, x, y) => sub(b, x, y),
  mul: (b, x, y) => mul(b, x, y),
  scale: (b, x, _y, k) => mul(b, x, intLiteral(k)),
  minimum: (b, x, y) => minimum(b, x, y),
  maximum: (b, x, y) => maximum(b, x, y),
  clampBelow: (b, x, _y, k) => minimum(b, x, intLiteral(k)),
  clampAbove: (b, x, _y, k) => maximum(b, x, intLiteral(k)),
  div: (b, x, _y, k) => divFloor(b, x, intLiteral(k)),
  mod: (b, x, _y, k) => modFloor(b, x, intLiteral(k)),
  modOf: (b, x, y) => modFloor(b, x, y),
  select: (b, x, y) => select(b, less(b, x, y), x, y),
  flags: (b, x, y) => convert(b, less(b, x, y), "int"),
  iota: (b) => iota(b, length),
  argsort: (b, x) => argsort(b, x, 0),
  cumsum: (b, x) => cumsum(b, x, 0),
  reverse: (b, x) => reverse(b, x, [0]),
  parts: (b, x, y) => concat(b, [slice(b, x, [0], [2], [1]), slice(b, y, [1], [3], [1])], 0),
  table: (b, x) => reshape(b, slice(b, broadcast(b, x, [2, length], [1]), [0, 0], [1, length], [1, 1]), [length]),
  gather: (b, x, y) => gather(b, x, y, 0),
  scatter: (b, x, y) => scatterSet(b, x, iota(b, length), y, 0),
};

const programs = fc.record({
  input: fc.array(fc.integer({ min: -6, max: 6 }), { minLength: length, maxLength: length }),
  steps: fc.array(
    fc.record({
      name: fc.constantFrom(...Object.keys(steps)),
      x: fc.nat(6),
      y: fc.nat(6),
      k: fc.oneof(fc.integer({ min: -9, max: 9 }), fc.constantFrom(2 ** 30, -(2 ** 30))),
    }),
    { minLength: 1, maxLength: 6 },
  ),
});

test("no claim about the range of ints is wrong", () => {
  let claims = 0;
  fc.assert(
    fc.property(programs, (program) => {
      const b = new Builder();
      const values: Atom[] = [b.input({ dtype: "int", shape: [length] }), iota(b, length)];
      for (const { name, x, y, k } of program.steps) {
        const at = (i: number) => values[i % values.length]!;
        values.push(steps[name]!(b, at(x), at(y), k));
      }
      const { graph } = b.close("f", values);
      const input = { dtype: "int" as const, shape: [length], data: Int32Array.from(program.input) };
      const results = evaluate(graph, [input]);
      values.forEach((atom, i) => {
        const data = [...results[i]!.data];
        const [least, most] = [Math.min(...data), Math.max(...data)];
        // Whatever the bound, it would be wrong up to the largest entry, and of negative ones always.
        const wrong = least < 0 ? 2 ** 31 : most;
        assert.ok(!isKnownBelow(b, atom, wrong), `${least}..${most} known below ${wrong}`);
        if (isKnownBelow(b, atom, 2 ** 31)) claims += 1;
      });
    }),
    { seed: 6, numRuns: 2000 },
  );
  assert.ok(claims > 2000, `only ${claims} claims`);
});

/** How many promises a program makes that are checked when it runs. */
function checksOf(text: string): number {
  const { program, diagnostics } = compile(`${text}\n`, { file: "t.opt" });
  assert.ok(program, diagnostics[0]?.message);
  let checks = 0;
  const count = (graph: Graph): void => {
    for (const e of graph.equations) {
      if (e.primitive.name === "check") checks += 1;
      e.primitive.graphs?.(e.params).forEach(count);
    }
  };
  const runner = {
    run: (graph: Graph, inputs: readonly NdArray[], context: EvaluationContext) => {
      count(graph);
      return evaluate(graph, inputs, context);
    },
  };
  bind(program, { data: {}, runner }).run({ onEvent: () => undefined });
  return checks;
}

const data = "let x = [1.0, 2, 3]\nlet i = [2, 0, 1, 2]\n";

for (const [index, checks] of [
  ["i", 1],
  ["mod(i, 3)", 0],
  ["mod(i, 4)", 1],
  ["mod(i, 3) - 3", 1],
  ["min(cumsum(i > 4), 2)", 0],
  ["where(i > 4, 2, 0)", 0],
  ["max(min(i, 2), 0)", 0],
  ["div(mod(i, 6), 2)", 0],
  ["argsort(x)", 0],
  ["argsort(x) - 1", 1],
] as const) {
  test(`${checks === 1 ? "a check" : "no check"} for x[${index}]`, () => {
    // Each statement is a graph of its own, and what computes the index may make promises, too.
    const others = checksOf(`${data}show sum(${index})`);
    assert.equal(checksOf(`${data}show sum(x[${index}])`) - others, checks);
  });
}
