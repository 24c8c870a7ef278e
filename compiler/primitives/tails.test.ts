/** Functions and their derivatives far out keep their digits: against mpmath 1.3, 400 digits, rounded to f64. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ndArray } from "../core/array.ts";
import type { Atom } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import * as math from "./math.ts";
import { apply, differentiated } from "./testing.ts";

type Unary = (b: Emitter, x: Atom) => Atom;

/** Argument, then value and derivatives. */
const rows: readonly (readonly [string, Unary, number, readonly number[]])[] = [
  ["softplus", math.softplus, -40, [4.248354255291589e-18, 4.248354255291589e-18, 4.248354255291589e-18]],
  ["softplus", math.softplus, 40, [40, 1, 4.248354255291589e-18, -4.248354255291589e-18]],
  ["softplus", math.softplus, 300, [300, 1, 5.148200222412013e-131, -5.148200222412013e-131]],
  ["softplus", math.softplus, -800, [0, 0, 0, 0]],
  ["softplus", math.softplus, 800, [800, 1, 0, 0]],
  ["sigmoid", math.sigmoid, -40, [4.248354255291589e-18, 4.248354255291589e-18, 4.248354255291589e-18]],
  ["sigmoid", math.sigmoid, 40, [1, 4.248354255291589e-18, -4.248354255291589e-18]],
  ["sigmoid", math.sigmoid, 800, [1, 0, 0]],
  ["gelu", math.gelu, -10, [-7.619853024160526e-23, -7.618400096464814e-22, -7.540706654172292e-21]],
  ["gelu", math.gelu, -3, [-0.0040496940948902835, -0.011945647204183927, -0.03102293888356605]],
  ["gelu", math.gelu, 10, [10, 1, -7.540706654172292e-21]],
  ["expm1", math.expm1, -50, [-1, 1.9287498479639178e-22, 1.9287498479639178e-22]],
  ["log1p", math.log1p, 1e-20, [1e-20, 1, -1]],
  ["log1p", math.log1p, 1e10, [23.025850930040455, 9.999999999e-11, -9.999999998e-21]],
  ["tanh", math.tanh, 400, [1, 0, 0]],
  ["erf", math.erf, 40, [1, 0, 0]],
];

for (const [name, f, x, expected] of rows)
  test(`${name} at ${x}`, () => {
    let g = f;
    for (const [order, value] of expected.entries()) {
      const found = apply((b, [a]) => [g(b, a!)], [ndArray("real", [], [x])])[0]!.data[0]!;
      // The difference of sigmoids in a third derivative may lose a digit.
      const off = Math.abs(found - value);
      assert.ok(off <= 2e-14 * Math.abs(value), `derivative ${order} is ${found}, not ${value}`);
      g = differentiated(g);
    }
  });
