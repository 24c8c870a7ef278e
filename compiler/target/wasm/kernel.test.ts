import assert from "node:assert/strict";
import { test } from "node:test";
import * as k from "../../kernel/expressions.ts";
import { interpretKernel, type Storage } from "../../kernel/interpret.ts";
import type { Expression, Kernel, KernelArray, Local, Loop, Precision, Statement } from "../../kernel/ir.ts";
import { assertSameStorage, randomKernel } from "../../kernel/testing-kernels.ts";
import { ModuleBuilder } from "./encoder.ts";
import { emitKernel } from "./kernel.ts";
import { moduleOfKernels } from "./module.ts";
import { loadKernel, runKernel } from "./testing.ts";
import { printModule } from "./text.ts";

const precisions = ["f64", "f32"] as const;
const store = (array: KernelArray, index: Expression, value: Expression): Statement => ({
  op: "store",
  array,
  index,
  value,
});

function kernelOf(arrays: readonly KernelArray[], grid: Loop): Kernel {
  return { name: "kernel", span: undefined, arrays, grid, description: "" };
}

/** One whose grid is to be vectors. */
const mapped = (arrays: readonly KernelArray[], count: number, body: (i: Local) => readonly Statement[]) =>
  kernelOf(arrays, k.loop("i", count, "independent", body, { vectorize: true }));

const odd = [1.5, -0, 0, NaN, Infinity, -2.5, 3e9, -Infinity, 0.1, -3e9, 7, 2 ** -140];

function inputs({ arrays }: Kernel, precision: Precision): Storage[] {
  return arrays.map(({ kind, length, access }, a) => {
    const values = Array.from({ length }, (_, i) => {
      if (access === "write") return 0;
      if (kind === "bool") return Number((i * 7 + a) % 3 === 0);
      return kind === "int" ? ((i * 37 + a) % 23) - 4 : odd[(i + 5 * a) % odd.length]! + (i % 4);
    });
    if (kind !== "real") return Int32Array.from(values);
    return precision === "f64" ? Float64Array.from(values) : Float32Array.from(values);
  });
}

function check(kernel: Kernel, what: string): void {
  for (const precision of precisions) {
    const expected = inputs(kernel, precision);
    interpretKernel(kernel, expected, precision);
    assertSameStorage(runKernel(kernel, inputs(kernel, precision), precision), expected, `${what} in ${precision}`);
  }
}

const textOf = (kernel: Kernel, precision: Precision) => printModule(moduleOfKernels([kernel], precision));

const lengths = Array.from({ length: 41 }, (_, i) => i);
const array = (kind: KernelArray["kind"], length: number, access: KernelArray["access"] = "read") =>
  k.kernelArray(kind[0]!, kind, Math.max(length, 1), access);

test("maps of all lengths, in one run or in chunks", () => {
  for (const n of lengths) {
    const [x, y, out] = [array("real", n), array("real", n), array("real", n, "write")];
    const value = (i: Local) => k.select(k.lt(k.load(x, i), k.load(y, i)), k.neg(k.load(x, i)), k.sqrt(k.load(y, i)));
    const kernel = mapped([x, y, out], n, (i) => [store(out, i, value(i))]);
    check(kernel, `length ${n}`);
    for (const precision of precisions) {
      const whole = runKernel(kernel, inputs(kernel, precision), precision);
      const chunks = loadKernel(kernel, inputs(kernel, precision), precision);
      for (let begin = 0; begin < n; begin += 7) chunks.run(begin, Math.min(begin + 7, n));
      assertSameStorage(chunks.arrays, whole, `length ${n} in chunks`);
      const vectors = precision === "f64" ? /f64x2\.sqrt/ : /f32x4\.sqrt/;
      // One iteration makes no vector.
      if (n === 1) assert.doesNotMatch(textOf(kernel, precision), vectors);
      else assert.match(textOf(kernel, precision), vectors);
    }
  }
});

test("many iterations run in parts, from any first to any last", () => {
  const n = 10_000;
  const [x, out] = [array("real", n), array("real", n, "write")];
  const kernel = mapped([x, out], n, (i) => [store(out, i, k.mul(k.load(x, i), k.toReal(i)))]);
  check(kernel, "parts");
  assert.match(textOf(kernel, "f64"), /call \$kernel\.part/);
  const [begin, end] = [5, 8200];
  const some = loadKernel(kernel, inputs(kernel, "f64"), "f64");
  some.run(begin, end);
  const whole = runKernel(kernel, inputs(kernel, "f64"), "f64")[1]!;
  assertSameStorage([some.arrays[1]!], [whole.map((v, i) => (i >= begin && i < end ? v : 0))], "some iterations");
});

