/** Kernels whose reductions run by themselves at each outer place. */
import { sizeOf } from "../core/array.ts";
import type { Var } from "../core/graph.ts";
import { coefficientOf, forEachNode } from "./affine.ts";
import { isStraight, KernelAssembly } from "./assemble.ts";
import * as ir from "./expressions.ts";
import type { Member, Root, Space } from "./fuse.ts";
import type { Accumulator, Expression, Local, Loop, Statement } from "./ir.ts";
import type { MapNode, Node, ReduceNode } from "./nodes.ts";
import type { Launch } from "./plan.ts";
import { Puller, placeholder } from "./puller.ts";
import {
  type Context,
  costOf,
  describe,
  inBlocks,
  isRounding,
  isStored,
  longestChain,
  operatorApplied,
  outputOf,
  type State,
  withPartials,
  workOf,
} from "./schedule-common.ts";
import { OnlineSums } from "./schedule-online.ts";

/** Statements between loops, or one inner loop with what runs in it. */
export type Segment =
  | { readonly kind: "outer"; readonly members: Member[] }
  | { readonly kind: "inner"; readonly space: Space; readonly members: Member[] };

const keyOf = (s: Space) => `${s.shape.join(",")}/${s.axes.join(",")}`;

/** Puts members in an order of few loops: a loop may take a member when all it needs is known before the loop. */
export function segmentsOf(members: readonly Member[], c: Context): Segment[] {
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
export function dependencies(root: Root, c: Context): Set<number> {
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

/** The kernel of members that run over the same outer places. */
export function rowsKernel(outer: readonly number[], members: readonly Member[], c: Context): Launch {
  const lanes = c.options.style === "vector" && outer.length > 0 && liesAlongRows(outer, members, c.fusion);
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

/** What rows compute at one place, and then the values of those that are computed once there. */
export function rowStatements(
  a: KernelAssembly,
  outer: readonly number[],
  members: readonly Member[],
  c: Context,
  at: readonly Expression[],
): { readonly statements: Statement[]; readonly values: ReadonlyMap<number, Expression> } {
  const most = Math.max(1, ...members.map((m) => m.space?.axes.length ?? 1));
  const values = new Map<number, Expression>();
  const statements = new Rows(a, outer, members, c, most, false, () => {}).body(at, values);
  return { statements, values };
}

/** What the operands of rows are found by, also before there is memory for them. */
export interface RowsSource {
  readonly producer: ReadonlyMap<number, Node>;
  readonly virtual: ReadonlySet<number>;
}

/** Whether more operands lie along the last outer axis than along the reduced ones: vectors should run that way. */
export function liesAlongRows(outer: readonly number[], members: readonly Member[], source: RowsSource): boolean {
  if ((outer.at(-1) ?? 1) < 4) return false;
  if (members.some((m) => m.root.kind === "reduce" && m.root.reduction.operator === undefined)) return false;
  const own = new Set(members.map((m) => outputOf(m.root).id));
  const puller = new Puller(source.producer, source.virtual, (v, at) =>
    own.has(v.id) ? ir.real(0) : placeholder(v, at),
  );
  const at = outer.map((n, i) => ir.local("int", `o${i}`, n));
  let [along, across] = [0, 0];
  for (const { root, space } of members) {
    if (!space || space.axes.length === 0) continue;
    let next = 0;
    const coordinates = space.shape.map((n, i) => (space.axes.includes(i) ? ir.local("int", `i${i}`, n) : at[next++]!));
    const e = root.kind === "map" ? puller.element(root, coordinates) : puller.reduced(root, coordinates);
    const reduced = coordinates[space.axes.at(-1)!] as Local;
    forEachNode([e], (x) => {
      if (x.op !== "load") return;
      const [k, r] = [coefficientOf(x.index, at.at(-1)!), coefficientOf(x.index, reduced)];
      if (k !== 0 && k !== 1) along += 1;
      if (r !== 0 && r !== 1) across += 1;
    });
    // A short inner loop is no place for vectors.
    if (space.shape[space.axes.at(-1)!]! < 4) across += 1;
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
  /** Values of loops that are over, which are in memory and dear: later loops read them. */
  readonly #readBack = new Set<number>();
  readonly #online: OnlineSums;

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
    this.#online = new OnlineSums(this.segments, c);
  }

  body(at: readonly Expression[], known = new Map<number, Expression>()): Statement[] {
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
      const online = this.#online.step(s, this.a, at, known);
      if (online) {
        statements.push(...online.statements);
        known.set(outputOf(online.root).id, online.value);
        this.#store(statements, online.root, at, this.outer, online.value);
      } else this.#inner(s, at, known, statements);
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
    state: State,
  ): Statement[] {
    const values = new Map<number, Expression>();
    const own = new Map(this.members.map((m) => [outputOf(m.root).id, m]));
    // A value of an earlier loop: computed again, or read back.
    const again = (v: Var): Expression | undefined => {
      const m = own.get(v.id);
      if (m?.root.kind !== "map" || !m.space || this.#readBack.has(v.id)) return undefined;
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
        if (this.#hasPlace(s, root, value)) {
          const buffer = this.c.memory.bufferOf(outputOf(root));
          statements.push(this.a.store(buffer, ir.linearIndex(coordinates, s.space.shape), value));
        }
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

  /** Whether an inner loop's value is stored: because others read it, or because a later loop does and it is dear. */
  #hasPlace(s: Extract<Segment, { kind: "inner" }>, root: MapNode, value: Expression): boolean {
    const id = outputOf(root).id;
    const others = isStored(this.c, root);
    if (this.c.options.style === "invocations") {
      if (others && root.cost > 4) this.#readBack.add(id);
      return others;
    }
    if (costOf(value) <= cheapest) return others;
    const later = this.segments
      .slice(this.segments.indexOf(s) + 1)
      .flatMap((t) => (t.kind === "inner" ? t.members : []));
    const fits = !this.lanes && sizeOf(s.space.shape) <= mostReadBack;
    if (!others && !(fits && later.some((m) => dependencies(m.root, this.c).has(id)))) return false;
    this.#readBack.add(id);
    return true;
  }

  /** The loop nest over the reduced axes; `body` is given the innermost index, all places and the accumulators. */
  #loops(
    dims: readonly number[],
    state: State,
    body: (inner: Expression, places: readonly Expression[], state: State) => Statement[],
  ): readonly Statement[] {
    const q = Math.min(this.collapse, dims.length);
    const lead = dims.slice(0, dims.length - q);
    const trail = dims.slice(dims.length - q);
    const count = sizeOf(trail);
    const reductions = [...state.keys()];
    const ordered = reductions.some((r) => r.reduction.operator === undefined);
    const accumulators = (of: State): Accumulator[] =>
      ordered ? [] : [...of].map(([r, [l]]) => ({ local: l!, operator: r.reduction.operator! }));
    const order: Loop["order"] = ordered ? "serial" : reductions.length === 0 ? "independent" : "reduction";
    const isLong = !ordered && sizeOf(dims) > 2 * longestChain && isRounding(reductions);
    const innermost = (leading: readonly Expression[], state: State): readonly Statement[] => {
      const vectorize = !ordered && !this.lanes && count >= 4;
      const inVectors = vectorize && this.c.options.style === "vector";
      return inBlocks(state, { from: ir.int(0), length: count, most: count, inVectors }, (from, n, into) => [
        ir.loop(
          "k",
          n,
          order,
          (k) => {
            const at = bounded(ir.add(from, k), count);
            return body(k, [...leading, ...ir.coordinatesOf(at, trail)], into);
          },
          { accumulators: accumulators(into), vectorize },
        ),
      ]);
    };
    const nest = (i: number, leading: readonly Expression[], state: State): readonly Statement[] => {
      if (i === lead.length) return innermost(leading, state);
      const range = { from: ir.int(0), length: lead[i]!, most: lead[i]!, inVectors: false };
      return inBlocks(state, range, (from, n, into) => [
        ir.loop(
          `k${i}`,
          n,
          order,
          (k) => {
            const inside = [...leading, bounded(ir.add(from, k), lead[i]!)];
            return isLong ? withPartials(into, (partial) => nest(i + 1, inside, partial)) : nest(i + 1, inside, into);
          },
          { accumulators: accumulators(into) },
        ),
      ]);
    };
    return nest(0, [], state);
  }
}

/** Operations that an element may take which is rather computed again than read. */
const cheapest = 6;
/** Elements that are stored only to be read back by a later loop: they should be in the cache still. */
const mostReadBack = 16_384;

/** A sum known to be below n, so that index arithmetic knows it too. */
function bounded(e: Expression, n: number): Expression {
  const bound = ir.upperBound(e);
  return bound !== undefined && bound <= n ? e : ir.knownBelow(e, n);
}
