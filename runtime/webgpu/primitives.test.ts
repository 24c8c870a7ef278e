/** Primitives with loops of their own, and elementary functions, on a device: held to the interpreter in f32. */
import assert from "node:assert/strict";
import test from "node:test";
import { type NdArray, ndArray } from "../../compiler/core/array.ts";
import type { Params, Primitive } from "../../compiler/core/primitive.ts";
import * as k from "../../compiler/kernel/expressions.ts";
import * as functions from "../../compiler/kernel/functions/index.ts";
import type { Storage } from "../../compiler/kernel/interpret.ts";
import type { Expression, Kernel, Precision } from "../../compiler/kernel/ir.ts";
import { kernelOf } from "../../compiler/kernel/testing.ts";
import { randomArray, randomNumbers } from "../../compiler/kernel/testing-comparison.ts";
import { choleskyPrimitive } from "../../compiler/primitives/cholesky.ts";
import { cumargPrimitive, cumsumPrimitive } from "../../compiler/primitives/cumulative.ts";
import { determinantPrimitive } from "../../compiler/primitives/determinant.ts";
import { eighPrimitive } from "../../compiler/primitives/eigh.ts";
import { qrPrimitive } from "../../compiler/primitives/qr.ts";
import { argsortPrimitive } from "../../compiler/primitives/sort.ts";
import { svdPrimitive } from "../../compiler/primitives/svd.ts";
import { softwareDevice, withTimeLimit } from "../testing-adapter/testing.ts";
import { interpreted } from "./testing-expectation.ts";
import { runKernel } from "./testing-runner.ts";

const device = await softwareDevice();

/** The largest difference, in units of f32's epsilon and of the largest element. */
function difference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [largest, worst] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]!));
    worst = Math.max(worst, Math.abs(expected[i]! - found[i]!));
  }
  return worst / (largest || 1) / 2 ** -23;
}

async function assertOnDevice<P extends Params>(
  primitive: Primitive<P>,
  inputs: readonly NdArray[],
  params: P,
  tolerance: number,
): Promise<void> {
  const { kernel: nameless, outputs } = kernelOf(primitive, inputs, params, "f32");
  const kernel = { ...nameless, name: primitive.name };
  const storage = () =>
    kernel.arrays.map(({ kind, length }, i): Storage => {
      const values = inputs[i]?.data ?? new Array<number>(length).fill(9);
      return kind === "real" ? Float32Array.from(values) : Int32Array.from(values);
    });
  const found = await withTimeLimit(kernel.name, runKernel(device, kernel, storage()));
  const expected = interpreted(kernel, storage());
  for (const n of outputs.keys()) {
    const worst = difference(found[inputs.length + n]!, expected[inputs.length + n]!);
    assert.ok(worst <= tolerance, `${kernel.name}: result ${n} is ${worst} epsilons off`);
  }
}

/** Positive definite, with entries that are apart. */
function definite(stack: number, n: number, seed: number): NdArray {
  const x = randomArray([stack, n, n], seed).data;
  const at = (b: number, i: number, j: number) => x[(b * n + i) * n + j]! + x[(b * n + j) * n + i]!;
  const values = Array.from({ length: stack * n * n }, (_, place) => {
    const [b, i, j] = [Math.floor(place / n / n), Math.floor(place / n) % n, place % n];
    return (i === j ? 3 * n + 4 * i : 0) + at(b, i, j);
  });
  return ndArray("real", [stack, n, n], values);
}

test("matrices", async () => {
  for (const n of [1, 2, 5, 9]) {
    const symmetric = definite(3, n, n);
    await assertOnDevice(choleskyPrimitive, [symmetric], {}, 40);
    await assertOnDevice(eighPrimitive, [symmetric], {}, 400);
    await assertOnDevice(determinantPrimitive, [symmetric], {}, 40);
    await assertOnDevice(qrPrimitive, [randomArray([4, n + 2, n], n)], {}, 400);
    await assertOnDevice(svdPrimitive, [randomArray([2, n, n], n + 3)], {}, 1000);
  }
});

