/** Reductions in two stages: chunks of the reduced axes give partial results, which a second kernel joins. */
import { sizeOf } from "../core/array.ts";
import { newVar, type Var } from "../core/graph.ts";
import { forEachNode } from "./affine.ts";
import { KernelAssembly, type Memory } from "./assemble.ts";
import * as ir from "./expressions.ts";
import type { Group, Member, Space } from "./fuse.ts";
import type { Expression, Statement } from "./ir.ts";
import type { ReduceNode } from "./nodes.ts";
import type { Launch } from "./plan.ts";
import {
  type Context,
  describe,
  inBlocks,
  isRounding,
  isStored,
  longestChain,
  operatorApplied,
  outputOf,
  type State,
  workOf,
} from "./schedule-common.ts";
import { rowsKernel } from "./schedule-rows.ts";

/** How many partial results an outer place has, and how many elements each joins. */
function chunking(group: Group, space: Space, c: Context): { readonly size: number; readonly count: number } {
  const outer = Math.max(1, sizeOf(group.outer));
  const n = sizeOf(space.axes.map((x) => space.shape[x]!));
  const last = group.outer.at(-1) ?? 1;
  const reduces = group.members.filter((m) => m.root.kind === "reduce").map((m) => m.root as ReduceNode);
  const size =
    c.options.style === "invocations"
      ? Math.max(64, 4 * Math.ceil((n * outer) / 32_768)) // begins where four elements can be read at once
      : group.style !== "columns"
        ? 16_384
        : isRounding(reduces)
          ? longestChain
          : Math.max(32, Math.ceil(65_536 / last), Math.ceil(n / 64));
  return { size, count: Math.ceil(n / size) };
}

/** The two kernels of a group that is split. */
export function splitKernels(group: Group, c: Context): Launch[] {
  const space = group.members.find((m) => m.space)!.space!;
  const chunk = chunking(group, space, c);
  const inside = group.members.filter((m) => m.space);
  const reduces = inside.filter((m) => m.root.kind === "reduce").map((m) => m.root as ReduceNode);
  const columns = group.style === "columns";
  const lead = columns ? group.outer.slice(0, -1) : group.outer;
  const last = columns ? [group.outer.at(-1)!] : [];
  const { partials, context } = withPartialResults(reduces, [...lead, chunk.count, ...last], c);
  const first = columns
    ? columnsKernel(group, inside, space, chunk, partials, context)
    : chunksKernel(group, inside, space, chunk, partials, context);
  return [
    first,
    joinKernel(group, chunk.count, columns ? group.outer.length - 1 : group.outer.length, partials, context),
  ];
}

/** The reductions that a group adds up part by part. */
export const reducesOf = (group: Group): ReduceNode[] =>
  group.members.flatMap((m) => (m.space && m.root.kind === "reduce" ? [m.root] : []));

/** Memory for partial results of reductions, and the context in which it is known. */
export function withPartialResults(
  reduces: readonly ReduceNode[],
  shape: readonly number[],
  c: Context,
): { readonly partials: ReadonlyMap<ReduceNode, Var>; readonly context: Context } {
  const partials = new Map<ReduceNode, Var>();
  const buffers = new Map<number, ReturnType<Memory["bufferOf"]>>();
  for (const r of reduces) {
    const v = newVar({ dtype: r.reduction.initial[0]!.kind as "real", shape });
    partials.set(r, v);
    buffers.set(v.id, c.memory.temporary(`${r.name}_parts`, v.type.dtype, shape));
  }
  const memory: Memory = {
    bufferOf: (v) => buffers.get(v.id) ?? c.memory.bufferOf(v),
    temporary: (name, kind, shape) => c.memory.temporary(name, kind, shape),
  };
  return { partials, context: { ...c, memory } };
}

/**
 * The second stage: the group's results, reduced from partial ones, and what is made of them. `axis`: that of the
 * partial results' arrays along which there are `count` for each place.
 */
export function joinKernel(
  group: Group,
  count: number,
  axis: number,
  partials: ReadonlyMap<ReduceNode, Var>,
  c: Context,
): Launch {
  const rank = group.outer.length;
  const joined = group.members
    .filter((m) => !m.space || m.root.kind === "reduce")
    .map((m): Member => {
      if (m.root.kind !== "reduce") return m;
      const root: ReduceNode = {
        ...m.root,
        inputs: [partials.get(m.root)!],
        product: undefined,
        reduction: {
          ...m.root.reduction,
          shape: [...group.outer, count],
          axes: [rank],
          cost: 1,
          element: (read, at) => read(0, [...at.slice(0, axis), at[rank]!, ...at.slice(axis, rank)]),
        },
      };
      return { root, space: root.reduction };
    });
  return rowsKernel(group.outer, joined, c);
}

