/** Kernels written by hand, to be run on devices: for tests, no part of the runtime. */
import * as k from "../../compiler/kernel/expressions.ts";
import type { Storage } from "../../compiler/kernel/interpret.ts";
import type { Expression, Kernel, KernelArray, ScalarFunction, Statement } from "../../compiler/kernel/ir.ts";

export interface Case {
  readonly kernel: Kernel;
  readonly storage: () => Storage[];
}

const store = (array: KernelArray, index: Expression, value: Expression): Statement => ({
  op: "store",
  array,
  index,
  value,
});

function kernelCase(
  name: string,
  arrays: readonly (readonly [KernelArray, (readonly number[])?])[],
  grid: Kernel["grid"],
): Case {
  return {
    kernel: { name, span: undefined, arrays: arrays.map(([a]) => a), grid, description: name },
    storage: () =>
      arrays.map(([{ kind, length }, values]) => {
        const filled = values ?? new Array<number>(length).fill(-7);
        return kind === "real" ? Float32Array.from(filled) : Int32Array.from(filled);
      }),
  };
}

const real = (name: string, length: number, access: KernelArray["access"] = "read") =>
  k.kernelArray(name, "real", length, access);
const int = (name: string, length: number, access: KernelArray["access"] = "read") =>
  k.kernelArray(name, "int", length, access);

/** x y^T: two loops that become one grid. */
export function outerProduct(): Case {
  const [x, y, product] = [real("x", 3), real("y", 5), real("product", 15, "write")];
  const grid = k.loop("i", 3, "independent", (i) => [
    k.loop("j", 5, "independent", (j) => [
      store(product, k.linearIndex([i, j], [3, 5]), k.mul(k.load(x, i), k.load(y, j))),
    ]),
  ]);
  return kernelCase("outer product", [[x, [1, -2, 0.5]], [y, [4, 3, 2, 1, 0.25]], [product]], grid);
}

/** Sums of rows: reductions longer than a loop whose length the compiler is told. */
export function rowSums(): Case {
  const [rows, columns] = [4, 1000];
  const [x, sums] = [real("x", rows * columns), real("sums", rows, "write")];
  const grid = k.loop("row", rows, "independent", (row) => {
    const total = k.local("real", "total");
    const body = k.loop(
      "column",
      columns,
      "reduction",
      (column) => [
        { op: "assign", local: total, value: k.add(total, k.load(x, k.linearIndex([row, column], [rows, columns]))) },
      ],
      { accumulators: [{ local: total, operator: "add" }] },
    );
    return [{ op: "variable", local: total, value: k.real(0) }, body, store(sums, row, total)];
  });
  const values = Array.from({ length: rows * columns }, (_, i) => (i % 17) - 5);
  return kernelCase("row sums", [[x, values], [sums]], grid);
}

/** One of some values for each invocation. */
const choose = (index: Expression, values: readonly Expression[]): Expression =>
  values.reduceRight((rest, value, n) => k.select(k.eq(index, k.int(n)), value, rest));

/** Constants that have no literal, and what overflows only when it is computed. */
export function oddConstants(): Case {
  const values = [
    k.real(Infinity),
    k.real(-Infinity),
    k.real(NaN),
    k.real(-0),
    k.real(1e300),
    k.real(3.4028234663852886e38),
    k.mul(k.real(1e30), k.real(1e30)),
    k.div(k.real(1), k.real(0)),
    k.sqrt(k.real(-1)),
    k.real(1.1754943508222875e-38),
    k.real(0.1),
    k.real(1 / 3),
    k.real(16777215),
    k.real(1e21),
  ];
  const [out, ints] = [real("out", values.length, "write"), int("ints", values.length, "write")];
  const odd = [k.int(-2147483648), k.add(k.int(2147483647), k.int(1)), k.shl(k.int(1), k.int(40))];
  const grid = k.loop("i", values.length, "independent", (i) => [
    store(out, i, choose(i, values)),
    store(ints, i, choose(k.rem(i, k.int(odd.length)), odd)),
  ]);
  return kernelCase("odd constants", [[out], [ints]], grid);
}

const nans = [NaN, 1, -1, Infinity, -Infinity, 3e9, -3e9, 2147483648, 2147483520, -0.5, 2.5, 3.5];

/** NaN goes through min and max, is 0 as an int, and is found by its bits. */
export function notANumber(): Case {
  const n = nans.length;
  const x = real("x", n);
  const [least, most] = [real("least", n * n, "write"), real("most", n * n, "write")];
  const [whole, flag, round] = [
    int("whole", n, "write"),
    k.kernelArray("isNaN", "bool", n, "write"),
    real("round", n, "write"),
  ];
  const isNaNByBits = (e: Expression) => k.gt(k.and(k.unary("bitsOf", e), k.bits(0x7fff_ffffn)), k.bits(0x7f80_0000n));
  const grid = k.loop("i", n, "independent", (i) => [
    store(whole, i, k.toInt(k.load(x, i))),
    store(flag, i, isNaNByBits(k.load(x, i))),
    store(round, i, k.unary("nearest", k.load(x, i))),
    k.loop("j", n, "serial", (j) => [
      store(least, k.linearIndex([i, j], [n, n]), k.min(k.load(x, i), k.load(x, j))),
      store(most, k.linearIndex([i, j], [n, n]), k.max(k.load(x, i), k.load(x, j))),
    ]),
  ]);
  return kernelCase("not a number", [[x, nans], [least], [most], [whole], [flag], [round]], grid);
}

