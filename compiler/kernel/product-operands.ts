/** Operands of matrix products in memory, with constant strides. */
import { sizeOf } from "../core/array.ts";
import { coefficientOf } from "./affine.ts";
import { KernelAssembly, type Memory } from "./assemble.ts";
import * as ir from "./expressions.ts";
import type { Fusion } from "./fuse.ts";
import { partsOf, readsNeighbours } from "./index-parts.ts";
import type { Expression, Local, Statement } from "./ir.ts";
import type { ProductNode } from "./nodes.ts";
import type { Buffer, Launch, ProductOperand } from "./plan.ts";

/** Of an operand: its batch, rows and columns. */
type Three<T> = readonly [T, T, T];

/** An operand that was written for a product, and what its element is at `locals`. */
interface LaidOut {
  readonly element: Expression;
  readonly operand: ProductOperand;
}

/** Inner loops of a layout are this long, where what is left are at least as many iterations. */
const leastInner = 64;

/**
 * Operands that lie in memory with constant strides are multiplied as they lie; others are laid out first, once for all
 * products of a function that read the same numbers, also transposed.
 */
export class ProductOperands {
  readonly #fusion: Fusion;
  readonly #memory: Memory;
  readonly #emit: (launch: Launch) => void;
  /** Reads operands at `locals`, to compare them; its kernel is never made. */
  readonly #probe: KernelAssembly;
  readonly #laidOut: LaidOut[] = [];
  readonly #locals = new Map<string, Local>();

  constructor(fusion: Fusion, memory: Memory, emit: (launch: Launch) => void) {
    this.#fusion = fusion;
    this.#memory = memory;
    this.#emit = emit;
    this.#probe = new KernelAssembly(fusion, memory);
  }