test("limits by constants of either sign of zero, and NaN", () => {
  const x = array("real", 24);
  for (const limit of [0, -0, 1.5, -2.5, NaN, Infinity, -Infinity])
    for (const operation of [k.min, k.max])
      for (const swapped of [false, true]) {
        const out = array("real", 24, "write");
        const value = (e: Expression) => (swapped ? operation(k.real(limit), e) : operation(e, k.real(limit)));
        check(
          mapped([x, out], 24, (i) => [store(out, i, value(k.load(x, i)))]),
          `${operation === k.min ? "min" : "max"} ${limit}`,
        );
      }
});

test("ints, bools and reals turn into each other", () => {
  for (const n of [1, 5, 9, 16]) {
    const [x, m, p] = [array("real", n), array("int", n), array("bool", n)];
    const [a, b, c] = [array("real", n, "write"), array("int", n, "write"), array("bool", n, "write")];
    const kernel = mapped([x, m, p, a, b, c], n, (i) => [
      store(a, i, k.add(k.toReal(k.load(m, i)), k.toReal(k.load(p, i)))),
      store(b, i, k.add(k.toInt(k.load(x, i)), k.mul(k.toInt(k.load(p, i)), i))),
      store(c, i, k.or(k.and(k.load(p, i), k.gt(k.load(x, i), k.real(0))), k.eq(k.load(p, i), k.lt(k.load(m, i), i)))),
    ]);
    check(kernel, `length ${n}`);
  }
});

test("places that are strided, reversed, repeated, shifted or looked up", () => {
  const n = 13;
  const [x, at] = [array("real", 50), array("int", 50)];
  const limited = (e: Expression) => k.min(k.max(e, k.int(0)), k.int(49));
  const places: Record<string, (i: Local) => Expression> = {
    strided: (i) => k.add(k.mul(i, k.int(3)), k.int(2)),
    reversed: (i) => k.sub(k.int(n - 1), i),
    repeated: (i) => k.div(i, k.int(4)),
    before: (i) => k.max(k.sub(i, k.int(1)), k.int(0)),
    after: (i) => k.add(i, k.int(7)),
    fixed: () => k.int(11),
    "looked up": (i) => limited(k.load(at, i)),
  };
  for (const [name, place] of Object.entries(places)) {
    const [out, spread] = [array("real", n, "write"), array("int", 50, "write")];
    const kernel = mapped([x, at, out, spread], n, (i) => [
      store(out, i, k.load(x, place(i))),
      ...(["strided", "reversed", "after"].includes(name) ? [store(spread, place(i), k.load(at, i))] : []),
    ]);
    check(kernel, name);
  }
});

test("places that lie in memory, side by side and apart, for reading and for writing", () => {
  for (const n of [1, 2, 3, 4, 7, 12, 13]) {
    const [x, places] = [array("real", 50), array("int", 40, "both")];
    const outs = [array("real", 13, "write"), array("real", 13, "write")] as const;
    const [reals, ints] = [array("real", 50, "write"), array("int", 50, "write")];
    const kernel = kernelOf(
      [x, places, ...outs, reals, ints],
      k.loop("once", 1, "independent", () => [
        k.loop("i", 40, "independent", (i) => [
          store(places, i, k.rem(k.add(k.mul(i, k.int(7)), k.int(3)), k.int(50))),
        ]),
        k.loop(
          "j",
          n,
          "independent",
          (j) => {
            const [here, later, apart] = [
              k.load(places, j),
              k.load(places, k.add(j, k.int(9))),
              k.load(places, k.mul(j, k.int(2))),
            ];
            return [
              store(outs[0], j, k.add(k.load(x, here), k.load(x, later))),
              store(outs[1], j, k.load(x, apart)),
              store(reals, here, k.load(x, j)),
              store(ints, later, k.load(places, k.rem(here, k.int(40)))),
            ];
          },
          { vectorize: true },
        ),
      ]),
    );
    check(kernel, `length ${n}`);
  }
});

test("an offset is not added to an address below zero", () => {
  // a[i - 9 + 9] reads from the very beginning of memory.
  const [x, out] = [array("real", 20), array("real", 20, "write")];
  const before = k.local("int", "before");
  const kernel = kernelOf(
    [x, out],
    k.loop("i", 20, "independent", (i) => [
      { op: "variable", local: before, value: k.sub(i, k.int(9)) },
      store(out, i, k.load(x, k.add(before, k.int(9)))),
    ]),
  );
  check(kernel, "offset");
});

