/** One kernel under construction: which buffers are its arrays, and what its own values are. */
import type { Var } from "../core/graph.ts";
import type { Span } from "../syntax/tree.ts";
import { operandsOf } from "./affine.ts";
import * as ir from "./expressions.ts";
import type { Fusion } from "./fuse.ts";
import type { Expression, Kernel, KernelArray, LocalArray, Loop, Statement } from "./ir.ts";
import type { Buffer, Launch } from "./plan.ts";
import { Puller } from "./puller.ts";

/** Where values live; made by the plan builder. */
export interface Memory {
  /** The buffer of an input or of a value that is stored. */
  bufferOf(v: Var): Buffer;
  temporary(name: string, kind: Buffer["kind"], shape: readonly number[]): Buffer;
}

export class KernelAssembly {
  readonly #arrays = new Map<Buffer, { array: KernelArray; written: boolean; read: boolean }>();
  /** The group's own values where they are known. */
  own: (v: Var, coordinates: readonly Expression[]) => Expression | undefined = () => undefined;
  readonly puller: Puller;

  readonly fusion: Fusion;
  readonly memory: Memory;

  constructor(fusion: Fusion, memory: Memory) {
    this.fusion = fusion;
    this.memory = memory;
    this.puller = this.newPuller();
  }

  /** Expressions are remembered by a puller: those inside one loop nest want one of their own. */
  newPuller(): Puller {
    return new Puller(
      this.fusion.producer,
      this.fusion.virtual,
      (v, at) => this.own(v, at) ?? this.load(this.memory.bufferOf(v), at),
    );
  }

  load(buffer: Buffer, coordinates: readonly Expression[]): Expression {
    return this.loadAt(buffer, ir.linearIndex(coordinates, buffer.shape));
  }
  loadAt(buffer: Buffer, index: Expression): Expression {
    return ir.load(this.#array(buffer, "read"), index);
  }
  store(buffer: Buffer, index: Expression, value: Expression): Statement {
    return { op: "store", array: this.#array(buffer, "written"), index, value };
  }

  /** The buffer that one of the kernel's arrays stands for. */
  bufferOf(array: KernelArray): Buffer {
    for (const [buffer, entry] of this.#arrays) if (entry.array === array) return buffer;
    throw new Error(`internal error: ${array.name} is no array of this kernel`);
  }

  #array(buffer: Buffer, use: "read" | "written"): KernelArray {
    let entry = this.#arrays.get(buffer);
    if (!entry) {
      entry = { array: ir.kernelArray(buffer.name, buffer.kind, buffer.length, "both"), written: false, read: false };
      this.#arrays.set(buffer, entry);
    }
    entry[use] = true;
    return entry.array;
  }

  readonly #locals: LocalArray[] = [];
  /** An array that each iteration of the grid has for itself; for `each` see `LocalArray`. */
  local(name: string, kind: KernelArray["kind"], length: number, each?: number): LocalArray {
    const plain: LocalArray = ir.kernelArray(name, kind, length, "both");
    const array = each === undefined ? plain : { ...plain, each };
    this.#locals.push(array);
    return array;
  }

  /** The kernel around a grid loop. */
  launch(name: string, span: Span | undefined, description: string, grid: Loop, work: number): Launch {
    const arrays: KernelArray[] = [];
    const buffers: Buffer[] = [];
    for (const [buffer, { array, written, read }] of this.#arrays) {
      // The arrays' use is known only now; the expressions hold the objects.
      Object.assign(array, { access: written ? (read ? "both" : "write") : "read" });
      arrays.push(array);
      buffers.push(buffer);
    }
    const kernel: Kernel = {
      name,
      span,
      arrays,
      grid,
      description,
      ...(this.#locals.length > 0 ? { locals: this.#locals } : {}),
    };
    const count = Math.max(1, Number((grid.count as { value: number }).value));
    return { kind: "launch", kernel, buffers, cost: work / count };
  }
}

/** True when no index divides by or takes a remainder of something with this local. */
export function isStraight(e: Expression, inner: Expression): boolean {
  /** Whether a node's value depends on the local by integer arithmetic. */
  const seen = new Map<Expression, boolean>();
  let broken = false;
  const visit = (x: Expression): boolean => {
    const known = seen.get(x);
    if (known !== undefined) return known;
    let uses = x === inner;
    for (const p of operandsOf(x)) if (visit(p)) uses = true;
    if (x.op === "binary" && x.kind === "int" && (x.name === "div" || x.name === "rem") && uses) broken = true;
    // What is loaded is a value, not a place.
    const counts = uses && x.kind === "int" && x.op !== "load";
    seen.set(x, counts);
    return counts;
  };
  visit(e);
  return !broken;
}
