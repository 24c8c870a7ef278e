/** Makes one grid of loops that do nothing but contain each other: more invocations, each with less to do. */
import { coordinatesOf, local } from "../../kernel/expressions.ts";
import type { Kernel, Local, Loop, Statement } from "../../kernel/ir.ts";
import { rewrite } from "./rewrite.ts";

export interface FlatGrid {
  readonly index: Local;
  readonly count: number;
  readonly body: readonly Statement[];
}

/** Ids of invocations are ints. */
const largestCount = 2 ** 31 - 1;

/** The grid of a kernel as it stands. */
export function ownGrid(kernel: Kernel): FlatGrid {
  return { index: kernel.grid.index, count: constantCount(kernel.grid), body: kernel.grid.body };
}

/** The grid of a kernel, with independent loops of constant counts just inside it made part of it. */
export function flatGrid(kernel: Kernel): FlatGrid {
  const loops: Loop[] = [kernel.grid];
  let count = constantCount(kernel.grid);
  for (;;) {
    const body = loops.at(-1)!.body;
    const inner = body.length === 1 ? body[0]! : undefined;
    if (inner?.op !== "loop" || inner.order !== "independent" || inner.count.op !== "constant") break;
    if (count * constantCount(inner) > largestCount) break;
    count *= constantCount(inner);
    loops.push(inner);
  }
  const innermost = loops.at(-1)!;
  if (loops.length === 1) return { index: innermost.index, count, body: innermost.body };
  const index = local("int", loops.map((l) => l.index.name).join(""), Math.max(count, 1));
  const coordinates = coordinatesOf(index, loops.map(constantCount));
  const values = new Map(loops.map((l, i) => [l.index.id, coordinates[i]!]));
  return { index, count, body: rewrite(innermost.body, (e) => (e.op === "local" ? (values.get(e.id) ?? e) : e)) };
}

function constantCount(loop: Loop): number {
  if (loop.count.op !== "constant") throw new Error("internal error: the count of a grid is not a constant");
  return Math.max(Number(loop.count.value), 0);
}
