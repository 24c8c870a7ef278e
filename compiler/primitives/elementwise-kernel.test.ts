/**
 * Every primitive's lowering against its `evaluate`, on the operands of all property-test cases and on awkward values:
 * what is an int, a bool or a move has to be the same, what is real as near as the functions are exact.
 */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { type NdArray, ndArray } from "../core/array.ts";
import { evaluationContext } from "../core/evaluate.ts";
import type { Params, Primitive } from "../core/primitive.ts";
import type { Precision } from "../kernel/ir.ts";
import { lowerAndInterpret } from "../kernel/testing.ts";
import { randomNumbers, rounded } from "../kernel/testing-comparison.ts";
import { addPrimitive, divPrimitive, mulPrimitive, negPrimitive, subPrimitive } from "./arithmetic.ts";
import { bitsPrimitives } from "./bits.ts";
import { comparisonPrimitives } from "./comparison.ts";
import { convertPrimitive } from "./convert.ts";
import { integerPowerPrimitive, powPrimitive } from "./power.ts";
import { roundingPrimitives } from "./rounding.ts";
import { selectPrimitive } from "./select.ts";
import { type InstanceCase, instancesOf, type PrimitiveCase, traceFunction } from "./testing.ts";

const epsilon = { f64: 2 ** -52, f32: 2 ** -23 } as const;

/** Of each element's own size, and of the largest of the result for what sums and cancels. */
interface Allowed {
  readonly own: number;
  readonly largest: number;
}

function assertAgreement(
  primitive: Primitive,
  inputs: readonly NdArray[],
  params: Params,
  precision: Precision,
  allowed: Allowed,
  what = primitive.name,
): void {
  const given = inputs.map((x) => rounded(x, precision));
  const expected = primitive.evaluate(given, params, evaluationContext({ precision }));
  const found = lowerAndInterpret(primitive, given, params, precision);
  assert.equal(found.length, expected.length, what);
  found.forEach((y, i) => {
    const z = expected[i]!;
    assert.deepEqual([y.dtype, y.shape, y.data.length], [z.dtype, z.shape, z.data.length], what);
    const finite = Array.from(z.data, Math.abs).filter(Number.isFinite);
    const largest = finite.reduce((m, v) => Math.max(m, v), 0);
    const least = precision === "f64" ? 2 ** -1074 : 2 ** -149;
    z.data.forEach((v, k) => {
      const w = y.data[k]!;
      const room =
        z.dtype === "real" ? epsilon[precision] * (allowed.own * Math.abs(v) + allowed.largest * largest) : 0;
      if (Object.is(v, w) || (allowed.own > 0 && v === w)) return;
      const text = () =>
        `${what} of ${given.map((x) => `[${x.data}]`).join(", ")} in ${precision}: [${k}] is ${w}, not ${v}`;
      assert.ok(Number.isFinite(v) && Math.abs(v - w) <= room + (room > 0 ? least : 0), text());
    });
  });
}

/** Linear algebra has tests of its own, which know how far factorisations may be off. */
const excluded = new Set(["linear-algebra.cases.ts"]);

/** What works by rejection or iterates, with functions of rounded numbers inside. */
const loose: Readonly<Record<string, Readonly<Record<Precision, number>>>> = {
  randomGamma: { f64: 32, f32: 64 },
  gammaSampleDerivative: { f64: 64, f32: 128 },
};

for (const file of readdirSync(import.meta.dirname).filter((f) => f.endsWith(".cases.ts") && !excluded.has(f)))
  test(`the lowerings of the primitives in ${file} mean what the reference evaluates`, async () => {
    const exports: Readonly<Record<string, unknown>> = await import(`./${file}`);
    const cases = Object.entries(exports).flatMap(([name, value]) =>
      name.endsWith("Cases") ? (value as readonly (PrimitiveCase | InstanceCase)[]) : [],
    );
    let compared = 0;
    for (const testCase of cases)
      for (const { build, operands } of fc.sample(instancesOf(testCase), { seed: 7, numRuns: 12 })) {
        const graph = traceFunction(build, operands);
        for (const precision of ["f64", "f32"] as const) {
          const context = evaluationContext({
            precision,
            observe: ({ primitive, params }, inputs) => {
              const { kind } = primitive.lower;
              if (kind === "control" || kind === "product") return;
              const units = loose[primitive.name]?.[precision] ?? 8;
              // Moves change nothing; sums may come in any order.
              const largest = kind === "map" ? units : 64;
              assertAgreement(primitive, inputs, params, precision, { own: units, largest }, testCase.name);
              compared += 1;
            },
          });
          context.run(
            graph,
            operands.map((x) => rounded(x, precision)),
          );
        }
      }
    assert.ok(compared > 100, `${compared} comparisons`);
  });

const { POSITIVE_INFINITY: infinity, NaN: nan } = Number;
const awkward = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  3,
  -7,
  1e10,
  -1e10,
  2 ** 31,
  -(2 ** 31) - 1,
  5e-324,
  infinity,
  -infinity,
  nan,
];
const awkwardInts = [0, 1, -1, 2, -2, 3, -3, 7, -7, 31, 65536, -65537, 2 ** 31 - 1, -(2 ** 31), -(2 ** 31) + 1];
const values = { real: awkward, int: awkwardInts, bool: [0, 1] } as const;
type DType = keyof typeof values;

