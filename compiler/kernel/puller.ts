/** Computes elements of values where they are read. */
import { sizeOf } from "../core/array.ts";
import type { Atom, Var } from "../core/graph.ts";
import * as ir from "./expressions.ts";
import type { Expression } from "./ir.ts";
import type { MapNode, Node, ReduceNode } from "./nodes.ts";

const stand = new WeakMap<Var, ReturnType<typeof ir.kernelArray>>();
/** A load that stands for reading a value from memory while nothing is decided. */
export function placeholder(v: Var, coordinates: readonly Expression[]): Expression {
  let array = stand.get(v);
  const shape = v.type.shape.map((d) => Number(d));
  if (!array) {
    array = ir.kernelArray("?", v.type.dtype, sizeOf(shape), "read");
    stand.set(v, array);
  }
  return ir.load(array, ir.linearIndex(coordinates, shape));
}

/** Computes elements of values where they are read. */
export class Puller {
  readonly #memo = new Map<string, Expression>();

  readonly producer: ReadonlyMap<number, Node>;
  readonly virtual: ReadonlySet<number>;
  /** The element of a value that is not virtual. */
  readonly source: (v: Var, coordinates: readonly Expression[]) => Expression | undefined;

  constructor(producer: Puller["producer"], virtual: Puller["virtual"], source: Puller["source"]) {
    this.producer = producer;
    this.virtual = virtual;
    this.source = source;
  }

  read(a: Atom, coordinates: readonly Expression[]): Expression {
    if (a.kind === "literal") {
      const { dtype } = a.type;
      return dtype === "real" ? ir.real(a.value) : dtype === "int" ? ir.int(a.value) : ir.bool(a.value !== 0);
    }
    const node = this.producer.get(a.id);
    if (node?.kind !== "map" || !this.virtual.has(a.id)) {
      const found = this.source(a, coordinates);
      if (!found) throw new Error(`internal error: variable ${a.id} is not at hand`);
      return found;
    }
    const key = `${a.id}:${coordinates.map(ir.expressionId).join(",")}`;
    let value = this.#memo.get(key);
    if (!value) {
      value = this.element(node, coordinates);
      this.#memo.set(key, value);
    }
    return value;
  }

  element(node: MapNode, coordinates: readonly Expression[]): Expression {
    return node.element((k, at) => this.read(node.inputs[k]!, at), coordinates);
  }

  /** What a reduction joins at a place of its space. */
  reduced(node: ReduceNode, coordinates: readonly Expression[]): Expression {
    return node.reduction.element((k, at) => this.read(node.inputs[k]!, at), coordinates);
  }
}
