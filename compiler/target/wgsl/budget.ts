/** What a program costs in dispatches, and a plan in bytes: counted, not measured. */
import type { Buffer, Plan, PlanFunction, PlanStep } from "../../kernel/plan.ts";
import { type LoopRegion, lastBlock, type Program, type Region } from "./program.ts";

export interface DispatchCount {
  /** Of a run in which each loop that the host encodes takes its length. */
  readonly run: number;
  /** Of one step of each loop that the host encodes, outermost first; loops on the device alone are not listed. */
  readonly steps: readonly number[];
}

/** Counts dispatches that do something; those that are encoded in vain are not known before a run. */
export function countDispatches(program: Program): DispatchCount {
  const { blocks, resident } = program;
  const pieceOf = (b: number) => resident.pieceOf[b];
  const steps: number[] = [];
  let last: number | undefined;
  const ofBlock = (b: number): number => {
    const { commands, tail } = blocks[b]!;
    const piece = pieceOf(b);
    if (piece === undefined) return commands.length + tail.length;
    const isNew = piece !== undefined && (commands.length > 0 || piece !== last);
    last = piece;
    return commands.length + (isNew ? 1 : 0);
  };
  const isEncoded = (r: LoopRegion): boolean => {
    const [first, end] = [r.body[0]!, lastBlock(r)];
    const start = first.kind === "block" ? first.block : 0;
    if (pieceOf(start) === undefined || pieceOf(start) !== pieceOf(end)) return true;
    return blocks.slice(start, end + 1).some((b) => b.commands.length > 0);
  };
  const count = (regions: readonly Region[]): number => regions.reduce((sum, r) => sum + one(r), 0);
  const one = (r: Region): number => {
    if (r.kind === "block") return ofBlock(r.block);
    if (!isEncoded(r)) return count(r.body);
    const place = steps.push(0) - 1;
    const first = count(r.body);
    // The first step goes on with the piece before the loop.
    steps[place] = count(r.body);
    return first + ((r.length ?? 1) - 1) * steps[place]!;
  };
  return { run: count(program.regions), steps };
}

const bytesOf = (b: Buffer): number => 4 * b.length;

/** Bytes of arrays that a function's steps read and write, each array of a kernel once; loops take their length. */
export function countBytes(f: PlanFunction): number {
  const ofStep = (step: PlanStep): number => {
    switch (step.kind) {
      case "launch":
        return step.kernel.arrays.reduce(
          (sum, a, i) => sum + bytesOf(step.buffers[i]!) * (a.access === "both" ? 2 : 1),
          0,
        );
      case "product":
        return bytesOf(step.a.buffer) + bytesOf(step.b.buffer) + bytesOf(step.result);
      case "copy":
        return bytesOf(step.from) + bytesOf(step.to);
      case "fill":
        return bytesOf(step.buffer);
      case "loop":
        return (step.length ?? 1) * (countBytes(step.body) + (step.condition ? countBytes(step.condition) : 0));
      case "branch":
        return Math.max(countBytes(step.then), countBytes(step.otherwise));
      case "call":
        return countBytes(step.callee);
      case "check":
        return bytesOf(step.failing);
      case "report":
        return 0;
    }
  };
  return f.steps.reduce((sum, step) => sum + ofStep(step), 0);
}

/** The least that a function must read and write: its inputs and its results, each once. */
export const leastBytes = (f: PlanFunction): number =>
  [...f.inputs, ...f.outputs].reduce((sum, b) => sum + bytesOf(b), 0);

/** The bodies of the loops in a plan's entry that no other loop holds. */
export function outerLoops(plan: Plan): PlanFunction[] {
  return plan.functions.at(-1)!.steps.flatMap((s) => (s.kind === "loop" ? [s.body] : []));
}
