/**
 * Matrix products for devices. An iteration of the grid makes a tile of the result: steps over the contracted axis lay a
 * few columns of one operand's rows and a few rows of the other's columns into arrays of the iteration's own, from which
 * each invocation of a workgroup multiplies a block that it keeps in registers. Operands are computed while they are laid
 * out, wherever they lie; what is made of the product is computed from the finished tile, element by element, and so are
 * sums over all of it, which a second kernel joins.
 */
import { sizeOf } from "../core/array.ts";
import type { Var } from "../core/graph.ts";
import { coefficientOf, forEachNode } from "./affine.ts";
import { KernelAssembly } from "./assemble.ts";
import * as ir from "./expressions.ts";
import type { Group } from "./fuse.ts";
import type { Expression, LocalArray, Statement } from "./ir.ts";
import { type ReduceNode, smallProduct } from "./nodes.ts";
import type { Launch } from "./plan.ts";
import { type Context, describe, longestChain, workOf } from "./schedule-common.ts";
import { bounded, numbersOf, ProductParts, type ProductSizes, productKernels, productOf } from "./schedule-product.ts";
import { blockKernels } from "./schedule-registers.ts";

/** Invocations of a workgroup, and how they lie over a tile. */
const lanes = 64;
const side = 8;
/** Rows and columns of an invocation's block, the best use of what is laid out first. */
const blocks = [
  [8, 4],
  [4, 4],
  [2, 2],
] as const;
/** With fewer tiles than this they had better be smaller, and with fewer than the least there are none. */
const enoughTiles = 128;
const leastTiles = 32;
/** Of the contracted axis, how much is laid out at once. */
const depth = 16;

interface Tiling extends ProductSizes {
  /** Of a tile. */
  readonly rows: number;
  readonly columns: number;
  /** Of the block of an invocation. */
  readonly block: readonly [number, number];
  /** Along batches, rows and columns. */
  readonly counts: readonly [number, number, number];
}

/** How a group is cut into tiles, if it is a product worth that, and maps of it. */
function tilingOf(group: Group, c: Context): Tiling | undefined {
  const found = productOf(group, c);
  if (!found) return undefined;
  const { product, batch, m, n, k } = found;
  if (Math.min(m, n, k) < depth || m * n * k < smallProduct) return undefined;
  const all = blocks.map((block) => {
    const [rows, columns] = [side * block[0], side * block[1]];
    const counts = [batch, Math.ceil(m / rows), Math.ceil(n / columns)] as const;
    return { product, batch, m, n, k, rows, columns, block, counts };
  });
  const tiling = all.find((t) => sizeOf(t.counts) >= enoughTiles) ?? all.at(-1)!;
  return sizeOf(tiling.counts) >= leastTiles ? tiling : undefined;
}

/**
 * The kernels of a group that is a product worth tiles, with sums over all its places if there are any; undefined for
 * other groups.
 */
export function tileKernels(group: Group, sums: readonly Group[], c: Context): Launch[] | undefined {
  if (c.options.products === "blocks") return blockKernels(group, sums, c);
  const tiling = tilingOf(group, c);
  return (
    tiling &&
    productKernels(sums, sizeOf(tiling.counts), c, (partials, context) =>
      new Tiles(tiling, group, sums, partials, context).launch(),
    )
  );
}

class Tiles {
  readonly #tiling: Tiling;
  readonly #group: Group;
  readonly #sums: readonly Group[];
  readonly #partials: ReadonlyMap<ReduceNode, Var>;
  readonly #c: Context;
  readonly #a: KernelAssembly;
  readonly #parts: ProductParts;
  /** Rows of the one operand and columns of the other, laid out. A word more, so that neighbours differ in banks. */
  readonly #left: LocalArray;
  readonly #right: LocalArray;
  /** Each invocation's block, that of many steps together where the sums are long, and the tile when it is finished. */
  readonly #block: LocalArray;
  readonly #long: LocalArray | undefined;
  readonly #tile: LocalArray;

  constructor(
    tiling: Tiling,
    group: Group,
    sums: readonly Group[],
    partials: ReadonlyMap<ReduceNode, Var>,
    c: Context,
  ) {
    this.#tiling = tiling;
    this.#group = group;
    this.#sums = sums;
    this.#partials = partials;
    this.#c = c;
    const a = new KernelAssembly(c.fusion, c.memory);
    this.#a = a;
    this.#parts = new ProductParts(tiling, group, sums, a, c);
    const { rows, columns, k } = tiling;
    this.#left = a.local("left", "real", depth * (rows + 1));
    this.#right = a.local("right", "real", depth * (columns + 1));
    const each = this.#each;
    this.#block = a.local("block", "real", lanes * each, each);
    this.#long = k > depth * longestChain ? a.local("long_block", "real", lanes * each, each) : undefined;
    this.#tile = a.local("tile", "real", rows * columns);
  }

