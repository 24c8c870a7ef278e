/** From groups to kernels: the loops, in which order, what is innermost and what is cut into chunks. */
import { sizeOf } from "../core/array.ts";
import { newVar, type Var } from "../core/graph.ts";
import { coefficientOf, forEachNode } from "./affine.ts";
import { isStraight, KernelAssembly, type Memory } from "./assemble.ts";
import * as ir from "./expressions.ts";
import type { Fusion, Group, Member, Root, Space } from "./fuse.ts";
import type { Accumulator, Expression, Local, Loop, Statement } from "./ir.ts";
import type { MapNode, ReduceNode } from "./nodes.ts";
import type { Launch, PlanOptions } from "./plan.ts";

interface Context {
  readonly fusion: Fusion;
  readonly memory: Memory;
  readonly options: PlanOptions;
}

/** Long sums are cut into blocks of this many: rounding errors grow with the block, not with the sum. */
const block = 2048;

const outputOf = (root: Root): Var => root.outputs[0]!;
const isStored = (c: Context, root: Root) => c.fusion.stored.has(outputOf(root).id);
const operatorApplied = (operator: Accumulator["operator"], a: Expression, b: Expression) => ir.binary(operator, a, b);

const workOf = (root: Root): number =>
  root.kind === "map" ? sizeOf(root.shape) * (root.cost + 2) : sizeOf(root.reduction.shape) * (root.reduction.cost + 2);

function describe(members: readonly Member[]): { readonly name: string; readonly description: string } {
  const names = members.map((m) => m.root.name);
  const distinct = [...new Set(names)];
  return { name: distinct.slice(0, 3).join("_"), description: names.join(" + ") };
}

/** The kernels of a group, in order. */
export function scheduleGroup(group: Group, c: Context): Launch[] {
  if (group.style === "map" || !group.members.some((m) => m.space)) return [mapKernel(group, c)];
  if (group.style === "rows") return [rowsKernel(group.outer, group.members, c)];
  return splitKernels(group, c);
}

// ------------------------------------------------------------ elementwise

function mapKernel(group: Group, c: Context): Launch {
  const rank = group.outer.length;
  // How many trailing axes one loop can run over: as many as all indices allow.
  for (let q = rank; q >= 1; q--) {
    const made = mapLoops(group, c, q);
    const wide = group.outer.slice(rank - q).reduce((p, d) => p * d, 1) >= 4;
    if (c.options.style === "invocations" || made.straight || q === 1) {
      if (q < rank && !wide) return mapLoops(group, c, rank).launch;
      return made.launch;
    }
  }
  return mapLoops(group, c, rank).launch;
}

function mapLoops(group: Group, c: Context, q: number): { readonly launch: Launch; readonly straight: boolean } {
  const { outer } = group;
  const a = new KernelAssembly(c.fusion, c.memory);
  const lead = outer.slice(0, outer.length - q);
  const trail = outer.slice(outer.length - q);
  let straight = true;
  const body = (at: readonly Expression[], inner: Expression | undefined): Statement[] => {
    const values = new Map<number, Expression>();
    a.own = (v) => values.get(v.id);
    const statements: Statement[] = [];
    for (const { root } of group.members) {
      const value = a.puller.element(root as MapNode, at);
      values.set(outputOf(root).id, value);
      if (isStored(c, root))
        statements.push(a.store(c.memory.bufferOf(outputOf(root)), ir.linearIndex(at, outer), value));
      if (inner && !isStraight(value, inner)) straight = false;
    }
    return statements;
  };
  let grid: Loop;
  if (lead.length === 0) {
    grid = ir.loop("i", sizeOf(trail), "independent", (i) => body(ir.coordinatesOf(i, trail), i), {
      vectorize: outer.length > 0,
    });
  } else
    grid = ir.loop("row", sizeOf(lead), "independent", (row) => [
      ir.loop(
        "i",
        sizeOf(trail),
        "independent",
        (i) => body([...ir.coordinatesOf(row, lead), ...ir.coordinatesOf(i, trail)], i),
        { vectorize: true },
      ),
    ]);
  const { name, description } = describe(group.members);
  const work = group.members.reduce((w, m) => w + workOf(m.root), 0);
  return { launch: a.launch(name, group.members[0]!.root.span, description, grid, work), straight };
}

// ------------------------------------------------------------ reductions, each outer place by itself

