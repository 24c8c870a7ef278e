import assert from "node:assert/strict";
import test from "node:test";
import { ndArray } from "../../core/array.ts";
import { Builder } from "../../core/builder.ts";
import { evaluate } from "../../core/evaluate.ts";
import type { Atom } from "../../core/graph.ts";
import type { Emitter } from "../../core/primitive.ts";
import { add, mul } from "../../primitives/arithmetic.ts";
import { jvpOf } from "../jvp.ts";
import { transposeOf } from "../transpose.ts";
import { stopGradient, stopUnread } from "./effects.ts";

const vector = { dtype: "real", shape: [3] } as const;
const x = ndArray("real", [3], [1, 2, 3]);
const u = ndArray("real", [3], [5, 7, 11]);

function graphOf(build: (b: Emitter, x: Atom) => Atom) {
  const b = new Builder();
  return b.close("test", [build(b, b.input(vector))]).graph;
}

test("what is gated may be a tangent, and no cotangent comes back through the gate", () => {
  const gated = graphOf((b, t) => add(b, t, stopUnread(b, t)));
  assert.deepEqual([...evaluate(gated, [x])[0]!.data], [2, 4, 6]);
  assert.deepEqual([...evaluate(transposeOf(gated, [true], [true]), [u])[0]!.data], [5, 7, 11]);
  assert.throws(() =>
    transposeOf(
      graphOf((b, t) => add(b, t, stopGradient(b, t))),
      [true],
      [true],
    ),
  );
});

test("neither has a derivative", () => {
  for (const stop of [stopUnread, stopGradient]) {
    const { graph } = jvpOf(
      graphOf((b, t) => mul(b, t, stop(b, t))),
      [true],
    );
    const [value, tangent] = evaluate(graph, [x, u]);
    assert.deepEqual([...value!.data], [1, 4, 9]);
    assert.deepEqual([...tangent!.data], [5, 14, 33]);
  }
});
