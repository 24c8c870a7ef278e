/** The text of kernels. Whether it runs is tested where there are devices: runtime/webgpu. */
import assert from "node:assert/strict";
import test from "node:test";
import * as k from "../../kernel/expressions.ts";
import type { Expression, Kernel, KernelArray, ScalarFunction, Statement } from "../../kernel/ir.ts";
import { flatGrid } from "./flatten.ts";
import { placesWords, printKernel } from "./kernel.ts";
import { bitsLiteral, intLiteral, realLiteral } from "./literals.ts";
import { Names, plainName } from "./names.ts";

const real = (name: string, length: number, access: KernelArray["access"] = "read") =>
  k.kernelArray(name, "real", length, access);
const store = (array: KernelArray, index: Expression, value: Expression): Statement => ({
  op: "store",
  array,
  index,
  value,
});
const kernelOf = (arrays: readonly KernelArray[], grid: Kernel["grid"], description = ""): Kernel => ({
  name: "test",
  span: undefined,
  arrays,
  grid,
  description,
});

/** The lines of `main` after the index of the invocation is known, without their indentation. */
function mainOf(kernel: Kernel): string[] {
  const { text } = printKernel(
    kernel,
    kernel.arrays.map(() => 0),
  );
  const lines = text.slice(text.indexOf("i32(id);")).split("\n").slice(1, -2);
  return lines.map((line) => line.slice(2));
}

test("a loop in a loop is one grid, and the text says what it computes", () => {
  const [x, y, out] = [real("x", 4), real("y", 6), real("out", 24, "write")];
  const grid = k.loop("i", 4, "independent", (i) => [
    k.loop("j", 6, "independent", (j) => [
      store(out, k.linearIndex([i, j], [4, 6]), k.mul(k.load(x, i), k.load(y, j))),
    ]),
  ]);
  const span = { file: "model.opt", start: 10, end: 12 };
  const kernel = { ...kernelOf([x, y, out], grid, "outer product"), span };
  const printed = printKernel(kernel, [0, 2, 0], { locate: ({ file, start }) => `${file}:1:${start + 1}` });
  assert.deepEqual([printed.count, printed.workgroupSize, printed.arenas], [24, 64, [0, 2]]);
  assert.equal(
    printed.text,
    `// outer product (model.opt:1:11)
struct Places {
  count: u32, // invocations
  zero: u32, // 0, but the compiler cannot know
  // Where arrays start:
  x: u32,
  y: u32,
  out: u32,
}
@group(0) @binding(0) var<uniform> places: Places;
@group(0) @binding(1) var<storage, read_write> memory0: array<u32>;
@group(0) @binding(3) var<storage, read_write> memory2: array<u32>;

fn store_out(i: i32, value: f32) {
  memory0[places.out + u32(i)] = bitcast<u32>(value);
}

fn load_x(i: i32) -> f32 {
  return bitcast<f32>(memory0[places.x + u32(i)]);
}

fn load_y(i: i32) -> f32 {
  return bitcast<f32>(memory2[places.y + u32(i)]);
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let id = (group.y * groups.x + group.x) * 64u + lane;
  if id >= places.count {
    return;
  }
  let ij = i32(id);
  store_out(ij, load_x(ij / 6) * load_y(ij % 6));
}
`,
  );
  assert.deepEqual(placesWords(24, [0, 4, 10]), [24, 0, 0, 4, 10]);
});