/** Statements between loops, or one inner loop with what runs in it. */
type Segment =
  | { readonly kind: "outer"; readonly members: Member[] }
  | { readonly kind: "inner"; readonly space: Space; readonly members: Member[] };

const keyOf = (s: Space) => `${s.shape.join(",")}/${s.axes.join(",")}`;

/** Puts members in an order of few loops: a loop may take a member when all it needs is known before the loop. */
function segmentsOf(members: readonly Member[], c: Context): Segment[] {
  const segments: Segment[] = [];
  const place = new Map<number, number>();
  for (const m of members) {
    let after = -1;
    for (const id of dependencies(m.root, c)) {
      const at = place.get(id);
      if (at === undefined) continue;
      const dependency = members.find((o) => outputOf(o.root).id === id)!;
      const sameLoop =
        m.space && dependency.space && dependency.root.kind === "map" && keyOf(m.space) === keyOf(dependency.space);
      // In the same loop a map's value is at hand; a reduction's only after its loop.
      after = Math.max(after, sameLoop || !m.space === !dependency.space ? at - (sameLoop || !m.space ? 1 : 0) : at);
    }
    let found = -1;
    for (let i = after + 1; i < segments.length; i++) {
      const s = segments[i]!;
      if (m.space ? s.kind === "inner" && keyOf(s.space) === keyOf(m.space) : s.kind === "outer") {
        found = i;
        break;
      }
    }
    if (found < 0) {
      found = segments.length;
      segments.push(m.space ? { kind: "inner", space: m.space, members: [] } : { kind: "outer", members: [] });
    }
    segments[found]!.members.push(m);
    place.set(outputOf(m.root).id, found);
  }
  return segments;
}

/** The values a root is computed from, virtual ones looked through. */
function dependencies(root: Root, c: Context): Set<number> {
  const found = new Set<number>();
  const seen = new Set<number>();
  const visit = (id: number): void => {
    if (seen.has(id)) return;
    seen.add(id);
    if (!c.fusion.virtual.has(id)) found.add(id);
    else for (const a of c.fusion.producer.get(id)?.inputs ?? []) if (a.kind === "var") visit(a.id);
  };
  for (const a of root.inputs) if (a.kind === "var") visit(a.id);
  return found;
}

function rowsKernel(outer: readonly number[], members: readonly Member[], c: Context): Launch {
  const lanes = c.options.style === "vector" && outer.length > 0 && alongLanes(outer, members, c);
  let straight = true;
  const make = (collapse: number): Launch => {
    straight = true;
    const a = new KernelAssembly(c.fusion, c.memory);
    const rows = new Rows(a, outer, members, c, collapse, lanes, () => {
      straight = false;
    });
    const lead = lanes ? outer.slice(0, -1) : outer;
    const grid = lanes
      ? lead.length === 0
        ? ir.loop("j", outer[0]!, "independent", (j) => rows.body([j]), { vectorize: true })
        : ir.loop("row", sizeOf(lead), "independent", (row) => [
            ir.loop("j", outer.at(-1)!, "independent", (j) => rows.body([...ir.coordinatesOf(row, lead), j]), {
              vectorize: true,
            }),
          ])
      : ir.loop("row", sizeOf(outer), "independent", (row) => rows.body(ir.coordinatesOf(row, outer)));
    const { name, description } = describe(members);
    const work = members.reduce((w, m) => w + workOf(m.root), 0);
    return a.launch(name, members[0]!.root.span, description, grid, work);
  };
  const most = Math.max(1, ...members.map((m) => m.space?.axes.length ?? 1));
  if (c.options.style === "invocations") return make(most);
  for (let q = most; q > 1; q--) {
    const launch = make(q);
    if (straight) return launch;
  }
  return make(1);
}

