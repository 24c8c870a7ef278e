/** Loops over values of which a few have to be computed one by one: what the interpreter gives, to the bit. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as k from "../../kernel/expressions.ts";
import { cos, sin } from "../../kernel/functions/trigonometric.ts";
import { interpretKernel, type Storage } from "../../kernel/interpret.ts";
import type { Expression, Kernel, KernelArray, Local, Loop, Precision, Statement } from "../../kernel/ir.ts";
import { assertSameStorage } from "../../kernel/testing-kernels.ts";
import { moduleOfKernels } from "./module.ts";
import { loadKernel, runKernel } from "./testing.ts";
import { printModule } from "./text.ts";

const precisions = ["f64", "f32"] as const;
const lengths = [1, 2, 3, 4, 5, 7, 8, 9, 16, 21, 40];
/** Angles, of which the large ones are unusual. */
const angles = [0.5, -0, 3, -2.5, 7, 1e30, 40, -1e7, 0.1, 2, Infinity, 1, -3, 1e4, NaN, 6, 5e20, -1, 9, 8];

const array = (length: number, access: KernelArray["access"] = "read") => k.kernelArray("x", "real", length, access);
const store = (to: KernelArray, index: Local, value: Expression): Statement => ({
  op: "store",
  array: to,
  index,
  value,
});
const kernelOf = (arrays: readonly KernelArray[], grid: Loop): Kernel => ({
  name: "kernel",
  span: undefined,
  arrays,
  grid,
  description: "",
});
const textOf = (kernel: Kernel, precision: Precision) => printModule(moduleOfKernels([kernel], precision));

/** `usual`: only angles that vectors know. */
function inputs({ arrays }: Kernel, precision: Precision, shift: number, usual = false): Storage[] {
  return arrays.map(({ length, access }) => {
    const values = Array.from({ length }, (_, i) => {
      const angle = access === "write" ? 0 : angles[(7 * i + shift) % angles.length]!;
      return usual && !(Math.abs(angle) < 1e5) ? i : angle;
    });
    return precision === "f64" ? Float64Array.from(values) : Float32Array.from(values);
  });
}

function check(make: (precision: Precision) => Kernel, what: string): void {
  for (const precision of precisions)
    for (let shift = 0; shift < angles.length; shift++) {
      const kernel = make(precision);
      const expected = inputs(kernel, precision, shift);
      interpretKernel(kernel, expected, precision);
      const found = runKernel(kernel, inputs(kernel, precision, shift), precision);
      assertSameStorage(found, expected, `${what} from angle ${shift} in ${precision}`);
    }
}

test("maps of all lengths, in one run or in chunks, are vectors", () => {
  for (const n of lengths) {
    const make = (precision: Precision) => {
      const [x, out] = [array(n), array(n, "write")];
      const value = (i: Local) => k.add(sin(k.load(x, i), precision), cos(k.mul(k.load(x, i), k.real(2)), precision));
      return kernelOf(
        [x, out],
        k.loop("i", n, "independent", (i) => [store(out, i, value(i))], { vectorize: true }),
      );
    };
    check(make, `length ${n}`);
    for (const precision of precisions) {
      const kernel = make(precision);
      const whole = runKernel(kernel, inputs(kernel, precision, 3), precision);
      const chunks = loadKernel(kernel, inputs(kernel, precision, 3), precision);
      for (let begin = 0; begin < n; begin += 7) chunks.run(begin, Math.min(begin + 7, n));
      assertSameStorage(chunks.arrays, whole, `length ${n} in chunks`);
      if (n > 1) assert.match(textOf(kernel, precision), precision === "f64" ? /f64x2\.nearest/ : /f32x4\.nearest/);
    }
  }
});

test("a loop that stores where it reads does not run twice", () => {
  for (const n of lengths) {
    const make = (precision: Precision) => {
      const x = array(n, "both");
      const body = (i: Local) => [store(x, i, k.mul(sin(k.load(x, i), precision), k.real(1e6)))];
      return kernelOf([x], k.loop("i", n, "independent", body, { vectorize: true }));
    };
    check(make, `length ${n}`);
    if (n > 1) assert.match(textOf(make("f64"), "f64"), /f64x2\.nearest/);
  }
});

test("what a loop reduces is counted once", () => {
  for (const n of lengths) {
    const make = (precision: Precision, operator: "max" | "add") => {
      const [x, out] = [array(n), array(1, "write")];
      const result = k.local("real", "result");
      const joined = (i: Local) => (operator === "add" ? k.add : k.max)(result, sin(k.load(x, i), precision));
      const accumulators = [{ local: result, operator }];
      return kernelOf(
        [x, out],
        k.loop("one", 1, "independent", (one) => [
          { op: "variable", local: result, value: k.real(operator === "add" ? 100 : -2) },
          k.loop("i", n, "reduction", (i) => [{ op: "assign", local: result, value: joined(i) }], {
            accumulators,
            vectorize: true,
          }),
          store(out, one, result),
        ]),
      );
    };
    check((precision) => make(precision, "max"), `maximum of ${n}`);
    for (const precision of precisions)
      for (const shift of [0, 5, 11])
        for (const usual of [true, false]) {
          const kernel = make(precision, "add");
          const expected = inputs(kernel, precision, shift, usual);
          interpretKernel(kernel, expected, precision);
          const found = runKernel(kernel, inputs(kernel, precision, shift, usual), precision)[1]![0]!;
          const sum = expected[1]![0]!;
          const slack = precision === "f64" ? 1e-12 : 1e-4;
          assert.ok(Object.is(found, sum) || Math.abs(found - sum) <= slack, `sum of ${n}: ${found}, not ${sum}`);
        }
  }
});

test("loops inside of vectors", () => {
  const [rows, columns] = [9, 3];
  check((precision) => {
    const [x, out] = [array(rows * columns), array(rows, "write")];
    const sum = k.local("real", "sum");
    return kernelOf(
      [x, out],
      k.loop(
        "i",
        rows,
        "independent",
        (i) => [
          { op: "variable", local: sum, value: k.real(0) },
          k.loop("j", columns, "serial", (j) => [
            {
              op: "assign",
              local: sum,
              value: k.add(sum, cos(k.load(x, k.add(k.mul(i, k.int(columns)), j)), precision)),
            },
          ]),
          store(out, i, sum),
        ],
        { vectorize: true },
      ),
    );
  }, "rows");
});