test("loops, branches and functions", () => {
  const [n, s] = [k.local("int", "n"), k.local("real", "s")];
  const power: ScalarFunction = {
    name: "power of half",
    parameters: [n],
    body: [
      { op: "variable", local: s, value: k.real(1) },
      {
        op: "while",
        condition: k.gt(n, k.int(0)),
        body: [
          { op: "assign", local: s, value: k.mul(s, k.real(0.5)) },
          { op: "assign", local: n, value: k.sub(n, k.int(1)) },
        ],
      },
    ],
    result: s,
  };
  const [x, out, flag] = [real("x", 900), real("out", 9, "write"), k.kernelArray("flag", "bool", 9, "both")];
  const grid = k.loop("row", 9, "independent", (row) => {
    const total = k.local("real", "total");
    const start = k.mul(row, k.int(100));
    return [
      { op: "variable", local: total, value: k.real(-Infinity) },
      k.loop("column", 100, "reduction", (column) => [
        { op: "assign", local: total, value: k.max(total, k.load(x, k.add(start, column))) },
      ]),
      k.loop("again", 3, "serial", () => [{ op: "assign", local: total, value: k.sub(k.real(1), k.neg(total)) }]),
      {
        op: "if",
        condition: k.and(k.load(flag, row), k.lt(total, k.real(3))),
        then: [store(out, row, k.call(power, row))],
        otherwise: [store(flag, row, k.ge(total, k.real(0.1)))],
      },
    ];
  });
  const { text } = printKernel(kernelOf([x, out, flag], grid), [0, 0, 0], { workgroupSize: 128 });
  assert.equal(
    text.slice(text.indexOf("fn load_x")),
    `fn load_x(i: i32) -> f32 {
  return bitcast<f32>(memory0[places.x + u32(i)]);
}

fn load_flag(i: i32) -> bool {
  return memory0[places.flag + u32(i)] != 0u;
}

// A real that has no literal: the compiler must not know that it is infinite, no number or minus zero.
fn real_of_bits(bits: u32) -> f32 {
  return bitcast<f32>(bits ^ places.zero);
}

// A count that the compiler must not know: it would repeat a long loop's body that often.
fn at_run_time(count: i32) -> i32 {
  return count ^ bitcast<i32>(places.zero);
}

fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

fn max_real(a: f32, b: f32) -> f32 {
  return select(select(max(a, b), b, is_nan(b)), a, is_nan(a));
}

fn power_of_half(n_given: i32) -> f32 {
  var n = n_given;
  var s = 1.0f;
  while n > 0 {
    s = s * 0.5f;
    n = n - 1;
  }
  let result = s;
  return result;
}

@compute @workgroup_size(128)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let id = (group.y * groups.x + group.x) * 128u + lane;
  if id >= places.count {
    return;
  }
  let row = i32(id);
  var total = real_of_bits(0xff800000u);
  let at = row * 100;
  let count = at_run_time(100);
  for (var column = 0; column < count; column++) {
    total = max_real(total, load_x(at + column));
  }
  for (var again = 0; again < 3; again++) {
    total = 1.0f - -total;
  }
  if load_flag(row) & (total < 3.0f) {
    store_out(row, power_of_half(row));
  } else {
    store_flag(row, (total >= 0.1f));
  }
}
`,
  );
});

test("operators keep their operands together", () => {
  const [a, b, out] = [k.kernelArray("a", "int", 9, "read"), real("b", 9), k.kernelArray("out", "int", 9, "write")];
  const printed = (build: (x: Expression, y: Expression) => Expression): string => {
    const grid = k.loop("i", 9, "independent", (i) => {
      const [x, y] = [k.local("int", "x"), k.local("real", "y")];
      return [
        { op: "let", local: x, value: k.load(a, i) },
        { op: "let", local: y, value: k.load(b, i) },
        store(out, i, build(x, y)),
      ];
    });
    return /store_out\(i, (.*)\);/.exec(mainOf(kernelOf([a, b, out], grid)).at(-1)!)![1]!;
  };
  const asBits = (x: Expression) => k.unary("intToBits", x);
  const asInt = (x: Expression) => (x.kind === "bits" ? k.unary("bitsToInt", x) : k.toInt(x));
  const two = k.int(2);
  assert.equal(
    printed((x) => k.sub(x, k.sub(k.mul(x, x), x))),
    "x - (x * x - x)",
  );
  assert.equal(
    printed((x) => k.sub(k.sub(k.mul(x, x), x), x)),
    "x * x - x - x",
  );
  assert.equal(
    printed((x) => k.mul(k.sub(x, k.not(x)), k.neg(k.neg(x)))),
    "(x - ~x) * x",
  );
  assert.equal(
    printed((x) => k.div(x, k.mul(x, x))),
    "x / (x * x)",
  );
  assert.equal(
    printed((x) => k.and(k.or(x, two), k.xor(k.shl(x, two), x))),
    "(x | 2) & ((x << 2u) ^ x)",
  );
  assert.equal(
    printed((x) => k.shl(k.add(x, k.int(1)), k.int(33))),
    "(x + 1) << 1u",
  );
  assert.equal(
    printed((x) => k.sar(x, x)),
    "x >> (u32(x) & 31u)",
  );
  assert.equal(
    printed((x) => k.shr(x, two)),
    "bitcast<i32>(bitcast<u32>(x) >> 2u)",
  );
  assert.equal(
    printed((x) => asInt(k.sar(asBits(x), two))),
    "bitcast<i32>(bitcast<u32>(bitcast<i32>(bitcast<u32>(x)) >> 2u))",
  );
  assert.equal(
    printed((x) => asInt(k.neg(asBits(x)))),
    "bitcast<i32>(0u - bitcast<u32>(x))",
  );
  assert.equal(
    printed((x) => asInt(k.lt(asBits(x), k.bits(-1n)))),
    "i32((bitcast<i32>(bitcast<u32>(x)) < bitcast<i32>(0xffffffffu)))",
  );
  assert.equal(
    printed((x) => k.select(k.lt(x, two), x, k.int(-2147483648))),
    "select(-2147483648, x, (x < 2))",
  );
  assert.equal(
    printed((_, y) => k.toInt(k.sub(y, k.real(-1.5)))),
    "int_of_real(y - -1.5f)",
  );
  assert.equal(
    printed((x, y) => k.toInt(k.and(k.lt(y, k.real(1)), k.ne(k.gt(x, two), k.bool(true))))),
    "i32((y < 1.0f) & ((x > 2) != true))",
  );
  assert.equal(
    printed(() => k.toInt(k.sqrt(k.mul(k.real(8), k.real(2))))),
    "4",
  );
});

