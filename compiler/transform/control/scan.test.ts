import assert from "node:assert/strict";
import test from "node:test";
import { ndArray } from "../../core/array.ts";
import { Builder } from "../../core/builder.ts";
import { evaluate, evaluationContext } from "../../core/evaluate.ts";
import { realLiteral } from "../../core/graph.ts";
import { add } from "../../primitives/arithmetic.ts";
import { less } from "../../primitives/comparison.ts";
import { scan } from "./scan.ts";

/** Counts up from 0 to 9, as a solve would whose value and error are the count. */
function counting(reports: boolean, hasCondition: boolean) {
  const body = new Builder();
  const next = add(body, body.input({ dtype: "real", shape: [] }), realLiteral(1));
  const condition = new Builder();
  const inside = less(condition, condition.input({ dtype: "real", shape: [] }), realLiteral(9));
  const b = new Builder();
  const results = scan(b, [b.input({ dtype: "real", shape: [] })], {
    body: body.close("body", [next, next, next]).graph,
    condition: hasCondition ? condition.close("condition", [inside]).graph : undefined,
    length: 12,
    constants: 0,
    carry: 1,
    stacked: 0,
    reverse: false,
    counted: false,
    ...(reports && { progress: { expression: "count" } }),
  });
  return b.close("counting", results).graph;
}

/** The count and the number of steps when each tick from the one after `at` on asks the loop to stop. */
function stoppedAfter(at: number, graph: ReturnType<typeof counting>): readonly number[] {
  let ticks = 0;
  const context = evaluationContext({
    precision: "f64",
    tick: (_, control) => {
      if (ticks++ >= at) control?.stop();
    },
  });
  const [count, , , steps] = context.run(graph, [ndArray("real", [], [0])]);
  return [count!.data[0]!, steps!.data[0]!];
}

test("a loop that is asked to stop has taken the step it was asked at, and no other", () => {
  for (const at of [0, 1, 5]) assert.deepEqual(stoppedAfter(at, counting(true, true)), [at + 1, at + 1]);
  assert.deepEqual(stoppedAfter(20, counting(true, true)), [9, 9]);
});

test("only loops of solves can be stopped: others have to come to their end", () => {
  assert.deepEqual(stoppedAfter(0, counting(false, true)), [9, 9]);
  assert.deepEqual(stoppedAfter(0, counting(true, false)), [12, 12]);
  const [count] = evaluate(counting(true, false), [ndArray("real", [], [0])]);
  assert.equal(count!.data[0], 12);
});
