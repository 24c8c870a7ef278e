/**
 * Rows in blocks that stay in the cache, for threads with vectors. An iteration of the grid takes a block of rows: it
 * reduces several of them together, so that what they all read is loaded once; then it computes what is made of each
 * row's results, rows side by side in vectors; and then it adds up its part of sums over the rows, which a second kernel
 * joins. So X w, r from that, and X' r read X from memory once.
 */
import { sizeOf } from "../core/array.ts";
import type { Var } from "../core/graph.ts";
import { forEachNode } from "./affine.ts";
import { KernelAssembly, type Memory } from "./assemble.ts";
import * as ir from "./expressions.ts";
import type { Band, Group, Member, Root, Space } from "./fuse.ts";
import type { Expression, Statement } from "./ir.ts";
import { type MapNode, type ReduceNode, sizeOfAtom } from "./nodes.ts";
import { elementBytes, type Launch, type PlanOptions } from "./plan.ts";
import { Puller, placeholder } from "./puller.ts";
import {
  type Context,
  describe,
  isStored,
  longestChain,
  operatorApplied,
  outputOf,
  workOf,
} from "./schedule-common.ts";
import {
  dependencies,
  liesAlongRows,
  type RowsSource,
  rowStatements,
  type Segment,
  segmentsOf,
} from "./schedule-rows.ts";
import { columnStatements, joinKernel, reducesOf, withPartialResults } from "./schedule-split.ts";

/** Bytes of a block's rows that are read twice: a part of what even small second-level caches hold. */
const largestBlock = 131_072;
const [mostRows, leastRows] = [longestChain, 16];
/** Fewer rows are not worth a kernel that is three times as long. */
const leastRowsInAll = 128;
/** Elements that are read again so fast anyway that a second pass over them costs nothing. */
const fewElements = 16_384;
/** Accumulators in vectors that rows reduced together may have: with more of them registers run out. */
const mostAccumulators = 8;
const mostTogether = 4;
const shortestTogether = 8;
/** Of rows reduced together two vectors each are added up: no lane has more than the longest chain. */
const longestTogether = { f32: 8 * longestChain, f64: 4 * longestChain } as const;
/** With more operations an element, what rows have in common is not what takes long. */
const cheapElement = 24;
/** What is made of a row's results is worth vectors from so many operations on: an `exp` is more. */
const dearResult = 16;

/** Rows of a block: as many as the cache holds, 0 when it holds too few. */
function rowsOfBlock(band: Band, { precision }: PlanOptions): number {
  const n = sizeOf(band.rows.outer);
  const size = elementBytes("real", precision);
  const rowBytes = [...band.again].reduce((sum, v) => sum + (sizeOfAtom(v) >= n ? (size * sizeOfAtom(v)) / n : 0), 0);
  let rows = mostRows;
  while (rows > leastRows && rows * rowBytes > largestBlock) rows /= 2;
  return rows * rowBytes <= largestBlock ? rows : 0;
}

/** Whether sums over rows can be and had better be computed with the rows: they read much of memory again. */
export function isWorthBlocks(band: Band, sum: Group, source: RowsSource, options: PlanOptions): boolean {
  const { outer, members } = band.rows;
  if (sum.style !== "columns" || sizeOf(outer) < leastRowsInAll || rowsOfBlock(band, options) === 0) return false;
  const again = [...band.again].reduce((total, v) => total + sizeOfAtom(v), 0);
  return again >= fewElements && !liesAlongRows(outer, members, source);
}

/** The kernel of a band's rows and sums, and those that join the parts of each sum. */
export function blockKernels(band: Band, c: Context): Launch[] {
  const rows = rowsOfBlock(band, c.options);
  const count = Math.ceil(sizeOf(band.rows.outer) / rows);
  let context = c;
  const partials = band.sums.map((sum) => {
    const made = withPartialResults(reducesOf(sum), [count, ...sum.outer], context);
    context = made.context;
    return made.partials;
  });
  return [
    new Blocks(band, rows, partials, context).launch(),
    ...band.sums.map((sum, i) => joinKernel(sum, count, 0, partials[i]!, context)),
  ];
}

/** The kernel of rows, if reducing several together or computing their results in vectors is worth it. */
export function blockedRows(group: Group, c: Context): Launch | undefined {
  const n = sizeOf(group.outer);
  if (c.options.style !== "vector" || n < leastRowsInAll) return undefined;
  if (liesAlongRows(group.outer, group.members, c.fusion) || !isWorthPhases(group, c)) return undefined;
  const band: Band = { kind: "band", id: group.id, rows: group, sums: [], handed: new Set(), again: new Set() };
  return new Blocks(band, leastRows, [], c).launch();
}

function isWorthPhases(group: Group, c: Context): boolean {
  const { together, last } = phasesOf(group.members, c);
  if (together) return widthOf(together, c) > 1;
  const at = group.outer.map((n, i) => ir.local("int", `at${i}`, n));
  const puller = new Puller(c.fusion.producer, c.fusion.virtual, placeholder);
  return operationsOf(last.map((m) => puller.element(m.root as MapNode, at))) >= dearResult;
}

