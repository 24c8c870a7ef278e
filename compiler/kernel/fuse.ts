/**
 * Which values are computed where they are used, which kernels there are and what each computes.
 *
 * A map whose elements are read about once, or that costs next to nothing, is no kernel: whoever reads it
 * computes it. The others, and reductions, are roots, gathered in groups that become kernels. A group runs
 * over an outer space; its reductions each have an inner space more. A root may join a group when it reads
 * the group's own values only at the place where it is itself.
 */
import type { Graph, Var } from "../core/graph.ts";
import { Grouping } from "./grouping.ts";
import type { MapNode, Node, ReduceNode } from "./nodes.ts";
import type { PlanOptions } from "./plan.ts";
import { chooseVirtual } from "./virtual.ts";

export type Root = MapNode | ReduceNode;

/** The space of a reduction: all its axes, and those that are reduced. */
export interface Space {
  readonly shape: readonly number[];
  readonly axes: readonly number[];
}

export interface Member {
  readonly root: Root;
  /** The reduction's space, or the space in whose inner loop a map is computed; undefined in the outer loop. */
  readonly space: Space | undefined;
}

/**
 * How a group that reduces runs. `rows`: each outer place reduces by itself. `split`: the reduced axes are cut
 * into chunks, and a second kernel joins the partial results and runs what depends on them. `columns` is split
 * with the last kept axis innermost, because memory lies that way.
 */
export type Style = "map" | "rows" | "split" | "columns";

export interface Group {
  readonly kind: "group";
  readonly id: number;
  outer: readonly number[];
  members: Member[];
  style: Style;
}
/** A node that is a step of its own. */
export interface Single {
  readonly kind: "single";
  readonly id: number;
  readonly node: Node;
}
/**
 * Rows, and what is reduced over them while they are in the cache: each iteration of one kernel's grid takes a band of the
 * rows' places, and a second kernel for each of the `sums`, groups of style `split` on devices and `columns` for threads,
 * joins the partial results of bands.
 */
export interface Band {
  readonly kind: "band";
  readonly id: number;
  readonly rows: Group;
  readonly sums: readonly Group[];
  /** Values of the rows that the sums read, each at its row. */
  readonly handed: ReadonlySet<number>;
  /** What the sums read from memory. */
  readonly again: ReadonlySet<Var>;
}
export type Unit = Group | Single | Band;

export interface Fusion {
  readonly nodes: readonly Node[];
  /** In an order in which they can run. */
  readonly units: readonly Unit[];
  /** Values computed by whoever reads them. */
  readonly virtual: ReadonlySet<number>;
  /** Values that need memory. */
  readonly stored: ReadonlySet<number>;
  readonly producer: ReadonlyMap<number, Node>;
}

export function fuse(graph: Graph, nodes: readonly Node[], options: PlanOptions): Fusion {
  const producer = new Map<number, Node>();
  for (const n of nodes) for (const v of n.outputs) producer.set(v.id, n);
  const virtual = chooseVirtual(graph, nodes, producer, options);
  return new Grouping(graph, nodes, producer, virtual, options).run();
}