test("sorting and running sums", async () => {
  const x = randomArray([5, 40], 3);
  const ties = ndArray(
    "real",
    [5, 40],
    x.data.map((v) => Math.round(3 * v)),
  );
  await assertOnDevice(argsortPrimitive, [ties], { axis: 1, descending: true }, 0);
  await assertOnDevice(cumargPrimitive, [ties], { axis: 1, reverse: false, which: "max" }, 0);
  await assertOnDevice(cumsumPrimitive, [x], { axis: 0, reverse: true }, 4);
});

type Function1 = (x: Expression, precision: Precision) => Expression;
type Function2 = (x: Expression, y: Expression, precision: Precision) => Expression;

const ofOne = [
  "acos acosh asin asinh atan atanh cos cosh digamma erf erfc erfinv exp expm1 lgamma",
  "log log1p sigmoid sin sinh softplus tan tanh",
].flatMap((line) => line.split(" "));
const ofTwo = ["atan2", "hypot", "pow"];
const functionsOfOne = functions as unknown as Readonly<Record<string, Function1>>;
const functionsOfTwo = functions as unknown as Readonly<Record<string, Function2>>;

const smallestNormal = 2 ** -126;
const epsilonOf = (x: number): number => 2 ** (Math.floor(Math.log2(Math.max(Math.abs(x), smallestNormal))) - 23);

/** Numbers of all sizes, and those where functions do something special. */
function samples(seed: number, count: number): Float32Array {
  const odd = [0, Infinity, -Infinity, NaN, 1, -1, 1e30, -1e30, 1e-30, 0.5, -0.5, 88, 89, -88, -104, 3.4e38, 2e-38];
  const next = randomNumbers(seed);
  const shuffled = odd.map((_, i) => odd[(i * (1 + seed)) % odd.length]!);
  return Float32Array.from({ length: count }, (_, i) => {
    if (i < odd.length) return shuffled[i]!;
    return i % 3 === 0 ? next() * 4 : i % 3 === 1 ? next() * 100 : Math.sign(next()) * 2 ** (next() * 60);
  });
}

function elementwise(name: string, length: number, build: (x: Expression, y: Expression) => Expression): Kernel {
  const [x, y] = [k.kernelArray("x", "real", length, "read"), k.kernelArray("y", "real", length, "read")];
  const out = k.kernelArray("out", "real", length, "write");
  const grid = k.loop("i", length, "independent", (i) => [
    { op: "store", array: out, index: i, value: build(k.load(x, i), k.load(y, i)) },
  ]);
  return { name, span: undefined, arrays: [x, y, out], grid, description: name };
}

/**
 * How many ULP a device may be off: a few for rounding otherwise. Where a function has a zero that is no argument of
 * f32, as lgamma and digamma have, they are ULP of 1.
 */
const ulps = 4;
const nearOne = new Set(["lgamma", "digamma"]);

test("elementary functions", async () => {
  const count = 1500;
  for (const name of [...ofOne, ...ofTwo]) {
    const two = ofTwo.includes(name);
    const kernel = elementwise(name, count, (x, y) =>
      two ? functionsOfTwo[name]!(x, y, "f32") : functionsOfOne[name]!(x, "f32"),
    );
    const storage = () => [samples(1, count), samples(4, count), new Float32Array(count)];
    const found = (await withTimeLimit(name, runKernel(device, kernel, storage())))[2]!;
    const expected = interpreted(kernel, storage())[2]!;
    const [x, y] = storage();
    expected.forEach((value, i) => {
      const unit = epsilonOf(nearOne.has(name) ? Math.max(Math.abs(value), 1) : value);
      // Devices may take subnormals for zeros.
      const tolerance = Math.max(ulps * unit, smallestNormal);
      const same = Object.is(value, found[i]) || value === found[i] || Math.abs(value - found[i]!) <= tolerance;
      assert.ok(same, `${name} of ${x![i]} (and ${y![i]}) is ${found[i]}, not ${value}`);
    });
  }
});
