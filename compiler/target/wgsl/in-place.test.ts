/** Which loops' states are written where they are read. */
import assert from "node:assert/strict";
import test from "node:test";
import type { Graph } from "../../core/graph.ts";
import { bind, compile } from "../../index.ts";
import { buildPlan } from "../../kernel/build.ts";
import { canWriteInPlace } from "./in-place.ts";

/** For each part of the state of the one loop of a script: whether it may be written in place. */
function inPlace(script: string, products: "tiles" | "blocks" = "tiles"): boolean[] {
  const { program, diagnostics } = compile(script, { file: "test.opt" });
  assert.ok(program, diagnostics.map((d) => d.message).join("\n"));
  const found: boolean[] = [];
  const run = (graph: Graph) => {
    for (const s of buildPlan(graph, { precision: "f32", style: "invocations", products }).functions.at(-1)!.steps)
      if (s.kind === "loop")
        s.carry.forEach((_, i) => {
          found.push(canWriteInPlace(s.body, s.body.inputs[s.constants.length + i]!, s.body.outputs[i]!));
        });
    return graph.outputs.map(({ type: { dtype, shape } }) => {
      const length = shape.reduce<number>((n, d) => n * Number(d), 1);
      return { dtype, shape: shape.map(Number), data: new Float64Array(length) };
    });
  };
  bind(program, { data: {}, precision: "f32", runner: { run } }).run({ onEvent: () => undefined });
  return found;
}

test("a state whose elements only need themselves", () => {
  assert.deepEqual(inPlace("let r = loop x = ones[50] for t in 0..9 { 0.5 * x + 1 }"), [true]);
});

test("a state of which others read elements is copied", () => {
  assert.deepEqual(inPlace("let r = loop x = ones[50] for t in 0..9 { x * x[3] }"), [false]);
  assert.deepEqual(inPlace("let r = loop x = ones[50] for t in 0..9 { concat(x[1:], x[:1]) }"), [false]);
});

test("a state whose sum is taken before", () => {
  assert.deepEqual(inPlace("let r = loop x = ones[5000] for t in 0..9 { x / sum(x) }"), [true]);
});

test("states that change places are copied", () => {
  const found = inPlace("let r = loop (x, y) = (ones[50], zeros[50]) for t in 0..9 { (y + 1, x + 2) }");
  assert.ok(found.includes(false), String(found));
});

test("a state to which a product is added, in blocks that fill it and blocks that do not", () => {
  for (const n of [48, 47]) {
    const data = `let a = [[1.0 * i * j for j in 0..64] for i in 0..${n}]\n`;
    const product = `${data}let r = loop x = zeros[${n}, ${n}] for t in 0..9 { 0.5 * x + (a + x[0, 0]) @ a' }`;
    const alone = product.replace("x[0, 0]", "t");
    assert.deepEqual([inPlace(alone, "blocks"), inPlace(product, "blocks")], [[true], [false]], `${n}`);
  }
});