test("reductions of all lengths", () => {
  for (const n of lengths) {
    const [x, m, p] = [array("int", n), array("int", n), array("bool", n)];
    const outs = [array("real", 2, "write"), array("int", 2, "write"), array("bool", 2, "write")] as const;
    const [sum, least, most] = [k.local("real", "sum"), k.local("int", "least"), k.local("real", "most")];
    const [all, any] = [k.local("bool", "all"), k.local("bool", "any")];
    const reduce = (j: Local): Statement[] => [
      { op: "assign", local: sum, value: k.add(sum, k.toReal(k.mul(k.load(x, j), k.load(m, j)))) },
      { op: "assign", local: least, value: k.min(least, k.load(x, j)) },
      { op: "assign", local: most, value: k.max(most, k.toReal(k.load(m, j))) },
      { op: "assign", local: all, value: k.and(all, k.gt(k.load(x, j), k.int(-5))) },
      { op: "assign", local: any, value: k.or(any, k.and(k.load(p, j), k.eq(k.load(m, j), k.int(9)))) },
    ];
    const accumulators = [
      { local: sum, operator: "add" },
      { local: least, operator: "min" },
      { local: most, operator: "max" },
      { local: all, operator: "and" },
      { local: any, operator: "or" },
    ] as const;
    const kernel = kernelOf(
      [x, m, p, ...outs],
      k.loop("i", 1, "independent", (i) => [
        { op: "variable", local: sum, value: k.real(0.5) },
        { op: "variable", local: least, value: k.int(3) },
        { op: "variable", local: most, value: k.real(-Infinity) },
        { op: "variable", local: all, value: k.bool(true) },
        { op: "variable", local: any, value: k.bool(false) },
        k.loop("j", n, "reduction", reduce, { accumulators, vectorize: true }),
        store(outs[0], i, sum),
        store(outs[0], k.int(1), most),
        store(outs[1], i, least),
        store(outs[2], i, all),
        store(outs[2], k.int(1), any),
      ]),
    );
    check(kernel, `length ${n}`);
  }
});

test("sums have partial sums: their error does not grow as in one", () => {
  const n = 100_000;
  const [x, out] = [array("real", n), array("real", 1, "write")];
  const sum = k.local("real", "sum");
  const kernel = kernelOf(
    [x, out],
    k.loop("i", 1, "independent", (i) => [
      { op: "variable", local: sum, value: k.real(0) },
      k.loop("j", n, "reduction", (j) => [{ op: "assign", local: sum, value: k.add(sum, k.load(x, j)) }], {
        accumulators: [{ local: sum, operator: "add" }],
        vectorize: true,
      }),
      store(out, i, sum),
    ]),
  );
  const found = runKernel(kernel, [new Float32Array(n).fill(0.1), new Float32Array(1)], "f32")[1]![0]!;
  const exact = n * Math.fround(0.1);
  let single = 0;
  for (let i = 0; i < n; i++) single = Math.fround(single + Math.fround(0.1));
  // There are 16 of them.
  assert.ok(Math.abs(found - exact) < Math.abs(single - exact) / 12, `${found} is not ${exact}, nor is ${single}`);
});

test("inner loops, branches and names inside of vectors", () => {
  const [rows, columns] = [7, 19];
  const [x, n] = [array("real", rows * columns), array("int", rows)];
  const out = array("real", columns, "both");
  const v = k.local("real", "v");
  const kernel = mapped([x, n, out], columns, (j) => [
    { op: "variable", local: v, value: k.real(1) },
    k.loop("i", rows, "serial", (i) => [
      {
        op: "if",
        condition: k.gt(k.load(n, i), k.int(5)),
        then: [{ op: "assign", local: v, value: k.sub(k.load(x, k.add(k.mul(i, k.int(columns)), j)), v) }],
        otherwise: [store(out, j, v)],
      },
    ]),
    store(out, j, k.add(k.load(out, j), k.mul(v, k.toReal(j)))),
  ]);
  check(kernel, "columns");
  assert.match(textOf(kernel, "f32"), /f32x4\.sub/);
});

