/** The interior-point method on the problems of Hock and Schittkowski, from their standard starts. */
import assert from "node:assert/strict";
import test from "node:test";
import { checkTable, collectedProblems, solveCollected, verdict } from "./testing.ts";

test("every problem ends in a certified minimum, in f64 and in f32", () => {
  const rows = collectedProblems().map((p) => {
    const { f64, f32 } = solveCollected(p, "interior_point");
    for (const r of [f64, f32]) assert.equal(r.status, "converged", `${p.name}: ${JSON.stringify(r)}`);
    return [p.name, p.least.replaceAll("*", "\\*"), verdict("f64", f64), verdict("f32", f32)];
  });
  checkTable("interior_point", ["problem", "least value", "f64", "f32"], rows);
});