/** Whether vectors should run along the last outer axis: when memory lies that way for more operands. */
function alongLanes(outer: readonly number[], members: readonly Member[], c: Context): boolean {
  if (outer.at(-1)! < 4) return false;
  if (members.some((m) => m.root.kind === "reduce" && m.root.reduction.operator === undefined)) return false;
  const a = new KernelAssembly(c.fusion, c.memory);
  const at = outer.map((n, i) => ir.local("int", `o${i}`, n));
  let [along, across] = [0, 0];
  for (const m of members) {
    if (!m.space || m.space.axes.length === 0) continue;
    let next = 0;
    const coordinates = m.space.shape.map((n, i) =>
      m.space!.axes.includes(i) ? ir.local("int", `i${i}`, n) : at[next++]!,
    );
    const values = members.map((o) => outputOf(o.root).id);
    a.own = (v) => (values.includes(v.id) ? ir.real(0) : undefined);
    const e = m.root.kind === "map" ? a.puller.element(m.root, coordinates) : a.puller.reduced(m.root, coordinates);
    const reduced = coordinates[m.space.axes.at(-1)!] as Local;
    forEachNode([e], (x) => {
      if (x.op !== "load") return;
      const [k, r] = [coefficientOf(x.index, at.at(-1)!), coefficientOf(x.index, reduced)];
      if (k !== 0 && k !== 1) along += 1;
      if (r !== 0 && r !== 1) across += 1;
    });
    // A short inner loop is no place for vectors.
    if (m.space.shape[m.space.axes.at(-1)!]! < 4) across += 1;
  }
  return across > along;
}

class Rows {
  readonly segments: Segment[];
  readonly a: KernelAssembly;
  readonly outer: readonly number[];
  readonly members: readonly Member[];
  readonly c: Context;
  /** How many trailing reduced axes share a loop. */
  readonly collapse: number;
  /** Vectors run along the outer space: inner loops are plain. */
  readonly lanes: boolean;
  /** Called when an index divides by something with the innermost local. */
  readonly crooked: () => void;

  constructor(
    a: KernelAssembly,
    outer: readonly number[],
    members: readonly Member[],
    c: Context,
    collapse: number,
    lanes: boolean,
    crooked: () => void,
  ) {
    this.a = a;
    this.outer = outer;
    this.members = members;
    this.c = c;
    this.collapse = collapse;
    this.lanes = lanes;
    this.crooked = crooked;
    this.segments = segmentsOf(members, c);
  }

  body(at: readonly Expression[]): Statement[] {
    const known = new Map<number, Expression>();
    const statements: Statement[] = [];
    for (const s of this.segments) {
      if (s.kind === "outer") {
        this.a.own = (v) => known.get(v.id);
        const puller = this.a.newPuller();
        for (const { root } of s.members) {
          const value = puller.element(root as MapNode, at);
          known.set(outputOf(root).id, value);
          this.#store(statements, root, at, this.outer, value);
        }
        continue;
      }
      this.#inner(s, at, known, statements);
    }
    return statements;
  }

