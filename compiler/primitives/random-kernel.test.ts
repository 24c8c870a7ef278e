/** Random numbers in Kernel IR: words, uniform numbers and integers bit for bit as the reference has them; gamma samples. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type NdArray, ndArray } from "../core/array.ts";
import { evaluationContext } from "../core/evaluate.ts";
import { compileFunction } from "../kernel/functions/testing.ts";
import type { Precision } from "../kernel/ir.ts";
import { lowerAndInterpret } from "../kernel/testing.ts";
import { randomNumbers } from "../kernel/testing-comparison.ts";
import { gammaSampleDerivative } from "./gamma-numerics.ts";
import { gammaSample } from "./random-gamma.ts";
import { gammaSampleDerivativeExpression, gammaSampleExpression } from "./random-gamma-kernel.ts";
import {
  bitsBelowPrimitive,
  bitsToUniformPrimitive,
  foldInPrimitive,
  scaleBits,
  threefryBlock,
  threefryPrimitive,
  threefryWords,
  type UniformKind,
  uniformExpression,
  uniformFromBits,
} from "./threefry.ts";

const precisions = ["f64", "f32"] as const;
const ends = [0, 1, -1, 2, 255, 65535, 65536, 2 ** 31 - 1, -(2 ** 31), 0x12345678];

function words(count: number, seed: number): number[] {
  const random = randomNumbers(seed);
  return [...ends, ...Array.from({ length: count }, () => Math.floor(random() * 2 ** 31))];
}

test("threefry's words are the reference's", () => {
  const random = words(4000, 1);
  for (const precision of precisions) {
    const halves = [0, 1].map((k) =>
      compileFunction((a, b, c, d) => threefryWords(a!, b!, c!, d!)[k]!, precision, ["int", "int", "int", "int"]),
    );
    const out = new Int32Array(2);
    for (let i = 0; i + 3 < random.length; i++) {
      const [k0, k1, c0, c1] = random.slice(i, i + 4) as [number, number, number, number];
      threefryBlock(k0, k1, c0, c1, out, 0);
      assert.deepEqual(
        halves.map((h) => h(k0, k1, c0, c1)),
        [...out],
        `${k0}, ${k1}, ${c0}, ${c1}`,
      );
    }
  }
});

test("uniform numbers are the reference's, bit for bit", () => {
  const random = words(6000, 2);
  for (const precision of precisions)
    for (const kind of ["unit", "open", "symmetric"] as const satisfies readonly UniformKind[]) {
      const f = compileFunction((hi, lo) => uniformExpression(hi!, lo!, kind, precision), precision, ["int", "int"]);
      for (let i = 0; i + 1 < random.length; i++) {
        const [hi, lo] = [random[i]!, random[i + 1]!];
        const x = f(hi, lo);
        assert.equal(x, uniformFromBits(hi, lo, kind, precision), `${kind} of ${hi}, ${lo} in ${precision}`);
        assert.ok(x < 1 && (kind === "unit" ? x >= 0 : kind === "open" ? x > 0 : x > -1 && x !== 0));
      }
    }
});

const bound = <P extends Readonly<Record<string, unknown>>>(
  primitive: Parameters<typeof lowerAndInterpret<P>>[0],
  inputs: readonly NdArray[],
  params: P,
  precision: Precision = "f64",
) => {
  const expected = primitive.evaluate(inputs, params, evaluationContext({ precision }));
  const found = lowerAndInterpret(primitive, inputs, params, precision);
  assert.deepEqual(
    found.map((x) => ({ ...x, data: [...x.data] })),
    expected.map((x) => ({ ...x, data: [...x.data] })),
    primitive.name,
  );
};

test("integers below a range: the same for all kinds of words and ranges", () => {
  const random = words(1500, 3);
  const n = random.length;
  const [hi, lo, range] = [0, 7, 13].map((shift) => random.map((_, i) => random[(i * 3 + shift) % n]!)) as [
    number[],
    number[],
    number[],
  ];
  const pairs = ndArray(
    "int",
    [n, 2],
    hi.flatMap((h, i) => [h, lo[i]!]),
  );
  bound(bitsBelowPrimitive, [pairs, ndArray("int", [n], range)], {});
  // Where a carry decides: the high word of a product just below and at a whole number.
  const carries = ends.flatMap((h) => ends.flatMap((l) => ends.map((r) => [h, l, r] as const)));
  bound(
    bitsBelowPrimitive,
    [
      ndArray(
        "int",
        [carries.length, 2],
        carries.flatMap((c) => c.slice(0, 2)),
      ),
      ndArray(
        "int",
        [carries.length],
        carries.map(([, , r]) => r),
      ),
    ],
    {},
  );
  for (const [h, l, r] of carries) {
    const unsigned = (x: number) => BigInt(x >>> 0);
    const product = ((unsigned(h) << 32n) | unsigned(l)) * unsigned(r);
    assert.equal(scaleBits(h, l, r), Number(BigInt.asIntN(32, product >> 64n)));
  }
});

test("blocks, keys and numbers of arrays of keys", () => {
  const keys = ndArray("int", [2, 3, 2], words(2, 4).slice(0, 12));
  for (const stream of [0, 2]) bound(threefryPrimitive, [keys], { count: 5, stream });
  bound(foldInPrimitive, [keys, ndArray("int", [2, 3], words(0, 5).slice(0, 6))], {});
  for (const precision of precisions)
    for (const kind of ["unit", "open", "symmetric"] as const)
      bound(bitsToUniformPrimitive, [keys], { kind }, precision);
});

const shapes = [1e-3, 0.02, 0.3, 0.75, 0.999, 1, 1.5, 3, 10, 150, 1e4];

/** The largest relative difference of a list of pairs. */
const farthest = (pairs: readonly (readonly [number, number])[]) =>
  pairs.reduce((most, [x, y]) => Math.max(most, Object.is(x, y) || x === y ? 0 : Math.abs(x - y) / Math.abs(y)), 0);

