/** What the ways in which devices compute matrix products have in common. */
import type { Var } from "../core/graph.ts";
import { KernelAssembly } from "./assemble.ts";
import * as ir from "./expressions.ts";
import type { Group } from "./fuse.ts";
import type { Expression, Local, Statement } from "./ir.ts";
import { type MapNode, operandPlace, productSizes, type ReduceNode } from "./nodes.ts";
import type { Launch } from "./plan.ts";
import { type Context, isStored, operatorApplied, outputOf } from "./schedule-common.ts";
import { joinKernel, reduceElements, reducesOf, withPartialResults } from "./schedule-split.ts";

/** A matrix product: `batch` times a matrix of m x k by one of k x n. */
export interface ProductSizes {
  readonly product: ReduceNode;
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** The one product of reals that a group of devices' kernels is made of, with maps of it; undefined for other groups. */
export function productOf(group: Group, c: Context): ProductSizes | undefined {
  const reduces = group.members.flatMap((m) => (m.root.kind === "reduce" ? [m.root] : []));
  const [product] = reduces;
  if (c.options.style !== "invocations" || reduces.length !== 1 || !product?.product) return undefined;
  if (product.reduction.initial[0]!.kind !== "real") return undefined;
  if (group.members.some((m) => m.root.kind === "map" && m.space)) return undefined;
  if (readsOwn(group, product, c)) return undefined;
  return { product, ...productSizes(product.product.axes, product.product.contexts) };
}

/** Whether a product's operands are made of the group's other values. */
function readsOwn(group: Group, product: ReduceNode, c: Context): boolean {
  const own = new Set(group.members.map((m) => outputOf(m.root).id));
  const a = new KernelAssembly(c.fusion, c.memory);
  let found = false;
  a.own = (v) => {
    if (own.has(v.id)) found = true;
    return v.type.dtype === "real" ? ir.real(0) : v.type.dtype === "int" ? ir.int(0) : ir.bool(false);
  };
  a.puller.reduced(
    product,
    product.reduction.shape.map((d, i) => ir.local("int", `at${i}`, d)),
  );
  return found;
}

/**
 * A product's kernel, given where each of its `count` parts leaves what `sums` add up of it, and the kernels that join
 * these; undefined where there are sums that are not over all places.
 */
export function productKernels(
  sums: readonly Group[],
  count: number,
  c: Context,
  kernel: (partials: ReadonlyMap<ReduceNode, Var>, context: Context) => Launch,
): Launch[] | undefined {
  if (sums.some((s) => s.outer.length > 0)) return undefined;
  let context = c;
  const partials = sums.map((sum) => {
    const made = withPartialResults(reducesOf(sum), [count], context);
    context = made.context;
    return made.partials;
  });
  return [
    kernel(new Map(partials.flatMap((p) => [...p])), context),
    ...sums.map((sum, i) => joinKernel(sum, count, 0, partials[i]!, context)),
  ];
}

/** The elements that a product is made of, and what is made of its own. */
export class ProductParts {
  readonly #product: ReduceNode;
  readonly #group: Group;
  readonly #sums: readonly Group[];
  readonly #a: KernelAssembly;
  readonly #c: Context;

  /** `sums`: what is added up of all elements of the group. */
  constructor({ product }: ProductSizes, group: Group, sums: readonly Group[], a: KernelAssembly, c: Context) {
    this.#product = product;
    this.#group = group;
    this.#sums = sums;
    this.#a = a;
    this.#c = c;
  }

  /** An element of an operand, by its number among batches, rows or columns, and along the contracted axis. */
  operand(operand: 0 | 1, batch: Expression, free: Expression, contracted: Expression): Expression {
    const { inputs, product } = this.#product;
    const { axes, contexts } = product!;
    const { shape } = contexts[operand]!;
    const places = (index: Expression, which: readonly number[]) =>
      ir.coordinatesOf(
        index,
        which.map((a) => shape[a]!),
      );
    const at = operandPlace(axes, operand, shape.length, {
      batch: places(batch, axes.batch[operand]),
      free: places(free, axes.free[operand]),
      contract: places(contracted, axes.contract[operand]),
    });
    this.#a.own = () => undefined;
    return this.#a.newPuller().read(inputs[operand]!, at);
  }

  /** What is stored at a place of the result, and what the sums add of it. */
  element(place: Expression, product: Expression, sums: ReadonlyMap<ReduceNode, Local>): Statement[] {
    const { outer, members } = this.#group;
    const at = ir.coordinatesOf(place, outer);
    const values = new Map<number, Expression>();
    this.#a.own = (v) => values.get(v.id);
    const puller = this.#a.newPuller();
    const statements: Statement[] = [];
    for (const { root } of members) {
      const value = root.kind === "map" ? puller.element(root as MapNode, at) : root.reduction.finish([product]);
      values.set(outputOf(root).id, value);
      if (isStored(this.#c, root))
        statements.push(this.#a.store(this.#c.memory.bufferOf(outputOf(root)), place, value));
    }
    for (const sum of this.#sums) {
      const inside = sum.members.filter((m) => m.space);
      const join = (r: ReduceNode, e: Expression): Statement => {
        const local = sums.get(r)!;
        return { op: "assign", local, value: operatorApplied(r.reduction.operator!, local, e) };
      };
      const known = (v: Var) => values.get(v.id);
      statements.push(...reduceElements(this.#a, inside, inside[0]!.space!, [], at, this.#c, join, known));
    }
    return statements;
  }

  /**
   * What is made of an element of a block of the result, which begins at `row` and `column`: nothing beside the matrix,
   * where a place in it is named all the same. `block`: rows and columns, `at` the element's own in it.
   */
  elementOfBlock(
    { batch, m, n }: ProductSizes,
    where: Readonly<Record<"batch" | "row" | "column", Expression>>,
    block: readonly [number, number],
    at: readonly [Expression, Expression],
    product: Expression,
    sums: ReadonlyMap<ReduceNode, Local>,
  ): Statement[] {
    const [y, x] = [ir.add(where.row, at[0]), ir.add(where.column, at[1])];
    const matrix = ir.add(ir.mul(where.batch, ir.int(m)), bounded(y, block[0], m));
    const place = ir.knownBelow(ir.add(ir.mul(matrix, ir.int(n)), bounded(x, block[1], n)), batch * m * n);
    const inside = this.element(place, product, sums);
    const conditions = [
      ...(m % block[0] === 0 ? [] : [ir.lt(y, ir.int(m))]),
      ...(n % block[1] === 0 ? [] : [ir.lt(x, ir.int(n))]),
    ];
    if (conditions.length === 0) return inside;
    return [{ op: "if", condition: conditions.reduce((a, b) => ir.and(a, b)), then: inside, otherwise: [] }];
  }
}

/** Numbers that sums over all elements of a group are added up in. */
export const numbersOf = (reduces: Iterable<ReduceNode>): ReadonlyMap<ReduceNode, Local> =>
  new Map([...reduces].map((r) => [r, ir.local(r.reduction.initial[0]!.kind, r.name)] as const));

/** A place that may be beside the last of `size`, unless blocks of `step` fill them, moved into range. */
export const bounded = (at: Expression, step: number, size: number): Expression =>
  ir.knownBelow(size % step === 0 ? at : ir.min(at, ir.int(size - 1)), size);