  #store(
    statements: Statement[],
    root: Root,
    at: readonly Expression[],
    shape: readonly number[],
    value: Expression,
  ): void {
    if (!isStored(this.c, root)) return;
    statements.push(this.a.store(this.c.memory.bufferOf(outputOf(root)), ir.linearIndex(at, shape), value));
  }

  #inner(
    s: Extract<Segment, { kind: "inner" }>,
    at: readonly Expression[],
    known: Map<number, Expression>,
    statements: Statement[],
  ): void {
    const reduces = s.members.filter((m) => m.root.kind === "reduce").map((m) => m.root as ReduceNode);
    const state = new Map<ReduceNode, Local[]>();
    for (const r of reduces) {
      const locals = r.reduction.initial.map((e, i) => ir.local(e.kind, `${r.name}${i === 0 ? "" : i}`));
      state.set(r, locals);
      locals.forEach((l, i) => {
        statements.push({ op: "variable", local: l, value: r.reduction.initial[i]! });
      });
    }
    const dims = s.space.axes.map((x) => s.space.shape[x]!);
    statements.push(
      ...this.#loops(dims, state, (inner, places, into) => {
        let next = 0;
        const coordinates = s.space.shape.map((_, i) => {
          const reduced = s.space.axes.indexOf(i);
          return reduced >= 0 ? places[reduced]! : at[next++]!;
        });
        return this.#innerBody(s, coordinates, inner, ir.linearIndex(places, dims), known, into);
      }),
    );
    for (const r of reduces) {
      const value = r.reduction.finish(state.get(r)!);
      known.set(outputOf(r).id, value);
      this.#store(statements, r, at, this.outer, value);
    }
  }

  #innerBody(
    s: Extract<Segment, { kind: "inner" }>,
    coordinates: readonly Expression[],
    inner: Expression,
    place: Expression,
    known: ReadonlyMap<number, Expression>,
    state: ReadonlyMap<ReduceNode, Local[]>,
  ): Statement[] {
    const values = new Map<number, Expression>();
    const own = new Map(this.members.map((m) => [outputOf(m.root).id, m]));
    // A value of an earlier loop: computed again, or read back where it was stored and is dear.
    const again = (v: Var): Expression | undefined => {
      const m = own.get(v.id);
      if (m?.root.kind !== "map" || !m.space) return undefined;
      if (isStored(this.c, m.root) && m.root.cost > 4) return undefined;
      const value = puller.element(m.root, coordinates);
      values.set(v.id, value);
      return value;
    };
    this.a.own = (v) => known.get(v.id) ?? values.get(v.id) ?? again(v);
    const puller = this.a.newPuller();
    const statements: Statement[] = [];
    for (const { root } of s.members) {
      if (root.kind === "map") {
        const value = puller.element(root, coordinates);
        values.set(outputOf(root).id, value);
        if (!isStraight(value, inner)) this.crooked();
        this.#store(statements, root, coordinates, s.space.shape, value);
        continue;
      }
      const { operator, step } = root.reduction;
      const element = puller.reduced(root, coordinates);
      if (!isStraight(element, inner)) this.crooked();
      const locals = state.get(root)!;
      if (operator) {
        const next = operatorApplied(operator, locals[0]!, element);
        statements.push({ op: "assign", local: locals[0]!, value: next });
        continue;
      }
      const next = step!(locals, element, place);
      // All next values are of the old state.
      const named = next.map((e, i): Statement => ({ op: "let", local: ir.local(e.kind, `next${i}`), value: e }));
      statements.push(...named);
      locals.forEach((l, i) => {
        statements.push({ op: "assign", local: l, value: (named[i] as { local: Local }).local });
      });
    }
    return statements;
  }

  /** The loop nest over the reduced axes; `body` is given the innermost index, all places and the accumulators. */
  #loops(
    dims: readonly number[],
    state: ReadonlyMap<ReduceNode, Local[]>,
    body: (inner: Expression, places: readonly Expression[], state: ReadonlyMap<ReduceNode, Local[]>) => Statement[],
  ): Statement[] {
    const q = Math.min(this.collapse, dims.length);
    const lead = dims.slice(0, dims.length - q);
    const trail = dims.slice(dims.length - q);
    const count = sizeOf(trail);
    const reductions = [...state.keys()];
    const ordered = reductions.some((r) => r.reduction.operator === undefined);
    const accumulators = (of: ReadonlyMap<ReduceNode, Local[]>): Accumulator[] =>
      ordered ? [] : [...of].map(([r, [l]]) => ({ local: l!, operator: r.reduction.operator! }));
    const order: Loop["order"] = ordered ? "serial" : reductions.length === 0 ? "independent" : "reduction";
    const innermost = (leading: readonly Expression[]): Statement[] => {
      const vectorize = !ordered && !this.lanes && count >= 4;
      const run = (n: Expression | number, from: Expression, into: ReadonlyMap<ReduceNode, Local[]>) =>
        ir.loop(
          "k",
          n,
          order,
          (k) => {
            const at = bounded(ir.add(from, k), count);
            return body(k, [...leading, ...ir.coordinatesOf(at, trail)], into);
          },
          { accumulators: accumulators(into), vectorize },
        );
      if (ordered || count <= 2 * block || !reductions.some((r) => r.reduction.operator === "add"))
        return [run(count, ir.int(0), state)];
      return [
        ir.loop("part", Math.ceil(count / block), "serial", (part) => {
          const partial = new Map<ReduceNode, Local[]>(
            reductions.map((r) => [r, [ir.local(r.reduction.initial[0]!.kind, `${r.name}_part`)]]),
          );
          const from = ir.mul(part, ir.int(block));
          return [
            ...reductions.map(
              (r): Statement => ({
                op: "variable",
                local: partial.get(r)![0]!,
                value: r.reduction.initial[0]!,
              }),
            ),
            run(count % block === 0 ? block : ir.min(ir.int(block), ir.sub(ir.int(count), from)), from, partial),
            ...reductions.map(
              (r): Statement => ({
                op: "assign",
                local: state.get(r)![0]!,
                value: operatorApplied(r.reduction.operator!, state.get(r)![0]!, partial.get(r)![0]!),
              }),
            ),
          ];
        }),
      ];
    };
    const nest = (i: number, leading: readonly Expression[]): Statement[] =>
      i === lead.length
        ? innermost(leading)
        : [
            ir.loop(`k${i}`, lead[i]!, order, (k) => nest(i + 1, [...leading, k]), {
              accumulators: accumulators(state),
            }),
          ];
    return nest(0, []);
  }
}

