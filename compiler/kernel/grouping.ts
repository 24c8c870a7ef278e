/** Which roots share a kernel. */
import { sizeOf } from "../core/array.ts";
import type { Atom, Graph, Var } from "../core/graph.ts";
import { coefficientOf, forEachNode } from "./affine.ts";
import { gatherBands } from "./bands.ts";
import * as ir from "./expressions.ts";
import type { Fusion, Group, Member, Root, Space, Style, Unit } from "./fuse.ts";
import type { Expression, Local } from "./ir.ts";
import { isPulled, type MapNode, type Node, type ReduceNode } from "./nodes.ts";
import type { PlanOptions } from "./plan.ts";
import { Puller, placeholder } from "./puller.ts";

/** The places of a group's loops while it is being decided: any locals will do, if they are always the same. */
interface Places {
  readonly outer: readonly Local[];
  readonly inner: Map<string, readonly Expression[]>;
}

const keyOf = (space: Space) => `${space.shape.join(",")}/${space.axes.join(",")}`;
const sameShape = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((d, i) => d === b[i]);
const kept = (space: Space) => space.shape.filter((_, i) => !space.axes.includes(i));

/** Roots that a kernel may compute: a device has registers for few. */
const mostMembers = { vector: 96, invocations: 24 } as const;

/** Gathers the roots of a graph in groups. */
export class Grouping {
  /** By their ids; a unit that became part of another is undefined. */
  readonly units: (Unit | undefined)[] = [];
  /** For each unit the units it needs, directly or not. */
  readonly needs: Set<number>[] = [];
  readonly unitOf = new Map<number, number>();
  readonly places = new Map<number, Places>();
  readonly #roots = new Map<number, ReadonlySet<number>>();
  #lastEffect: number | undefined;

  readonly graph: Graph;
  readonly nodes: readonly Node[];
  readonly producer: ReadonlyMap<number, Node>;
  readonly virtual: ReadonlySet<number>;
  readonly options: PlanOptions;

  constructor(
    graph: Graph,
    nodes: readonly Node[],
    producer: ReadonlyMap<number, Node>,
    virtual: ReadonlySet<number>,
    options: PlanOptions,
  ) {
    this.graph = graph;
    this.nodes = nodes;
    this.producer = producer;
    this.virtual = virtual;
    this.options = options;
  }

  run(): Fusion {
    const materialized = this.#materialized();
    for (const n of this.nodes) {
      if (n.kind === "map") {
        const v = n.outputs[0]!;
        if (this.virtual.has(v.id) && !materialized.has(v.id)) continue;
        this.#place(n);
      } else if (n.kind === "reduce") this.#place(n);
      else this.#single(n);
    }
    gatherBands(this);
    return {
      nodes: this.nodes,
      units: this.#ordered(),
      virtual: this.virtual,
      stored: this.#stored(materialized),
      producer: this.producer,
    };
  }