/** Partial results of chunks of the reduced axes. */
function chunksKernel(
  group: Group,
  members: readonly Member[],
  space: Space,
  chunk: { readonly size: number; readonly count: number },
  partials: ReadonlyMap<ReduceNode, Var>,
  c: Context,
): Launch {
  const dims = space.axes.map((x) => space.shape[x]!);
  const n = sizeOf(dims);
  const outer = Math.max(1, sizeOf(group.outer));
  const a = new KernelAssembly(c.fusion, c.memory);
  const reduces = [...partials.keys()];
  const grid = ir.loop("chunk", outer * chunk.count, "independent", (g) => {
    const [o, part] = ir.coordinatesOf(g, [outer, chunk.count]) as [Expression, Expression];
    const at = ir.coordinatesOf(o, group.outer);
    const begin = ir.mul(part, ir.int(chunk.size));
    const state: State = new Map(reduces.map((r) => [r, [ir.local(r.reduction.initial[0]!.kind, r.name)]]));
    const statements = [...state].map(
      ([r, [local]]): Statement => ({ op: "variable", local: local!, value: r.reduction.initial[0]! }),
    );
    const whole = chunk.size * chunk.count === n;
    const range = {
      from: begin,
      length: whole ? chunk.size : ir.min(ir.int(chunk.size), ir.sub(ir.int(n), begin)),
      most: chunk.size,
      inVectors: c.options.style === "vector",
    };
    statements.push(
      ...inBlocks(state, range, (from, length, into) => [
        ir.loop(
          "k",
          length,
          "reduction",
          (k) => {
            const places = ir.coordinatesOf(ir.knownBelow(ir.add(from, k), n), dims);
            return reduceElements(a, members, space, at, places, c, (r, e) => {
              const [local] = into.get(r)!;
              return { op: "assign", local: local!, value: operatorApplied(r.reduction.operator!, local!, e) };
            });
          },
          {
            accumulators: [...into].map(([r, [local]]) => ({ local: local!, operator: r.reduction.operator! })),
            vectorize: range.inVectors,
          },
        ),
      ]),
    );
    reduces.forEach((r) => {
      statements.push(a.store(c.memory.bufferOf(partials.get(r)!), g, state.get(r)![0]!));
    });
    return statements;
  });
  const { name, description } = describe(members);
  const work = members.reduce((w, m) => w + workOf(m.root), 0);
  return a.launch(`${name}_chunks`, members[0]!.root.span, `${description}, in ${chunk.count} parts`, grid, work);
}

/** The members' statements at one place of their space; `known` are values of others, and of what they are made. */
export function reduceElements(
  a: KernelAssembly,
  members: readonly Member[],
  space: Space,
  at: readonly Expression[],
  places: readonly Expression[],
  c: Context,
  join: (r: ReduceNode, e: Expression) => Statement | readonly Statement[],
  known: (v: Var) => Expression | undefined = () => undefined,
): Statement[] {
  let next = 0;
  const coordinates = space.shape.map((_, i) => {
    const reduced = space.axes.indexOf(i);
    return reduced >= 0 ? places[reduced]! : at[next++]!;
  });
  const values = new Map<number, Expression>();
  a.own = (v) => values.get(v.id) ?? known(v);
  const puller = a.newPuller();
  const statements: Statement[] = [];
  for (const { root } of members) {
    if (root.kind === "map") {
      const value = puller.element(root, coordinates);
      values.set(outputOf(root).id, value);
      if (isStored(c, root))
        statements.push(a.store(c.memory.bufferOf(outputOf(root)), ir.linearIndex(coordinates, space.shape), value));
    } else statements.push(...[join(root, puller.reduced(root, coordinates))].flat());
  }
  return statements;
}

