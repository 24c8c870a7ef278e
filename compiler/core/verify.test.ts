/** The verifier finds what it is there for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { add } from "../primitives/arithmetic.ts";
import { sin } from "../primitives/math.ts";
import { Builder } from "./builder.ts";
import { type Graph, newVar, realScalar } from "./graph.ts";
import { graphProblems } from "./verify.ts";

function good(): Graph {
  const b = new Builder();
  const x = b.input(realScalar);
  return b.close("good", [add(b, sin(b, x), x)]).graph;
}

test("a graph as it is built has no problems", () => {
  assert.deepEqual(graphProblems(good()), []);
});

test("variables out of nowhere, given twice, and of another type", () => {
  const graph = good();
  assert.match(graphProblems({ ...graph, inputs: [] })[0]!, /used by sin before it is there/);
  assert.match(graphProblems({ ...graph, equations: [...graph.equations].reverse() })[0]!, /used by add before/);
  assert.match(graphProblems({ ...graph, outputs: [newVar(realScalar)] })[0]!, /used by the outputs/);
  assert.match(
    graphProblems({ ...graph, equations: [...graph.equations, ...graph.equations] })[0]!,
    /given twice, the second time by sin/,
  );
  const [first, second] = graph.equations;
  const wrong = { ...second!, outputs: [{ ...second!.outputs[0]!, type: { dtype: "real" as const, shape: [3] } }] };
  assert.match(graphProblems({ ...graph, equations: [first!, wrong] })[0]!, /result 0 of add is real\[3\], not real/);
});
