/** Powers by kind of exponent: values and derivatives at 0 and below it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ndArray } from "../core/array.ts";
import { type Atom, realLiteral } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { integerPower, pow, powPrimitive } from "./math.ts";
import { apply, applyJvp, applyVjp, assertClose, differentiated } from "./testing.ts";

const vector = (...values: number[]) => ndArray("real", [values.length], values);
const values = (f: (b: Emitter, x: Atom) => Atom, ...x: number[]) =>
  Array.from(apply((b, [a]) => [f(b, a!)], [vector(...x)])[0]!.data, (v) => v + 0);

/** Value and first three derivatives of x^n at 0 and at -2. */
function tower(n: number): number[][] {
  let f = (b: Emitter, x: Atom) => pow(b, x, realLiteral(n));
  const rows: number[][] = [];
  for (let order = 0; order < 4; order++) {
    rows.push(values(f, 0, -2));
    f = differentiated(f);
  }
  return rows;
}

test("whole exponents are right at 0 and below, to third order", () => {
  const zero = [0, 0];
  assert.deepEqual(tower(0), [[1, 1], zero, zero, zero]);
  assert.deepEqual(tower(1), [[0, -2], [1, 1], zero, zero]);
  assert.deepEqual(tower(2), [[0, 4], [0, -4], [2, 2], zero]);
  assert.deepEqual(tower(3), [
    [0, -8],
    [0, 12],
    [0, -12],
    [6, 6],
  ]);
  const [value, first, second] = tower(-1);
  assert.deepEqual([value![1], first![1], second![1]], [-0.5, -0.25, -0.25]);
});

test("a real constant exponent: NaN below 0, the true slope at 0", () => {
  const root = (b: Emitter, x: Atom) => pow(b, x, realLiteral(0.5));
  const steep = (b: Emitter, x: Atom) => pow(b, x, realLiteral(1.5));
  assert.deepEqual(values(root, -1, 0, 4), [Number.NaN, 0, 2]);
  assert.deepEqual(values(differentiated(root), 0, 4), [Number.POSITIVE_INFINITY, 0.25]);
  assert.deepEqual(values(differentiated(steep), 0, 4), [0, 3]);
});

test("a variable exponent: 0^0 is 1, the slope in y is 0 at x = 0, all in both modes", () => {
  const x = vector(0, 0, 0, 0, 2, -2, -2, 1);
  const y = vector(0, 0.5, 1, 2, 3, 3, 0.5, Number.POSITIVE_INFINITY);
  const build = (b: Emitter, [p, q]: readonly Atom[]) => [pow(b, p!, q!)];
  const nan = Number.NaN;
  assert.deepEqual([...apply(build, [x, y])[0]!.data], [1, 0, 0, 0, 8, -8, nan, 1]);
  const [gx, gy] = applyVjp(build, [x, y], [true, true], [vector(...x.data.map(() => 1))]);
  assert.deepEqual([...gx!.data].slice(0, 7), [0, Number.POSITIVE_INFINITY, 1, 0, 12, 12, nan]);
  assertClose("slope in y", [...gy!.data].slice(0, 5), [0, 0, 0, 0, 8 * Math.LN2], 1e-15);
  assert.deepEqual([...gy!.data].slice(5, 7), [nan, nan]);
  const ones = vector(...x.data.map(() => 1));
  assert.deepEqual([...applyJvp(build, [x, y], [ones, undefined]).tangents[0]!.data], [...gx!.data]);
  assert.deepEqual([...applyJvp(build, [x, y], [undefined, ones]).tangents[0]!.data], [...gy!.data]);
});

test("second derivatives in a variable exponent's base are right at 0", () => {
  const square = (b: Emitter, x: Atom) => b.emit(powPrimitive, [x, realLiteral(2)], {})[0]!;
  assert.deepEqual(values(differentiated(differentiated(square)), 0, -1), [2, 2]);
});

test("powers of ints wrap", () => {
  const f = (n: number) => [
    ...apply((b, [x]) => [integerPower(b, x!, n)], [ndArray("int", [3], [-3, 2, 46341])])[0]!.data,
  ];
  assert.deepEqual(f(0), [1, 1, 1]);
  assert.deepEqual(f(2), [9, 4, Math.imul(46341, 46341)]);
  const wrapped = (x: bigint) => Number(BigInt.asIntN(32, x ** 31n));
  assert.deepEqual(f(31), [wrapped(-3n), wrapped(2n), wrapped(46341n)]);
});
