/** Which loads the invocations of a quad share. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as ir from "../../kernel/expressions.ts";
import type { Expression, Loop, Statement } from "../../kernel/ir.ts";
import { prepare } from "../../kernel/prepare.ts";
import { foursOf } from "./fours.ts";
import { printKernel } from "./kernel.ts";
import { quadsOf } from "./quads.ts";

const x = ir.kernelArray("x", "real", 65_536, "read");
const y = ir.kernelArray("y", "real", 4096, "write");

/** Sums of four elements from each place on, in one place of `y`. */
const body = (at: Expression, places: readonly Expression[]): Statement[] => {
  const total = ir.local("real", "total");
  const reads = places.flatMap((first) =>
    [0, 1, 2, 3].map((n): readonly [ReturnType<typeof ir.local>, Expression] => [
      ir.local("real", "element"),
      ir.load(x, ir.add(first, ir.int(n))),
    ]),
  );
  return [
    { op: "variable", local: total, value: ir.real(0) },
    ...reads.map(([local, value]): Statement => ({ op: "let", local, value })),
    ...reads.map(([local]): Statement => ({ op: "assign", local: total, value: ir.add(total, local) })),
    { op: "store", array: y, index: at, value: total },
  ];
};

const gridOf = (count: number, statements: (place: Expression) => readonly Statement[]): Loop =>
  ir.loop("place", count, "independent", (place) => [...statements(place)]);

/** Of each four that is read, who of a quad reads it; undefined where each invocation reads it for itself. */
function readersIn(grid: Loop, count = 64): (number | undefined)[] {
  const statements = prepare(grid.body);
  const fours = foursOf(statements);
  const quads = quadsOf({ index: grid.index, count, body: statements }, fours);
  return [...new Set([...fours.values()].map((c) => c.four))].map((four) => quads?.members.get(four)?.reader);
}

const rows = (place: Expression, places: readonly number[], each = 4): Statement[] => {
  const row = ir.mul(ir.div(place, ir.int(each)), ir.int(128));
  return body(
    place,
    places.map((n) => ir.add(row, ir.int(n))),
  );
};

test("four fours that neighbours read alike, at any places", () => {
  assert.deepEqual(readersIn(gridOf(64, (place) => rows(place, [0, 32, 64, 96]))), [0, 1, 2, 3]);
  assert.deepEqual(readersIn(gridOf(64, (place) => rows(place, [0, 4, 64, 100]))), [0, 1, 2, 3]);
  assert.deepEqual(readersIn(gridOf(64, (place) => rows(place, [0, 4, 8, 12], 16))), [0, 1, 2, 3]);
});

test("what is left of them each reads for itself", () => {
  const readers = readersIn(gridOf(64, (place) => rows(place, [0, 4, 8, 12, 16, 20])));
  assert.deepEqual(readers, [0, 1, 2, 3, undefined, undefined]);
});

test("not what differs in a quad, nor where a quad may end in the middle", () => {
  const none = [undefined, undefined, undefined, undefined];
  const places = [0, 4, 8, 12];
  assert.deepEqual(readersIn(gridOf(64, (place) => rows(place, places, 2))), none);
  assert.deepEqual(readersIn(gridOf(64, (place) => rows(place, places, 6))), none);
  const own = (place: Expression) =>
    body(
      place,
      places.map((n) => ir.add(ir.mul(place, ir.int(16)), ir.int(n))),
    );
  assert.deepEqual(readersIn(gridOf(64, own)), none);
  assert.deepEqual(
    readersIn(
      gridOf(62, (place) => rows(place, places)),
      62,
    ),
    none,
  );
});

test("in loops that all four go round, and in no others, nor in branches", () => {
  const none = [undefined, undefined, undefined, undefined];
  const looped = (count: (place: Expression) => Expression) =>
    gridOf(64, (place) => [
      ir.loop("step", count(place), "serial", (step) =>
        rows(place, [0, 4, 8, 12]).map((s) =>
          s.op === "let" && s.value.op === "load"
            ? { ...s, value: ir.load(x, ir.add(ir.mul(step, ir.int(1024)), s.value.index)) }
            : s,
        ),
      ),
    ]);
  assert.deepEqual(readersIn(looped(() => ir.int(8))), [0, 1, 2, 3]);
  assert.deepEqual(readersIn(looped((place) => ir.add(ir.div(place, ir.int(8)), ir.int(1)))), [0, 1, 2, 3]);
  assert.deepEqual(readersIn(looped((place) => ir.add(place, ir.int(1)))), none);
  const branch = gridOf(64, (place) => [
    { op: "if", condition: ir.lt(place, ir.int(7)), then: rows(place, [0, 4, 8, 12]), otherwise: [] },
  ]);
  assert.deepEqual(readersIn(branch), none);
});

test("each reads one, and has the others handed", () => {
  const grid = gridOf(64, (place) => rows(place, [0, 32, 64, 96]));
  const kernel = { name: "rows", description: "", arrays: [x, y], grid, span: undefined };
  const { text } = printKernel(kernel as Parameters<typeof printKernel>[0], [0, 0], {
    readsFours: true,
    readsInQuads: true,
  });
  assert.match(text, /^enable subgroups;$/m);
  assert.equal(text.match(/= load_four_x\(/g)?.length, 1);
  assert.match(text, /let own_four = load_four_x\(x_start, .*lane_of_quad \* 32.*\);/);
  for (const n of [0, 1, 2, 3]) assert.ok(text.includes(`quadBroadcast(own_four, ${n}u)`), text);
  const { text: alone } = printKernel(kernel as Parameters<typeof printKernel>[0], [0, 0], { readsFours: true });
  assert.doesNotMatch(alone, /subgroups|quadBroadcast/);
});