/** A sum known to be below n, so that index arithmetic knows it too. */
function bounded(e: Expression, n: number): Expression {
  const bound = ir.upperBound(e);
  return bound !== undefined && bound <= n ? e : ir.knownBelow(e, n);
}

// ------------------------------------------------------------ reductions in two stages

/** How many partial results an outer place has, and how many elements each joins. */
function chunking(group: Group, space: Space, c: Context): { readonly size: number; readonly count: number } {
  const outer = Math.max(1, sizeOf(group.outer));
  const n = sizeOf(space.axes.map((x) => space.shape[x]!));
  const last = group.outer.at(-1) ?? 1;
  const size =
    c.options.style === "invocations"
      ? Math.max(64, Math.ceil((n * outer) / 8192))
      : group.style === "columns"
        ? Math.max(32, Math.ceil(65_536 / last), Math.ceil(n / 64))
        : 16_384;
  return { size, count: Math.ceil(n / size) };
}

function splitKernels(group: Group, c: Context): Launch[] {
  const space = group.members.find((m) => m.space)!.space!;
  const chunk = chunking(group, space, c);
  const inside = group.members.filter((m) => m.space);
  const reduces = inside.filter((m) => m.root.kind === "reduce").map((m) => m.root as ReduceNode);
  const columns = group.style === "columns";
  const lead = columns ? group.outer.slice(0, -1) : group.outer;
  const last = columns ? [group.outer.at(-1)!] : [];
  const partialShape = [...lead, chunk.count, ...last];
  const partials = new Map(
    reduces.map((r) => {
      const v = newVar({ dtype: r.reduction.initial[0]!.kind as "real", shape: partialShape });
      return [r, v] as const;
    }),
  );
  const buffers = new Map<number, ReturnType<Memory["bufferOf"]>>();
  for (const [r, v] of partials) buffers.set(v.id, c.memory.temporary(`${r.name}_parts`, v.type.dtype, partialShape));
  const memory: Memory = {
    bufferOf: (v) => buffers.get(v.id) ?? c.memory.bufferOf(v),
    temporary: (name, kind, shape) => c.memory.temporary(name, kind, shape),
  };
  const context: Context = { ...c, memory };
  const first = columns
    ? columnsKernel(group, inside, space, chunk, partials, context)
    : chunksKernel(group, inside, space, chunk, partials, context);
  // The second stage: the same results, reduced from the partial ones.
  const joined: Member[] = group.members
    .filter((m) => !m.space || m.root.kind === "reduce")
    .map((m) => {
      if (m.root.kind !== "reduce") return m;
      const { reduction } = m.root;
      const shape = [...group.outer, chunk.count];
      const rank = group.outer.length;
      const root: ReduceNode = {
        ...m.root,
        inputs: [partials.get(m.root)!],
        reduction: {
          ...reduction,
          shape,
          axes: [rank],
          cost: 1,
          element: (read, at) => read(0, columns ? [...at.slice(0, rank - 1), at[rank]!, at[rank - 1]!] : at),
        },
      };
      return { root, space: root.reduction };
    });
  return [first, rowsKernel(group.outer, joined, context)];
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
    const total = reduces.map((r) => ir.local(r.reduction.initial[0]!.kind, r.name));
    const statements: Statement[] = total.map((l, i) => ({
      op: "variable",
      local: l,
      value: reduces[i]!.reduction.initial[0]!,
    }));
    const length =
      chunk.size * chunk.count === n ? ir.int(chunk.size) : ir.min(ir.int(chunk.size), ir.sub(ir.int(n), begin));
    const size = Math.min(block, chunk.size);
    statements.push(
      ir.loop("part", ir.div(ir.add(length, ir.int(size - 1)), ir.int(size)), "serial", (p) => {
        const from = ir.mul(p, ir.int(size));
        const partial = reduces.map((r) => ir.local(r.reduction.initial[0]!.kind, `${r.name}_part`));
        return [
          ...partial.map((l, i): Statement => ({ op: "variable", local: l, value: reduces[i]!.reduction.initial[0]! })),
          ir.loop(
            "k",
            ir.min(ir.int(size), ir.sub(length, from)),
            "reduction",
            (k) => {
              const flat = ir.knownBelow(ir.add(ir.add(begin, from), k), n);
              const places = ir.coordinatesOf(flat, dims);
              return reduceElements(a, members, space, at, places, c, (r, e) => {
                const i = reduces.indexOf(r);
                return {
                  op: "assign",
                  local: partial[i]!,
                  value: operatorApplied(r.reduction.operator!, partial[i]!, e),
                };
              });
            },
            {
              accumulators: partial.map((l, i) => ({ local: l, operator: reduces[i]!.reduction.operator! })),
              vectorize: c.options.style === "vector",
            },
          ),
          ...partial.map(
            (l, i): Statement => ({
              op: "assign",
              local: total[i]!,
              value: operatorApplied(reduces[i]!.reduction.operator!, total[i]!, l),
            }),
          ),
        ];
      }),
    );
    reduces.forEach((r, i) => {
      statements.push(a.store(c.memory.bufferOf(partials.get(r)!), g, total[i]!));
    });
    return statements;
  });
  const { name, description } = describe(members);
  const work = members.reduce((w, m) => w + workOf(m.root), 0);
  return a.launch(`${name}_chunks`, members[0]!.root.span, `${description}, in ${chunk.count} parts`, grid, work);
}