/** All pairs of the values, as two arrays. */
function pairs(dtype: DType): readonly NdArray[] {
  const list = values[dtype];
  const all = list.flatMap((x) => list.map((y) => [x, y] as const));
  return [0, 1].map((k) =>
    ndArray(
      dtype,
      [all.length],
      all.map((p) => p[k]!),
    ),
  );
}

/** What has a meaning for ints or bools; everything else takes reals. */
const takes = (primitive: Primitive): readonly DType[] => {
  if (bitsPrimitives.includes(primitive)) return ["int"];
  if (["and", "or", "xor", "not"].includes(primitive.name)) return ["bool"];
  if (comparisonPrimitives.includes(primitive))
    return primitive.name === "isFinite" ? ["real"] : ["real", "int", "bool"];
  return ["div", "pow"].includes(primitive.name) ? ["real"] : ["real", "int"];
};

const exact: Allowed = { own: 0, largest: 0 };
const unaryNames = new Set(["neg", "abs", "sign", "floor", "ceil", "round", "not", "isFinite"]);

test("arithmetic, comparison, rounding and bits on awkward values, with scalars beside arrays", () => {
  const primitives = [
    ...[addPrimitive, subPrimitive, mulPrimitive, divPrimitive, negPrimitive as Primitive],
    ...comparisonPrimitives,
    ...roundingPrimitives,
    ...bitsPrimitives,
  ];
  for (const precision of ["f64", "f32"] as const)
    for (const primitive of primitives)
      for (const dtype of takes(primitive)) {
        const [x, y] = pairs(dtype) as [NdArray, NdArray];
        // Quotients that round down are computed in f64 by the reference.
        const floors = primitive.name === "divFloor" && dtype === "real" && precision === "f32";
        const allowed = floors ? { own: 2, largest: 0 } : exact;
        if (unaryNames.has(primitive.name)) {
          assertAgreement(primitive, [x], {}, precision, allowed);
          continue;
        }
        if (primitive.name.startsWith("shift")) {
          const by = ndArray(
            "int",
            [x.data.length],
            Array.from(y.data, (v) => v & 31),
          );
          assertAgreement(primitive, [x, by], {}, precision, allowed);
          continue;
        }
        assertAgreement(primitive, [x, y], {}, precision, allowed);
        for (const v of values[dtype]) {
          const scalar = ndArray(dtype, [], [v]);
          assertAgreement(
            primitive,
            [scalar, ndArray(dtype, [values[dtype].length], values[dtype])],
            {},
            precision,
            allowed,
          );
          assertAgreement(
            primitive,
            [ndArray(dtype, [values[dtype].length], values[dtype]), scalar],
            {},
            precision,
            allowed,
          );
          assertAgreement(primitive, [scalar, scalar], {}, precision, allowed);
        }
      }
});

test("division that rounds down on random numbers of all sizes", () => {
  const random = randomNumbers(3);
  const count = 3000;
  const word = () => Math.floor(random() * 2 ** (31 * Math.abs(random())));
  const [x, y] = [0, 1].map(() => ndArray("int", [count], Array.from({ length: count }, word))) as [NdArray, NdArray];
  const reals = (spread: number) =>
    ndArray(
      "real",
      [count],
      Array.from({ length: count }, () => random() * 2 ** (spread * random())),
    );
  for (const name of ["divFloor", "modFloor"]) {
    const primitive = roundingPrimitives.find((p) => p.name === name)!;
    assertAgreement(primitive, [x, y], {}, "f64", exact);
    const near = [reals(4), reals(4)];
    assertAgreement(primitive, near, {}, "f64", exact);
    assertAgreement(primitive, [reals(100), reals(100)], {}, "f64", exact);
    // The reference rounds the sum of remainder and divisor once less.
    if (name === "modFloor") assertAgreement(primitive, near, {}, "f32", { own: 1, largest: 0 });
  }
});

test("conversions, selections and powers on awkward values", () => {
  for (const precision of ["f64", "f32"] as const) {
    for (const from of ["real", "int", "bool"] as const)
      for (const to of ["real", "int", "bool"] as const)
        if (from !== to || from !== "real") {
          const x = ndArray(from, [values[from].length], values[from]);
          assertAgreement(convertPrimitive as Primitive, [x], { to }, precision, { own: 0.5, largest: 0 });
        }
    for (const dtype of ["real", "int", "bool"] as const) {
      const [x, y] = pairs(dtype) as [NdArray, NdArray];
      const condition = ndArray(
        "bool",
        x.shape,
        Array.from(x.data, (_, i) => i % 2),
      );
      const scalars = [ndArray("bool", [], [1]), ndArray(dtype, [], [values[dtype][1]!])] as const;
      assertAgreement(selectPrimitive as Primitive, [condition, x, y], {}, precision, exact);
      assertAgreement(selectPrimitive as Primitive, [scalars[0], x, scalars[1]], {}, precision, exact);
      assertAgreement(selectPrimitive as Primitive, [condition, scalars[1], y], {}, precision, exact);
    }
    const [x, y] = pairs("real") as [NdArray, NdArray];
    assertAgreement(powPrimitive, [x, y], {}, precision, { own: 2, largest: 0 });
    for (const n of [-3, -1, 2, 3, 4, 5, 10]) {
      assertAgreement(integerPowerPrimitive as Primitive, [x], { n }, precision, { own: 2, largest: 0 });
      const ints = ndArray("int", [awkwardInts.length], awkwardInts);
      if (n > 0) assertAgreement(integerPowerPrimitive as Primitive, [ints], { n }, precision, exact);
    }
  }
});
