/**
 * Which parts of a loop's state a step may write where it reads them: nothing is copied then. The new value must be
 * made by one kernel that reads the old one only at the element that it writes, and nothing may read the old one later.
 */
import { forEachNode } from "../../kernel/affine.ts";
import type { Expression, KernelArray, Statement } from "../../kernel/ir.ts";
import { buffersOf } from "../../kernel/memory.ts";
import type { Buffer, Launch, PlanFunction } from "../../kernel/plan.ts";
import { forEachStatement, rootsOf } from "./walk.ts";

/** Whether a function may be given one place for this input and this output. */
export function canWriteInPlace(f: PlanFunction, input: Buffer, output: Buffer): boolean {
  if (input.kind !== output.kind || input.length !== output.length) return false;
  const writers = f.steps.filter((s) => buffersOf(s).includes(output));
  const writer = writers[0];
  if (writer?.kind !== "launch") return false;
  const at = f.steps.indexOf(writer);
  if (f.steps.slice(at + 1).some((s) => buffersOf(s).includes(input))) return false;
  return writesWhereItReads(writer, input, output);
}

function writesWhereItReads({ kernel, buffers }: Launch, input: Buffer, output: Buffer): boolean {
  const from = kernel.arrays[buffers.indexOf(input)];
  const to = kernel.arrays[buffers.indexOf(output)]!;
  if (!from) return true;
  if (from.access !== "read" || to.access !== "write") return false;
  return onlyWritten([kernel.grid], from, to);
}

/**
 * One store, and all loads of the old value at its place, in the same statements, the first not after it: equal loads
 * in a list of statements become one (compiler/kernel/prepare.ts).
 */
function onlyWritten(statements: readonly Statement[], from: KernelArray, to: KernelArray): boolean {
  const stores: Expression[] = [];
  forEachStatement(statements, (s) => {
    if (s.op === "store" && s.array.id === to.id) stores.push(s.index);
  });
  const home = homeOf(statements, to);
  if (!home || stores.length !== 1) return false;
  let first: number | undefined;
  let fits = true;
  forEachStatement(statements, (s) => {
    const at = home.indexOf(s);
    forEachNode(rootsOf(s), (e) => {
      if (e.op !== "load" || e.array.id !== from.id) return;
      if (at < 0 || e.index !== stores[0]) fits = false;
      first = Math.min(first ?? at, at);
    });
  });
  return fits && (first ?? 0) <= home.findIndex((s) => s.op === "store" && s.array.id === to.id);
}

/**
 * The list of statements that holds the store, reached through conditions, and loops whose iterations are independent,
 * alone.
 */
function homeOf(statements: readonly Statement[], to: KernelArray): readonly Statement[] | undefined {
  if (statements.some((s) => s.op === "store" && s.array.id === to.id)) return statements;
  for (const s of statements)
    for (const inner of insideOf(s)) {
      const found = homeOf(inner, to);
      if (found) return found;
    }
  return undefined;
}

function insideOf(s: Statement): (readonly Statement[])[] {
  if (s.op === "if") return [s.then, s.otherwise];
  return s.op === "loop" && s.order === "independent" ? [s.body] : [];
}