/** How many operations on other than places expressions take. */
function operationsOf(roots: readonly Expression[]): number {
  let count = 0;
  forEachNode(roots, (e) => {
    if (e.op !== "constant" && e.op !== "local" && e.kind !== "int") count += 1;
  });
  return count;
}

/** Reductions of one loop that several rows have at once. */
interface Together {
  readonly space: Space;
  readonly reduces: readonly ReduceNode[];
}

interface Phases {
  /** What runs row by row. */
  readonly first: readonly Member[];
  /** The same, if it can run for several rows together. */
  readonly together: Together | undefined;
  /** What is made of its results, without inner loops. */
  readonly last: readonly Member[];
}

function phasesOf(members: readonly Member[], c: Context): Phases {
  const segments = segmentsOf(members, c);
  const end = segments.at(-1)!;
  const hasTail = segments.length > 1 && end.kind === "outer";
  const first = hasTail ? segments.slice(0, -1) : segments;
  return {
    first: first.flatMap((s) => s.members),
    together: first.length === 1 ? togetherOf(first[0]!, c.options) : undefined,
    last: hasTail ? end.members : [],
  };
}

function togetherOf(s: Segment, { precision }: PlanOptions): Together | undefined {
  if (s.kind !== "inner" || s.space.axes.length !== 1) return undefined;
  const length = lengthOf(s.space);
  if (length < shortestTogether || length > longestTogether[precision]) return undefined;
  const reduces = s.members.flatMap(({ root }) =>
    root.kind === "reduce" && root.reduction.operator !== undefined && root.reduction.initial[0]!.kind === "real"
      ? [root]
      : [],
  );
  return reduces.length === s.members.length ? { space: s.space, reduces } : undefined;
}

const lengthOf = ({ shape, axes }: Space): number => shape[axes[0]!]!;

/** How many rows are reduced together. */
function widthOf({ space, reduces }: Together, { fusion }: Context): number {
  const at = space.shape.map((n, i) => ir.local("int", `at${i}`, n));
  const puller = new Puller(fusion.producer, fusion.virtual, placeholder);
  if (operationsOf(reduces.map((r) => puller.reduced(r, at))) > cheapElement) return 1;
  const fitting = mostAccumulators / reduces.length;
  return fitting >= mostTogether ? mostTogether : fitting >= 2 ? 2 : 1;
}

/** Rows of a block: where they begin and how many there are. */
interface Rows {
  readonly from: Expression;
  readonly length: Expression;
}

class Blocks {
  readonly #band: Band;
  readonly #rows: number;
  readonly #partials: readonly ReadonlyMap<ReduceNode, Var>[];
  readonly #c: Context;
  readonly #a: KernelAssembly;
  readonly #phases: Phases;
  readonly #outer: readonly number[];
  readonly #n: number;

  constructor(band: Band, rows: number, partials: readonly ReadonlyMap<ReduceNode, Var>[], c: Context) {
    this.#band = band;
    this.#partials = partials;
    this.#outer = band.rows.outer;
    this.#n = sizeOf(this.#outer);
    this.#rows = Math.min(rows, this.#n);
    this.#phases = phasesOf(band.rows.members, c);
    this.#c = this.#withHanded(c);
    this.#a = new KernelAssembly(this.#c.fusion, this.#c.memory);
  }

