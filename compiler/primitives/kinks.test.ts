/** The derivatives that are conventions: at kinks, ties, ends and zeros (language-notes, section 10). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ndArray } from "../core/array.ts";
import { type Atom, realLiteral } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { div, mul } from "./arithmetic.ts";
import { equal, greater } from "./comparison.ts";
import { cummax, cummin } from "./cumulative.ts";
import * as math from "./math.ts";
import { reduceMax, reduceMin } from "./reduce.ts";
import * as rounding from "./rounding.ts";
import { select } from "./select.ts";
import { apply, applyJvp, applyVjp, type Build, differentiated } from "./testing.ts";

const vector = (...values: number[]) => ndArray("real", [values.length], values);
const scalar = (value: number) => ndArray("real", [], [value]);
const plain = (values: ArrayLike<number>) => Array.from(values, (v) => v + 0);

/** The derivatives in each operand of an elementwise function, which forward and reverse mode must agree on. */
function slopes(build: Build, ...operands: number[][]): number[][] {
  const arrays = operands.map((v) => vector(...v));
  const ones = vector(...operands[0]!.map(() => 1));
  const reverse = applyVjp(
    build,
    arrays,
    arrays.map(() => true),
    [ones],
  ).map((g) => plain(g.data));
  arrays.forEach((_, i) => {
    const seeds = arrays.map((_, k) => (k === i ? ones : undefined));
    const forward = plain(applyJvp(build, arrays, seeds).tangents[0]!.data);
    assert.deepEqual(forward, reverse[i], "forward and reverse mode agree");
  });
  return reverse;
}

type Unary = (b: Emitter, x: Atom) => Atom;
const values = (f: Unary, ...x: number[]) => plain(apply((b, [a]) => [f(b, a!)], [vector(...x)])[0]!.data);
const slope = (f: Unary, ...x: number[]) => slopes((b, [a]) => [f(b, a!)], x)[0]!;

test("the derivative at the kink of abs, sign and relu is 0", () => {
  assert.deepEqual(slope(rounding.abs, -2, -0, 0, 2), [-1, 0, 0, 1]);
  assert.deepEqual(slope(rounding.sign, -2, 0, 2), [0, 0, 0]);
  assert.deepEqual(slope(math.relu, -2, 0, 2), [0, 0, 1]);
});

test("floor, ceil and round have derivative 0, at jumps too", () => {
  for (const f of [rounding.floor, rounding.ceil, rounding.round])
    assert.deepEqual(slope(f, -1, -0.5, 0, 0.5, 1.2), [0, 0, 0, 0, 0]);
});

test("clamp has slope 1 strictly inside and 0 elsewhere; the bound that is the result gets the rest", () => {
  const build: Build = (b, [x, lo, hi]) => [rounding.clamp(b, x!, lo!, hi!)];
  const x = [-2, -1, 0, 1, 2];
  const lo = x.map(() => -1);
  const hi = x.map(() => 1);
  assert.deepEqual(slopes(build, x, lo, hi), [
    [0, 0, 1, 0, 0],
    [1, 1, 0, 0, 0],
    [0, 0, 0, 1, 1],
  ]);
  assert.deepEqual(slopes(build, [5, 0, -5], [1, 1, 1], [-1, -1, -1]), [
    [0, 0, 0],
    [0, 0, 0],
    [1, 1, 1],
  ]);
});

test("max and min give half to each at a tie", () => {
  assert.deepEqual(
    slopes((b, [x, y]) => [rounding.maximum(b, x!, y!)], [1, 2, 3], [2, 2, 2]),
    [
      [0, 0.5, 1],
      [1, 0.5, 0],
    ],
  );
  assert.deepEqual(
    slopes((b, [x, y]) => [rounding.minimum(b, x!, y!)], [1, 2, 3], [2, 2, 2]),
    [
      [1, 0.5, 0],
      [0, 0.5, 1],
    ],
  );
});

test("reductions give a tie to the lowest index, over several axes in row-major order", () => {
  const x = ndArray("real", [2, 3], [1, 7, 7, 7, 0, 0]);
  const pull = (f: typeof reduceMax, axes: number[], ct: number[]) =>
    plain(
      applyVjp((b, [a]) => [f(b, a!, axes)], [x], [true], [ndArray("real", ct.length > 1 ? [ct.length] : [], ct)])[0]!
        .data,
    );
  assert.deepEqual(pull(reduceMax, [0, 1], [1]), [0, 1, 0, 0, 0, 0]);
  assert.deepEqual(pull(reduceMin, [0, 1], [1]), [0, 0, 0, 0, 1, 0]);
  assert.deepEqual(pull(reduceMax, [1], [1, 2]), [0, 1, 0, 2, 0, 0]);
  assert.deepEqual(pull(reduceMin, [0], [1, 2, 3]), [1, 0, 0, 0, 2, 3]);
});

test("running extrema give a tie to the lowest index, in both directions", () => {
  const x = vector(2, 2, 1, 2);
  const pull = (f: typeof cummax, backwards: boolean) =>
    plain(applyVjp((b, [a]) => [f(b, a!, 0, backwards)], [x], [true], [vector(1, 10, 100, 1000)])[0]!.data);
  assert.deepEqual(pull(cummax, false), [1111, 0, 0, 0]);
  assert.deepEqual(pull(cummax, true), [1, 10, 0, 1100]);
  assert.deepEqual(pull(cummin, false), [11, 0, 1100, 0]);
  assert.deepEqual(pull(cummin, true), [0, 0, 111, 1000]);
});

