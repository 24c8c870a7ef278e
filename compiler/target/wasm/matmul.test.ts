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
  /** A times its transpose, n = m: said to the function, which then needs half the tiles. */
  readonly isGram?: boolean;
}

/** Checks A B in two runs of rows, and that nothing beyond C and the scratch is written. */
function check(precision: Precision, c: Case): void {
  const { m, n, k, aTransposed = false, bTransposed = false, gap = 1, isGram = false } = c;
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
  const [a, other, result] = places.map((place, i) => new View(memory.buffer, place, lengths[i])) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const next = randomNumbers(m * 10000 + n * 100 + k);
  for (const operand of [a, other])
    operand.forEach((_, i) => {
      operand[i] = next();
    });
  result.fill(Number.NaN);
  const b = isGram ? a : other;
  const [aRow, aColumn] = aTransposed ? [gap, m * gap] : [k * gap, gap];
  const [bRow, bColumn] = isGram ? [aColumn, aRow] : bTransposed ? [gap, k * gap] : [n * gap, gap];
  const third = Math.floor(m / 3);
  const middle = isGram ? third - (third % 8) : third;
  for (const [first, last] of [
    [0, middle],
    [middle, m],
  ])
    product(
      places[0]!,
      places[isGram ? 0 : 1]!,
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
      Number(isGram),
    );
  const what = `${precision} ${m} x ${k} by ${k} x ${n}, ${aTransposed}, ${bTransposed}, ${gap}, ${isGram}`;
  assert.ok(Number.isNaN(result[0]!) && Number.isNaN(result[m * n + 1]!), `${what}: only C is written`);
  const allowed = (precision === "f64" ? 2 ** -52 : 2 ** -23) * 2 * Math.sqrt(k);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      let [exact, scale, sum] = [0, 0, 0];
      for (let p = 0; p < k; p++) {
        const term = a[i * aRow + p * aColumn]! * b[p * bRow + j * bColumn]!;
        exact += term;
        scale = Math.max(scale, Math.abs(term));
        sum += Math.abs(term);
      }
      // Where all terms have one sign, partial sums are as large as the whole.
      if (isGram) scale = sum / Math.max(1, Math.sqrt(k));
      const found = result[1 + i * n + j]!;
      assert.ok(Math.abs(found - exact) <= allowed * Math.sqrt(k) * scale, `${what}: [${i}, ${j}] ${found} ${exact}`);
      if (isGram) assert.equal(found, result[1 + j * n + i], `${what}: [${i}, ${j}] is [${j}, ${i}]`);
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

  test(`products of a matrix and its transpose, in ${precision}`, () => {
    for (const m of [2, 4, 5, 9, 25, 70])
      for (const k of [0, 1, 7, 33])
        for (const aTransposed of [false, true])
          for (const gap of [1, 2]) check(precision, { m, n: m, k, aTransposed, gap, isGram: true });
    check(precision, { m: 135, n: 135, k: 530, isGram: true });
    check(precision, { m: 601, n: 601, k: 5, aTransposed: true, isGram: true });
  });
}
