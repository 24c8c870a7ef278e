/** Which values are computed where they are read instead of being kept. */
import { sizeOf } from "../core/array.ts";
import type { Graph } from "../core/graph.ts";
import { isPulled, type Node, sizeOfAtom } from "./nodes.ts";
import type { PlanOptions } from "./plan.ts";

const cheap = 4;
const readOnce = 1.5;
/** A device waits longer for memory, and for the kernel that writes it, than a few operations done twice take. */
const cheapTwice = 16;
const readTwice = 2.25;
/** Routines compute one number after the other: more than this is worth a kernel, which computes several at once. */
const cheapAlone = 8;
const largestExpression = 400;

/** The values that are recomputed where they are read. */
export function chooseVirtual(
  graph: Graph,
  nodes: readonly Node[],
  producer: ReadonlyMap<number, Node>,
  { style }: PlanOptions,
): Set<number> {
  const isCheap = (work: number, count: number) =>
    work <= cheap || (style === "invocations" && work <= cheapTwice && count <= readTwice);
  const virtual = new Set<number>();
  /** How often each element is computed if the value is virtual. */
  const reads = new Map<number, number>();
  const needed = new Set<number>();
  for (const a of graph.outputs) if (a.kind === "var") needed.add(a.id);
  const costs = inlineCosts(nodes, producer);
  for (let i = nodes.length - 1; i >= 0; i--) {
    const n = nodes[i]!;
    let times = 1;
    if (n.kind === "map") {
      const v = n.outputs[0]!;
      const count = reads.get(v.id) ?? 0;
      const cost = costs.get(v.id)!;
      const mustStore = needed.has(v.id);
      const inlined =
        cost.size <= largestExpression &&
        (n.cost === 0 || (!mustStore && (count <= readOnce || isCheap(cost.work, count))));
      if (inlined) {
        virtual.add(v.id);
        times = count + (mustStore ? 1 : 0);
      }
    }
    for (const [operand, a] of n.inputs.entries()) {
      if (a.kind !== "var") continue;
      const isRead = isPulled(n, operand, style) && (costs.get(a.id)?.work ?? 0) <= cheapAlone;
      if (isRead) reads.set(a.id, (reads.get(a.id) ?? 0) + 1);
      else if (n.kind === "map" || n.kind === "reduce") {
        const space = n.kind === "map" ? sizeOf(n.shape) : sizeOf(n.reduction.shape);
        const each = Math.max(space, 1) / Math.max(sizeOfAtom(a), 1);
        reads.set(a.id, (reads.get(a.id) ?? 0) + times * each);
      } else if (n.name !== "check") needed.add(a.id);
      else reads.set(a.id, (reads.get(a.id) ?? 0) + 0.01);
    }
  }
  return virtual;
}

/** What computing an element takes if everything that could be inlined is. */
function inlineCosts(nodes: readonly Node[], producer: ReadonlyMap<number, Node>) {
  const costs = new Map<number, { readonly work: number; readonly size: number }>();
  for (const n of nodes) {
    if (n.kind !== "map") continue;
    let [work, size] = [n.cost, 1];
    for (const a of n.inputs) {
      const known = a.kind === "var" && producer.get(a.id)?.kind === "map" ? costs.get(a.id) : undefined;
      work += known?.work ?? (a.kind === "var" ? 1 : 0);
      size += known?.size ?? 1;
    }
    costs.set(n.outputs[0]!.id, { work, size: size > largestExpression ? 1 : size });
    if (size > largestExpression) costs.set(n.outputs[0]!.id, { work, size });
  }
  return costs;
}