/** The members' statements at one place of their space. */
function reduceElements(
  a: KernelAssembly,
  members: readonly Member[],
  space: Space,
  at: readonly Expression[],
  places: readonly Expression[],
  c: Context,
  join: (r: ReduceNode, e: Expression) => Statement,
): Statement[] {
  let next = 0;
  const coordinates = space.shape.map((_, i) => {
    const reduced = space.axes.indexOf(i);
    return reduced >= 0 ? places[reduced]! : at[next++]!;
  });
  const values = new Map<number, Expression>();
  a.own = (v) => values.get(v.id);
  const puller = a.newPuller();
  const statements: Statement[] = [];
  for (const { root } of members) {
    if (root.kind === "map") {
      const value = puller.element(root, coordinates);
      values.set(outputOf(root).id, value);
      if (isStored(c, root))
        statements.push(a.store(c.memory.bufferOf(outputOf(root)), ir.linearIndex(coordinates, space.shape), value));
    } else statements.push(join(root, puller.reduced(root, coordinates)));
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
  const dims = space.axes.map((x) => space.shape[x]!);
  const n = sizeOf(dims);
  const lead = group.outer.slice(0, -1);
  const last = group.outer.at(-1)!;
  const a = new KernelAssembly(c.fusion, c.memory);
  const reduces = [...partials.keys()];
  const grid = ir.loop("chunk", Math.max(1, sizeOf(lead)) * chunk.count, "independent", (g) => {
    const [o, part] = ir.coordinatesOf(g, [Math.max(1, sizeOf(lead)), chunk.count]) as [Expression, Expression];
    const begin = ir.mul(part, ir.int(chunk.size));
    const row = ir.mul(g, ir.int(last));
    const length =
      chunk.size * chunk.count === n ? ir.int(chunk.size) : ir.min(ir.int(chunk.size), ir.sub(ir.int(n), begin));
    const accumulate = (j: Expression, r: ReduceNode, e: Expression) => {
      const buffer = c.memory.bufferOf(partials.get(r)!);
      const index = ir.add(row, j);
      return a.store(buffer, index, operatorApplied(r.reduction.operator!, a.loadAt(buffer, index), e));
    };
    return [
      ir.loop(
        "j",
        last,
        "independent",
        (j) =>
          reduces.map((r) => a.store(c.memory.bufferOf(partials.get(r)!), ir.add(row, j), r.reduction.initial[0]!)),
        { vectorize: true },
      ),
      ir.loop("k", length, "serial", (k) => {
        const places = ir.coordinatesOf(ir.knownBelow(ir.add(begin, k), n), dims);
        return [
          ir.loop(
            "j",
            last,
            "independent",
            (j) =>
              reduceElements(a, members, space, [...ir.coordinatesOf(o, lead), j], places, c, (r, e) =>
                accumulate(j, r, e),
              ),
            { vectorize: true },
          ),
        ];
      }),
    ];
  });
  const { name, description } = describe(members);
  const work = members.reduce((w, m) => w + workOf(m.root), 0);
  return a.launch(`${name}_columns`, members[0]!.root.span, `${description}, in ${chunk.count} parts`, grid, work);
}