  /** Values that somebody reads as memory: outputs, and operands of what is not fused. */
  #materialized(): Set<number> {
    const ids = new Set<number>();
    for (const a of this.graph.outputs) if (a.kind === "var") ids.add(a.id);
    for (const n of this.nodes)
      if (n.kind !== "map" && n.kind !== "reduce") {
        // Of a check only the place that fails is memory; what it shows is computed when it fails. A product reads
        // what was only moved from where it was, and some routines compute what they read once.
        const read = n.name === "check" ? n.inputs.slice(0, 1) : n.inputs;
        read.forEach((a, operand) => {
          const isRead = n.kind === "product" || isPulled(n, operand, this.options.style);
          if (a.kind === "var" && !(isRead && this.virtual.has(a.id))) ids.add(a.id);
        });
      }
    return ids;
  }

  /** The roots (and results of single steps) that a value is computed from. */
  rootsOf(a: Atom): ReadonlySet<number> {
    if (a.kind !== "var") return new Set();
    const known = this.#roots.get(a.id);
    if (known) return known;
    const found = new Set<number>();
    const node = this.producer.get(a.id);
    if (node && this.virtual.has(a.id)) {
      for (const i of node.inputs) for (const id of this.rootsOf(i)) found.add(id);
    } else if (node) found.add(a.id);
    this.#roots.set(a.id, found);
    return found;
  }

  #needsOf(n: Node): Set<number> {
    const units = new Set<number>();
    for (const a of n.inputs)
      for (const id of this.rootsOf(a)) {
        const unit = this.unitOf.get(id);
        if (unit === undefined) continue;
        units.add(unit);
        for (const u of this.needs[unit]!) units.add(u);
      }
    return units;
  }

  #single(node: Node): void {
    const id = this.units.length;
    const needs = this.#needsOf(node);
    // Operands read from memory, though others may compute them again.
    for (const a of node.inputs) {
      const unit = a.kind === "var" ? this.unitOf.get(a.id) : undefined;
      if (unit === undefined) continue;
      needs.add(unit);
      for (const u of this.needs[unit]!) needs.add(u);
    }
    // Checks and reports happen in order, and so do the calls and loops that may contain them.
    if (node.kind === "control") {
      if (this.#lastEffect !== undefined) {
        needs.add(this.#lastEffect);
        for (const u of this.needs[this.#lastEffect]!) needs.add(u);
      }
      this.#lastEffect = id;
    }
    this.units.push({ kind: "single", id, node });
    this.needs.push(needs);
    for (const v of node.outputs) this.unitOf.set(v.id, id);
  }

  #place(root: Root): void {
    const needs = this.#needsOf(root);
    for (const id of this.#candidates(root)) {
      const group = this.units[id] as Group;
      // Something this root needs must not itself wait for the group.
      if ([...needs].some((u) => u !== id && this.needs[u]!.has(id))) continue;
      if (!this.#join(group, root)) continue;
      this.unitOf.set(root.outputs[0]!.id, id);
      const own = this.needs[id]!;
      for (const u of needs) if (u !== id) own.add(u);
      for (let u = 0; u < this.units.length; u++)
        if (this.needs[u]!.has(id)) for (const w of own) this.needs[u]!.add(w);
      return;
    }
    const id = this.units.length;
    const group: Group = { kind: "group", id, outer: root.shape, members: [], style: "map" };
    this.units.push(group);
    this.needs.push(needs);
    this.unitOf.set(root.outputs[0]!.id, id);
    if (root.kind === "map") {
      group.members.push({ root, space: undefined });
      return;
    }
    const { shape, axes } = root.reduction;
    const space: Space = { shape, axes };
    group.style = this.styleOf(root);
    group.members.push({ root, space });
  }

  /** Groups worth trying: those it reads from, then those that read the same arrays, the latest first. */
  #candidates(root: Root): number[] {
    const read = new Set<number>();
    for (const a of root.inputs) for (const id of this.rootsOf(a)) read.add(id);
    const direct = new Set<number>();
    for (const id of read) {
      const u = this.unitOf.get(id);
      if (u !== undefined && this.units[u]!.kind === "group") direct.add(u);
    }
    const size = root.kind === "map" ? sizeOf(root.shape) : sizeOf(root.reduction.shape);
    const small = size <= 4096;
    const inputs = small ? undefined : this.#arraysOf(root);
    const others: number[] = [];
    for (let u = this.units.length - 1; u >= 0 && others.length < 24; u--) {
      const unit = this.units[u]!;
      if (unit.kind !== "group" || direct.has(u)) continue;
      if (inputs && !unit.members.some((m) => intersects(inputs, this.#arraysOf(m.root)))) continue;
      others.push(u);
    }
    return [...[...direct].sort((a, b) => b - a), ...others];
  }

  readonly #arrays = new Map<Root, ReadonlySet<number>>();
  /** The variables a root reads from memory: roots, single results and inputs. */
  #arraysOf(root: Root): ReadonlySet<number> {
    let found = this.#arrays.get(root);
    if (!found) {
      const ids = new Set<number>();
      const seen = new Set<number>();
      const visit = (a: Atom): void => {
        if (a.kind !== "var" || seen.has(a.id)) return;
        seen.add(a.id);
        const node = this.producer.get(a.id);
        if (node && this.virtual.has(a.id)) node.inputs.forEach(visit);
        else if (a.type.shape.length > 0) ids.add(a.id);
      };
      root.inputs.forEach(visit);
      found = ids;
      this.#arrays.set(root, found);
    }
    return found;
  }

  /** Adds a root to a group if it can run there. */
  #join(group: Group, root: Root): boolean {
    if (group.members.length >= mostMembers[this.options.style]) return false;
    if (root.kind === "map") return this.#joinMap(group, root);
    const space: Space = root.reduction;
    const plain = group.members.every((m) => m.space === undefined);
    if (sameShape(kept(space), group.outer)) {
      // The group's outer places are this reduction's: a row more to reduce.
      const style = this.styleOf(root);
      if (plain) {
        // Outer values read by a split reduction would have to be known before it starts.
        if (style !== "rows") return false;
        if (sizeOf(group.outer) > 1 && group.members.length > 0 && !this.#reads(group, root)) return false;
      } else {
        if (style !== group.style) return false;
        if (style !== "rows" && !group.members.some((m) => m.space && keyOf(m.space) === keyOf(space))) return false;
      }
      const before = group.style;
      group.style = style;
      if (this.#admit(group, { root, space })) return true;
      group.style = before;
      return false;
    }
    if (plain && sameShape(space.shape, group.outer) && space.axes.length > 0) {
      // The group runs over the whole space: its maps move into the reduction's inner loop.
      const before = { outer: group.outer, members: group.members, style: group.style };
      if (!this.#reads(group, root) && sizeOf(space.shape) > 4096) return false;
      group.outer = kept(space);
      group.members = group.members.map((m) => ({ root: m.root, space }));
      this.places.delete(group.id);
      group.style = this.styleOf(root);
      if (this.#admit(group, { root, space })) return true;
      Object.assign(group, before);
      this.places.delete(group.id);
    }
    return false;
  }

  #reads(group: Group, root: Root): boolean {
    const own = new Set(group.members.map((m) => m.root.outputs[0]!.id));
    return root.inputs.some((a) => [...this.rootsOf(a)].some((id) => own.has(id)));
  }

  #joinMap(group: Group, root: MapNode): boolean {
    if (sameShape(root.shape, group.outer) && this.#admit(group, { root, space: undefined })) return true;
    const spaces = new Map(group.members.filter((m) => m.space).map((m) => [keyOf(m.space!), m.space!]));
    for (const space of spaces.values())
      if (space.axes.length > 0 && sameShape(root.shape, space.shape) && this.#admit(group, { root, space }))
        return true;
    return false;
  }

  #placesOf(group: Group): Places {
    let places = this.places.get(group.id);
    if (!places) {
      places = { outer: group.outer.map((n, i) => ir.local("int", `o${i}`, n)), inner: new Map() };
      this.places.set(group.id, places);
    }
    return places;
  }

  /** The coordinates of a member: outer, and inner where its space has reduced axes. */
  coordinates(group: Group, space: Space | undefined): readonly Expression[] {
    const places = this.#placesOf(group);
    if (!space) return places.outer;
    const key = keyOf(space);
    let found = places.inner.get(key);
    if (!found) {
      let next = 0;
      found = space.shape.map((n, i) => (space.axes.includes(i) ? ir.local("int", `i${i}`, n) : places.outer[next++]!));
      places.inner.set(key, found);
    }
    return found;
  }

  /** True, and done, when all the group's values that the member reads are at hand where it runs. */
  #admit(group: Group, member: Member): boolean {
    const own = new Map(group.members.map((m) => [m.root.outputs[0]!.id, m]));
    const split = group.style === "split" || group.style === "columns";
    const at = this.coordinates(group, member.space);
    let legal = true;
    const source = (v: Var, coordinates: readonly Expression[]): Expression | undefined => {
      const m = own.get(v.id);
      if (!m) return placeholder(v, coordinates);
      // What a reduction gives, or an outer value, is there once per outer place.
      const outside = m.root.kind === "reduce" || m.space === undefined;
      const expected = outside ? this.coordinates(group, undefined) : this.coordinates(group, m.space);
      if (!sameExpressions(coordinates, expected)) legal = false;
      if (split && outside && member.space !== undefined) legal = false;
      if (!outside && (member.space === undefined || keyOf(member.space) !== keyOf(m.space!))) legal = false;
      return placeholder(v, coordinates);
    };
    const puller = new Puller(this.producer, this.virtual, source);
    if (member.root.kind === "map") puller.element(member.root, at);
    else puller.reduced(member.root, at);
    if (legal) group.members.push(member);
    return legal;
  }

  /** How a reduction should run, by its sizes and by how its operands lie in memory. */
  styleOf(root: ReduceNode): Style {
    const space: Space = root.reduction;
    const outer = sizeOf(kept(space));
    const inner = sizeOf(space.shape) / Math.max(outer, 1);
    if (root.reduction.operator === undefined || space.axes.length === 0 || sizeOf(space.shape) === 0) return "rows";
    if (this.options.style === "invocations") return outer < 1024 && inner >= 2048 ? "split" : "rows";
    const lastKept = space.shape.findLastIndex((_, i) => !space.axes.includes(i));
    if (lastKept >= 0 && space.shape[lastKept]! >= 4 && inner >= 32 && this.#liesAlong(root, space, lastKept))
      return "columns";
    return outer < 8 && inner >= 32_768 ? "split" : "rows";
  }

  /** Whether more operands lie along a kept axis than along the innermost reduced one. */
  #liesAlong(root: ReduceNode, space: Space, keptAxis: number): boolean {
    const at = space.shape.map((n, i) => ir.local("int", `s${i}`, n));
    const puller = new Puller(this.producer, this.virtual, (v, coordinates) => placeholder(v, coordinates));
    const element = puller.reduced(root, at);
    const reducedAxis = space.axes[space.axes.length - 1]!;
    let [along, across] = [0, 0];
    forEachNode([element], (e) => {
      if (e.op !== "load") return;
      const [k, r] = [coefficientOf(e.index, at[keptAxis]!), coefficientOf(e.index, at[reducedAxis]!)];
      if (k !== 0 && k !== 1) along += e.array.length;
      if (r !== 0 && r !== 1) across += e.array.length;
    });
    return across > along;
  }

  #ordered(): Unit[] {
    const done = new Set<number>();
    const order: Unit[] = [];
    const visit = (id: number): void => {
      if (done.has(id)) return;
      done.add(id);
      for (const u of [...this.needs[id]!].sort((a, b) => a - b)) visit(u);
      const unit = this.units[id];
      if (unit) order.push(unit);
    };
    for (let id = 0; id < this.units.length; id++) visit(id);
    return order;
  }

  #stored(materialized: ReadonlySet<number>): Set<number> {
    const stored = new Set<number>(materialized);
    for (const unit of this.units) {
      if (!unit) continue;
      const groups = unit.kind === "band" ? [unit.rows, ...unit.sums] : unit.kind === "group" ? [unit] : [];
      const readers =
        unit.kind === "single" ? [unit.node] : groups.flatMap((g) => g.members.map((m) => m.root as Node));
      for (const n of readers)
        for (const a of n.inputs)
          for (const id of this.rootsOf(a)) {
            const from = this.unitOf.get(id);
            if (from !== undefined && from !== unit.id) stored.add(id);
          }
    }
    return stored;
  }
}

function intersects(a: ReadonlySet<number>, b: ReadonlySet<number>): boolean {
  for (const x of a) if (b.has(x)) return true;
  return false;
}

const sameExpressions = (a: readonly Expression[], b: readonly Expression[]) =>
  a.length === b.length && a.every((e, i) => e === b[i]);
