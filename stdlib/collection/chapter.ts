/** Compares a collection's outcomes with its table in spec/library-smooth.md; `UPDATE=1` writes the table anew. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import test from "node:test";
import {
  type Collection,
  type Outcome,
  type Precision,
  readTable,
  regressions,
  runProblem,
  type Solver,
  tableOf,
} from "./table.ts";

const chapter = new URL("../../spec/library-smooth.md", import.meta.url);

/** A column of a table. */
export function solver(form: Solver["form"], call: string, precision: Precision = "f64", start = "start"): Solver {
  return { form, call, precision, start };
}

/** The text of a module of this folder. */
export function moduleText(module: string): string {
  return readFileSync(new URL(`${module}.opt`, import.meta.url), "utf8");
}

/** The problems of a module, in its order: names, and whether they take a number of unknowns. */
export function namesIn(module: string): readonly (readonly [name: string, sized: boolean])[] {
  return [...moduleText(module).matchAll(/^fn (\w+)(\[n\])?\(\)/gm)].map((m) => [m[1]!, m[2] !== undefined] as const);
}

const blockOf = (module: string) => new RegExp(`(<!-- ${module} -->\n)([\\s\\S]*?)(\n<!-- end -->)`);

/** The table of a collection, as the chapter has it. */
export function chapterTable(module: string): string {
  const found = blockOf(module).exec(readFileSync(chapter, "utf8"))?.[2];
  assert.ok(found !== undefined, `spec/library-smooth.md has no table for ${module}`);
  return found;
}

/** Declares the tests of a collection: none of its solvers does worse than the chapter says. */
export function testCollection(collection: Collection): void {
  const measured: (readonly (Outcome | null)[])[] = [];

  test(`${collection.module}: solvers do as well as the chapter says`, () => {
    for (const problem of collection.problems) measured.push(runProblem(collection, problem));
    const known = chapterTable(collection.module);
    if (process.env.UPDATE === "1") {
      const table = tableOf(collection, measured);
      const text = readFileSync(chapter, "utf8");
      writeFileSync(
        chapter,
        text.replace(blockOf(collection.module), (_, open, __, close) => `${open}${table}${close}`),
      );
    } else assert.deepEqual(regressions(collection, readTable(known), measured), []);
  });

  test(`${collection.module}: some solver reaches a known minimum of every problem`, () => {
    assert.equal(measured.length, collection.problems.length);
    measured.forEach((row, i) => {
      assert.ok(
        row.some((outcome) => (outcome?.minimum ?? 0) > 0),
        collection.problems[i]!.name,
      );
    });
  });
}
