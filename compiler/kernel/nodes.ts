/** A graph as nodes: each equation with its lowering rule, sizes as numbers. */
import { sizeOf } from "../core/array.ts";
import {
  type ArrayType,
  type Atom,
  concreteShape,
  type Equation,
  type Graph,
  intScalar,
  newVar,
  type Var,
} from "../core/graph.ts";
import type { Span } from "../syntax/tree.ts";
import * as ir from "./expressions.ts";
import type { Expression } from "./ir.ts";
import type {
  BoundType,
  LoweringContext,
  MapLowering,
  ProductAxes,
  ProductLowering,
  Read,
  ReduceLowering,
  Reduction,
  Routine,
  RoutineLowering,
  StagedRoutine,
} from "./lowering.ts";
import { noFailure, type PlanOptions } from "./plan.ts";

export type Node = MapNode | ReduceNode | RoutineNode | ProductNode | ControlNode;

interface NodeBase {
  /** Its place in the order of the graph. */
  readonly index: number;
  readonly name: string;
  readonly span: Span | undefined;
  readonly inputs: readonly Atom[];
  readonly outputs: readonly Var[];
}
/** Elements of the one result, given coordinates. */
export interface MapNode extends NodeBase {
  readonly kind: "map";
  readonly cost: number;
  readonly shape: readonly number[];
  element(read: Read, coordinates: readonly Expression[]): Expression;
}
export interface ReduceNode extends NodeBase {
  readonly kind: "reduce";
  /** Of the result. */
  readonly shape: readonly number[];
  readonly reduction: Reduction;
  /** Of a matrix product, which axes are which. */
  readonly product?: { readonly axes: ProductAxes; readonly contexts: readonly BoundType[] } | undefined;
}
export interface RoutineNode extends NodeBase {
  readonly kind: "routine";
  readonly routine: Routine;
  /** Instead of the routine, where there are lanes enough for it. */
  readonly staged: StagedRoutine | undefined;
}
/**
 * Whether a routine may compute the elements of an operand where it reads them. On devices kernels may have few arrays,
 * and what its operands are made of could be many.
 */
export function isPulled(node: Node, operand: number, style: PlanOptions["style"]): boolean {
  return node.kind === "routine" && style === "vector" && node.routine.pulled === operand;
}

export interface ProductNode extends NodeBase {
  readonly kind: "product";
  readonly axes: ProductAxes;
  readonly contexts: readonly BoundType[];
}
/** Loops, branches, calls, checks and reports. */
export interface ControlNode extends NodeBase {
  readonly kind: "control";
  readonly equation: Equation;
}

export function boundType(type: ArrayType): BoundType {
  return { dtype: type.dtype, shape: concreteShape(type.shape) };
}

export const sizeOfAtom = (a: Atom): number => sizeOf(concreteShape(a.type.shape));

/** Products with fewer multiplications than this are plain loops, fused with what is around them. */
export const smallProduct = 40_000;

/** The nodes of a graph. A check is preceded by the search for the place that fails. */
export function nodesOf(graph: Graph, options: PlanOptions): Node[] {
  const nodes: Node[] = [];
  for (const e of graph.equations) {
    if (e.primitive.name === "check") {
      const search = failureSearch(e, nodes.length);
      nodes.push(search);
      nodes.push({ ...base(e, nodes.length), kind: "control", equation: e, inputs: [search.outputs[0]!, ...e.inputs] });
      continue;
    }
    nodes.push(nodeOf(e, nodes.length, options));
  }
  return nodes;
}

const base = (e: Equation, index: number): NodeBase => ({
  index,
  name: e.primitive.name,
  span: e.span,
  inputs: e.inputs,
  outputs: e.outputs,
});

