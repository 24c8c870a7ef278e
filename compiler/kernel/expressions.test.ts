/** Index arithmetic: what is simplified stays what it was, and bounds are what a value comes to. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { forEachNode } from "./affine.ts";
import {
  add,
  binary,
  coordinatesOf,
  div,
  int,
  knownBelow,
  linearIndex,
  local,
  max,
  min,
  mul,
  rem,
  upperBound,
} from "./expressions.ts";
import { interpretExpression } from "./interpret.ts";
import type { Expression } from "./ir.ts";

const size = fc.integer({ min: 1, max: 7 });
const seed = 20;

test("the bound of one operation is one more than its largest value", () => {
  const joins = [add, mul, min] as const;
  fc.assert(
    fc.property(size, size, fc.constantFrom(...joins), (x, y, join) => {
      const [a, b] = [local("int", "a", x), local("int", "b", y)];
      const largest = interpretExpression(
        binary(join === add ? "add" : join === mul ? "mul" : "min", a, b),
        "f64",
        new Map([
          [a.id, x - 1],
          [b.id, y - 1],
        ]),
      );
      assert.equal(upperBound(join(a, b)), Number(largest) + 1);
    }),
    { seed },
  );
  fc.assert(
    fc.property(size, size, (x, n) => {
      const a = local("int", "a", x);
      const values = Array.from({ length: x }, (_, i) => i);
      assert.equal(upperBound(div(a, int(n))), Math.max(...values.map((v) => Math.floor(v / n))) + 1);
      assert.equal(upperBound(rem(a, int(n))), Math.max(...values.map((v) => v % n)) + 1);
    }),
    { seed },
  );
});

/** An expression beside what it means, as JavaScript computes it. */
interface Tree {
  readonly text: string;
  readonly make: (locals: readonly Expression[]) => Expression;
  readonly value: (values: readonly number[]) => number;
}

const bounds = [5, 4, 6];
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.integer({ min: 0, max: 2 }).map((i): Tree => ({ text: `l${i}`, make: (l) => l[i]!, value: (v) => v[i]! })),
    fc
      .oneof(fc.integer({ min: 0, max: 9 }), fc.constantFrom(50_000, 2_000_000_000))
      .map((n): Tree => ({ text: `${n}`, make: () => int(n), value: () => n })),
    fc.tuple(fc.constantFrom("add", "mul", "min", "max", "sub"), tie("tree"), tie("tree")).map(([name, x, y]): Tree => {
      const compute = {
        add: (a: number, b: number) => (a + b) | 0,
        sub: (a: number, b: number) => (a - b) | 0,
        mul: Math.imul,
        min: Math.min,
        max: Math.max,
      }[name as "add" | "sub" | "mul" | "min" | "max"];
      return {
        text: `${name}(${x.text}, ${y.text})`,
        make: (l) => binary(name as "add", x.make(l), y.make(l)),
        value: (v) => compute(x.value(v), y.value(v)),
      };
    }),
    fc.tuple(fc.constantFrom("div", "rem"), tie("tree"), fc.integer({ min: 1, max: 9 })).map(
      ([name, x, n]): Tree => ({
        text: `${name}(max(${x.text}, 0), ${n})`,
        // The IR divides no negative numbers.
        make: (l) => binary(name as "div", max(x.make(l), int(0)), int(n)),
        value: (v) => (name === "div" ? Math.floor(Math.max(x.value(v), 0) / n) : Math.max(x.value(v), 0) % n),
      }),
    ),
  ),
}));

test("simplified index expressions have the values of the ones that were written, below their bounds", () => {
  fc.assert(
    fc.property(tree, (t) => {
      const locals = bounds.map((n, i) => local("int", `l${i}`, n));
      const e = t.make(locals);
      const bound = upperBound(e);
      for (const a of [0, 1, 4])
        for (const b of [0, 3])
          for (const c of [0, 2, 5]) {
            const values = [a, b, c];
            const found = Number(interpretExpression(e, "f64", new Map(locals.map((l, i) => [l.id, values[i]!]))));
            assert.equal(found + 0, t.value(values) + 0, `${t.text} at ${values}`);
            if (bound !== undefined)
              assert.ok(found >= 0 && found < bound, `${t.text} = ${found} is not below ${bound}`);
          }
    }),
    { seed, numRuns: 2000 },
  );
});

test("comparisons of index expressions come to what those of their values do", () => {
  const comparisons = ["eq", "ne", "lt", "le", "gt", "ge"] as const;
  const compare = (name: (typeof comparisons)[number], x: number, y: number) =>
    ({ eq: x === y, ne: x !== y, lt: x < y, le: x <= y, gt: x > y, ge: x >= y })[name];
  // Half of them of a tree and itself clamped: what a gather asks.
  fc.assert(
    fc.property(fc.constantFrom(...comparisons), tree, tree, fc.boolean(), (name, t, u, isClamp) => {
      const locals = bounds.map((n, i) => local("int", `l${i}`, n));
      const x = t.make(locals);
      const e = binary(name, x, isClamp ? max(min(x, int(4)), int(0)) : u.make(locals));
      for (const values of [
        [0, 0, 0],
        [4, 3, 5],
        [1, 2, 3],
      ]) {
        const found = interpretExpression(e, "f64", new Map(locals.map((l, i) => [l.id, values[i]!])));
        const [a, b] = [t.value(values), u.value(values)];
        const wanted = compare(name, a, isClamp ? Math.max(Math.min(a, 4), 0) : b);
        assert.equal(Boolean(found), wanted, `${name}(${t.text}, ${isClamp ? "clamped" : u.text}) at ${values}`);
      }
    }),
    { seed, numRuns: 2000 },
  );
});

test("a place of a part of an array, taken apart into coordinates and put together again, needs no division", () => {
  const side = fc.integer({ min: 1, max: 24 });
  fc.assert(
    fc.property(fc.array(side, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 300 }), (shape, length) => {
      const n = shape.reduce((p, d) => p * d, 1);
      const parts = Math.ceil(n / length);
      const [part, k] = [local("int", "part", parts), local("int", "k", Math.min(length, n))];
      const place = knownBelow(add(mul(part, int(length)), k), n);
      const again = linearIndex(coordinatesOf(place, shape), shape);
      forEachNode([again], (e) =>
        assert.ok(e.op !== "binary" || !["div", "rem"].includes(e.name), `${shape}: ${length}`),
      );
      for (const [p, i] of [
        [0, 0],
        [parts - 1, 0],
        [0, Math.min(length, n) - 1],
      ] as const) {
        const values = new Map([
          [part.id, p],
          [k.id, i],
        ]);
        assert.equal(interpretExpression(again, "f64", values), p * length + i);
      }
    }),
    { seed, numRuns: 2000 },
  );
});
