/** What a program costs in dispatches, and a plan in bytes: counted, not measured. */
import type { Buffer, LoopStep, Plan, PlanFunction, PlanStep } from "../../kernel/plan.ts";
import { trafficOf } from "../../kernel/print.ts";
import { firstBlock, type LoopRegion, lastBlock, type Program, type Region } from "./program.ts";

export interface DispatchCount {
  /** Of a run in which each loop that the host encodes takes its length, and each branch both its ways. */
  readonly run: number;
  /** Of one step of each loop that the host encodes, outermost first; loops on the device alone are not listed. */
  readonly steps: readonly number[];
}

/** Counts dispatches that do something; those that are encoded in vain are not known before a run. */
export function countDispatches(program: Program): DispatchCount {
  const { run, loops } = countLoopDispatches(program);
  return { run, steps: loops.flatMap(({ dispatches }) => dispatches ?? []) };
}

export interface LoopDispatches {
  readonly loop: LoopRegion;
  /** How many loops are around it. */
  readonly depth: number;
  /** Of one step; undefined where all steps are in one dispatch, with what is around the loop. */
  readonly dispatches: number | undefined;
}

/** As `countDispatches`, with all loops in the order of their beginnings. */
export function countLoopDispatches(program: Program): { run: number; loops: LoopDispatches[] } {
  const { blocks, resident } = program;
  const pieceOf = (b: number) => resident.pieceOf[b];
  let last: number | undefined;
  const ofBlock = (b: number): number => {
    const { commands, tail } = blocks[b]!;
    const piece = pieceOf(b);
    if (piece === undefined) return commands.length + tail.length;
    const isNew = commands.length > 0 || piece !== last;
    last = piece;
    return commands.length + (isNew ? 1 : 0);
  };
  const isEncoded = (r: LoopRegion): boolean => {
    const [first, end] = [firstBlock(r), lastBlock(r)];
    if (pieceOf(first) === undefined || pieceOf(first) !== pieceOf(end)) return true;
    return blocks.slice(first, end + 1).some((b) => b.commands.length > 0);
  };
  const found = new Map<LoopRegion, LoopDispatches>();
  const count = (regions: readonly Region[], depth: number): number =>
    regions.reduce((sum, r) => sum + one(r, depth), 0);
  const one = (r: Region, depth: number): number => {
    if (r.kind === "block") return ofBlock(r.block);
    const isAlone = !isEncoded(r);
    // Its place in the order: inside are loops too.
    found.set(r, found.get(r) ?? { loop: r, depth, dispatches: undefined });
    const first = count(r.body, depth + 1);
    if (isAlone) return first;
    // The first step goes on with the piece before the loop.
    const dispatches = count(r.body, depth + 1);
    found.set(r, { loop: r, depth, dispatches });
    return first + ((r.length ?? 1) - 1) * dispatches;
  };
  const run = count(program.regions, 0);
  return { run, loops: [...found.values()] };
}

const bytesOf = (b: Buffer): number => 4 * b.length;

export interface Traffic {
  readonly read: number;
  readonly written: number;
}

const nothing: Traffic = { read: 0, written: 0 };
const plus = (a: Traffic, b: Traffic): Traffic => ({ read: a.read + b.read, written: a.written + b.written });
const times = (n: number, a: Traffic): Traffic => ({ read: n * a.read, written: n * a.written });

/** What a function's steps read and write, each array of a kernel once; loops take their length, branches the costlier way. */
export function countTraffic(f: PlanFunction): Traffic {
  const ofStep = (step: PlanStep): Traffic => {
    switch (step.kind) {
      case "launch":
        return trafficOf(step, "f32");
      case "product":
        return { read: bytesOf(step.a.buffer) + bytesOf(step.b.buffer), written: bytesOf(step.result) };
      case "copy":
        return { read: bytesOf(step.from), written: bytesOf(step.to) };
      case "fill":
        return { read: 0, written: bytesOf(step.buffer) };
      case "loop":
        return times(step.length ?? 1, countStepTraffic(step));
      case "branch": {
        const [one, other] = [countTraffic(step.then), countTraffic(step.otherwise)];
        return one.read + one.written >= other.read + other.written ? one : other;
      }
      case "call":
        return countTraffic(step.callee);
      case "check":
        return { read: bytesOf(step.failing), written: 0 };
      case "report":
        return nothing;
    }
  };
  return f.steps.map(ofStep).reduce(plus, nothing);
}

/** What one step of a loop reads and writes, its condition included. */
export const countStepTraffic = ({ body, condition }: LoopStep): Traffic =>
  plus(countTraffic(body), condition ? countTraffic(condition) : nothing);

/** All bytes of `countTraffic`. */
export function countBytes(f: PlanFunction): number {
  const { read, written } = countTraffic(f);
  return read + written;
}

/** The least that a function must read and write: each result once, and each input that anything reads. */
export function leastBytes(f: PlanFunction): number {
  const used = new Set(f.steps.flatMap(readBy));
  return [...f.inputs.filter((b) => used.has(b)), ...f.outputs].reduce((sum, b) => sum + bytesOf(b), 0);
}

/** The buffers that a step may read. */
function readBy(step: PlanStep): readonly Buffer[] {
  switch (step.kind) {
    case "launch":
      return step.buffers.filter((_, i) => step.kernel.arrays[i]!.access !== "write");
    case "product":
      return [step.a.buffer, step.b.buffer];
    case "copy":
      return [step.from];
    case "fill":
      return [];
    case "loop":
      return [
        ...step.constants,
        ...step.carry.map((c) => c.initial),
        ...step.stacked,
        ...(step.count ? [step.count] : []),
      ];
    case "branch":
      return [step.predicate, ...step.inputs];
    case "call":
      return step.inputs;
    case "check":
      return [step.failing, ...(step.details?.buffers ?? [])];
    case "report":
      return [step.status, step.iterations, step.error];
  }
}

/** The bodies of the loops in a plan's entry that no other loop holds. */
export function outerLoops(plan: Plan): PlanFunction[] {
  return plan.functions.at(-1)!.steps.flatMap((s) => (s.kind === "loop" ? [s.body] : []));
}
