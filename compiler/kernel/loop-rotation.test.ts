/** Loops whose bodies say whether another step follows, and branches that become choices. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Builder } from "../core/builder.ts";
import { type ArrayType, type Atom, type Graph, intLiteral, realLiteral } from "../core/graph.ts";
import { add, mul, sub } from "../primitives/arithmetic.ts";
import { equal, greater, greaterEqual, less, notEqual, or } from "../primitives/comparison.ts";
import { exp } from "../primitives/math.ts";
import { select } from "../primitives/select.ts";
import { cond } from "../transform/control/cond.ts";
import { flattenBranches } from "./branches.ts";
import { Implications } from "./implications.ts";
import { rotateLoop } from "./loop-rotation.ts";

const real: ArrayType = { dtype: "real", shape: [] };
const int: ArrayType = { dtype: "int", shape: [] };

function graphOf(types: readonly ArrayType[], body: (b: Builder, inputs: readonly Atom[]) => readonly Atom[]): Graph {
  const b = new Builder();
  return b.close(
    "graph",
    body(
      b,
      types.map((t) => b.input(t)),
    ),
  ).graph;
}
const namesOf = (graph: Graph) => graph.equations.map((e) => e.primitive.name);

/** A solver's loop in small: x and a status; the last step keeps x. */
const solveBody = (then: "kept" | "not kept") =>
  graphOf([real, int], (b, [x, status]) => {
    const stop = or(b, greater(b, x!, realLiteral(9)), notEqual(b, status!, intLiteral(0)));
    const step = graphOf([real], (c, [y]) => [exp(c, mul(c, y!, y!))]);
    const [next] = cond(
      b,
      stop,
      graphOf([real], (_c, [y]) => [y!]),
      step,
      [x!],
    );
    const after = select(b, stop, intLiteral(2), select(b, less(b, next!, x!), intLiteral(4), intLiteral(0)));
    const going = equal(b, after, intLiteral(0));
    return [then === "kept" ? select(b, going, next!, x!) : select(b, going, next!, sub(b, x!, next!)), after];
  });
const running = graphOf([real, int], (b, [, status]) => [equal(b, status!, intLiteral(0))]);
const params = { length: 5, constants: 0, carry: 2, stacked: 0, reverse: false, counted: false } as const;

test("state that the last step keeps is taken or left, and what that step would have computed is no branch", () => {
  const rotated = rotateLoop({ ...params, body: solveBody("kept"), condition: running })!;
  assert.deepEqual(rotated.kept, [true, false]);
  assert.equal(rotated.body.outputs.length, 3);
  assert.ok(!namesOf(rotated.body).includes("cond"));
  const [next] = rotated.body.outputs;
  const made = rotated.body.equations.find((e) => e.outputs.some((v) => v === next));
  assert.equal(made?.primitive.name, "exp", "the new state itself, without a choice");
});

test("state that is anything else after the last step is chosen", () => {
  const rotated = rotateLoop({ ...params, body: solveBody("not kept"), condition: running })!;
  assert.deepEqual(rotated.kept, [false, false]);
});

test("a condition on slices of the next step is asked before it", () => {
  const body = graphOf([real, real], (b, [s, x]) => [add(b, s!, x!)]);
  const condition = graphOf([real, real], (b, [s, x]) => [less(b, s!, x!)]);
  assert.equal(rotateLoop({ ...params, carry: 1, stacked: 1, body, condition }), undefined);
});

test("what one flag excludes is told from what it does not", () => {
  const b = new Builder();
  const [t, own] = [b.input(int), b.input(int)];
  const late = greaterEqual(b, t, intLiteral(5));
  const failed = notEqual(b, own, intLiteral(0));
  const after = select(b, late, intLiteral(2), own);
  const going = equal(b, after, intLiteral(0));
  const either = or(b, late, failed);
  const third = equal(b, t, intLiteral(3));
  const partly = or(b, late, third);
  const implications = new Implications(b.equations);
  for (const flag of [late, failed, either]) assert.ok(implications.excludes(flag, going));
  for (const flag of [third, partly]) assert.ok(!implications.excludes(flag, going));
  assert.ok(!implications.excludes(going, third));
});

test("branches between numbers become choices where both sides are cheap", () => {
  const cheap = graphOf([real], (b, [x]) => [mul(b, x!, x!)]);
  const dear = graphOf([real], (b, [x]) => {
    let y: Atom = x!;
    for (let i = 0; i < 7; i++) y = exp(b, y);
    return [y];
  });
  const branching = (then: Graph, otherwise: Graph) =>
    graphOf([real], (b, [x]) => cond(b, less(b, x!, realLiteral(0)), then, otherwise, [x!]));
  assert.ok(!namesOf(flattenBranches(branching(cheap, cheap))).includes("cond"));
  assert.ok(namesOf(flattenBranches(branching(cheap, dear))).includes("cond"));
  assert.ok(!namesOf(flattenBranches(branching(cheap, dear), () => true)).includes("cond"));
  assert.ok(namesOf(flattenBranches(branching(dear, cheap), () => true)).includes("cond"));
});