function nodeOf(e: Equation, index: number, options: PlanOptions): Node {
  const { lower } = e.primitive;
  if (!lower) throw new Error(`internal error: ${e.primitive.name} has no lowering`);
  const context: LoweringContext<never> = {
    params: e.params as never,
    precision: options.precision,
    inputs: e.inputs.map((a) => boundType(a.type)),
    outputs: e.outputs.map((v) => boundType(v.type)),
  };
  const common = base(e, index);
  switch (lower.kind) {
    case "map": {
      const rule = lower as MapLowering<never>;
      return {
        ...common,
        kind: "map",
        cost: rule.cost,
        shape: context.outputs[0]!.shape,
        element: (read, at) => rule.element(context, read, at),
      };
    }
    case "reduce": {
      const reduction = (lower as ReduceLowering<never>).reduction(context);
      return { ...common, kind: "reduce", shape: context.outputs[0]!.shape, reduction };
    }
    case "routine": {
      const rule = lower as RoutineLowering<never>;
      const hasManyLanes = options.style === "invocations";
      const reduction = hasManyLanes ? rule.reduction?.(context) : undefined;
      if (reduction) return { ...common, kind: "reduce", shape: context.outputs[0]!.shape, reduction };
      const staged = hasManyLanes ? rule.stages?.(context) : undefined;
      return { ...common, kind: "routine", routine: rule.routine(context), staged };
    }
    case "product": {
      const axes = (lower as ProductLowering<never>).axes(context);
      const sizes = productSizes(axes, context.inputs);
      const large =
        options.style === "vector" &&
        context.inputs[0]!.dtype === "real" &&
        Math.min(sizes.m, sizes.n, sizes.k) >= 4 &&
        sizes.m * sizes.n * sizes.k >= smallProduct;
      if (large) return { ...common, kind: "product", axes, contexts: context.inputs };
      return {
        ...common,
        kind: "reduce",
        shape: context.outputs[0]!.shape,
        reduction: productReduction(axes, context.inputs, context.outputs[0]!.shape),
        product: { axes, contexts: context.inputs },
      };
    }
    case "control":
      return { ...common, kind: "control", equation: e };
  }
}

export function productSizes(axes: ProductAxes, [x, y]: readonly BoundType[]) {
  const size = (t: BoundType, which: readonly number[]) => which.reduce((p, a) => p * t.shape[a]!, 1);
  return {
    batch: size(x!, axes.batch[0]),
    m: size(x!, axes.free[0]),
    n: size(y!, axes.free[1]),
    k: size(x!, axes.contract[0]),
  };
}

/** The coordinates of an operand of a product, from those of its batch, free and contracted axes. */
export function operandPlace(
  axes: ProductAxes,
  operand: 0 | 1,
  rank: number,
  at: Readonly<Record<keyof ProductAxes, readonly Expression[]>>,
): Expression[] {
  const coordinates = new Array<Expression>(rank);
  for (const part of ["batch", "free", "contract"] as const)
    axes[part][operand].forEach((a, i) => {
      coordinates[a] = at[part][i]!;
    });
  return coordinates;
}

/** A product as a sum over the space [batch, free of x, free of y, contracted]. */
function productReduction(axes: ProductAxes, [x, y]: readonly BoundType[], result: readonly number[]): Reduction {
  const [batch, contract, free] = [axes.batch, axes.contract, axes.free];
  const contracted = contract[0].map((a) => x!.shape[a]!);
  const [b, fx, fy] = [batch[0].length, free[0].length, free[1].length];
  const place = (rank: number, operand: 0 | 1, at: readonly Expression[]) =>
    operandPlace(axes, operand, rank, {
      batch: at.slice(0, b),
      free: operand === 0 ? at.slice(b, b + fx) : at.slice(b + fx, b + fx + fy),
      contract: at.slice(b + fx + fy),
    });
  return {
    shape: [...result, ...contracted],
    axes: contracted.map((_, i) => result.length + i),
    initial: [x!.dtype === "int" ? ir.int(0) : ir.real(0)],
    operator: "add",
    cost: 2,
    element: (read, at) => ir.mul(read(0, place(x!.shape.length, 0, at)), read(1, place(y!.shape.length, 1, at))),
    finish: ([s]) => s!,
  };
}

/** The first place where a promise is broken, or `noFailure`. */
function failureSearch(e: Equation, index: number): Node {
  const promise = e.inputs[0]!;
  const shape = concreteShape(promise.type.shape);
  const failing = newVar(intScalar);
  const common = { index, name: "check", span: e.span, inputs: [promise], outputs: [failing] };
  const placeOf = (read: Read, at: readonly Expression[]) =>
    ir.select(read(0, at), ir.int(noFailure), ir.linearIndex(at, shape));
  if (shape.length === 0) return { ...common, kind: "map", cost: 1, shape: [], element: (read) => placeOf(read, []) };
  return {
    ...common,
    kind: "reduce",
    shape: [],
    reduction: {
      shape,
      axes: shape.map((_, i) => i),
      initial: [ir.int(noFailure)],
      operator: "min",
      cost: 2,
      element: placeOf,
      finish: ([s]) => s!,
    },
  };
}
