/** What the ways of scheduling a group have in common. */
import { sizeOf } from "../core/array.ts";
import type { Var } from "../core/graph.ts";
import { forEachNode } from "./affine.ts";
import type { Memory } from "./assemble.ts";
import * as ir from "./expressions.ts";
import type { Fusion, Member, Root } from "./fuse.ts";
import type { Accumulator, Expression, Local, Statement } from "./ir.ts";
import type { ReduceNode } from "./nodes.ts";
import type { PlanOptions } from "./plan.ts";

/** What scheduling a group needs to know. */
export interface Context {
  readonly fusion: Fusion;
  readonly memory: Memory;
  readonly options: PlanOptions;
}

/** The one value a root gives. */
export const outputOf = (root: Root): Var => root.outputs[0]!;
/** Whether a root's value needs memory. */
export const isStored = (c: Context, root: Root) => c.fusion.stored.has(outputOf(root).id);
export const operatorApplied = (operator: Accumulator["operator"], a: Expression, b: Expression) =>
  ir.binary(operator, a, b);

/** The operations a root takes, about. */
export const workOf = (root: Root): number =>
  root.kind === "map" ? sizeOf(root.shape) * (root.cost + 2) : sizeOf(root.reduction.shape) * (root.reduction.cost + 2);

/** What a kernel of these members is called. */
export function describe(members: readonly Member[]): { readonly name: string; readonly description: string } {
  const names = members.map((m) => m.root.name);
  const distinct = [...new Set(names)];
  return { name: distinct.slice(0, 3).join("_"), description: names.join(" + ") };
}

/** About how many operations an expression takes. */
export function costOf(value: Expression): number {
  let cost = 0;
  forEachNode([value], (e) => {
    if (e.op === "load" || e.op === "select") cost += 1;
    else if (e.op === "call") cost += e.function.isExceptional ? 2 : 40;
    else if (e.op === "unary") cost += e.name === "sqrt" ? 8 : 1;
    else if (e.op === "binary") cost += e.name === "div" ? 8 : 1;
  });
  return cost;
}

/** The accumulators of reductions. */
export type State = ReadonlyMap<ReduceNode, readonly Local[]>;

/** Whether the result loses digits with each step: of sums it does, of the largest element it does not. */
export const isRounding = (reductions: Iterable<ReduceNode>): boolean =>
  [...reductions].some((r) => r.reduction.operator === "add" && r.reduction.initial[0]!.kind === "real");

/**
 * New accumulators, what `body` reduces into them, and their join with the given ones. Reductions whose steps run in order
 * go on in the given ones.
 */
export function withPartials(state: State, body: (partial: State) => readonly Statement[]): Statement[] {
  const parts = [...state].flatMap(([r, [total]]) => {
    const { operator, initial } = r.reduction;
    return operator ? [{ r, operator, initial: initial[0]!, total: total!, part: partOf(r) }] : [];
  });
  return [
    ...parts.map(({ part, initial }): Statement => ({ op: "variable", local: part, value: initial })),
    ...body(new Map([...state, ...parts.map(({ r, part }) => [r, [part]] as const)])),
    ...parts.map(
      ({ operator, total, part }): Statement => ({
        op: "assign",
        local: total,
        value: operatorApplied(operator, total, part),
      }),
    ),
  ];
}

const partOf = (r: ReduceNode): Local => ir.local(r.reduction.initial[0]!.kind, `${r.name}_part`);

/** The largest number of terms that one accumulator joins one after the other: rounding errors grow with it. */
export const longestChain = 64;
/** The accumulators that a loop in vectors has, with its unrolling. */
const accumulatorsInVectors = 8;

/**
 * A loop over a range, cut into blocks with accumulators of their own where a sum is long; blocks of blocks where it
 * is very long. `body` is given where a block begins and its length.
 */
export function inBlocks(
  state: State,
  range: {
    readonly from: Expression;
    readonly length: number | Expression;
    /** What the length is at most. */
    readonly most: number;
    readonly inVectors: boolean;
  },
  body: (from: Expression, length: number | Expression, into: State) => readonly Statement[],
): readonly Statement[] {
  const { from, length, most, inVectors } = range;
  const block = inVectors ? longestChain * accumulatorsInVectors : longestChain;
  if (most <= 2 * block || !isRounding(state.keys())) return body(from, length, state);
  let size = block;
  while (most > 2 * longestChain * size) size *= longestChain;
  const isWhole = typeof length === "number" && length % size === 0;
  const total = typeof length === "number" ? ir.int(length) : length;
  const parts =
    typeof length === "number" ? Math.ceil(length / size) : ir.div(ir.add(length, ir.int(size - 1)), ir.int(size));
  return [
    ir.loop("part", parts, "serial", (part) =>
      withPartials(state, (partial) => {
        const begin = ir.mul(part, ir.int(size));
        const left = isWhole ? size : ir.min(ir.int(size), ir.sub(total, begin));
        return inBlocks(partial, { from: ir.add(from, begin), length: left, most: size, inVectors }, body);
      }),
    ),
  ];
}
