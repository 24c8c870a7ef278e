/** `checkpoint` of a loop: the same derivative from a number of saved states that grows with the logarithm of its length. */
import assert from "node:assert/strict";
import test from "node:test";
import { ndArray } from "../core/array.ts";
import { Builder } from "../core/builder.ts";
import { evaluate } from "../core/evaluate.ts";
import { type Graph, realLiteral, realScalar } from "../core/graph.ts";
import type { Primitive } from "../core/primitive.ts";
import { add, mul } from "../primitives/arithmetic.ts";
import { sin } from "../primitives/math.ts";
import { halveLoops } from "./checkpoint.ts";
import { call } from "./control/call.ts";
import { type ScanParams, scan, scanPrimitive } from "./control/scan.ts";
import { vjp } from "./transpose.ts";

/** x -> x_n with x_(t+1) = sin(x_t) + x_t x / 10. */
function iterated(steps: number): Graph {
  const body = new Builder();
  const x = body.input(realScalar);
  const state = body.input(realScalar);
  const next = add(body, sin(body, state), mul(body, mul(body, state, x), realLiteral(0.1)));
  const step = body.close("step", [next]).graph;
  const b = new Builder();
  const start = b.input(realScalar);
  const results = scan(b, [start, start], {
    body: step,
    condition: undefined,
    length: steps,
    constants: 1,
    carry: 1,
    stacked: 0,
    reverse: false,
    counted: false,
  });
  return b.close("iterated", [results[0]!]).graph;
}

function gradientGraph(f: Graph, checkpointed: boolean): Graph {
  const b = new Builder();
  const x = b.input(realScalar);
  const outer = new Builder();
  const y = outer.input(realScalar);
  const wrapped = checkpointed ? outer.close("f", [...call(outer, halveLoops(f), [y], true)]).graph : f;
  const { pullback } = vjp(b, wrapped, [x], [true]);
  return b.close("gradient", [pullback([realLiteral(1)])[0]!]).graph;
}

/** The most values any loop of the graph, at any depth, stacks for later. */
function longestStack(graph: Graph): number {
  let longest = 0;
  const seen = new Set<Graph>();
  const visit = (g: Graph): void => {
    if (seen.has(g)) return;
    seen.add(g);
    for (const e of g.equations) {
      if (e.primitive === (scanPrimitive as Primitive)) {
        const { body, carry, length } = e.params as ScanParams;
        if (body.outputs.length > carry) longest = Math.max(longest, length as number);
      }
      for (const inner of e.primitive.graphs?.(e.params) ?? []) visit(inner);
    }
  };
  visit(graph);
  return longest;
}

for (const steps of [1, 3, 5, 64, 100])
  test(`the derivative of ${steps} steps is the same, and is made of short loops`, () => {
    const f = iterated(steps);
    const [plain, checkpointed] = [gradientGraph(f, false), gradientGraph(f, true)];
    const at = ndArray("real", [], [0.8]);
    assert.ok(Math.abs(evaluate(plain, [at])[0]!.data[0]! - evaluate(checkpointed, [at])[0]!.data[0]!) < 1e-13);
    assert.ok(longestStack(checkpointed) <= 4, `${longestStack(checkpointed)} values are stacked`);
    if (steps > 4) assert.equal(longestStack(plain), steps);
  });

/** s_(t+1) = sin(s_t) + x_t s_t / 10 over the entries of x, with s stacked. */
function along(steps: number): Graph {
  const body = new Builder();
  const [state, x] = [body.input(realScalar), body.input(realScalar)];
  const next = add(body, sin(body, state), mul(body, mul(body, state, x), realLiteral(0.1)));
  const step = body.close("step", [next, mul(body, state, x)]).graph;
  const b = new Builder();
  const start = b.input(realScalar);
  const xs = b.input({ dtype: "real", shape: [steps] });
  const results = scan(b, [start, xs], {
    body: step,
    condition: undefined,
    length: steps,
    constants: 0,
    carry: 1,
    stacked: 1,
    reverse: false,
    counted: false,
  });
  return b.close("along", [results[0]!, results[1]!]).graph;
}

for (const steps of [3, 8, 13, 40])
  test(`loops along sequences of ${steps} keep their slices and what they stack, and so do their derivatives`, () => {
    const plain = along(steps);
    const halved = halveLoops(plain);
    const operands = [
      ndArray("real", [], [0.8]),
      ndArray(
        "real",
        [steps],
        Array.from({ length: steps }, (_, i) => Math.cos(i)),
      ),
    ];
    const gradientOf = (f: Graph) => {
      const b = new Builder();
      const primals = f.inputs.map((v) => b.input(v.type));
      const weights = b.input({ dtype: "real", shape: [steps] });
      const outer = new Builder();
      const wrapped = outer.close("f", [
        ...call(
          outer,
          f,
          f.inputs.map((v) => outer.input(v.type)),
          true,
        ),
      ]).graph;
      const { pullback } = vjp(b, wrapped, primals, [true, true]);
      return b.close("gradient", [...pullback([realLiteral(1), weights]).map((c) => c!)]).graph;
    };
    const close = (a: Graph, b: Graph, inputs: readonly ReturnType<typeof ndArray>[]) => {
      const [x, y] = [a, b].map((g) => evaluate(g, inputs).flatMap((v) => [...v.data])) as [number[], number[]];
      assert.equal(x.length, y.length);
      x.forEach((v, i) => {
        assert.ok(Math.abs(v - y[i]!) < 1e-13, `${i}: ${v} and ${y[i]}`);
      });
    };
    close(plain, halved, operands);
    close(gradientOf(plain), gradientOf(halved), [
      ...operands,
      ndArray(
        "real",
        [steps],
        operands[1]!.data.map((x) => 1 + x),
      ),
    ]);
  });