  /** A place in memory for each value that a later phase or a sum reads. */
  #withHanded(c: Context): Context {
    const { first, last } = this.#phases;
    const read = new Set(last.flatMap(({ root }) => [...dependencies(root, c)]));
    const missing = [...first, ...last].flatMap((m) => {
      const v = outputOf(m.root);
      const isRead = this.#band.handed.has(v.id) || (first.includes(m) && read.has(v.id));
      return isRead && !c.fusion.stored.has(v.id) ? [{ v, name: `${m.root.name}_rows` }] : [];
    });
    if (missing.length === 0) return c;
    const buffers = new Map(
      missing.map(({ v, name }) => [v.id, c.memory.temporary(name, v.type.dtype, this.#outer)] as const),
    );
    const memory: Memory = {
      bufferOf: (v) => buffers.get(v.id) ?? c.memory.bufferOf(v),
      temporary: (name, kind, shape) => c.memory.temporary(name, kind, shape),
    };
    const stored = new Set([...c.fusion.stored, ...missing.map(({ v }) => v.id)]);
    return { ...c, memory, fusion: { ...c.fusion, stored } };
  }

  launch(): Launch {
    const { rows, sums } = this.#band;
    const count = Math.ceil(this.#n / this.#rows);
    const grid = ir.loop("block", count, "independent", (block) => this.#statements(block));
    const members = [...rows.members, ...sums.flatMap((s) => s.members.filter((m) => m.space))];
    const { name, description } = describe(members);
    const work = members.reduce((w, m) => w + workOf(m.root), 0);
    return this.#a.launch(`${name}_blocks`, members[0]!.root.span, `${description}, in ${count} blocks`, grid, work);
  }

  #statements(block: Expression): Statement[] {
    const size = ir.int(this.#rows);
    const from = ir.mul(block, size);
    const length = this.#n % this.#rows === 0 ? size : ir.min(size, ir.sub(ir.int(this.#n), from));
    const rows: Rows = { from, length };
    return [
      ...this.#first(rows),
      ...this.#last(rows),
      ...this.#band.sums.flatMap((s, i) => this.#sum(s, this.#partials[i]!, block, rows)),
    ];
  }

  /** The place of a block's row. */
  #at({ from }: Rows, i: Expression): Expression[] {
    return ir.coordinatesOf(ir.knownBelow(ir.add(from, i), this.#n), this.#outer);
  }

  #first(rows: Rows): Statement[] {
    const { first, together } = this.#phases;
    const alone = (count: Expression, begin: Expression) =>
      ir.loop("row", count, "independent", (i) => {
        const at = this.#at(rows, ir.add(begin, i));
        return rowStatements(this.#a, this.#outer, first, this.#c, at).statements;
      });
    const width = together ? widthOf(together, this.#c) : 1;
    if (!together || width === 1) return [alone(rows.length, ir.int(0))];
    const groups = ir.div(rows.length, ir.int(width));
    const all = ir.loop("rows", groups, "independent", (g) =>
      this.#together(
        together,
        Array.from({ length: width }, (_, u) => this.#at(rows, ir.add(ir.mul(g, ir.int(width)), ir.int(u)))),
      ),
    );
    if (this.#n % width === 0) return [all];
    const done = ir.mul(groups, ir.int(width));
    return [all, alone(ir.sub(rows.length, done), done)];
  }

  /** Reduces the rows at the given places in one loop. */
  #together({ space, reduces }: Together, places: readonly (readonly Expression[])[]): Statement[] {
    const rows = places.map((at) => ({ at, totals: reduces.map((r) => ir.local("real", r.name)) }));
    const variables = rows.flatMap(({ totals }) =>
      totals.map((local, i): Statement => ({ op: "variable", local, value: reduces[i]!.reduction.initial[0]! })),
    );
    const accumulators = rows.flatMap(({ totals }) =>
      totals.map((local, i) => ({ local, operator: reduces[i]!.reduction.operator! })),
    );
    this.#a.own = () => undefined;
    const body = (k: Expression) => {
      const puller = this.#a.newPuller();
      return rows.flatMap(({ at, totals }) => {
        let next = 0;
        const coordinates = space.shape.map((_, i) => (i === space.axes[0] ? k : at[next++]!));
        return reduces.map((r, i): Statement => {
          const [local, e] = [totals[i]!, puller.reduced(r, coordinates)];
          return { op: "assign", local, value: operatorApplied(r.reduction.operator!, local, e) };
        });
      });
    };
    return [
      ...variables,
      ir.loop("k", lengthOf(space), "reduction", body, { accumulators, vectorize: true }),
      ...rows.flatMap(({ at, totals }) =>
        reduces.flatMap((r, i) => this.#store(r, at, r.reduction.finish([totals[i]!]))),
      ),
    ];
  }

  #store(root: Root, at: readonly Expression[], value: Expression): Statement[] {
    if (!isStored(this.#c, root)) return [];
    return [this.#a.store(this.#c.memory.bufferOf(outputOf(root)), ir.linearIndex(at, this.#outer), value)];
  }

  #last(rows: Rows): Statement[] {
    const { last } = this.#phases;
    if (last.length === 0) return [];
    const body = (i: Expression) => {
      const at = this.#at(rows, i);
      const values = new Map<number, Expression>();
      this.#a.own = (v) => values.get(v.id);
      const puller = this.#a.newPuller();
      return last.flatMap(({ root }) => {
        const value = puller.element(root as MapNode, at);
        values.set(outputOf(root).id, value);
        return this.#store(root, at, value);
      });
    };
    return [ir.loop("row", rows.length, "independent", body, { vectorize: true })];
  }

  /** A block's part of a group of sums. */
  #sum(sum: Group, partials: ReadonlyMap<ReduceNode, Var>, block: Expression, rows: Rows): Statement[] {
    const inside = sum.members.filter((m) => m.space);
    const space = inside[0]!.space!;
    const lead = sum.outer.slice(0, -1);
    const columns = (o: Expression) =>
      columnStatements(this.#a, inside, space, partials, this.#c, {
        from: rows.from,
        most: this.#rows,
        row: ir.mul(ir.add(ir.mul(block, ir.int(sizeOf(lead))), o), ir.int(sum.outer.at(-1)!)),
        lead: ir.coordinatesOf(o, lead),
      });
    if (sizeOf(lead) === 1) return columns(ir.int(0));
    return [ir.loop("o", sizeOf(lead), "independent", columns)];
  }
}
