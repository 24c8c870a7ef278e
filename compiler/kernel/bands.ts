/**
 * Which sums over rows are computed in the pass that computes the rows: X w and then X' r, with r from X w, read X once.
 */
import type { Atom, Var } from "../core/graph.ts";
import * as ir from "./expressions.ts";
import type { Band, Group, Member, Root, Unit } from "./fuse.ts";
import type { Expression } from "./ir.ts";
import type { Node } from "./nodes.ts";
import type { PlanOptions } from "./plan.ts";
import { Puller, placeholder } from "./puller.ts";
import { bandSizes } from "./schedule-bands.ts";
import { isWorthBlocks } from "./schedule-row-blocks.ts";

/** The units of a graph, by their ids; a unit that became part of another one is undefined. */
export interface Units {
  readonly units: (Unit | undefined)[];
  /** For each unit the units it needs, directly or not. */
  readonly needs: Set<number>[];
  /** The units of values. */
  readonly unitOf: Map<number, number>;
  readonly producer: ReadonlyMap<number, Node>;
  readonly virtual: ReadonlySet<number>;
  readonly options: PlanOptions;
}

/** Makes bands of rows and of sums over them, where one pass over the rows can do both. */
export function gatherBands(u: Units): void {
  for (const sum of [...u.units]) {
    if (sum?.kind !== "group" || (sum.style !== "split" && sum.style !== "columns")) continue;
    for (let r = u.units.length - 1; r >= 0; r--) {
      const unit = u.units[r];
      if (unit === undefined || unit.kind === "single" || unit === sum) continue;
      const band = joined(u, unit, sum);
      if (!band) continue;
      replace(u, band, sum.id);
      break;
    }
  }
}

/** A band of rows, perhaps one already, and one more group of sums; undefined when they cannot or should not be one. */
function joined(u: Units, unit: Group | Band, sum: Group): Band | undefined {
  const rows = unit.kind === "band" ? unit.rows : unit;
  if (rows.style !== "rows" || !rows.members.some((m) => m.space)) return undefined;
  const inside = sum.members.filter((m) => m.space);
  const { shape, axes } = inside[0]!.space!;
  if (axes.length !== rows.outer.length || !axes.every((a, i) => shape[a] === rows.outer[i])) return undefined;
  // Neither may wait for the other by way of something else.
  if (u.needs[unit.id]!.has(sum.id)) return undefined;
  if ([...u.needs[sum.id]!].some((n) => n !== unit.id && u.needs[n]!.has(unit.id))) return undefined;
  const reads = readsOf(u, unit.id, rows, inside);
  if (!reads) return undefined;
  // What is computed after the partial results are joined finds nothing of the pass.
  const after = sum.members.filter((m) => !m.space).flatMap((m) => [...variablesOf(u, m.root)]);
  if (after.some((v) => u.unitOf.get(v.id) === unit.id)) return undefined;
  const readByRows = new Set(rows.members.flatMap((m) => [...variablesOf(u, m.root)]));
  if (reads.rows.size === 0 && ![...reads.arrays].some((v) => readByRows.has(v))) return undefined;
  const before = unit.kind === "band" ? unit : undefined;
  const band: Band = {
    kind: "band",
    id: unit.id,
    rows,
    sums: [...(before?.sums ?? []), sum],
    handed: new Set([...(before?.handed ?? []), ...reads.rows]),
    again: new Set([...(before?.again ?? []), ...reads.arrays]),
  };
  const isWorth = u.options.style === "vector" ? isWorthBlocks(band, sum, u, u.options) : bandSizes(band).areSmall;
  return isWorth ? band : undefined;
}

/**
 * The values of the rows that sums read, all at the row where they are, and the variables that they read from memory;
 * undefined when they read something that is not there in the pass.
 */
function readsOf(u: Units, unit: number, rows: Group, inside: readonly Member[]) {
  const own = new Map(rows.members.map((m) => [m.root.outputs[0]!.id, m]));
  const others = new Set(inside.map((m) => m.root.outputs[0]!.id));
  const found = { rows: new Set<number>(), arrays: new Set<Var>() };
  let legal = true;
  for (const { root, space } of inside) {
    const at = space!.shape.map((n, i) => ir.local("int", `at${i}`, n));
    const places = space!.axes.map((a) => at[a]!);
    const source = (v: Var, coordinates: readonly Expression[]): Expression => {
      const row = own.get(v.id);
      if (row) {
        const isOnce = row.root.kind === "reduce" || row.space === undefined;
        if (!isOnce || coordinates.length !== places.length || coordinates.some((e, i) => e !== places[i]))
          legal = false;
        found.rows.add(v.id);
      } else if (u.unitOf.get(v.id) === unit) legal = false;
      else if (!others.has(v.id)) found.arrays.add(v);
      return placeholder(v, coordinates);
    };
    const puller = new Puller(u.producer, u.virtual, source);
    if (root.kind === "map") puller.element(root, at);
    else puller.reduced(root, at);
  }
  return legal ? found : undefined;
}

/** The variables that a root is computed from: roots, results of single steps, and inputs. */
function variablesOf(u: Units, root: Root): ReadonlySet<Var> {
  const found = new Set<Var>();
  const seen = new Set<number>();
  const visit = (a: Atom): void => {
    if (a.kind !== "var" || seen.has(a.id)) return;
    seen.add(a.id);
    const node = u.producer.get(a.id);
    if (node && u.virtual.has(a.id)) node.inputs.forEach(visit);
    else found.add(a);
  };
  root.inputs.forEach(visit);
  return found;
}

/** Puts a band in the place of its rows; its newest sum, the unit `sum`, is gone. */
function replace(u: Units, band: Band, sum: number): void {
  u.units[band.id] = band;
  u.units[sum] = undefined;
  for (const [v, unit] of u.unitOf) if (unit === sum) u.unitOf.set(v, band.id);
  const needs = u.needs[band.id]!;
  for (const n of u.needs[sum]!) needs.add(n);
  needs.delete(band.id);
  needs.delete(sum);
  for (const [id, other] of u.needs.entries()) {
    if (id === band.id) continue;
    if (other.delete(sum)) other.add(band.id);
    if (other.has(band.id)) for (const n of needs) other.add(n);
  }
}
