import assert from "node:assert/strict";
import { test } from "node:test";
import type { NdArray } from "../../compiler/core/array.ts";
import { bind, compile } from "../../compiler/index.ts";
import { randomNumbers } from "../../compiler/kernel/testing-comparison.ts";
import { CpuRunner } from "./runner.ts";

/** The last result of a script, in f32. */
function resultOf(text: string, data: Readonly<Record<string, NdArray>>): ArrayLike<number> {
  const { program, diagnostics } = compile(text, { file: "sum.opt" });
  assert.ok(program, diagnostics.map((d) => d.message).join("\n"));
  const runner = new CpuRunner({ precision: "f32" });
  let result: NdArray | undefined;
  const bound = bind(program, {
    data,
    precision: "f32",
    runner: {
      run: (...call: Parameters<CpuRunner["run"]>) => {
        const results = runner.run(...call);
        result = results.at(-1);
        return results;
      },
    },
  });
  bound.run({ onEvent: () => undefined });
  return result!.data;
}

/** A sum without rounding to speak of, and the sum of absolute values, of every `step`th element. */
function exactSum(x: Float32Array, first: number, count: number, step: number): readonly [number, number] {
  let [sum, lost, scale] = [0, 0, 0];
  for (let i = 0; i < count; i++) {
    const term = x[first + i * step]!;
    const next = sum + term;
    lost += Math.abs(sum) >= Math.abs(term) ? sum - next + term : term - next + sum;
    sum = next;
    scale += Math.abs(term);
  }
  return [sum + lost, scale];
}

const seed = 20261;
const random = randomNumbers(seed);
/** The bounds are relative to the sum of absolute values. Equal terms are the worst case: all roundings go one way. */
const inputs = {
  signed: { next: random, bound: 5e-8 },
  positive: { next: () => Math.abs(random()), bound: 5e-7 },
  equal: { next: () => 0.1, bound: 1e-6 },
} as const;

/** Shapes by the way they are summed: chunks, columns of chunks, rows, lanes. */
const cases = [
  { shape: [4_000_000], axis: 0 },
  { shape: [500_000, 4], axis: 0 },
  { shape: [10_000, 200], axis: 0 },
  { shape: [10, 100_000], axis: 1 },
  { shape: [1000, 2000], axis: 1 },
  { shape: [100, 100, 100], axis: 1 },
] as const;

for (const { shape, axis } of cases)
  test(`long sums in f32 keep their digits: ${shape.join(" x ")} along axis ${axis}`, () => {
    const names = shape.map((_, i) => "abc"[i]).join(", ");
    const after = shape.slice(axis + 1).reduce<number>((p, d) => p * d, 1);
    const count = shape[axis]!;
    for (const [kind, { next, bound }] of Object.entries(inputs)) {
      const x = Float32Array.from({ length: shape.reduce<number>((p, d) => p * d, 1) }, next);
      const text = `data x: real[${names}]\nlet total = sum(x, axis = ${axis})\n`;
      const found = resultOf(text, { x: { dtype: "real", shape, data: x } });
      assert.equal(found.length, x.length / count);
      for (let i = 0; i < found.length; i++) {
        const first = Math.floor(i / after) * count * after + (i % after);
        const [exact, scale] = exactSum(x, first, count, after);
        const error = Math.abs(found[i]! - exact) / scale;
        // A sum of few terms may be half a unit off whatever is done.
        const allowed = Math.max(bound, (2 ** -24 * Math.abs(exact)) / scale + (count < 200 ? 2 ** -22 : 0));
        assert.ok(error <= allowed, `${kind}, entry ${i}: off by ${error} of the sum of |x|, seed ${seed}`);
      }
    }
  });

test("a cancelling sum of ten million terms is nearer than one that rounds at each step", () => {
  const x = Float32Array.from({ length: 10_000_000 }, random);
  const [exact, scale] = exactSum(x, 0, x.length, 1);
  const total = resultOf("data x: real[n]\nlet total = sum(x)\n", { x: { dtype: "real", shape: [x.length], data: x } });
  let naive = 0;
  for (const term of x) naive = Math.fround(naive + term);
  const error = Math.abs(total[0]! - exact);
  assert.ok(error <= 1e-9 * scale && error < Math.abs(naive - exact), `off by ${error}, not ${naive - exact}, ${seed}`);
});

test("sums whose operands lie across one another keep their digits", () => {
  const n = 1500;
  const A = Float32Array.from({ length: n * n }, () => 0.1);
  const matrix: NdArray = { dtype: "real", shape: [n, n], data: A };
  const total = resultOf("data A: real[n, n]\ndata B: real[n, n]\nlet total = sum(A + B')\n", { A: matrix, B: matrix });
  const exact = 2 * n * n * A[0]!;
  assert.ok(Math.abs(total[0]! - exact) <= 1e-6 * exact, `off by ${total[0]! - exact}`);
});
