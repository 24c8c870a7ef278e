/** Which loads become one of a vector. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as ir from "../../kernel/expressions.ts";
import type { Expression, KernelArray, Statement } from "../../kernel/ir.ts";
import { prepare } from "../../kernel/prepare.ts";
import { foursOf } from "./fours.ts";

const x = ir.kernelArray("x", "real", 4096, "read");
const y = ir.kernelArray("y", "real", 4096, "both");
const i = ir.local("int", "i", 100);

const read = (array: KernelArray, index: Expression): Statement => ({
  op: "let",
  local: ir.local("real", "element"),
  value: ir.load(array, index),
});
const from = (array: KernelArray, first: Expression, places: readonly number[]): Statement[] =>
  places.map((n) => read(array, ir.add(first, ir.int(n))));

/** The component that each `let` of a load reads, in their order. */
function componentsIn(statements: readonly Statement[]): (number | undefined)[] {
  const fours = foursOf(statements);
  return statements.flatMap((s) => (s.op === "let" && s.value.op === "load" ? [fours.get(s)?.component] : []));
}

test("four loads side by side, in any order, from a multiple of four on", () => {
  const first = ir.mul(i, ir.int(12));
  assert.deepEqual(componentsIn(prepare(from(x, first, [5, 4, 7, 6]))), [1, 0, 3, 2]);
  assert.deepEqual(componentsIn(prepare(from(x, first, [0, 1, 2, 3, 4]))), [0, 1, 2, 3, undefined]);
});

test("not those that begin between two multiples of four, or of which one is missing", () => {
  const first = ir.mul(i, ir.int(12));
  assert.deepEqual(componentsIn(prepare(from(x, first, [1, 2, 3, 4]))), [undefined, undefined, undefined, undefined]);
  assert.deepEqual(componentsIn(prepare(from(x, first, [0, 1, 3]))), [undefined, undefined, undefined]);
});

test("not those of which it is not known where they begin", () => {
  const none = [undefined, undefined, undefined, undefined];
  assert.deepEqual(componentsIn(prepare(from(x, i, [0, 1, 2, 3]))), none);
  assert.deepEqual(componentsIn(prepare(from(x, ir.mul(i, ir.int(6)), [0, 1, 2, 3]))), none);
  assert.deepEqual(componentsIn(prepare(from(x, ir.div(ir.mul(i, ir.int(4)), ir.int(3)), [0, 1, 2, 3]))), none);
});

test("places are looked up where they have names", () => {
  const row = ir.local("int", "row", 400);
  const at = ir.local("int", "at", 4096);
  const statements: Statement[] = [
    { op: "let", local: row, value: ir.mul(ir.min(i, ir.int(7)), ir.int(20)) },
    { op: "let", local: at, value: ir.add(row, ir.mul(ir.rem(i, ir.int(3)), ir.int(4))) },
    ...from(x, at, [0, 1, 2, 3]),
  ];
  assert.deepEqual(componentsIn(statements), [0, 1, 2, 3]);
});

test("places that several arrays share have names of their own, in any order", () => {
  const at = ir.local("int", "at", 4000);
  const names = [1, 0, 3, 2].map((n) => ({ local: ir.local("int", `at${n}`, 4096), n }));
  const w = ir.kernelArray("w", "real", 4096, "read");
  const first: Statement = { op: "let", local: at, value: ir.mul(i, ir.int(4)) };
  const named = names.flatMap(({ local, n }): Statement[] => [
    ...(n === 0 ? [] : [{ op: "let", local, value: ir.add(at, ir.int(n)) } satisfies Statement]),
    read(x, n === 0 ? at : local),
    read(w, n === 0 ? at : local),
  ]);
  assert.deepEqual(componentsIn([first, ...named]), [1, 1, 0, 0, 3, 3, 2, 2]);
  const indices = [...foursOf([first, ...named]).values()].map(({ four }) => four.index);
  assert.ok(indices.every((index) => index === at));
});

test("not across places that change between the loads", () => {
  const row = ir.local("int", "row", 100);
  const at = ir.mul(row, ir.int(4));
  const begin: Statement = { op: "variable", local: row, value: i };
  const change: Statement = { op: "assign", local: row, value: ir.int(2) };
  assert.equal(foursOf([begin, ...from(x, at, [0, 1, 2, 3]), change]).size, 4);
  assert.equal(foursOf([begin, read(x, at), change, ...from(x, at, [1, 2, 3])]).size, 0);
});

test("not of arrays that are written, nor across lists of statements", () => {
  const first = ir.mul(i, ir.int(4));
  assert.deepEqual(componentsIn(from(y, first, [0, 1, 2, 3])), [undefined, undefined, undefined, undefined]);
  const inside: Statement = {
    op: "if",
    condition: ir.lt(i, ir.int(5)),
    then: from(x, first, [2, 3]),
    otherwise: [],
  };
  assert.equal(foursOf([...from(x, first, [0, 1]), inside]).size, 0);
});
