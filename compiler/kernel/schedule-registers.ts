/**
 * Matrix products for adapters on which memory that a workgroup shares is slow, as those that compute on the CPU: each
 * iteration of the grid makes a block of the result, in registers. It reads what it multiplies from where it lies, and
 * computes what is made of the product from the finished block, element by element; sums over all of it a second kernel
 * joins.
 */
import { sizeOf } from "../core/array.ts";
import type { Var } from "../core/graph.ts";
import { KernelAssembly } from "./assemble.ts";
import * as ir from "./expressions.ts";
import type { Group } from "./fuse.ts";
import type { Expression, LocalArray, Statement } from "./ir.ts";
import { type ReduceNode, smallProduct } from "./nodes.ts";
import type { Launch } from "./plan.ts";
import { type Context, describe, longestChain, workOf } from "./schedule-common.ts";
import { bounded, numbersOf, ProductParts, type ProductSizes, productKernels, productOf } from "./schedule-product.ts";

/** Shorter sums are soon read, and not worth that several are computed at once. */
const leastContracted = 8;
/** How many terms a step of the loop adds to each sum: what goes round a loop costs as much as a term. */
const unrolled = 4;
/** What it costs to read an element, in multiplications. */
const readCost = 10;
/** Invocations that are computed at once, in a vector: what all of them read, each may read a part of for the others. */
const width = 4;
/** What it costs to have an element that was read for all of them. */
const sharedCost = 4;
/** Elements of a block at most, by the multiplications of the product: larger blocks take longer to compile. */
const largestBlocks = [
  { from: 2 ** 27, elements: 256 },
  { from: 2 ** 23, elements: 128 },
  { from: 2 ** 20, elements: 64 },
  { from: 0, elements: 32 },
] as const;
const sides = [16, 12, 8, 6, 5, 4, 3, 2, 1] as const;

interface Blocking extends ProductSizes {
  /** Rows and columns. */
  readonly block: readonly [number, number];
  /** Of blocks, along batches, rows and columns. */
  readonly counts: readonly [number, number, number];
  /** The axis along which blocks with consecutive numbers lie, whose vectors share what they read of the other. */
  readonly along: "rows" | "columns";
}

/** How a group is cut into blocks, if it is a product worth that, and maps of it. */
function blockingOf(group: Group, c: Context): Blocking | undefined {
  const sizes = productOf(group, c);
  if (!sizes) return undefined;
  const { batch, m, n, k } = sizes;
  const work = m * n * k;
  if (k < leastContracted || Math.min(m, n) < 2 || work < smallProduct) return undefined;
  const { elements } = largestBlocks.find((b) => work >= b.from)!;
  let best: { readonly blocking: Blocking; readonly cost: number } | undefined;
  for (const rows of sidesOf(m))
    for (const columns of sidesOf(n)) {
      if (rows * columns > elements) continue;
      const counts = [batch, Math.ceil(m / rows), Math.ceil(n / columns)] as const;
      for (const along of ["columns", "rows"] as const) {
        const [shared, own, count] = along === "columns" ? [rows, columns, counts[2]] : [columns, rows, counts[1]];
        // Each of a vector reads four elements side by side: as many as the others.
        const isShared = count % width === 0 && shared % width === 0;
        const reads = (isShared ? sharedCost : readCost) * shared + readCost * own;
        const cost = Math.ceil(sizeOf(counts) / width) * (reads + rows * columns);
        if (!best || cost < best.cost) best = { blocking: { ...sizes, block: [rows, columns], counts, along }, cost };
      }
    }
  return best?.blocking;
}

/** The sides that blocks of a matrix may have along an axis: also all of it when it is short. */
const sidesOf = (size: number): readonly number[] =>
  size <= sides[0] ? [size, ...sides.filter((s) => s < size)] : sides;

/**
 * The kernels of a group that is a product worth blocks, with sums over all its places if there are any; undefined for
 * other groups.
 */
export function blockKernels(group: Group, sums: readonly Group[], c: Context): Launch[] | undefined {
  const blocking = blockingOf(group, c);
  return (
    blocking &&
    productKernels(sums, sizeOf(blocking.counts), c, (partials, context) =>
      new Blocks(blocking, group, sums, partials, context).launch(),
    )
  );
}

type Local = ReturnType<typeof ir.local>;
type Where = Readonly<Record<"batch" | "row" | "column", Expression>>;

class Blocks {
  readonly #blocking: Blocking;
  readonly #group: Group;
  readonly #sums: readonly Group[];
  readonly #partials: ReadonlyMap<ReduceNode, Var>;
  readonly #c: Context;
  readonly #a: KernelAssembly;
  readonly #parts: ProductParts;
  /** The block when it is finished. */
  readonly #block: LocalArray;

  constructor(
    blocking: Blocking,
    group: Group,
    sums: readonly Group[],
    partials: ReadonlyMap<ReduceNode, Var>,
    c: Context,
  ) {
    this.#blocking = blocking;
    this.#group = group;
    this.#sums = sums;
    this.#partials = partials;
    this.#c = c;
    this.#a = new KernelAssembly(c.fusion, c.memory);
    this.#parts = new ProductParts(blocking, group, sums, this.#a, c);
    this.#block = this.#a.local("block", "real", sizeOf(blocking.block));
  }

