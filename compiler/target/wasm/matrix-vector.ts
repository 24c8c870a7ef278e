/** Products of a matrix and a vector: each element is used once, so they are as fast as memory is. */
import type { Precision } from "../../kernel/ir.ts";
import { assign, type Code, count, define, minus, plus, push, times, value } from "./assembly.ts";
import type { FunctionBuilder, ModuleBuilder } from "./encoder.ts";

const parameters = { a: 0, x: 1, y: 2, begin: 3, end: 4, k: 5, aRow: 6, aColumn: 7, xStep: 8 } as const;

/**
 * Adds a function (a, x, y, begin, end, k, aRow, aColumn, xStep) for y = A x, elements begin, ..., end - 1 of y, which
 * are neighbours; addresses and steps are in bytes. Returns its index.
 */
export function emitMatrixVector(module: ModuleBuilder, precision: Precision): number {
  const row = emitRow(module, precision);
  const size = precision === "f64" ? 8 : 4;
  const types = new Array<"i32">(9).fill("i32");
  return module.addFunction(`matrixVector.${precision}`, types, [], (f) => {
    const { a, x, y, begin, end, k, aRow, aColumn, xStep } = parameters;
    const isRowAfterRow: Code = ["i32.and", ["i32.eq", aColumn, value(size)], ["i32.eq", xStep, value(size)]];
    push(f, ["i32.or", isRowAfterRow, ["i32.ne", aRow, value(size)]]);
    f.if(
      () =>
        count(f, begin, end, 1, (i) => {
          push(f, plus(y, times(i, value(size))));
          for (const code of [plus(a, times(i, aRow)), x, k, aColumn, xStep] as const) push(f, code);
          f.call(row);
          f.memory(`${precision}.store`);
        }),
      () => sumOfColumns(f, precision, size),
    );
  });
}

/** (a, x, k, aStep, xStep): the product of a row and a vector. */
function emitRow(module: ModuleBuilder, precision: Precision): number {
  const size = precision === "f64" ? 8 : 4;
  const shape = precision === "f64" ? "f64x2" : "f32x4";
  const lanes = 16 / size;
  const types = new Array<"i32">(5).fill("i32");
  return module.addFunction(`matrixRow.${precision}`, types, [precision], (f) => {
    const [a, x, k, aStep, xStep] = [0, 1, 2, 3, 4] as const;
    const sums = Array.from({ length: 4 }, () => f.local("v128"));
    const total = f.local(precision);
    const move = (places: number) => {
      assign(f, a, plus(a, times(aStep, value(places))));
      assign(f, x, plus(x, times(xStep, value(places))));
    };
    push(f, ["i32.and", ["i32.eq", aStep, value(size)], ["i32.eq", xStep, value(size)]]);
    f.if(() => {
      const step = 4 * lanes;
      count(f, value(0), ["i32.div_s", k, value(step)], 1, () => {
        sums.forEach((sum, i) => {
          f.get(sum);
          f.get(a);
          f.memory("v128.load", 16 * i);
          f.get(x);
          f.memory("v128.load", 16 * i);
          f.emit(`${shape}.mul`);
          f.emit(`${shape}.add`);
          f.set(sum);
        });
        move(step);
      });
      assign(f, k, ["i32.rem_s", k, value(step)]);
      const [s, t, u, v] = sums as [number, number, number, number];
      push(f, [`${shape}.add`, [`${shape}.add`, s, t], [`${shape}.add`, u, v]]);
      f.set(s);
      for (let lane = 0; lane < lanes; lane++) {
        f.get(s);
        f.lane(`${shape}.extract_lane`, lane);
        if (lane > 0) f.emit(`${precision}.add`);
      }
      f.set(total);
    });
    count(f, value(0), k, 1, () => {
      f.get(total);
      f.get(a);
      f.memory(`${precision}.load`);
      f.get(x);
      f.memory(`${precision}.load`);
      f.emit(`${precision}.mul`);
      f.emit(`${precision}.add`);
      f.set(total);
      move(1);
    });
    f.get(total);
  });
}

/** For a matrix whose columns are neighbours in memory: blocks of y grow by a multiple of each column. */
function sumOfColumns(f: FunctionBuilder, precision: Precision, size: number): void {
  const shape = precision === "f64" ? "f64x2" : "f32x4";
  const { a, x, y, begin, end, k, aColumn, xStep } = parameters;
  const lanes = 16 / size;
  const place = f.local("i32");
  const factor = f.local("i32");
  /** Sums over k for `vectors` vectors of rows from i, or one row; returns nothing, stores to y. */
  const block = (i: number, vectors: number) => {
    const isOne = vectors === 0;
    const sums = Array.from({ length: Math.max(vectors, 1) }, () => f.local(isOne ? precision : "v128"));
    for (const sum of sums) {
      if (isOne) f.constant(precision, 0);
      else f.v128(new Uint8Array(16));
      f.set(sum);
    }
    assign(f, place, plus(a, times(i, value(size))));
    assign(f, factor, x);
    count(f, value(0), k, 1, () => {
      sums.forEach((sum, s) => {
        f.get(sum);
        f.get(place);
        f.memory(isOne ? `${precision}.load` : "v128.load", 16 * s);
        f.get(factor);
        f.memory(isOne ? `${precision}.load` : size === 8 ? "v128.load64_splat" : "v128.load32_splat");
        f.emit(isOne ? `${precision}.mul` : `${shape}.mul`);
        f.emit(isOne ? `${precision}.add` : `${shape}.add`);
        f.set(sum);
      });
      assign(f, place, plus(place, aColumn));
      assign(f, factor, plus(factor, xStep));
    });
    sums.forEach((sum, s) => {
      push(f, plus(y, times(i, value(size))));
      f.get(sum);
      f.memory(isOne ? `${precision}.store` : "v128.store", 16 * s);
    });
  };
  const vectors = 8;
  const whole = define(f, begin);
  count(f, begin, minus(end, value(vectors * lanes - 1)), vectors * lanes, (i) => {
    block(i, vectors);
    assign(f, whole, plus(i, value(vectors * lanes)));
  });
  count(f, whole, end, 1, (i) => block(i, 0));
}