/** Rows of partial results, each row's elements side by side in memory. */
function columnsKernel(
  group: Group,
  members: readonly Member[],
  space: Space,
  chunk: { readonly size: number; readonly count: number },
  partials: ReadonlyMap<ReduceNode, Var>,
  c: Context,
): Launch {
  const n = sizeOf(space.axes.map((x) => space.shape[x]!));
  const places = Math.max(1, sizeOf(group.outer.slice(0, -1)));
  const a = new KernelAssembly(c.fusion, c.memory);
  const grid = ir.loop("chunk", places * chunk.count, "independent", (g) => {
    const [o, part] = ir.coordinatesOf(g, [places, chunk.count]) as [Expression, Expression];
    const from = ir.mul(part, ir.int(chunk.size));
    const lead = ir.coordinatesOf(o, group.outer.slice(0, -1));
    const row = ir.mul(g, ir.int(group.outer.at(-1)!));
    return columnStatements(a, members, space, partials, c, { from, most: Math.min(chunk.size, n), row, lead });
  });
  const { name, description } = describe(members);
  const work = members.reduce((w, m) => w + workOf(m.root), 0);
  return a.launch(`${name}_columns`, members[0]!.root.span, `${description}, in ${chunk.count} parts`, grid, work);
}

/** With more instructions an element, loading and storing partial results is not what takes long. */
const cheapElement = 24;
/** How many rows are added to partial results at once: each of them is then loaded and stored a quarter as often. */
const rowsAtOnce = 4;

/**
 * Reduces places of the reduced axes, `most` from `from` on or those that are left, into partial results, all places of
 * the last kept axis side by side from the element `row` on; `lead` are the coordinates before it. In each partial result
 * places follow in order.
 */
export function columnStatements(
  a: KernelAssembly,
  members: readonly Member[],
  space: Space,
  partials: ReadonlyMap<ReduceNode, Var>,
  c: Context,
  at: {
    readonly from: Expression;
    readonly most: number;
    readonly row: Expression;
    readonly lead: readonly Expression[];
  },
): Statement[] {
  const { from, most, row, lead } = at;
  const dims = space.axes.map((x) => space.shape[x]!);
  const n = sizeOf(dims);
  const length = n % most === 0 ? ir.int(most) : ir.min(ir.int(most), ir.sub(ir.int(n), from));
  const last = space.shape.filter((_, i) => !space.axes.includes(i)).at(-1)!;
  const overColumns = (body: (j: Expression) => readonly Statement[]) =>
    ir.loop("j", last, "independent", body, { vectorize: true });
  /** Joins `count` places from the given one on. */
  const joined = (place: Expression, count: number) =>
    overColumns((j) => {
      const index = ir.add(row, j);
      const totals = new Map([...partials].map(([r, v]) => [r, a.loadAt(c.memory.bufferOf(v), index)]));
      const stored = Array.from({ length: count }, (_, i) => {
        const places = ir.coordinatesOf(ir.knownBelow(ir.add(ir.add(from, place), ir.int(i)), n), dims);
        return reduceElements(a, members, space, [...lead, j], places, c, (r, e) => {
          totals.set(r, operatorApplied(r.reduction.operator!, totals.get(r)!, e));
          return [];
        });
      });
      return [
        ...stored.flat(),
        ...[...totals].map(([r, value]) => a.store(c.memory.bufferOf(partials.get(r)!), index, value)),
      ];
    });
  const first = overColumns((j) =>
    [...partials].map(([r, v]) => a.store(c.memory.bufferOf(v), ir.add(row, j), r.reduction.initial[0]!)),
  );
  const one = ir.loop("k", length, "serial", (k) => [joined(k, 1)]);
  if (costOfStores(one) > cheapElement * partials.size) return [first, one];
  const groups = ir.div(length, ir.int(rowsAtOnce));
  const several = ir.loop("k", groups, "serial", (k) => [joined(ir.mul(k, ir.int(rowsAtOnce)), rowsAtOnce)]);
  if (n % rowsAtOnce === 0 && most % rowsAtOnce === 0) return [first, several];
  const done = ir.mul(groups, ir.int(rowsAtOnce));
  const left = ir.loop("k", ir.sub(length, done), "serial", (k) => [joined(ir.add(done, k), 1)]);
  return [first, several, left];
}

/** How many operations a loop's stores take for one element. */
function costOfStores(loop: Statement): number {
  let count = 0;
  const visit = (s: Statement): void => {
    if (s.op === "loop") s.body.forEach(visit);
    if (s.op !== "store") return;
    forEachNode([s.value], (e) => {
      if (e.op !== "constant" && e.op !== "local" && e.kind !== "int") count += 1;
    });
  };
  visit(loop);
  return count;
}