  /** Elements of an invocation's block. */
  get #each(): number {
    return this.#tiling.block[0] * this.#tiling.block[1];
  }

  launch(): Launch {
    const { counts } = this.#tiling;
    const grid = ir.loop("tile", sizeOf(counts), "independent", (tile) => this.#statements(tile));
    const members = [...this.#group.members, ...this.#sums.flatMap((s) => s.members.filter((m) => m.space))];
    const { name, description } = describe(members);
    const work = members.reduce((w, m) => w + workOf(m.root), 0);
    const text = `${description}, in ${sizeOf(counts)} tiles`;
    return this.#a.launch(`${name}_tiles`, members[0]!.root.span, text, grid, work);
  }

  #statements(tile: Expression): Statement[] {
    const { rows, columns, counts, k } = this.#tiling;
    const [batch, i, j] = ir.coordinatesOf(tile, counts) as [Expression, Expression, Expression];
    const [row, column] = [ir.mul(i, ir.int(rows)), ir.mul(j, ir.int(columns))];
    const steps = Math.ceil(k / depth);
    const step = (from: Expression): Statement[] => [this.#layOut(batch, row, column, from), this.#multiply()];
    const long = this.#long;
    if (!long)
      return [
        this.#eachOf(() => [[this.#block, ir.real(0)]]),
        ir.loop("step", steps, "serial", (s) => step(ir.mul(s, ir.int(depth)))),
        ...this.#finish(tile, batch, row, column, this.#block),
      ];
    const parts = Math.ceil(steps / longestChain);
    return [
      this.#eachOf(() => [[long, ir.real(0)]]),
      ir.loop("part", parts, "serial", (part) => {
        const first = ir.mul(part, ir.int(longestChain));
        const left =
          steps % longestChain === 0
            ? ir.int(longestChain)
            : ir.min(ir.int(longestChain), ir.sub(ir.int(steps), first));
        return [
          this.#eachOf(() => [[this.#block, ir.real(0)]]),
          ir.loop("step", left, "serial", (s) => step(ir.mul(ir.add(first, s), ir.int(depth)))),
          this.#eachOf((at) => [[long, ir.add(ir.load(long, at), ir.load(this.#block, at))]]),
        ];
      }),
      ...this.#finish(tile, batch, row, column, long),
    ];
  }

  #put(array: LocalArray, index: Expression, value: Expression): Statement {
    return { op: "store", array, index, value };
  }

  /** What each invocation stores at each place of its block. */
  #eachOf(values: (at: Expression) => readonly (readonly [LocalArray, Expression])[]): Statement {
    return ir.loop("lane", lanes, "independent", (lane) =>
      Array.from({ length: this.#each }, (_, e) => ir.add(ir.mul(lane, ir.int(this.#each)), ir.int(e))).flatMap((at) =>
        values(at).map(([array, value]) => this.#put(array, at, value)),
      ),
    );
  }

  /** Lays out what a step multiplies: zeros after the end of the contracted axis, what is in range beside the matrices. */
  #layOut(batch: Expression, row: Expression, column: Expression, from: Expression): Statement {
    const { m, n, rows, columns } = this.#tiling;
    return ir.loop("lane", lanes, "independent", (lane) => [
      this.#layOutOne(0, this.#left, lane, { batch, from, first: row, length: rows, whole: m }),
      this.#layOutOne(1, this.#right, lane, { batch, from, first: column, length: columns, whole: n }),
    ]);
  }

  #layOutOne(
    operand: 0 | 1,
    to: LocalArray,
    lane: Expression,
    where: {
      readonly batch: Expression;
      readonly from: Expression;
      readonly first: Expression;
      readonly length: number;
      readonly whole: number;
    },
  ): Statement {
    const { batch, from, first, length, whole } = where;
    const { k } = this.#tiling;
    const count = (depth * length) / lanes;
    return ir.loop("e", count, "serial", (e) => {
      const place = ir.knownBelow(ir.add(ir.mul(e, ir.int(lanes)), lane), depth * length);
      const [free, contracted] = this.#runsAlongContracted(operand)
        ? (ir.coordinatesOf(place, [length, depth]) as [Expression, Expression])
        : (ir.coordinatesOf(place, [depth, length]).reverse() as [Expression, Expression]);
      const at = ir.add(first, free);
      const along = ir.add(from, contracted);
      const value = this.#parts.operand(operand, batch, bounded(at, length, whole), bounded(along, depth, k));
      const padded = k % depth === 0 ? value : ir.select(ir.lt(along, ir.int(k)), value, ir.real(0));
      return [this.#put(to, ir.add(ir.mul(contracted, ir.int(length + 1)), free), padded)];
    });
  }

  readonly #directions = new Map<number, boolean>();
  /** Whether neighbours along the contracted axis lie side by side in memory. */
  #runsAlongContracted(operand: 0 | 1): boolean {
    let found = this.#directions.get(operand);
    if (found === undefined) {
      const { batch, m, n, k } = this.#tiling;
      const [b, free, contracted] = [batch, operand === 0 ? m : n, k].map((size, i) =>
        ir.local("int", `d${i}`, size),
      ) as [ReturnType<typeof ir.local>, ReturnType<typeof ir.local>, ReturnType<typeof ir.local>];
      let [along, across] = [0, 0];
      forEachNode([this.#parts.operand(operand, b, free, contracted)], (e) => {
        if (e.op !== "load") return;
        if (coefficientOf(e.index, contracted) === 1) along += e.array.length;
        if (coefficientOf(e.index, free) === 1) across += e.array.length;
      });
      found = along > across;
      this.#directions.set(operand, found);
    }
    return found;
  }

  /** Adds what is laid out to each invocation's block: its rows and columns lie a side apart. */
  #multiply(): Statement {
    const { rows, columns, block } = this.#tiling;
    return ir.loop("lane", lanes, "independent", (lane) => {
      const [y, x] = ir.coordinatesOf(lane, [side, side]) as [Expression, Expression];
      const sums = Array.from({ length: this.#each }, (_, e) => ir.local("real", `sum${e}`));
      const at = (e: number) => ir.add(ir.mul(lane, ir.int(this.#each)), ir.int(e));
      return [
        ...sums.map((local): Statement => ({ op: "variable", local, value: ir.real(0) })),
        ir.loop("k", depth, "serial", (k) =>
          sums.map((local, e): Statement => {
            const [i, j] = [Math.floor(e / block[1]), e % block[1]];
            const place = (start: Expression, length: number, n: number) =>
              ir.add(ir.add(ir.mul(k, ir.int(length + 1)), start), ir.int(side * n));
            const a = ir.load(this.#left, place(y, rows, i));
            const b = ir.load(this.#right, place(x, columns, j));
            return { op: "assign", local, value: ir.add(local, ir.mul(a, b)) };
          }),
        ),
        ...sums.map((local, e) => this.#put(this.#block, at(e), ir.add(ir.load(this.#block, at(e)), local))),
      ];
    });
  }

  /** Gathers the tile, and computes what is made of it. */
  #finish(tile: Expression, batch: Expression, row: Expression, column: Expression, finished: LocalArray): Statement[] {
    const { rows, columns, block } = this.#tiling;
    const gather = ir.loop("lane", lanes, "independent", (lane) => {
      const [y, x] = ir.coordinatesOf(lane, [side, side]) as [Expression, Expression];
      return Array.from({ length: this.#each }, (_, e) => {
        const i = ir.add(y, ir.int(side * Math.floor(e / block[1])));
        const j = ir.add(x, ir.int(side * (e % block[1])));
        const value = ir.load(finished, ir.add(ir.mul(lane, ir.int(this.#each)), ir.int(e)));
        return this.#put(this.#tile, ir.add(ir.mul(i, ir.int(columns)), j), value);
      });
    });
    const numbers = numbersOf(this.#partials.keys());
    const sums = [...numbers];
    const where = { batch, row, column };
    const element = (e: Expression): Statement[] => {
      const at = ir.coordinatesOf(e, [rows, columns]) as [Expression, Expression];
      return this.#parts.elementOfBlock(this.#tiling, where, [rows, columns], at, ir.load(this.#tile, e), numbers);
    };
    const accumulators = sums.map(([r, local]) => ({ local, operator: r.reduction.operator! }));
    return [
      gather,
      ...sums.map(([r, local]): Statement => ({ op: "variable", local, value: r.reduction.initial[0]! })),
      ir.loop("e", rows * columns, sums.length > 0 ? "reduction" : "independent", element, { accumulators }),
      ...sums.map(([r, local]) => this.#a.store(this.#c.memory.bufferOf(this.#partials.get(r)!), tile, local)),
    ];
  }
}
