/** Sines of angles of any size against true values, with pi to as many digits as the largest double needs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { randomNumbers } from "../testing-comparison.ts";
import { functionErrors } from "./errors.ts";
import { cos, sin, tan } from "./index.ts";
import { compileFunction } from "./testing.ts";
import * as reference from "./testing-reference.ts";

/** Digits after the point: as many as the largest double has before it, and enough for what is left then. */
const places = 1200n;

/** 2 pi 2^places, by Gauss's formula: pi / 4 is 12 atan(1/18) + 8 atan(1/57) - 5 atan(1/239). */
const turn = (() => {
  const guard = 64n;
  const inverseTangent = (n: bigint): bigint => {
    let [sum, power] = [0n, (1n << (places + guard)) / n];
    for (let i = 1n; power !== 0n; i += 2n) {
      sum += power / i;
      power = -power / (n * n);
    }
    return sum;
  };
  const quarter = 12n * inverseTangent(18n) + 8n * inverseTangent(57n) - 5n * inverseTangent(239n);
  return (8n * quarter) >> guard;
})();

/** The angle without its whole turns, rounded to the turn that is nearest. */
function withoutTurns(x: number): reference.Big {
  const { m, e } = reference.big(x);
  const scaled = e >= 0 ? m << (places + BigInt(e)) : (m << places) >> BigInt(-e);
  let rest = scaled % turn;
  if (2n * rest > turn) rest -= turn;
  if (2n * rest < -turn) rest += turn;
  // A product is rounded to as many digits as the true functions want.
  return reference.mul({ m: rest, e: -Number(places) }, reference.big(1));
}

/** By Kahan and others: the doubles and singles that are nearest to multiples of pi/2, beside what random numbers find. */
const nearest = {
  f64: [6381956970095103 * 2 ** 797, 6189806365883577 * 2 ** 20, 5319372648326541 * 2 ** 203],
  f32: [16367173 * 2 ** 72, 12390875 * 2 ** 43, 10453002 * 2 ** 67],
} as const;

for (const precision of ["f64", "f32"] as const) {
  const round = precision === "f64" ? (x: number) => x : Math.fround;
  const meanings = { sin, cos, tan };
  const truths: Readonly<Record<string, typeof reference.sin>> = {
    sin: reference.sin,
    cos: reference.cos,
    tan: reference.tan,
  };

  test(`sin, cos and tan of large angles in ${precision}`, (t) => {
    const random = randomNumbers(29);
    const [from, to] = precision === "f64" ? [38, 1023.99] : [16, 127.99];
    const sizes = Array.from({ length: 600 }, () => from + ((to - from) * (random() + 1)) / 2);
    const ends = [2 ** from, 2 ** (from + 2), precision === "f64" ? Number.MAX_VALUE : 3.4028234663852886e38];
    const angles = [...sizes.map((s) => 2 ** s), ...ends, ...nearest[precision]].map(round);
    for (const [name, meaning] of Object.entries(meanings)) {
      const f = compileFunction((x) => meaning(x, precision), precision);
      let [most, where] = [0, 0];
      for (const angle of angles.flatMap((x) => [x, -x])) {
        const exact = truths[name]!(withoutTurns(angle));
        const off = reference.errorInUnits(f(angle), exact, precision);
        if (!(off <= most)) [most, where] = [off, angle];
      }
      t.diagnostic(`${name}: ${most.toFixed(2)} units at ${where}`);
      assert.ok(most <= functionErrors[name as "sin"][precision], `${name}(${where}) is off by ${most} units`);
    }
  });

  test(`the two ways meet: every angle about where vectors end, in ${precision}`, () => {
    const end = precision === "f64" ? 2 ** 40 : 2 ** 17;
    const f = compileFunction((x) => sin(x, precision), precision);
    for (let i = -500; i <= 500; i++) {
      const x = round(end * (1 + i * (precision === "f64" ? 2 ** -52 : 2 ** -23)));
      const off = reference.errorInUnits(f(x), reference.sin(withoutTurns(x)), precision);
      assert.ok(off <= functionErrors.sin[precision], `sin(${x}) is off by ${off} units`);
    }
  });

  test(`infinities and NaN have no sine in ${precision}`, () => {
    const { POSITIVE_INFINITY: infinity, NaN: nan } = Number;
    for (const meaning of Object.values(meanings)) {
      const f = compileFunction((x) => meaning(x, precision), precision);
      for (const x of [infinity, -infinity, nan]) assert.ok(Number.isNaN(f(x)), String(x));
    }
  });
}