test("a condition that has to be computed in parts is computed again each time", () => {
  const out = k.kernelArray("out", "int", 2, "both");
  const deep = (e: Expression, n: number): Expression => (n === 0 ? e : k.xor(k.mul(e, k.int(3)), deep(e, n - 1)));
  const grid = k.loop("i", 2, "independent", (i) => {
    const n = k.local("int", "n");
    return [
      { op: "variable", local: n, value: k.int(0) },
      {
        op: "while",
        condition: k.lt(deep(n, 25), k.int(9)),
        body: [{ op: "assign", local: n, value: k.add(n, k.int(1)) }],
      },
      store(out, i, n),
    ];
  });
  const lines = mainOf(kernelOf([out], grid));
  for (const line of lines) assert.ok((line.match(/\(/g) ?? []).length < 40, line);
});

test("grids are joined only where nothing stands between them and their number is an int", () => {
  const out = real("out", 12, "write");
  const nest = (sizes: readonly number[], order: "serial" | "independent" = "independent"): Kernel => {
    const build = (rest: readonly number[], at: readonly Expression[]): Statement[] =>
      rest.length === 0
        ? [store(out, k.linearIndex(at, sizes), k.real(1))]
        : [k.loop("i", rest[0]!, at.length === 0 ? "independent" : order, (i) => build(rest.slice(1), [...at, i]))];
    return kernelOf([out], build(sizes, [])[0] as Kernel["grid"]);
  };
  assert.equal(flatGrid(nest([3, 4])).count, 12);
  assert.equal(flatGrid(nest([2, 3, 2])).count, 12);
  assert.equal(flatGrid(nest([3, 4], "serial")).count, 3);
  assert.equal(flatGrid(nest([65_536, 32_768])).count, 65_536);
  assert.equal(flatGrid(nest([0, 4])).count, 0);
  assert.deepEqual(mainOf(nest([2, 3, 2])), ["store_out(iii, 1.0f);"]);
});

test("literals are read back as the same numbers", () => {
  for (const [x, text] of [
    [0, "0.0f"],
    [1, "1.0f"],
    [-2.5, "-2.5f"],
    [0.1, "0.1f"],
    [1 / 3, "0.33333334f"],
    [16777216, "16777216.0f"],
    [1e21, "1e21f"],
    [1e-20, "1e-20f"],
    [2 ** -126, "1.1754944e-38f"],
    [2 ** 128 - 2 ** 104, "3.402823466e38f"],
  ] as const)
    assert.equal(realLiteral(x), text);
  for (const x of [Infinity, -Infinity, NaN, -0, 1e300, 1e-40, -(2 ** -149)]) assert.equal(realLiteral(x), undefined);
  const [f32, u32] = [new Float32Array(1), new Uint32Array(1)];
  let state = 12345;
  for (let n = 0; n < 20_000; n++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    u32[0] = state;
    new Uint32Array(f32.buffer).set(u32);
    const text = realLiteral(f32[0]!);
    if (text !== undefined) assert.equal(Math.fround(Number(text.slice(0, -1))), f32[0]);
  }
  assert.equal(intLiteral(-2147483648), "-2147483648");
  assert.equal(bitsLiteral(-1n), "0xffffffffu");
  assert.equal(bitsLiteral(0x1_0000_0001n), "0x1u");
});

test("names are identifiers, and different", () => {
  assert.deepEqual(["a b", "__x__", "θ", "2nd", "", "a__b", "x'"].map(plainName), [
    "a_b",
    "x",
    "value",
    "n2nd",
    "value",
    "a_b",
    "x",
  ]);
  const names = new Names();
  assert.deepEqual([names.take("x"), names.take("x"), names.take("select")], ["x", "x_1", "select_1"]);
  assert.equal(
    names.scope(() => names.take("y")),
    "y",
  );
  assert.equal(names.take("y"), "y");
});

test("arenas that there are not are refused", () => {
  const out = real("out", 1, "write");
  const kernel = kernelOf(
    [out],
    k.loop("i", 1, "independent", (i) => [store(out, i, k.real(1))]),
  );
  assert.throws(() => printKernel(kernel, [8]), /^Error: internal error: the arrays of test have the arenas 8$/);
  assert.throws(() => printKernel(kernel, []), /^Error: internal error/);
});
