/**
 * Matrix products. Blocks of both operands are copied into panels that are read from beginning to end, zeros
 * where they stick out, and a small function multiplies a panel of rows with a panel of columns in registers.
 * The loops around and their order are those of K. Goto and R. van de Geijn, "Anatomy of High-Performance
 * Matrix Multiplication", ACM TOMS 34 (2008).
 *
 * The innermost function is called many times and not long each, so that engines which compile anew what runs
 * often replace it early.
 */
import type { Precision } from "../../kernel/ir.ts";
import { assign, type Code, call, count, define, minus, plus, push, pushSmaller, times, value } from "./assembly.ts";
import type { ModuleBuilder } from "./encoder.ts";
import { emitPack } from "./matmul-panels.ts";
import { emitMatrixVector } from "./matrix-vector.ts";

/**
 * Rows, a power of two, and vectors of the tile that is kept in registers, and the sizes of the blocks that stay in caches.
 */
interface Blocking {
  readonly size: 4 | 8;
  readonly rows: number;
  readonly vectors: number;
  readonly columns: number;
  readonly depth: number;
  readonly blockRows: number;
  readonly blockColumns: number;
}

const blockings: Readonly<Record<Precision, Blocking>> = {
  f32: { size: 4, rows: 4, vectors: 2, columns: 8, depth: 256, blockRows: 128, blockColumns: 512 },
  f64: { size: 8, rows: 4, vectors: 2, columns: 4, depth: 256, blockRows: 128, blockColumns: 256 },
};

/** More than any row or column. */
const beyondAll = 2 ** 30;

/** How many places in the depth the innermost loop does in one round. */
const stepsPerRound = 16;

/** How many bytes of scratch a product needs, at an address that is a multiple of 8. */
export function matrixProductScratchBytes(precision: Precision): number {
  const { size, rows, columns, depth, blockRows, blockColumns } = blockings[precision];
  return size * (depth * (blockRows + blockColumns) + rows * columns);
}

const emitted = new WeakMap<ModuleBuilder, Partial<Record<Precision, number>>>();

/**
 * Adds functions to a module, once, and returns the index of one that computes rows mBegin, ..., mEnd - 1 of
 * C = A B, A m x k and B k x n with any strides, in elements, and C row after row, which it overwrites:
 * (a, b, c, m, n, k, aRow, aColumn, bRow, bColumn, scratch, mBegin, mEnd, isGram). Addresses are in bytes; each thread
 * has its own scratch of `matrixProductScratchBytes` bytes. With `isGram`, for B = A' in the same place, only the lower
 * half is summed up: column mBegin, ..., mEnd - 1 above the diagonal gets what is in the row; mBegin and mEnd are
 * multiples of 8 then, mEnd unless it is m. Each element is a sum in blocks of at most 256 terms, in order:
 * the error is at most about (256 + k / 256) eps times the sum of the absolute values of the terms.
 */
export function emitMatrixProduct(module: ModuleBuilder, precision: Precision): number {
  const known = emitted.get(module) ?? {};
  emitted.set(module, known);
  known[precision] ??= emitAll(module, precision);
  return known[precision];
}

function emitAll(module: ModuleBuilder, precision: Precision): number {
  const blocking = blockings[precision];
  const tiles = emitTiles(module, precision, blocking);
  const edge = emitEdge(module, precision, blocking, tiles);
  const packRows = emitPack(module, precision, blocking.size, blocking.rows);
  const packColumns = emitPack(module, precision, blocking.size, blocking.columns);
  const block = emitBlock(module, precision, blocking, tiles, edge);
  const mirror = emitMirror(module, precision, blocking.size);
  const vector = emitMatrixVector(module, precision);
  return emitProduct(module, precision, blocking, { packRows, packColumns, block, mirror, vector });
}

const i32s = (n: number) => new Array<"i32">(n).fill("i32");
/** Above 0, rounded up. */
const dividedUp = (a: Code, b: Code): Code => plus(["i32.div_u", minus(a, value(1)), b], value(1));
const times4or8 = (size: number, code: Code): Code => ["i32.shl", code, value(size === 8 ? 3 : 2)];

/**
 * (rows, columns, depth, c, cRow, isFirst, tiles): so many tiles of C, one below the other, from panels of rows and one of
 * columns, `depth` and `tiles` > 0; added to what is there unless `isFirst`. cRow in bytes.
 */
