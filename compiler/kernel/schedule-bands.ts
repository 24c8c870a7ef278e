/**
 * Rows and sums over them in one pass. An iteration of the grid takes a band of rows: it computes what they are, hands on
 * what the sums read of them in arrays of its own, and then adds up its part of each sum, a column after the other. A
 * second kernel joins the parts. Where a workgroup shares an iteration, it shares the rows first and then the columns.
 *
 * Both read the band's rows from memory, the sums just after the rows: a band has at most `largestBand` bytes, so that
 * they are found in the cache the second time. Counts of bytes take that for granted.
 */
import { sizeOf } from "../core/array.ts";
import type { Var } from "../core/graph.ts";
import { KernelAssembly } from "./assemble.ts";
import * as ir from "./expressions.ts";
import type { Band, Group } from "./fuse.ts";
import type { Expression, KernelArray, Local, Statement } from "./ir.ts";
import { type ReduceNode, sizeOfAtom } from "./nodes.ts";
import type { Launch } from "./plan.ts";
import {
  type Context,
  describe,
  longestChain,
  operatorApplied,
  type State,
  withPartials,
  workOf,
} from "./schedule-common.ts";
import { rowStatements } from "./schedule-rows.ts";
import { joinKernel, reduceElements, reducesOf, withPartialResults } from "./schedule-split.ts";

/** Bytes of a band's rows that are read twice: what even small caches keep for the workgroups of a core. */
const largestBand = 65_536;
/** With fewer rows too few of a workgroup's invocations have one, and the partial results are not few beside the rows. */
const leastRows = 32;
/** An invocation computes a row alone: longer ones are sooner computed by many, in kernels of their own. */
const longestRow = 512;
/** With more bands joining their results would take long; each takes several parts of the rows instead. */
const mostBands = 2048;
/** Bytes of arrays that an iteration has for itself: WebGPU guarantees a workgroup 16 KiB, some of which join sums. */
const largestLocals = 12_288;

export interface BandSizes {
  /** Rows that are computed before the sums go over them. */
  readonly rows: number;
  /** How many times that a band has. */
  readonly parts: number;
  readonly bands: number;
  /** Whether rows, and what an iteration has for itself, are small enough. */
  readonly areSmall: boolean;
}

export function bandSizes({ rows: { outer, members }, sums, handed, again }: Band): BandSizes {
  const n = sizeOf(outer);
  const rowBytes = [...again].reduce((sum, v) => sum + (sizeOfAtom(v) >= n ? (4 * sizeOfAtom(v)) / n : 0), 0);
  let rows = longestChain;
  while (rows > leastRows && rows * rowBytes > largestBand) rows /= 2;
  const parts = Math.ceil(n / rows / mostBands);
  const totals = sums.reduce((words, s) => words + sizeOf(s.outer) * reducesOf(s).length, 0);
  const words = rows * handed.size + (parts > 1 ? totals : 0);
  const longest = Math.max(...members.map((m) => (m.space ? sizeOf(m.space.axes.map((x) => m.space!.shape[x]!)) : 1)));
  const areSmall = longest <= longestRow && rows * rowBytes <= largestBand && 4 * words <= largestLocals;
  return { rows, parts, bands: Math.ceil(n / (rows * parts)), areSmall };
}

/** The kernel of the pass, and those that join the parts of each sum. */
export function bandKernels(band: Band, c: Context): Launch[] {
  const { bands } = bandSizes(band);
  let context = c;
  const partials = band.sums.map((sum) => {
    const made = withPartialResults(reducesOf(sum), [bands, ...sum.outer], context);
    context = made.context;
    return made.partials;
  });
  const all = new Map(partials.flatMap((p) => [...p]));
  return [
    new Pass(band, all, context).launch(),
    ...band.sums.map((sum, i) => joinKernel(sum, bands, 0, partials[i]!, context)),
  ];
}

/** Rows of a band: from which on, and how many. */
interface Rows {
  readonly from: Expression;
  readonly count: Expression;
}

class Pass {
  readonly #band: Band;
  readonly #partials: ReadonlyMap<ReduceNode, Var>;
  readonly #c: Context;
  readonly #a: KernelAssembly;
  readonly #sizes: BandSizes;
  readonly #n: number;
  /** What the sums read of the rows. */
  readonly #handed = new Map<number, KernelArray>();
  /** Sums of several parts, by column. */
  readonly #totals = new Map<ReduceNode, KernelArray>();
  /** The sums that are one number. */
  readonly #state = new Map<ReduceNode, Local[]>();

