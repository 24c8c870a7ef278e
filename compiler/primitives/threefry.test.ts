import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ndArray } from "../core/array.ts";
import { intLiteral } from "../core/graph.ts";
import { apply } from "./testing.ts";
import { bitsToUniform, foldIn, keyOfSeed, scaleBits, threefry, threefryBlock, uniformFromBits } from "./threefry.ts";

const seed = 20240615;
const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const hex = (x: number) => (x >>> 0).toString(16).padStart(8, "0");

test("the known answers of the Random123 distribution (threefry2x32, 20 rounds)", () => {
  const cases = [
    { counter: [0, 0], key: [0, 0], expected: ["6b200159", "99ba4efe"] },
    { counter: [0xffffffff, 0xffffffff], key: [0xffffffff, 0xffffffff], expected: ["1cb996fc", "bb002be7"] },
    { counter: [0x243f6a88, 0x85a308d3], key: [0x13198a2e, 0x03707344], expected: ["c4923a9c", "483df7a0"] },
  ] as const;
  for (const { counter, key, expected } of cases) {
    const out = new Int32Array(2);
    threefryBlock(key[0] | 0, key[1] | 0, counter[0] | 0, counter[1] | 0, out, 0);
    assert.deepEqual([hex(out[0]!), hex(out[1]!)], expected);
  }
});

test("the counter layout: draws are (0, i), fold_in is (1, i)", () => {
  const key = ndArray("int", [2], [0x13198a2e, 0x03707344]);
  const [blocks, folded] = apply((b, [k]) => [threefry(b, k!, 4), foldIn(b, k!, intLiteral(-7))], [key]);
  const out = new Int32Array(2);
  for (let i = 0; i < 4; i++) {
    threefryBlock(key.data[0]!, key.data[1]!, 0, i, out, 0);
    assert.deepEqual(Array.from(blocks!.data.slice(2 * i, 2 * i + 2)), Array.from(out));
  }
  threefryBlock(key.data[0]!, key.data[1]!, 1, -7, out, 0);
  assert.deepEqual(Array.from(folded!.data), Array.from(out));
  assert.deepEqual(Array.from(keyOfSeed(7).data), [0, 7]);
});

test("the prefix of a stream does not depend on its length", () => {
  const [short, long] = apply((b, [k]) => [threefry(b, k!, 3), threefry(b, k!, 30)], [keyOfSeed(1)]);
  assert.deepEqual(short!.data, long!.data.slice(0, 6));
});

test("numbers from bits stay in their intervals, are exact, and agree between the precisions", () => {
  const corners = fc.constantFrom(0, -1, 1, 2 ** 31 - 1, -(2 ** 31));
  const words = fc.oneof(word, corners);
  fc.assert(
    fc.property(words, words, (hi, lo) => {
      for (const kind of ["unit", "open", "symmetric"] as const) {
        const x = uniformFromBits(hi, lo, kind, "f64");
        const y = uniformFromBits(hi, lo, kind, "f32");
        assert.equal(Math.fround(y), y);
        assert.ok(Math.abs(x - y) <= 2 ** -22);
        for (const v of [x, y]) {
          assert.ok(kind === "symmetric" ? v > -1 && v < 1 && v !== 0 : v < 1 && (kind === "unit" ? v >= 0 : v > 0));
        }
      }
    }),
    { seed, numRuns: 2000 },
  );
  const extremes = (kind: "unit" | "open" | "symmetric") => [0, -1].map((w) => uniformFromBits(w, w, kind, "f64"));
  assert.deepEqual(extremes("unit"), [0, 1 - 2 ** -53]);
  assert.deepEqual(extremes("open"), [2 ** -53, 1 - 2 ** -53]);
  assert.deepEqual(extremes("symmetric"), [2 ** -53 - 1, 1 - 2 ** -53]);
});

test("an f32 run uses the f32 formulas", () => {
  const bits = ndArray("int", [1, 2], [-1, -1]);
  assert.deepEqual(Array.from(apply((b, [x]) => [bitsToUniform(b, x!, "unit")], [bits], "f32")[0]!.data), [
    1 - 2 ** -24,
  ]);
});

test("scaleBits is floor(bits * range / 2^64)", () => {
  const corners = fc.constantFrom(0, -1, 1, 2 ** 31 - 1, -(2 ** 31), 65535, 65536);
  const words = fc.oneof(word, corners);
  fc.assert(
    fc.property(words, words, words, (hi, lo, range) => {
      const bits = (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
      assert.equal(BigInt(scaleBits(hi, lo, range) >>> 0), (bits * BigInt(range >>> 0)) >> 64n);
    }),
    { seed, numRuns: 5000 },
  );
});