function emitTiles(module: ModuleBuilder, precision: Precision, { size, rows, vectors, columns }: Blocking): number {
  const shape = precision === "f64" ? "f64x2" : "f32x4";
  const splat = precision === "f64" ? "v128.load64_splat" : "v128.load32_splat";
  return module.addFunction(`matrixTiles.${precision}`, i32s(7), [], (f) => {
    const [a, panel, depth, c, cRow, isFirst, tiles] = [0, 1, 2, 3, 4, 5, 6] as const;
    const sums = Array.from({ length: rows }, () => Array.from({ length: vectors }, () => f.local("v128")));
    const column = Array.from({ length: vectors }, () => f.local("v128"));
    const element = f.local("v128");
    const [b, end] = [f.local("i32"), f.local("i32")];
    const step = (at: number) => {
      for (let j = 0; j < vectors; j++) {
        f.get(b);
        f.memory("v128.load", 16 * j + at * columns * size);
        f.set(column[j]!);
      }
      for (let i = 0; i < rows; i++) {
        f.get(a);
        f.memory(splat, i * size);
        f.set(element);
        for (let j = 0; j < vectors; j++) {
          push(f, [`${shape}.add`, sums[i]![j]!, [`${shape}.mul`, element, column[j]!]]);
          f.set(sums[i]![j]!);
        }
      }
      assign(f, a, plus(a, value(rows * size)));
    };
    const write = (add: boolean) => {
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < vectors; j++) {
          f.get(c);
          f.get(sums[i]![j]!);
          if (add) {
            f.get(c);
            f.memory("v128.load", 16 * j);
            f.emit(`${shape}.add`);
          }
          f.memory("v128.store", 16 * j);
        }
        assign(f, c, plus(c, cRow));
      }
    };
    const bytes = define(f, times(depth, value(rows * size)));
    f.loop((next) => {
      for (const sum of sums.flat()) {
        f.v128(new Uint8Array(16));
        f.set(sum);
      }
      assign(f, b, panel);
      assign(f, end, plus(a, bytes));
      // Many places in the depth in each round, with a way out after every one. Without these branches between them V8
      // would move the loads of several before the arithmetic, for which the registers do not suffice: half the speed.
      // And it works out the address of a load that is splatted anew for each offset, so `a` moves on after every place
      // and its few offsets stay in registers.
      f.block((done) =>
        f.loop((again) => {
          for (let at = 0; at < stepsPerRound; at++) {
            step(at);
            push(f, ["i32.eq", a, end]);
            f.branchIf(done);
          }
          assign(f, b, plus(b, value(stepsPerRound * columns * size)));
          f.branch(again);
        }),
      );
      f.get(isFirst);
      f.if(
        () => write(false),
        () => write(true),
      );
      assign(f, tiles, minus(tiles, value(1)));
      f.get(tiles);
      f.branchIf(next);
    });
  });
}

/** (rows, columns, depth, c, cRow, isFirst, tile, height, width): a tile that sticks out, by way of `tile`. */
function emitEdge(
  module: ModuleBuilder,
  precision: Precision,
  { size, columns }: Blocking,
  tilesFunction: number,
): number {
  return module.addFunction(`matrixEdge.${precision}`, i32s(9), [], (f) => {
    const [a, b, depth, c, cRow, isFirst, tile, height, width] = [0, 1, 2, 3, 4, 5, 6, 7, 8] as const;
    call(f, tilesFunction, a, b, depth, tile, value(columns * size), value(1), value(1));
    count(f, value(0), height, 1, (i) => {
      const [from, to] = [define(f, plus(tile, times(i, value(columns * size)))), define(f, plus(c, times(i, cRow)))];
      count(f, value(0), width, 1, (j) => {
        const place = define(f, plus(to, times4or8(size, j)));
        f.get(place);
        push(f, plus(from, times4or8(size, j)));
        f.memory(`${precision}.load`);
        f.get(isFirst);
        f.if(
          () => f.constant(precision, -0),
          () => {
            f.get(place);
            f.memory(`${precision}.load`);
          },
          precision,
        );
        f.emit(`${precision}.add`);
        f.memory(`${precision}.store`);
      });
    });
  });
}

/**
 * (a, b, depth, c, cRow, isFirst, tile, height, width, above): the tiles of a block, from its packed operands, whose first
 * column is at most `above` more than the first row, both counted from those of the block.
 */
function emitBlock(
  module: ModuleBuilder,
  precision: Precision,
  { size, rows, columns }: Blocking,
  tilesFunction: number,
  edgeFunction: number,
): number {
  return module.addFunction(`matrixBlock.${precision}`, i32s(10), [], (f) => {
    const [a, b, depth, c, cRow, isFirst, tile, height, width, above] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] as const;
    count(f, value(0), width, columns, (j) => {
      const panel = define(f, plus(b, times(times(j, depth), value(size))));
      const rowPanel = (i: Code) => plus(a, times(times(i, depth), value(size)));
      const place = (i: Code) => plus(c, plus(times(i, cRow), times4or8(size, j)));
      // The first row whose tiles are wanted, and the first below it whose tile sticks out.
      const below = define(f, minus(j, above));
      const first = define(f, [
        "select",
        ["i32.and", plus(below, value(rows - 1)), value(-rows)],
        value(0),
        ["i32.gt_s", below, value(0)],
      ]);
      const rest = define(f, first);
      push(f, [
        "i32.and",
        ["i32.ge_s", minus(width, j), value(columns)],
        ["i32.ge_s", minus(height, first), value(rows)],
      ]);
      f.if(() => {
        const tiles = define(f, ["i32.div_u", minus(height, first), value(rows)]);
        call(f, tilesFunction, rowPanel(first), panel, depth, place(first), cRow, isFirst, tiles);
        assign(f, rest, plus(first, times(tiles, value(rows))));
      });
      count(f, rest, height, rows, (i) => {
        for (const parameter of [rowPanel(i), panel, depth, place(i), cRow, isFirst, tile]) push(f, parameter);
        pushSmaller(f, minus(height, i), value(rows));
        pushSmaller(f, minus(width, j), value(columns));
        f.call(edgeFunction);
      });
    });
  });
}

