/**
 * Every primitive of this folder has a property-test case. Lists of primitives are found by their name
 * (`...Primitives`), lists of cases by theirs (`...Cases`, in files named `*.cases.ts`).
 */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import type { Primitive } from "../core/primitive.ts";
import { type InstanceCase, instancesOf, type PrimitiveCase, traceFunction } from "./testing.ts";

/** The arrays that the files export under names with the given ending. */
async function exportedLists(files: readonly string[], ending: string): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const file of files) {
    const exports: Readonly<Record<string, unknown>> = await import(`./${file}`);
    for (const [name, value] of Object.entries(exports))
      if (name.endsWith(ending) && Array.isArray(value)) found.push(...value);
  }
  return found;
}

const files = readdirSync(import.meta.dirname).filter((f) => f.endsWith(".ts") && !f.endsWith(".test.ts"));

test("every primitive is covered by a case", async () => {
  const sources = files.filter((f) => !f.endsWith(".cases.ts") && !f.startsWith("testing"));
  const primitives = (await exportedLists(sources, "Primitives")) as Primitive[];
  const cases = (await exportedLists(
    files.filter((f) => f.endsWith(".cases.ts")),
    "Cases",
  )) as (PrimitiveCase | InstanceCase)[];
  const covered = new Set<Primitive>();
  for (const testCase of cases)
    for (const { build, operands } of fc.sample(instancesOf(testCase), { seed: 1, numRuns: 20 }))
      for (const equation of traceFunction(build, operands).equations) covered.add(equation.primitive);
  const names = new Set(primitives.filter((p) => !covered.has(p)).map((p) => p.name));
  assert.deepEqual([...names].sort(), []);
});

test("every primitive has a lowering, and those of this folder become loops", async () => {
  const primitives = (await exportedLists(files, "Primitives")) as Primitive[];
  const unfit = primitives.filter((p) => !["map", "reduce", "routine", "product"].includes(p.lower.kind));
  assert.deepEqual(
    unfit.map((p) => p.name),
    [],
  );
});

test("no two primitives share a name", async () => {
  const primitives = new Set((await exportedLists(files, "Primitives")) as Primitive[]);
  const names = [...primitives].map((p) => p.name);
  assert.deepEqual(
    names.filter((n, i) => names.indexOf(n) !== i),
    [],
  );
});