const zero = realLiteral(0);
const safeRoot: Unary = (b, x) => select(b, greater(b, x, zero), math.sqrt(b, x), zero);
const safeLog: Unary = (b, x) => select(b, equal(b, x, zero), zero, mul(b, x, math.log(b, x)));
const sinc: Unary = (b, x) => select(b, equal(b, x, zero), realLiteral(1), div(b, math.sin(b, x), x));

test("where: a non-finite partial of the side not taken never poisons, in forward mode to second order", () => {
  assert.deepEqual(values(differentiated(safeRoot), 0, 4), [0, 0.25]);
  assert.deepEqual(values(safeLog, 0, 1), [0, 0]);
  assert.deepEqual(values(differentiated(safeLog), 0, 1), [0, 1]);
  assert.deepEqual(values(differentiated(differentiated(safeLog)), 0, 1), [0, 1]);
  assert.deepEqual(values(differentiated(differentiated(sinc)), 0), [0]);
});

test("where: nor in reverse mode, where a cotangent 0 meets an infinite partial", () => {
  assert.deepEqual(slope(safeRoot, 0, 4), [0, 0.25]);
  assert.deepEqual(slope(safeLog, 0, 1), [0, 1]);
  assert.deepEqual(slope(sinc, 0), [0]);
});

test("the cotangent of the side not taken is exactly 0", () => {
  const c = ndArray("bool", [2], [1, 0]);
  const [gx, gy] = applyVjp(
    (b, [m, x, y]) => [select(b, m!, x!, y!)],
    [c, vector(1, 2), vector(3, 4)],
    [false, true, true],
    [vector(Number.NaN, Number.POSITIVE_INFINITY)],
  );
  assert.deepEqual([...gx!.data], [Number.NaN, 0]);
  assert.deepEqual([...gy!.data], [0, Number.POSITIVE_INFINITY]);
});

test("the norm at 0 has derivatives 0 of every order", () => {
  const x = vector(0, 0);
  const build: Build = (b, [a]) => [math.norm(b, a!, [0])];
  assert.deepEqual(plain(applyVjp(build, [x], [true], [scalar(1)])[0]!.data), [0, 0]);
  assert.deepEqual(plain(applyJvp(build, [x], [vector(1, 1)]).tangents[0]!.data), [0]);
  const alone: Unary = (b, a) => math.norm(b, a, []);
  assert.deepEqual(values(differentiated(alone), -3, 0, 3), [-1, 0, 1]);
  assert.deepEqual(values(differentiated(differentiated(alone)), 0), [0]);
  assert.deepEqual(values(alone, Number.NaN), [Number.NaN]);
  assert.deepEqual(
    slopes((b, [p, q]) => [math.hypot(b, p!, q!)], [0, 3], [0, 4]),
    [
      [0, 0.6],
      [0, 0.8],
    ],
  );
});

test("sqrt has slope inf at 0", () => {
  assert.deepEqual(slope(math.sqrt, 0, 4), [Number.POSITIVE_INFINITY, 0.25]);
});

test("extrema propagate NaN", () => {
  const nan = Number.NaN;
  const both = (f: typeof rounding.maximum) =>
    apply((b, [x, y]) => [f(b, x!, y!)], [vector(nan, 1), vector(1, nan)])[0]!;
  assert.deepEqual([...both(rounding.maximum).data], [nan, nan]);
  assert.deepEqual([...both(rounding.minimum).data], [nan, nan]);
  assert.deepEqual(values(math.relu, nan), [nan]);
  assert.deepEqual(
    values((b, x) => rounding.clamp(b, x, realLiteral(0), realLiteral(1)), nan),
    [nan],
  );
  assert.deepEqual(
    values((b, x) => cummax(b, x, 0), 1, nan, 2),
    [1, nan, nan],
  );
});

test("a norm whose squares overflow has no finite derivative, one whose squares vanish is at 0", () => {
  const lengthOf: Build = (b, [a]) => [math.norm(b, a!, [0])];
  const derivatives = (x: readonly number[]) => {
    const [value] = apply(lengthOf, [vector(...x)]);
    const [reverse] = applyVjp(lengthOf, [vector(...x)], [true], [scalar(1)]);
    const forward = x.map((_, i) => {
      const seed = vector(...x.map((_, k) => (k === i ? 1 : 0)));
      return applyJvp(lengthOf, [vector(...x)], [seed]).tangents[0]!.data[0]! + 0;
    });
    return { value: value!.data[0]! + 0, forward, reverse: plain(reverse!.data) };
  };
  const [first, second] = derivatives([6e153, 8e153]).forward as [number, number];
  assert.ok(Math.abs(first - 0.6) < 1e-15 && Math.abs(second - 0.8) < 1e-15, "squares that are held");
  assert.deepEqual(derivatives([0, 0]), { value: 0, forward: [0, 0], reverse: [0, 0] });
  assert.deepEqual(derivatives([1e-170, 1e-170]), { value: 0, forward: [0, 0], reverse: [0, 0] });
  for (const x of [
    [1e200, -1e200],
    [1e200, 0],
    [Infinity, 1],
  ]) {
    const { value, forward, reverse } = derivatives(x);
    assert.equal(value, Infinity);
    for (const d of [forward, reverse]) assert.ok(!d.some(Number.isFinite), `${x}: ${d}`);
  }
});
