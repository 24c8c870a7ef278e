/** The side that a `select` did not take stays out of a gradient, even where its partials are infinite. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ndArray } from "../core/array.ts";
import { realLiteral } from "../core/graph.ts";
import { add, mul } from "../primitives/arithmetic.ts";
import { equal, greater } from "../primitives/comparison.ts";
import * as math from "../primitives/math.ts";
import { reduceSum } from "../primitives/reduce.ts";
import { maximum } from "../primitives/rounding.ts";
import { select } from "../primitives/select.ts";
import { applyVjp, type Build } from "../primitives/testing.ts";

const zero = realLiteral(0);
const rows = ndArray("real", [2, 2], [0, 0, 3, 4]);

function pulledBack(f: Build, x: ReturnType<typeof ndArray>, cotangent: ReturnType<typeof ndArray>): number[] {
  return Array.from(applyVjp(f, [x], [true], [cotangent])[0]!.data, (v) => Math.round(v * 1e12) / 1e12 + 0);
}

test("a norm by rows that is zero where a row is", () => {
  const f: Build = (b, [x]) => {
    const s = reduceSum(b, mul(b, x!, x!), [1]);
    return [select(b, greater(b, s, zero), math.sqrt(b, s), zero)];
  };
  assert.deepEqual(pulledBack(f, rows, ndArray("real", [2], [1, 1])), [0, 0, 0.6, 0.8]);
});

test("a mask moves with the elements it marks", () => {
  const f: Build = (b, [x]) => {
    const s = reduceSum(b, math.sqrt(b, x!), [1]);
    return [select(b, greater(b, s, zero), s, zero)];
  };
  assert.deepEqual(pulledBack(f, rows, ndArray("real", [2], [1, 1])).slice(0, 2), [0, 0]);
});

test("the larger of a root and one", () => {
  const f: Build = (b, [x]) => [maximum(b, math.sqrt(b, x!), realLiteral(1))];
  assert.deepEqual(pulledBack(f, rows, ndArray("real", [2, 2], [1, 1, 1, 1])), [0, 0, 0.288675134595, 0.25]);
});

test("a value used twice is masked only where both uses are", () => {
  const f: Build = (b, [x]) => {
    const r = math.sqrt(b, x!);
    return [select(b, equal(b, x!, zero), zero, add(b, mul(b, r, r), r))];
  };
  assert.deepEqual(pulledBack(f, ndArray("real", [2], [0, 4]), ndArray("real", [2], [1, 1])), [0, 1.25]);
  const both: Build = (b, [x]) => {
    const r = math.sqrt(b, x!);
    return [add(b, select(b, equal(b, x!, zero), zero, r), r)];
  };
  assert.deepEqual(pulledBack(both, ndArray("real", [2], [0, 4]), ndArray("real", [2], [1, 1])), [
    Number.POSITIVE_INFINITY,
    0.5,
  ]);
});

test("a scalar spread over an array gets the sum over the elements taken, once", () => {
  const c = ndArray("bool", [3], [1, 0, 1]);
  const f: Build = (b, [m, s, x]) => [select(b, m!, mul(b, s!, x!), zero)];
  const [gs, gx] = applyVjp(
    f,
    [c, ndArray("real", [], [2]), ndArray("real", [3], [3, Number.POSITIVE_INFINITY, 5])],
    [false, true, true],
    [ndArray("real", [3], [1, 1, 10])],
  );
  assert.deepEqual([...gs!.data], [53]);
  assert.deepEqual([...gx!.data], [2, 0, 20]);
});

test("a zero that came about by arithmetic gets no protection", () => {
  const f: Build = (b, [x]) => {
    const r = math.sqrt(b, x!);
    return [mul(b, r, r)];
  };
  assert.deepEqual(pulledBack(f, ndArray("real", [1], [0]), ndArray("real", [1], [1])), [Number.NaN]);
});
