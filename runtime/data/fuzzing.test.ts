/** Hostile bytes, as programs and as data: a size for every run. `npm run fuzz` tries more. */
import assert from "node:assert/strict";
import test from "node:test";
import { fuzzInputs, reproduce } from "./fuzzing.ts";

const seed = Number(process.env.FUZZ_SEED ?? 90_001);

test("mutated programs and data files give results or diagnostics", () => {
  const { failures, inputs } = fuzzInputs(150_000, seed);
  assert.deepEqual(failures, [], `seed ${seed}`);
  assert.ok(inputs > 100, `${inputs}`);
});

test("a seed makes the same input again", () => {
  for (const kind of ["program", "data"] as const)
    for (let s = 1; s <= 20; s++) assert.deepEqual(reproduce(kind, s), reproduce(kind, s));
});