  constructor(band: Band, partials: ReadonlyMap<ReduceNode, Var>, c: Context) {
    this.#band = band;
    this.#partials = partials;
    this.#c = c;
    this.#a = new KernelAssembly(c.fusion, c.memory);
    this.#sizes = bandSizes(band);
    this.#n = sizeOf(band.rows.outer);
    for (const { root } of band.rows.members) {
      const v = root.outputs[0]!;
      if (band.handed.has(v.id))
        this.#handed.set(v.id, this.#a.local(`${root.name}_rows`, v.type.dtype, this.#sizes.rows));
    }
    for (const sum of band.sums)
      for (const r of reducesOf(sum)) {
        const [initial] = r.reduction.initial;
        if (sum.outer.length === 0) this.#state.set(r, [ir.local(initial!.kind, r.name)]);
        else if (this.#sizes.parts > 1)
          this.#totals.set(r, this.#a.local(`${r.name}_totals`, initial!.kind as "real", sizeOf(sum.outer)));
      }
  }

  launch(): Launch {
    const { rows, sums } = this.#band;
    const grid = ir.loop("band", this.#sizes.bands, "independent", (band) => this.#statements(band));
    const members = [...rows.members, ...sums.flatMap((s) => s.members.filter((m) => m.space))];
    const { name, description } = describe(members);
    const work = members.reduce((w, m) => w + workOf(m.root), 0);
    const { bands } = this.#sizes;
    return this.#a.launch(`${name}_bands`, members[0]!.root.span, `${description}, in ${bands} bands`, grid, work);
  }

  #statements(band: Expression): Statement[] {
    const { rows, parts, bands } = this.#sizes;
    const n = this.#n;
    const columns = this.#band.sums.filter((s) => s.outer.length > 0);
    const isWhole = rows * parts * bands === n;
    const begin = ir.mul(band, ir.int(rows * parts));
    const left = isWhole ? ir.int(rows * parts) : ir.min(ir.int(rows * parts), ir.sub(ir.int(n), begin));
    const initial = [...this.#state].map(
      ([r, [local]]): Statement => ({ op: "variable", local: local!, value: r.reduction.initial[0]! }),
    );
    const final = [...this.#state].map(([r, [local]]) => this.#store(r, band, local!));
    if (parts === 1) {
      const all: Rows = { from: begin, count: left };
      return [
        ...initial,
        this.#rows(all),
        ...this.#scalars(all),
        ...columns.map((s) => this.#columns(s, all, (r, j, value) => this.#store(r, this.#place(s, band, j), value))),
        ...final,
      ];
    }
    const each = (s: Group, body: (r: ReduceNode, j: Expression) => Statement): Statement =>
      ir.loop("column", sizeOf(s.outer), "independent", (j) => reducesOf(s).map((r) => body(r, j)));
    return [
      ...initial,
      ...columns.map((s) => each(s, (r, j) => this.#put(this.#totals.get(r)!, j, r.reduction.initial[0]!))),
      ir.loop("part", isWhole ? parts : ir.div(ir.add(left, ir.int(rows - 1)), ir.int(rows)), "serial", (part) => {
        const done = ir.mul(part, ir.int(rows));
        const count = isWhole ? ir.int(rows) : ir.min(ir.int(rows), ir.sub(left, done));
        const some: Rows = { from: ir.add(begin, done), count };
        return [
          this.#rows(some),
          ...(this.#state.size === 0 ? [] : withPartials(this.#state, (into) => this.#scalars(some, into))),
          ...columns.map((s) =>
            this.#columns(s, some, (r, j, value) => {
              const total = this.#totals.get(r)!;
              return this.#put(total, j, operatorApplied(r.reduction.operator!, ir.load(total, j), value));
            }),
          ),
        ];
      }),
      ...columns.map((s) =>
        each(s, (r, j) => this.#store(r, this.#place(s, band, j), ir.load(this.#totals.get(r)!, j))),
      ),
      ...final,
    ];
  }

  /** Computes the rows and hands on what the sums read of them. */
  #rows({ from, count }: Rows): Statement {
    const { outer, members } = this.#band.rows;
    return ir.loop("row", count, "independent", (i) => {
      const at = ir.coordinatesOf(ir.knownBelow(ir.add(from, i), this.#n), outer);
      const { statements, values } = rowStatements(this.#a, outer, members, this.#c, at);
      for (const [v, array] of this.#handed) statements.push(this.#put(array, i, values.get(v)!));
      return statements;
    });
  }

  /** The sums that are one number each. */
  #scalars(rows: Rows, state: State = this.#state): Statement[] {
    return this.#band.sums
      .filter((s) => s.outer.length === 0)
      .map((s) => this.#reduction(s, [], rows, new Map(reducesOf(s).map((r) => [r, state.get(r)!]))));
  }

  /** The sums of a group over some rows, column after column; `finish` says where they go. */
  #columns(sum: Group, rows: Rows, finish: (r: ReduceNode, j: Expression, value: Expression) => Statement): Statement {
    return ir.loop("column", sizeOf(sum.outer), "independent", (j) => {
      const state = new Map(reducesOf(sum).map((r) => [r, [ir.local(r.reduction.initial[0]!.kind, r.name)]]));
      return [
        ...[...state].map(
          ([r, [local]]): Statement => ({ op: "variable", local: local!, value: r.reduction.initial[0]! }),
        ),
        this.#reduction(sum, ir.coordinatesOf(j, sum.outer), rows, state),
        ...[...state].map(([r, [local]]) => finish(r, j, local!)),
      ];
    });
  }

  #reduction(sum: Group, at: readonly Expression[], { from, count }: Rows, state: State): Statement {
    const inside = sum.members.filter((m) => m.space);
    const accumulators = [...state].map(([r, [local]]) => ({ local: local!, operator: r.reduction.operator! }));
    const body = (i: Expression) => {
      const places = ir.coordinatesOf(ir.knownBelow(ir.add(from, i), this.#n), this.#band.rows.outer);
      const join = (r: ReduceNode, e: Expression): Statement => {
        const [local] = state.get(r)!;
        return { op: "assign", local: local!, value: operatorApplied(r.reduction.operator!, local!, e) };
      };
      const known = (v: Var) => {
        const array = this.#handed.get(v.id);
        return array && ir.load(array, i);
      };
      return reduceElements(this.#a, inside, inside[0]!.space!, at, places, this.#c, join, known);
    };
    return ir.loop("row", count, "reduction", body, { accumulators });
  }

  #put(array: KernelArray, index: Expression, value: Expression): Statement {
    return { op: "store", array, index, value };
  }

  /** Where a band's part of a column is. */
  #place(sum: Group, band: Expression, j: Expression): Expression {
    return ir.add(ir.mul(band, ir.int(sizeOf(sum.outer))), j);
  }

  #store(r: ReduceNode, place: Expression, value: Expression): Statement {
    return this.#a.store(this.#c.memory.bufferOf(this.#partials.get(r)!), place, value);
  }
}