/** (c, cRow, begin, end): what is left of the diagonal in some rows, copied to above it. */
function emitMirror(module: ModuleBuilder, precision: Precision, size: 4 | 8): number {
  return module.addFunction(`matrixMirror.${precision}`, i32s(4), [], (f) => {
    const [c, cRow, begin, end] = [0, 1, 2, 3] as const;
    count(f, begin, end, 1, (i) => {
      const from = define(f, plus(c, times(i, cRow)));
      const to = define(f, plus(c, times4or8(size, i)));
      count(f, value(0), i, 1, () => {
        f.get(to);
        f.get(from);
        f.memory(`${precision}.load`);
        f.memory(`${precision}.store`);
        assign(f, from, plus(from, value(size)));
        assign(f, to, plus(to, cRow));
      });
    });
  });
}

interface Parts {
  readonly packRows: number;
  readonly packColumns: number;
  readonly block: number;
  readonly mirror: number;
  readonly vector: number;
}

function emitProduct(module: ModuleBuilder, precision: Precision, blocking: Blocking, parts: Parts): number {
  const { size, rows, depth, blockRows, blockColumns } = blocking;
  const name = `matrixProduct.${precision}`;
  return module.addFunction(name, i32s(14), [], (f) => {
    const [a, b, c, m, n, k] = [0, 1, 2, 3, 4, 5] as const;
    const [aRow, aColumn, bRow, bColumn, scratch, begin, end, isGram] = [6, 7, 8, 9, 10, 11, 12, 13] as const;
    const bytes = (stride: number) => define(f, times4or8(size, stride));
    const strides = [aRow, aColumn, bRow, bColumn].map(bytes);
    const [aDown, aAlong, bDown, bAlong] = strides as [number, number, number, number];
    const cRow = bytes(n);
    push(f, ["i32.eq", n, value(1)]);
    f.if(() => {
      call(f, parts.vector, a, b, c, begin, end, k, aDown, aAlong, bDown);
      f.emit("return");
    });
    push(f, ["i32.eq", m, value(1)]);
    f.if(() => {
      call(f, parts.vector, b, a, c, value(0), n, k, bAlong, bDown, aAlong);
      f.emit("return");
    });
    push(f, ["i32.eqz", k]);
    f.if(() => {
      push(f, plus(c, times(begin, cRow)));
      push(f, value(0));
      push(f, times(minus(end, begin), cRow));
      f.bulk("memory.fill");
      f.emit("return");
    });
    const packedRows = define(f, plus(scratch, value(depth * blockColumns * size)));
    const tile = define(f, plus(packedRows, value(depth * blockRows * size)));
    const blockOf = (left: Code, most: Code) => {
      pushSmaller(f, left, most);
      const local = f.local("i32");
      f.set(local);
      return local;
    };
    // Blocks of one depth, rather than whole ones and a shallow rest, which would cost as many writes of C.
    const evenDepth = define(f, dividedUp(k, dividedUp(k, value(depth))));
    count(f, value(0), n, blockColumns, (j) => {
      const width = blockOf(minus(n, j), value(blockColumns));
      count(f, value(0), k, { local: evenDepth }, (p) => {
        const deep = blockOf(minus(k, p), evenDepth);
        const bBlock = plus(b, plus(times(p, bDown), times(j, bAlong)));
        call(f, parts.packColumns, bBlock, scratch, width, deep, bAlong, bDown);
        count(f, begin, end, blockRows, (i) => {
          const height = blockOf(minus(end, i), value(blockRows));
          // The column where the diagonal comes to the first row.
          const diagonal = define(f, ["select", i, value(beyondAll), isGram]);
          push(f, ["i32.lt_s", minus(j, height), diagonal]);
          f.if(() => {
            const aBlock = plus(a, plus(times(i, aDown), times(p, aAlong)));
            call(f, parts.packRows, aBlock, packedRows, height, deep, aDown, aAlong);
            const place = plus(c, plus(times(i, cRow), times4or8(size, j)));
            const isFirst: Code = ["i32.eqz", p];
            const above = plus(minus(diagonal, j), value(rows - 1));
            call(f, parts.block, packedRows, scratch, deep, place, cRow, isFirst, tile, height, width, above);
          });
        });
      });
    });
    f.get(isGram);
    f.if(() => call(f, parts.mirror, c, cRow, begin, end));
  });
}
