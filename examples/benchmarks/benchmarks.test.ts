/** The workloads compute what the hand-written loops do. Nothing is timed here. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import test from "node:test";
import { prepare as prepareLoops } from "./hand.ts";
import { inputsOf, workloadNames } from "./inputs.ts";
import { prepare } from "./karush.ts";

/**
 * The largest difference over the largest number: both sides compute in f32, over sums of up to a million terms
 * and hundreds of steps.
 */
const tolerance = 1e-4;

/** Sums of ten million numbers in f32 are held to more: see below. */
const compared = workloadNames.filter((name) => name !== "sum");

for (const workload of compared)
  test(`${workload} agrees with the loops`, () => {
    const inputs = inputsOf(workload);
    const ours = prepare(workload, inputs).again();
    const theirs = prepareLoops(workload, inputs)();
    assert.equal(ours.length, theirs.length);
    ours.forEach((result, i) => {
      const expected = theirs[i]!;
      assert.equal(result.length, expected.length);
      let [difference, largest] = [0, 0];
      for (let j = 0; j < result.length; j++) {
        // A NaN on either side must not pass.
        const distance = Math.abs(result[j]! - expected[j]!);
        difference = distance <= difference ? difference : distance;
        largest = Math.max(largest, Math.abs(expected[j]!));
      }
      assert.ok(difference <= tolerance * largest, `result ${i} is off by ${difference} of ${largest}`);
    });
  });

test("the sum of ten million numbers is right to 1e-6", () => {
  const inputs = inputsOf("sum");
  let exact = 0;
  for (const x of inputs.x!.values) exact += x;
  const sum = prepare("sum", inputs).again()[0]![0]!;
  assert.ok(Math.abs(sum - exact) <= 1e-6 * exact, `${sum} instead of ${exact}`);
});

test("every script has inputs", () => {
  const scripts = readdirSync(new URL("./workloads", import.meta.url)).map((file) => file.replace(/\.opt$/, ""));
  assert.deepEqual(scripts.sort(), [...workloadNames].sort());
});