test("what differs between iterations in its steps runs one by one", () => {
  const [x, out] = [array("real", 20), array("real", 20, "write")];
  const v = k.local("real", "v");
  const branch = mapped([x, out], 20, (i) => [
    {
      op: "if",
      condition: k.gt(k.load(x, i), k.real(1)),
      then: [store(out, i, k.load(x, i))],
      otherwise: [],
    },
  ]);
  const count = mapped([x, out], 20, (i) => [
    { op: "variable", local: v, value: k.load(x, i) },
    k.loop("j", i, "serial", () => [{ op: "assign", local: v, value: k.mul(v, k.real(0.5)) }]),
    store(out, i, v),
  ]);
  for (const kernel of [branch, count]) {
    check(kernel, "one by one");
    assert.doesNotMatch(textOf(kernel, "f64"), /v128/);
  }
});

test("functions are written once for a module, and loops around their calls are not vectors", () => {
  const [x, y] = [k.local("real", "x"), k.local("real", "y")];
  const halves: Statement[] = [
    { op: "variable", local: y, value: x },
    { op: "while", condition: k.gt(y, k.real(1)), body: [{ op: "assign", local: y, value: k.mul(y, k.real(0.5)) }] },
  ];
  const fraction = { name: "fraction", parameters: [x], body: halves, result: y };
  const [a, out] = [array("real", 9), array("real", 9, "write")];
  const finite = (e: Expression) => k.min(k.max(e, k.real(-9)), k.real(9));
  const kernel = mapped([a, out], 9, (i) => [
    store(out, i, k.add(k.call(fraction, finite(k.load(a, i))), k.call(fraction, k.real(12)))),
  ]);
  check(kernel, "fraction");
  const module = new ModuleBuilder();
  module.importMemory();
  emitKernel(module, { ...kernel, name: "first" }, "f64");
  emitKernel(module, { ...kernel, name: "second" }, "f64");
  assert.deepEqual(module.functions.map((f) => f.name).sort(), ["first", "fraction", "second"]);
});

test("a loop of loops within a loop is a function that gives back what it assigns", () => {
  const n = 20;
  const [x, m, out] = [array("real", n), array("int", n), array("real", n, "both")];
  const [sum, last, at] = [k.local("real", "sum"), k.local("int", "last"), k.local("int", "at")];
  const inner = (i: Local) =>
    k.loop("j", n, "serial", (j) => [
      { op: "let", local: at, value: k.and(k.add(last, k.int(3)), k.int(15)) },
      { op: "assign", local: last, value: k.add(last, k.load(m, j)) },
      k.loop("p", 3, "serial", (p) => [
        { op: "assign", local: sum, value: k.add(k.mul(sum, k.real(0.5)), k.load(x, k.add(at, p))) },
        store(out, i, k.add(k.load(out, i), sum)),
      ]),
    ]);
  const kernel = kernelOf(
    [x, m, out],
    k.loop("i", n, "independent", (i) => [
      { op: "variable", local: sum, value: k.real(0) },
      { op: "variable", local: last, value: i },
      inner(i),
      store(out, i, k.add(k.load(out, i), k.add(sum, k.toReal(last)))),
    ]),
  );
  check(kernel, "nest");
  assert.match(textOf(kernel, "f64"), /func \$kernel\.j_1 \(param.*\(result (f64 i32|i32 f64)\)/);
});

test("a long condition of while", () => {
  const [x, out] = [array("real", 12), array("real", 12, "write")];
  const [v, steps] = [k.local("real", "v"), k.local("int", "steps")];
  let polynomial: Expression = k.real(1);
  for (let i = 0; i < 15; i++) polynomial = k.add(k.mul(polynomial, v), k.real(i));
  const kernel = kernelOf(
    [x, out],
    k.loop("i", 12, "independent", (i) => [
      { op: "variable", local: v, value: k.load(x, i) },
      { op: "variable", local: steps, value: k.int(0) },
      {
        op: "while",
        condition: k.and(k.gt(polynomial, k.real(0.5)), k.lt(steps, k.int(9))),
        body: [
          { op: "assign", local: v, value: k.mul(v, k.real(-0.7)) },
          { op: "assign", local: steps, value: k.add(steps, k.int(1)) },
        ],
      },
      store(out, i, k.add(v, k.toReal(steps))),
    ]),
  );
  check(kernel, "while");
});

for (const precision of precisions)
  test(`random kernels compute what the interpreter computes, in ${precision}`, () => {
    for (let seed = 0; seed < 600; seed++) {
      const { kernel, storage } = randomKernel(seed, seed % 23);
      const expected = storage(precision);
      interpretKernel(kernel, expected, precision);
      assertSameStorage(runKernel(kernel, storage(precision), precision), expected, `seed ${seed}`);
    }
  });