test("gamma samples are those of the reference to rounding", (t) => {
  for (const precision of precisions) {
    const f = compileFunction((a, b, x) => gammaSampleExpression(a!, b!, x!, precision), precision, [
      "int",
      "int",
      "real",
    ]);
    const round = precision === "f64" ? (x: number) => x : Math.fround;
    const random = words(400, 6);
    const [ordinary, small]: [[number, number][], [number, number][]] = [[], []];
    for (const shape of shapes)
      for (let i = 0; i + 1 < random.length; i++) {
        const alpha = round(shape);
        const expected = gammaSample(random[i]!, random[i + 1]!, alpha, precision);
        const found = f(random[i]!, random[i + 1]!, alpha);
        // Powers of large exponents may vanish in f32.
        if (precision === "f32" && expected < 2 ** -126) assert.ok(found <= 2 ** -125);
        else (shape < 0.1 ? small : ordinary).push([found, expected]);
      }
    const epsilon = precision === "f64" ? 2 ** -52 : 2 ** -23;
    const [a, b] = [farthest(ordinary) / epsilon, farthest(small) / epsilon];
    t.diagnostic(`${precision}: ${a.toFixed(1)} units, ${b.toFixed(1)} for small shapes`);
    assert.ok(a <= 64, `${a} units in ${precision}`);
    // u^(1 / alpha): the rounding of 1 / alpha is multiplied by log u / alpha.
    assert.ok(b <= 64, `${b} units for small shapes in ${precision}`);
    for (const alpha of [0, -1, Number.NaN, Number.NEGATIVE_INFINITY])
      assert.ok(Number.isNaN(f(1, 2, alpha)), `${alpha}`);
  }
});

test("derivatives of gamma samples are those of the reference", (t) => {
  for (const precision of precisions) {
    const f = compileFunction((a, z) => gammaSampleDerivativeExpression(a!, z!, precision), precision, [
      "real",
      "real",
    ]);
    const round = precision === "f64" ? (x: number) => x : Math.fround;
    const random = randomNumbers(8);
    const pairs: [number, number][] = [];
    for (const shape of [0.05, 0.3, 0.75, 1, 1.5, 3, 10, 80])
      for (let i = 0; i < 100; i++) {
        const alpha = round(shape * (1 + 0.01 * random()));
        const z = round(Math.max(alpha + 3 * Math.sqrt(alpha) * random(), 1e-3 * alpha));
        pairs.push([f(alpha, z), gammaSampleDerivative(alpha, z)]);
      }
    const off = farthest(pairs);
    t.diagnostic(`${precision}: ${off}`);
    assert.ok(off <= (precision === "f64" ? 1e-13 : 5e-5), `${off} in ${precision}`);
    const large: [number, number][] = [-2.5, -1, 0, 0.5, 2.5].map((s) => {
      const [alpha, z] = [2e5, round(2e5 + s * Math.sqrt(2e5))];
      return [f(alpha, z), gammaSampleDerivative(alpha, z)];
    });
    assert.ok(farthest(large) <= (precision === "f64" ? 1e-14 : 1e-6), `${farthest(large)} in ${precision}`);
    assert.equal(f(2, 0), 0);
    assert.equal(f(2, Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY);
    for (const [alpha, z] of [
      [0, 1],
      [-1, 1],
      [1, -1],
      [Number.NaN, 1],
      [1, Number.NaN],
    ] as const)
      assert.ok(Number.isNaN(f(alpha, z)), `${alpha}, ${z}`);
  }
});
