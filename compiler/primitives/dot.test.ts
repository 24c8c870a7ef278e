/** Products against plain loops, over all layouts and sizes around the block edges; Einstein sums against their definition. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type NdArray, ndArray, sizeOf, stridesOf } from "../core/array.ts";
import { dotGeneral, matmul } from "./dot.ts";
import { einsum, parseEinsum } from "./einsum.ts";
import { apply, assertClose, ints, reals } from "./testing.ts";

/** The Einstein sum by its definition: one loop over all values of all letters. */
function naiveEinsum(spec: string, operands: readonly NdArray[]): number[] {
  const [left, output] = spec.split("->") as [string, string];
  const labels = left.split(",");
  const letters = [...new Set(left.replaceAll(",", ""))];
  const size = (l: string) => {
    const i = labels.findIndex((text) => text.includes(l));
    return operands[i]!.shape[labels[i]!.indexOf(l)]!;
  };
  const result = new Array<number>(sizeOf([...output].map(size))).fill(0);
  const place = (text: string, shape: readonly number[], at: ReadonlyMap<string, number>) => {
    const strides = stridesOf(shape);
    return [...text].reduce((p, l, i) => p + at.get(l)! * strides[i]!, 0);
  };
  const visit = (k: number, at: Map<string, number>) => {
    if (k === letters.length) {
      const product = operands.reduce((p, x, i) => p * x.data[place(labels[i]!, x.shape, at)]!, 1);
      const to = place(output, [...output].map(size), at);
      result[to] = result[to]! + product;
      return;
    }
    for (let v = 0; v < size(letters[k]!); v++) visit(k + 1, at.set(letters[k]!, v));
  };
  visit(0, new Map());
  return result;
}

test("einsum agrees with its definition on random specifications", () => {
  const letters = fc.array(fc.constantFrom("i", "j", "k", "l"), { maxLength: 3 }).map((l) => l.join(""));
  const cases = fc
    .tuple(fc.array(letters, { minLength: 1, maxLength: 3 }), fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3), fc.nat(3)))
    .chain(([operands, [i, j, k, l]]) => {
      const sizes: Record<string, number> = { i, j, k, l };
      const used = [...new Set(operands.join(""))];
      const arrays = operands.map((text) => reals([...text].map((c) => sizes[c]!)));
      return fc.tuple(fc.constant(operands), fc.shuffledSubarray(used), fc.tuple(...arrays));
    });
  fc.assert(
    fc.property(cases, ([labels, output, arrays]) => {
      const spec = `${labels.join(",")}->${output.join("")}`;
      const [found] = apply((b, xs) => [einsum(b, spec, xs)], arrays);
      assertClose(spec, found!.data, naiveEinsum(spec, arrays), 1e-13);
    }),
    { seed: 7, numRuns: 300 },
  );
});

test("einsum specifications are read as NumPy reads them", () => {
  assert.deepEqual(parseEinsum("ij, jk", [2, 2]), { operands: ["ij", "jk"], output: "ik" });
  assert.deepEqual(parseEinsum("ba", [2]), { operands: ["ba"], output: "ab" });
  assert.deepEqual(parseEinsum("ii", [2]), { operands: ["ii"], output: "" });
  assert.deepEqual(parseEinsum(",->", [0, 0]), { operands: ["", ""], output: "" });
});

test("what is wrong with a specification is said", () => {
  const problem = (spec: string, ranks: number[]) => {
    const plan = parseEinsum(spec, ranks);
    return "problem" in plan ? plan.problem : "none";
  };
  assert.match(problem("ij->i->j", [2]), /more than one ->/);
  assert.match(problem("i.j->i", [2]), /not \./);
  assert.match(problem("ij->i,j", [2]), /not ,/);
  assert.match(problem("ij,jk->ik", [2]), /for 2 operands, but 1 given/);
  assert.match(problem("ij->i", [3]), /operand 1 has 3 axes, but "ij" names 2/);
  assert.match(problem("ij->ik", [2]), /output's k is in no operand/);
  assert.match(problem("ij->ii", [2]), /i occurs twice/);
});

test("matrix products of all layouts and sizes around the block edges", () => {
  for (const [m, k, n] of [
    [1, 300, 1],
    [7, 131, 259],
    [3, 130, 5],
    [1, 5, 300],
    [300, 5, 1],
    [5, 1, 5],
    [2, 0, 3],
  ] as const)
    for (const [left, right] of [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ]) {
      const value = (i: number) => Math.sin(i * 1.7);
      const x = ndArray(
        "real",
        left ? [k, m] : [m, k],
        Array.from({ length: m * k }, (_, i) => value(i)),
      );
      const y = ndArray(
        "real",
        right ? [n, k] : [k, n],
        Array.from({ length: k * n }, (_, i) => value(i + 3)),
      );
      const [found] = apply(
        (b, [p, q]) => [dotGeneral(b, p!, q!, { contract: [[left ? 0 : 1], [right ? 1 : 0]], batch: [[], []] })],
        [x, y],
      );
      const spec = `${left ? "ki" : "ik"},${right ? "jk" : "kj"}->ij`;
      assert.deepEqual(found!.shape, [m, n]);
      assertClose(`${spec} ${m} ${k} ${n}`, found!.data, naiveEinsum(spec, [x, y]), 1e-13);
    }
});

test("products of ints are exact and wrap", () => {
  fc.assert(
    fc.property(fc.tuple(ints([3, 4], -(2 ** 31), 2 ** 31 - 1), ints([4, 2], -(2 ** 31), 2 ** 31 - 1)), ([x, y]) => {
      const [found] = apply((b, [p, q]) => [matmul(b, p!, q!)], [x, y]);
      for (let i = 0; i < 3; i++)
        for (let j = 0; j < 2; j++) {
          let sum = 0n;
          for (let k = 0; k < 4; k++) sum += BigInt(x.data[i * 4 + k]!) * BigInt(y.data[k * 2 + j]!);
          assert.equal(found!.data[i * 2 + j], Number(BigInt.asIntN(32, sum)));
        }
    }),
    { seed: 8 },
  );
});

test("an infinite or NaN factor is not skipped beside a zero", () => {
  const x = ndArray("real", [1, 2], [0, 1]);
  const y = ndArray("real", [2, 2], [Number.POSITIVE_INFINITY, 1, 1, 1]);
  assert.deepEqual([...apply((b, [p, q]) => [matmul(b, p!, q!)], [x, y])[0]!.data], [Number.NaN, 1]);
});

test("inner products longer than a chunk of the reference's sums have all their terms, once", () => {
  for (const n of [2047, 2048, 2049, 5003]) {
    const entries = (f: (i: number) => number) => Array.from({ length: n }, (_, i) => f(i));
    const [x, y] = [entries((i) => Math.cos(i)), entries((i) => 1 + (i % 7))];
    const [found] = apply((b, [p, q]) => [matmul(b, p!, q!)], [ndArray("real", [1, n], x), ndArray("real", [n, 1], y)]);
    const expected = x.reduce((sum, v, i) => sum + v * y[i]!, 0);
    assertClose(`${n} terms`, found!.data, [expected], 1e-11);
  }
});
