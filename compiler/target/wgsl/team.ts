/**
 * Iterations that a whole workgroup computes together: its invocations share the loops inside, and join what they
 * added up through workgroup memory. All of them must come to each loop that is shared, so the counts of loops around
 * it are ones of which WGSL's own analysis knows that they are the same for all.
 */
import { forEachNode } from "../../kernel/affine.ts";
import type { Accumulator, Expression, Kernel, KernelArray, Kind, Loop, Statement } from "../../kernel/ir.ts";
import { forEachStatement, rootsOf } from "./walk.ts";

/** How `StatementPrinter` shares loops. */
export interface Team {
  /** The name of the invocation's number in its workgroup, a u32. */
  readonly lane: string;
  readonly size: number;
  /** Arrays in workgroup memory, which loops that are shared hand on to each other: each ends with a barrier. */
  readonly locals: readonly KernelArray[];
  /** The function that joins a value of each invocation: (lane, value) -> the same for all. */
  join(accumulator: Accumulator): string;
  /** Where one invocation's part of a sum starts. */
  neutral(accumulator: Accumulator): string;
  /** What was there before, joined with what the team added. */
  combined(accumulator: Accumulator, before: string, total: string): string;
}

/** Whether statements read or write one of these arrays. */
export function touches(statements: readonly Statement[], arrays: readonly KernelArray[]): boolean {
  if (arrays.length === 0) return false;
  const ids = new Set(arrays.map((a) => a.id));
  let found = false;
  forEachStatement(statements, (s) => {
    if (s.op === "store" && ids.has(s.array.id)) found = true;
    forEachNode(rootsOf(s), (e) => {
      if (e.op === "load" && ids.has(e.array.id)) found = true;
    });
  });
  return found;
}

/** Loops that a team shares. */
export const isShared = (s: Loop): boolean => s.order === "independent" || (s.order === "reduction" && sums(s));

/** A reduction that is cut in two has an outer loop without accumulators of its own: nothing to join there. */
const sums = (s: Loop): boolean => s.accumulators.length > 0 && s.accumulators.every((a) => neutralOf(a) !== undefined);

/**
 * How many loops that a team shares touch an array, infinitely many when something else does. What one such loop stores
 * and reads back is the affair of each iteration, so of one invocation.
 */
function loopsThatTouch(statements: readonly Statement[], array: KernelArray): number {
  return statements.reduce((sum, s) => {
    if (!touches([s], [array])) return sum;
    if (s.op !== "loop") return Number.POSITIVE_INFINITY;
    return sum + (isShared(s) ? 1 : loopsThatTouch(s.body, array));
  }, 0);
}

/** Whether statements store to an array outside all loops that a team shares: no barrier is there. */
function storesOutsideShared(statements: readonly Statement[], arrays: readonly KernelArray[]): boolean {
  return statements.some((s) => {
    switch (s.op) {
      case "store":
        return arrays.some((a) => a.id === s.array.id);
      case "loop":
        return !isShared(s) && storesOutsideShared(s.body, arrays);
      case "while":
        return storesOutsideShared(s.body, arrays);
      case "if":
        return storesOutsideShared([...s.then, ...s.otherwise], arrays);
      default:
        return false;
    }
  });
}

/**
 * Whether a team can run the iterations of a kernel's grid: there is a loop to share, all invocations come to each
 * such loop, and nothing is read back that another invocation stored.
 */
export function canShare(kernel: Kernel): boolean {
  const both = kernel.arrays.filter((a) => a.access === "both");
  if (both.length > 0 && !kernel.locals) return false;
  if (both.some((a) => loopsThatTouch(kernel.grid.body, a) !== 1)) return false;
  if (storesOutsideShared(kernel.grid.body, kernel.locals ?? [])) return false;
  const uniform = new Set([kernel.grid.index.id]);
  const isUniform = (e: Expression): boolean => {
    let found = true;
    forEachNode([e], (x) => {
      if (x.op === "load" || x.op === "call" || (x.op === "local" && !uniform.has(x.id))) found = false;
    });
    return found;
  };
  let shared = 0;
  const holdsShared = (statements: readonly Statement[]): boolean => {
    let holds = false;
    forEachStatement(statements, (s) => {
      if (s.op === "loop" && isShared(s)) holds = true;
    });
    return holds;
  };
  const all = (statements: readonly Statement[]): boolean => statements.every(one);
  const one = (s: Statement): boolean => {
    switch (s.op) {
      case "let":
        if (isUniform(s.value)) uniform.add(s.local.id);
        return true;
      case "if":
        return !holdsShared([...s.then, ...s.otherwise]);
      case "while":
        return !holdsShared(s.body);
      case "loop":
        if (isShared(s)) {
          shared += 1;
          return isUniform(s.count);
        }
        if (!isUniform(s.count)) return !holdsShared(s.body);
        uniform.add(s.index.id);
        return all(s.body);
      default:
        return true;
    }
  };
  return all(kernel.grid.body) && shared > 0;
}

const neutrals: Readonly<Record<Accumulator["operator"], Partial<Record<Kind, string>>>> = {
  add: { real: "0.0f", int: "0" },
  mul: { real: "1.0f", int: "1" },
  min: { real: "0x7f800000u", int: "2147483647" },
  max: { real: "0xff800000u", int: "-2147483647 - 1" },
  and: { bool: "true", int: "-1" },
  or: { bool: "false", int: "0" },
};
/** The text of what changes nothing, bits where a real is infinite; undefined when there is none. */
export const neutralOf = (a: Accumulator): string | undefined => neutrals[a.operator][a.local.kind];
