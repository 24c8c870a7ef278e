/** The papers' loops give the same numbers as plain JavaScript, on small sizes. Nothing is timed here. */
import assert from "node:assert/strict";
import test from "node:test";
import { differenceOf } from "./compare.ts";
import { papers } from "./index.ts";
import { prepareScript } from "./script.ts";

// One row differs from another in its number of steps alone.
for (const paper of new Map(papers.map((p) => [p.name, p])).values())
  test(`${paper.name}: ${paper.title}`, () => {
    const inputs = paper.inputs(true);
    const ours = prepareScript(paper, inputs, paper.steps.tested).again();
    const theirs = paper.plain(inputs, paper.steps.tested)();
    assert.equal(ours.length, theirs.length);
    const difference = differenceOf(ours, theirs);
    assert.ok(difference <= paper.tolerance, `the difference is ${difference} of the largest number`);
  });

test("a NaN, another length and another number are differences", () => {
  assert.equal(differenceOf([[1, 2]], [[1, 2]]), 0);
  assert.equal(differenceOf([[1, 2]], [[1, 4]]), 0.5);
  for (const wrong of [[Number.NaN, 2], [1]]) assert.equal(differenceOf([[1, 2]], [wrong]), Number.POSITIVE_INFINITY);
});