const wholes = [0, 1, -1, 7, -7, 31, 32, 33, 2147483647, -2147483648, 123456789];

/** Ints and bits: everything they can do, where signs and wrapping matter. */
export function wholeNumbers(): Case {
  const n = wholes.length;
  const names = ["add", "sub", "mul", "min", "max", "and", "or", "xor", "shl", "shr", "sar", "lt", "ge"] as const;
  const ofBits = ["add", "sub", "and", "or", "xor", "lt", "le", "gt", "ge", "eq", "ne"] as const;
  const a = int("a", n);
  const results = names.map((name) => int(name, n * n, "write"));
  const bitResults = ofBits.map((name) => int(`bits ${name}`, n * n, "write"));
  const quotients = [int("div", n * n, "write"), int("rem", n * n, "write")] as const;
  const asInt = (e: Expression) => (e.kind === "bool" ? k.toInt(e) : e.kind === "bits" ? k.unary("bitsToInt", e) : e);
  const positive = (e: Expression) => k.max(k.and(e, k.int(0x7fff_ffff)), k.int(1));
  const grid = k.loop("i", n, "independent", (i) => [
    k.loop("j", n, "independent", (j) => {
      const at = k.linearIndex([i, j], [n, n]);
      const [x, y] = [k.load(a, i), k.load(a, j)];
      const [p, q] = [k.unary("intToBits", x), k.unary("intToBits", y)];
      return [
        ...names.map((name, m) => store(results[m]!, at, asInt(k.binary(name, x, y)))),
        ...ofBits.map((name, m) => store(bitResults[m]!, at, asInt(k.binary(name, p, q)))),
        store(quotients[0], at, k.div(x, positive(y))),
        store(quotients[1], at, k.rem(k.and(x, k.int(0x7fff_ffff)), positive(y))),
      ];
    }),
  ]);
  const outputs = [...results, ...bitResults, ...quotients].map((array) => [array] as const);
  return kernelCase("whole numbers", [[a, wholes], ...outputs], grid);
}

/** Steps of Collatz's sequence, by a function that assigns its parameter. */
export function collatz(): Case {
  const n = 200;
  const [x, steps] = [k.local("int", "x"), k.local("int", "steps")];
  const odd = k.eq(k.and(x, k.int(1)), k.int(1));
  const countSteps: ScalarFunction = {
    name: "steps",
    parameters: [x],
    body: [
      { op: "variable", local: steps, value: k.int(0) },
      {
        op: "while",
        condition: k.gt(x, k.int(1)),
        body: [
          { op: "assign", local: x, value: k.select(odd, k.add(k.mul(x, k.int(3)), k.int(1)), k.sar(x, k.int(1))) },
          { op: "assign", local: steps, value: k.add(steps, k.int(1)) },
        ],
      },
    ],
    result: steps,
  };
  const out = int("steps", n, "write");
  const grid = k.loop("i", n, "independent", (i) => [store(out, i, k.call(countSteps, k.add(i, k.int(1))))]);
  return kernelCase("collatz", [[out]], grid);
}

/** Nested more deeply than a WGSL parser will have it, also in the condition of a loop. */
export function deepExpression(): Case {
  const n = 7;
  const [x, out, count] = [real("x", n), real("out", n, "write"), int("count", n, "write")];
  const deep = (e: Expression, m: number): Expression =>
    m === 0 ? e : k.sub(k.real(m % 3), k.mul(k.real(0.5), deep(e, m - 1)));
  const grid = k.loop("i", n, "independent", (i) => {
    const steps = k.local("int", "steps");
    return [
      store(out, i, deep(k.load(x, i), 300)),
      { op: "variable", local: steps, value: k.int(0) },
      {
        op: "while",
        condition: k.and(k.lt(steps, k.add(i, k.int(2))), k.lt(deep(k.toReal(steps), 100), k.real(1e6))),
        body: [{ op: "assign", local: steps, value: k.add(steps, k.int(1)) }],
      },
      store(count, i, steps),
    ];
  });
  return kernelCase("deep expression", [[x, [1, 2, 3, 4, 5, 6, 7]], [out], [count]], grid);
}

/** Names that mean something in WGSL, that are no identifiers there, or that are the same. */
export function awkwardNames(): Case {
  const names = ["select", "max", "places", "memory0", "θ", "", "x", "x", "2nd", "__a", "count", "main", "load_x", "i"];
  const arrays = names.map((name) => int(name, 3, "both"));
  const grid = k.loop("var", 3, "independent", (i) =>
    arrays.flatMap((array, n): Statement[] => {
      const value = k.local("int", names[n]!);
      const clamped = k.max(k.select(k.gt(k.load(array, i), k.int(1)), k.load(array, i), k.int(-n)), k.int(-5));
      return [{ op: "let", local: value, value: clamped }, store(array, i, k.add(value, k.int(n)))];
    }),
  );
  return kernelCase(
    "awkward names",
    arrays.map((array, n) => [array, [n, 0, 2]] as const),
    grid,
  );
}

export const cases: readonly (() => Case)[] = [
  outerProduct,
  rowSums,
  oddConstants,
  notANumber,
  wholeNumbers,
  collatz,
  deepExpression,
  awkwardNames,
];
