import assert from "node:assert/strict";
import { test } from "node:test";
import type { Precision } from "../../kernel/ir.ts";
import { randomNumbers } from "../../kernel/testing-comparison.ts";
import { ModuleBuilder } from "./encoder.ts";
import { emitMatrixProduct, matrixProductScratchBytes } from "./matmul.ts";

type Product = (...parameters: number[]) => void;

function instantiate(precision: Precision, bytes: number): { product: Product; memory: WebAssembly.Memory } {
  const module = new ModuleBuilder();
  module.importMemory({ initial: 1, maximum: 65536 });
  const index = emitMatrixProduct(module, precision);
  assert.equal(emitMatrixProduct(module, precision), index);
  const parameters = module.functions[index]!.parameters;
  module.addFunction(
    "product",
    parameters,
    [],
    (f) => {
      parameters.forEach((_, i) => {
        f.get(i);
      });
      f.call(index);
    },
    { export: true },
  );
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536), maximum: 65536 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), { env: { memory } });
  return { product: instance.exports.product as Product, memory };
}

interface Case {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly aTransposed?: boolean;
  readonly bTransposed?: boolean;
  /** Elements between those of the operands. */
  readonly gap?: number;
}

/** Checks A B in two runs of rows, and that nothing beyond C and the scratch is written. */
function check(precision: Precision, { m, n, k, aTransposed = false, bTransposed = false, gap = 1 }: Case): void {
  const size = precision === "f64" ? 8 : 4;
  const View = precision === "f64" ? Float64Array : Float32Array;
  const lengths = [m * k * gap, k * n * gap, m * n + 2, matrixProductScratchBytes(precision) / size];
  const places: number[] = [];
  let end = 8;
  for (const length of lengths) {
    places.push(end);
    end += Math.ceil((length * size) / 8) * 8 + 8;
  }
  const { product, memory } = instantiate(precision, end);
  const [a, b, c] = places.map((place, i) => new View(memory.buffer, place, lengths[i])) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const next = randomNumbers(m * 10000 + n * 100 + k);
  for (const operand of [a, b])
    operand.forEach((_, i) => {
      operand[i] = next();
    });
  c.fill(Number.NaN);
  const [aRow, aColumn] = aTransposed ? [gap, m * gap] : [k * gap, gap];
  const [bRow, bColumn] = bTransposed ? [gap, k * gap] : [n * gap, gap];
  const middle = Math.floor(m / 3);
  for (const [first, last] of [
    [0, middle],
    [middle, m],
  ])
    product(
      places[0]!,
      places[1]!,
      places[2]! + size,
      m,
      n,
      k,
      aRow,
      aColumn,
      bRow,
      bColumn,
      places[3]!,
      first!,
      last!,
    );
  const what = `${precision} ${m} x ${k} by ${k} x ${n}, ${aTransposed}, ${bTransposed}, ${gap}`;
  assert.ok(Number.isNaN(c[0]!) && Number.isNaN(c[m * n + 1]!), `${what}: only C is written`);
  const allowed = (precision === "f64" ? 2 ** -52 : 2 ** -23) * 2 * Math.sqrt(k);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      let [exact, scale] = [0, 0];
      for (let p = 0; p < k; p++) {
        const term = a[i * aRow + p * aColumn]! * b[p * bRow + j * bColumn]!;
        exact += term;
        scale = Math.max(scale, Math.abs(term));
      }
      const found = c[1 + i * n + j]!;
      assert.ok(Math.abs(found - exact) <= allowed * Math.sqrt(k) * scale, `${what}: [${i}, ${j}] ${found} ${exact}`);
    }
}

for (const precision of ["f32", "f64"] as const) {
  test(`products of small matrices of all shapes, in ${precision}`, () => {
    for (const m of [0, 1, 2, 4, 5, 11])
      for (const n of [1, 2, 3, 4, 8, 9, 17]) for (const k of [0, 1, 3, 4, 7, 20]) check(precision, { m, n, k });
  });

  test(`products of transposed and spread operands, in ${precision}`, () => {
    for (const aTransposed of [false, true])
      for (const bTransposed of [false, true])
        for (const gap of [1, 3])
          for (const [m, n, k] of [
            [13, 18, 9],
            [37, 1, 41],
            [1, 37, 41],
            [8, 8, 8],
            [70, 1, 20],
          ] as const)
            check(precision, { m, n, k, aTransposed, bTransposed, gap });
  });

  test(`products larger than the blocks, in ${precision}`, () => {
    check(precision, { m: 205, n: 31, k: 530 });
    check(precision, { m: 9, n: 1050, k: 259 });
    check(precision, { m: 101, n: 530, k: 3, aTransposed: true });
    check(precision, { m: 12, n: 16, k: 1027, bTransposed: true });
  });
}
