/** From groups to kernels: the loops, in which order, what is innermost and what is cut into chunks. */
import { sizeOf } from "../core/array.ts";
import { isStraight, KernelAssembly } from "./assemble.ts";
import * as ir from "./expressions.ts";
import type { Band, Group } from "./fuse.ts";
import type { Expression, Loop, Statement } from "./ir.ts";
import type { MapNode } from "./nodes.ts";
import type { Launch } from "./plan.ts";
import { bandKernels } from "./schedule-bands.ts";
import { type Context, describe, isStored, outputOf, workOf } from "./schedule-common.ts";
import { blockedRows, blockKernels } from "./schedule-row-blocks.ts";
import { rowsKernel } from "./schedule-rows.ts";
import { splitKernels } from "./schedule-split.ts";
import { tileKernels } from "./schedule-tiles.ts";

/** The kernels of a unit, in order. */
export function scheduleUnit(unit: Group | Band, c: Context): Launch[] {
  if (unit.kind === "band")
    return c.options.style === "vector"
      ? blockKernels(unit, c)
      : (tileKernels(unit.rows, unit.sums, c) ?? bandKernels(unit, c));
  return scheduleGroup(unit, c);
}

function scheduleGroup(group: Group, c: Context): Launch[] {
  if (group.style === "map" || !group.members.some((m) => m.space)) return [mapKernel(group, c)];
  if (group.style === "rows") {
    const blocked = blockedRows(group, c);
    return tileKernels(group, [], c) ?? [blocked ?? rowsKernel(group.outer, group.members, c)];
  }
  return splitKernels(group, c);
}

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
