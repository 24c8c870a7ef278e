/**
 * Iterations that a whole workgroup computes together: its invocations share the loops inside, and join what they
 * added up through workgroup memory. All of them must come to each loop that is shared, so the counts of loops around
 * it are ones of which WGSL's own analysis knows that they are the same for all.
 */
import { forEachNode } from "../../kernel/affine.ts";
import type { Accumulator, Expression, Kernel, Kind, Loop, Statement } from "../../kernel/ir.ts";
import { forEachStatement } from "./walk.ts";

/** How `StatementPrinter` shares loops. */
export interface Team {
  /** The name of the invocation's number in its workgroup, a u32. */
  readonly lane: string;
  readonly size: number;
  /** The function that joins a value of each invocation: (lane, value) -> the same for all. */
  join(accumulator: Accumulator): string;
  /** Where one invocation's part of a sum starts. */
  neutral(accumulator: Accumulator): string;
  /** What was there before, joined with what the team added. */
  combined(accumulator: Accumulator, before: string, total: string): string;
}

/** Loops that a team shares. */
export const isShared = (s: Loop): boolean => s.order === "independent" || (s.order === "reduction" && sums(s));

/** A reduction that is cut in two has an outer loop without accumulators of its own: nothing to join there. */
const sums = (s: Loop): boolean => s.accumulators.length > 0 && s.accumulators.every((a) => neutralOf(a) !== undefined);

/**
 * Whether a team can run the iterations of a kernel's grid: there is a loop to share, all invocations come to each
 * such loop, and nothing is read back that another invocation stored.
 */
export function canShare(kernel: Kernel): boolean {
  if (kernel.arrays.some((a) => a.access === "both")) return false;
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
