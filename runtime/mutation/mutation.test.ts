/** The mutation check on a tree of its own: which mistakes it makes, that tests notice them, and who is left. */
import assert from "node:assert/strict";
import test from "node:test";
import { temporaryFolder } from "../data/testing.ts";
import { type CheckResult, checkMutants, sampleOf } from "./check.ts";
import { findMutations } from "./operators.ts";
import { lineTable } from "./source-map.ts";
import { tableOf } from "./table.ts";

const shown = (text: string, statements = false) =>
  findMutations(text, { statements, exports: (_, name) => name !== "minimum" }).map((m) => `${m.kind}: ${m.shown}`);

test("operators of numbers: flipped, dropped, exchanged", () => {
  assert.deepEqual(shown("f(a - b * c);"), [
    "sign: a - b * c -> a + (b * c)",
    "order: a - b * c -> (b * c) - a",
    "term: a - b * c -> a",
    "term: a - b * c -> b * c",
    "factor: b * c -> b / c",
    "term: b * c -> b",
    "term: b * c -> c",
  ]);
  assert.deepEqual(shown("x += -y;"), ["sign: x += -y -> x -= -y", "sign: -y -> y"]);
  assert.deepEqual(shown("f(c ? a : b, { lower: true });"), [
    "choice: c ? a : b -> c ? b : a",
    "flag: lower: true -> false",
  ]);
});

test("functions of rules: replaced where their module has the other, with and without a builder before the operands", () => {
  const rules = 'import { add, maximum } from "./a.ts";\nimport * as ir from "./b.ts";\n';
  assert.deepEqual(shown(`${rules}add(b, x, y);`), [
    "sign: add(b, x, y) -> sub(b, x, y)",
    "term: add(b, x, y) -> x",
    "term: add(b, x, y) -> y",
  ]);
  assert.deepEqual(shown(`${rules}ir.sub(x, y);`), [
    "sign: ir.sub(x, y) -> ir.add(x, y)",
    "term: ir.sub(x, y) -> x",
    "term: ir.sub(x, y) -> y",
    "order: ir.sub(x, y) -> ir.sub(y, x)",
  ]);
  assert.deepEqual(shown(`${rules}maximum(b, x, y);`), [], "nothing exports minimum");
  assert.deepEqual(shown(`${rules}other(x - 1);`).length, 4);
});

test("messages and what throws are left alone; statements are dropped where that is asked for", () => {
  assert.deepEqual(shown('throw new Error("a" + (b - c));'), []);
  assert.deepEqual(shown("fail(`sum: $" + '{a - b}`); const text = "a" + b;'), []);
  assert.deepEqual(shown("store(x);", true), ["statement: store(x) -> nothing"]);
});

test("places in compiled text are lines of the source", () => {
  // Two segments on the first line, from lines 1 and 3, and one on the second, from line 2.
  const lineOf = lineTable("ab;cd;\nef;\n", "AAAA,GAEA;AADA");
  assert.deepEqual([0, 2, 3, 5, 7].map(lineOf), [1, 1, 3, 3, 2]);
});

test("a sample is a permutation that the seed decides", () => {
  const items = Array.from({ length: 50 }, (_, i) => i);
  const [one, again, two] = [sampleOf(items, 1), sampleOf(items, 1), sampleOf(items, 2)];
  assert.deepEqual(one, again);
  assert.notDeepEqual(one, two);
  assert.deepEqual(
    [...one].sort((a, b) => a - b),
    items,
  );
});

const tree = {
  "rule.ts": `const cache = new Map<string, number>();
export function slope(x: number, y: number): number {
  return 3 * x - y;
}
export function kept(x: number): number {
  if (!cache.has("k")) cache.set("k", x + 10);
  return cache.get("k")!;
}
export function endless(n: number): number {
  let i = 0;
  while (i < n) i += 2;
  return i;
}
export function unused(x: number): number {
  return x / 7;
}
`,
  "first.test.ts": `import assert from "node:assert/strict";
import { test } from "node:test";
import { kept } from "./rule.ts";
test("only looks", () => assert.ok(kept(1) !== undefined));
test("kept", () => assert.equal(kept(1), 11));
`,
  "second.test.ts": `import assert from "node:assert/strict";
import test from "node:test";
import { endless, slope } from "./rule.ts";
test("slope", () => assert.equal(slope(2, 0), 6));
test("endless", () => assert.equal(endless(4), 4));
test("fails anyway", () => assert.fail("as it is"));
`,
};

test("mutants are killed, also those of what is kept; the rest is told", { timeout: 120_000 }, async (t) => {
  const root = temporaryFolder(t, tree);
  const result: CheckResult = await checkMutants({
    root,
    mutated: [["rule.ts"]],
    tests: ["first.test.ts", "second.test.ts"],
    seed: 1,
    limit: 100_000,
    processes: 1,
    patience: { factor: 1, milliseconds: 1500 },
    wanted: ({ shown }) => !/^(i|n)\b/.test(shown) || shown.startsWith("i += 2"),
  });
  const fateOf = (text: string) => result.judged.find((j) => j.mutant.shown === text);
  assert.equal(fateOf("3 * x - y -> (3 * x) + y")?.fate, "survived", "the test has y = 0");
  assert.equal(fateOf("3 * x - y -> y")?.fate, "killed");
  assert.equal(fateOf("3 * x -> x")?.test, "second.test.ts: slope");
  assert.equal(fateOf("x + 10 -> x - 10")?.fate, "killed", "only the first test of the file runs the sum");
  assert.equal(fateOf("i += 2 -> i -= 2")?.message, "it never ended");
  assert.equal(fateOf("x / 7 -> x")?.fate, "not reached");
  assert.deepEqual(result.failing, ["second.test.ts: fails anyway"]);
  assert.equal(fateOf("3 * x -> 3 / x")?.mutant.line, 3);
  const table = tableOf([{ name: "rules", files: ["rule.ts"] }], result);
  assert.match(table, /^rules +\d+ +\d+ +\d+ +0 +\d+\.\d %$/m);
  assert.match(table, /rule\.ts:3 \(survived\) 3 \* x - y -> \(3 \* x\) \+ y/);
});