  /** The left (0) or the right (1) operand of a product. */
  of(node: ProductNode, which: 0 | 1): ProductOperand {
    const { shape } = node.contexts[which]!;
    const { batch, contract, free } = node.axes;
    const axes: Three<readonly number[]> =
      which === 0 ? [batch[0], free[0], contract[0]] : [batch[1], contract[1], free[1]];
    const dims = axes.map((g) => g.reduce((p, a) => p * shape[a]!, 1)) as unknown as Three<number>;
    const elementAt = (a: KernelAssembly, at: Three<Expression>): Expression => {
      const place = new Array<Expression>(shape.length);
      at.forEach((index, i) => {
        const group = axes[i]!;
        const parts = ir.coordinatesOf(
          index,
          group.map((axis) => shape[axis]!),
        );
        group.forEach((axis, k) => {
          place[axis] = parts[k]!;
        });
      });
      return a.puller.read(node.inputs[which]!, place);
    };
    const [b, rows, columns] = [this.#local("batch", dims[0]), this.#local("i", dims[1]), this.#local("j", dims[2])];
    const element = elementAt(this.#probe, [b, rows, columns]);
    const transposed = () => elementAt(this.#probe, [b, this.#local("j", dims[1]), this.#local("i", dims[2])]);
    return (
      this.#inMemory(element, [b, rows, columns]) ??
      this.#known(element) ??
      transposeOf(this.#known(transposed())) ??
      this.#layOut(node, { dims, elementAt }, element, [b, rows, columns])
    );
  }

  /** The same local whenever the size is the same, so that operands which read the same are the same expression. */
  #local(name: string, below: number): Local {
    const key = `${name} ${below}`;
    let found = this.#locals.get(key);
    if (!found) {
      found = ir.local("int", name, Math.max(1, below));
      this.#locals.set(key, found);
    }
    return found;
  }

  #inMemory(element: Expression, locals: Three<Local>): ProductOperand | undefined {
    if (element.op !== "load") return undefined;
    const [batch, row, column] = locals.map((l) => coefficientOf(element.index, l));
    const offset = evaluateAtZero(element.index, new Set(locals));
    if (batch === undefined || row === undefined || column === undefined || offset === undefined) return undefined;
    return { buffer: this.#probe.bufferOf(element.array), offset, batch, row, column };
  }

  #known(element: Expression): ProductOperand | undefined {
    return this.#laidOut.find((l) => l.element === element)?.operand;
  }

  /** Row after row, or column after column where the elements come from memory in longer runs that way. */
  #layOut(
    node: ProductNode,
    {
      dims,
      elementAt,
    }: { readonly dims: Three<number>; elementAt(a: KernelAssembly, at: Three<Expression>): Expression },
    element: Expression,
    locals: Three<Local>,
  ): ProductOperand {
    const parts = locals.map((l, i) => partsOf([element], l, dims[i]!)) as unknown as Three<readonly number[]>;
    const runOf = (which: 1 | 2): number => {
      const made = locals.map((l, i) => (i === which ? splitIndex(parts[i]!) : { whole: l, inner: l }));
      const split = elementAt(this.#probe, made.map((m) => m.whole) as unknown as Three<Expression>);
      return readsNeighbours([split], made[which]!.inner) ? parts[which]!.at(-1)! : 1;
    };
    const order: Three<0 | 1 | 2> = runOf(1) > runOf(2) ? [0, 2, 1] : [0, 1, 2];
    const sizes = order.map((i) => dims[i]!);
    const laid = this.#memory.temporary("operand", "real", sizes);
    this.#emit(this.#layout(node, laid, order, parts, elementAt));
    const strides = [0, 0, 0];
    order.forEach((i, k) => {
      strides[i] = sizeOf(sizes.slice(k + 1));
    });
    const [batch, row, column] = strides as unknown as Three<number>;
    const operand = { buffer: laid, offset: 0, batch, row, column };
    this.#laidOut.push({ element, operand });
    return operand;
  }

  #layout(
    node: ProductNode,
    laid: Buffer,
    order: Three<0 | 1 | 2>,
    parts: Three<readonly number[]>,
    elementAt: (a: KernelAssembly, at: Three<Expression>) => Expression,
  ): Launch {
    const a = new KernelAssembly(this.#fusion, this.#memory);
    const sizes = order.flatMap((i) => parts[i]!);
    let inner = 1;
    const length = (count: number) => sizeOf(sizes.slice(-count));
    while (length(inner) < leastInner && sizeOf(sizes.slice(0, -inner - 1)) >= leastInner) inner += 1;
    const outer = sizes.slice(0, -inner);
    /** Loops over the sizes from `next` on. */
    const loops = (at: readonly Expression[]): readonly Statement[] => {
      if (at.length < sizes.length)
        return [
          ir.loop("i", sizes[at.length]!, "independent", (i) => loops([...at, i]), {
            vectorize: at.length === sizes.length - 1,
          }),
        ];
      const place = [ir.int(0), ir.int(0), ir.int(0)] as Expression[];
      let used = 0;
      for (const i of order) {
        const own = parts[i]!.length;
        place[i] = ir.linearIndex(at.slice(used, used + own), parts[i]!);
        used += own;
      }
      const value = elementAt(a, place as unknown as Three<Expression>);
      return [a.store(laid, ir.linearIndex(at, sizes), value)];
    };
    const grid = ir.loop("row", sizeOf(outer), "independent", (row) => loops(ir.coordinatesOf(row, outer)));
    return a.launch("operand", node.span, "operand of a matrix product", grid, laid.length * 4);
  }
}

/** An index as a sum of parts, and the innermost of them. */
function splitIndex(sizes: readonly number[]): { readonly whole: Expression; readonly inner: Local } {
  const locals = sizes.map((n) => ir.local("int", "part", Math.max(1, n)));
  return { whole: ir.linearIndex(locals, sizes), inner: locals.at(-1)! };
}

function transposeOf(operand: ProductOperand | undefined): ProductOperand | undefined {
  return operand && { ...operand, row: operand.column, column: operand.row };
}

/** An index where all of some locals are 0, when it is a constant. */
function evaluateAtZero(e: Expression, zeros: ReadonlySet<Expression>): number | undefined {
  if (zeros.has(e)) return 0;
  if (e.op === "constant") return Number(e.value);
  if (e.op !== "binary") return undefined;
  const [a, b] = [evaluateAtZero(e.a, zeros), evaluateAtZero(e.b, zeros)];
  if (a === undefined || b === undefined) return undefined;
  switch (e.name) {
    case "add":
      return a + b;
    case "sub":
      return a - b;
    case "mul":
      return a * b;
    default:
      return undefined;
  }
}