  launch(): Launch {
    const { counts } = this.#blocking;
    const grid = ir.loop("place", sizeOf(counts), "independent", (place) => this.#statements(place));
    const members = [...this.#group.members, ...this.#sums.flatMap((s) => s.members.filter((m) => m.space))];
    const { name, description } = describe(members);
    const work = members.reduce((w, m) => w + workOf(m.root), 0);
    const text = `${description}, in ${sizeOf(counts)} blocks`;
    return this.#a.launch(`${name}_blocks`, members[0]!.root.span, text, grid, work);
  }

  #statements(place: Expression): Statement[] {
    const { block, k } = this.#blocking;
    const [batch, i, j] = this.#coordinates(place);
    const where: Where = { batch, row: ir.mul(i, ir.int(block[0])), column: ir.mul(j, ir.int(block[1])) };
    const chain = chainOf(k);
    const totals = this.#newSums("total");
    if (chain >= k)
      return [...begun(totals), ...this.#terms(where, ir.int(0), k, totals), ...this.#finish(place, where, totals)];
    const whole = Math.floor(k / chain);
    const part = (from: Expression, length: number): Statement[] => {
      const sums = this.#newSums("sum");
      return [
        ...begun(sums),
        ...this.#terms(where, from, length, sums),
        ...totals.map((t, e): Statement => ({ op: "assign", local: t, value: ir.add(t, sums[e]!) })),
      ];
    };
    return [
      ...begun(totals),
      ir.loop("part", whole, "serial", (p) => part(ir.mul(p, ir.int(chain)), chain)),
      ...(whole * chain < k ? part(ir.int(whole * chain), k - whole * chain) : []),
      ...this.#finish(place, where, totals),
    ];
  }

  /** Of a block: its batch, and its place along rows and columns. */
  #coordinates(place: Expression): readonly [Expression, Expression, Expression] {
    const { counts, along } = this.#blocking;
    const [batches, rows, columns] = counts;
    if (along === "columns") return ir.coordinatesOf(place, counts) as [Expression, Expression, Expression];
    const [batch, j, i] = ir.coordinatesOf(place, [batches, columns, rows]) as [Expression, Expression, Expression];
    return [batch, i, j];
  }

  #newSums(name: string): Local[] {
    return Array.from({ length: sizeOf(this.#blocking.block) }, (_, e) => ir.local("real", `${name}${e}`));
  }

  /** Adds `length` terms to sums, from one on: so many in each step of a loop, then the rest. */
  #terms(where: Where, from: Expression, length: number, sums: readonly Local[]): Statement[] {
    const steps = Math.floor(length / unrolled);
    const done = steps * unrolled;
    return [
      ir.loop("k", steps, "serial", (s) =>
        this.#step(where, ir.add(from, ir.mul(s, ir.int(unrolled))), unrolled, sums),
      ),
      ...(done < length ? this.#step(where, ir.add(from, ir.int(done)), length - done, sums) : []),
    ];
  }

  /** Some terms of each sum, what is multiplied read first. */
  #step(where: Where, from: Expression, count: number, sums: readonly Local[]): Statement[] {
    const { block, m, n, k } = this.#blocking;
    const reads: Statement[] = [];
    const read = (operand: 0 | 1, at: Expression, along: Expression): Local => {
      const local = ir.local("real", operand === 0 ? "left" : "right");
      reads.push({ op: "let", local, value: this.#parts.operand(operand, where.batch, at, along) });
      return local;
    };
    const side = (operand: 0 | 1): Local[][] => {
      const [start, length, whole] = operand === 0 ? [where.row, block[0], m] : [where.column, block[1], n];
      return Array.from({ length: count }, (_, u) => {
        const along = ir.knownBelow(ir.add(from, ir.int(u)), k);
        return Array.from({ length }, (_, i) => read(operand, bounded(ir.add(start, ir.int(i)), length, whole), along));
      });
    };
    const [left, right] = [side(0), side(1)];
    const terms = left.flatMap((l, u) =>
      sums.map((local, e): Statement => {
        const [i, j] = [Math.floor(e / block[1]), e % block[1]];
        return { op: "assign", local, value: ir.add(local, ir.mul(l[i]!, right[u]![j]!)) };
      }),
    );
    return [...reads, ...terms];
  }

  /** Gathers the block, and computes what is made of it: in a loop, for it may be much. */
  #finish(place: Expression, where: Where, finished: readonly Local[]): Statement[] {
    const { block } = this.#blocking;
    const numbers = numbersOf(this.#partials.keys());
    const gather = finished.map(
      (value, e): Statement => ({ op: "store", array: this.#block, index: ir.int(e), value }),
    );
    const element = (row: Expression, column: Expression): Statement[] => {
      const product = ir.load(this.#block, ir.add(ir.mul(row, ir.int(block[1])), column));
      return this.#parts.elementOfBlock(this.#blocking, where, block, [row, column], product, numbers);
    };
    // Independent unless something is added up: a result may then lie where an operand of its own element does.
    const order = numbers.size > 0 ? "serial" : "independent";
    return [
      ...gather,
      ...[...numbers].map(([r, local]): Statement => ({ op: "variable", local, value: r.reduction.initial[0]! })),
      ir.loop("row", block[0], order, (i) => [ir.loop("column", block[1], order, (j) => element(i, j))]),
      ...[...numbers].map(([r, local]) => this.#a.store(this.#c.memory.bufferOf(this.#partials.get(r)!), place, local)),
    ];
  }
}

const begun = (sums: readonly Local[]): Statement[] =>
  sums.map((local) => ({ op: "variable", local, value: ir.real(0) }));

/**
 * How many terms are added one after the other, of sums of so many: as many as there are such parts, where it is many. A
 * little less where all parts are then as long, and no shorter one has to be compiled too.
 */
function chainOf(k: number): number {
  if (k <= 2 * longestChain) return k;
  const longest = unrolled * Math.ceil(Math.max(longestChain, Math.sqrt(k)) / unrolled);
  for (let chain = longest; chain > longest / 2; chain -= unrolled) if (k % chain === 0) return chain;
  return longest;
}
