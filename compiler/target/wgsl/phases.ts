/** What the resident workgroup does in a block, phase after phase. */
import type { Kernel } from "../../kernel/ir.ts";

/** Words of the data. */
export interface Place {
  readonly offset: number;
  readonly length: number;
}

export const overlaps = (a: Place, b: Place): boolean =>
  a.offset < b.offset + b.length && b.offset < a.offset + a.length;

interface Touching {
  /** Everything that may be read and written. */
  readonly reads: readonly Place[];
  readonly writes: readonly Place[];
  /** Operations, one after the other, of an invocation. */
  readonly cost: number;
}

export interface LaunchPhase extends Touching {
  readonly kind: "launch";
  readonly kernel: Kernel;
  readonly isTeam: boolean;
  /** How many invocations have something to do. */
  readonly width: number;
  /** Where the kernel's arrays are. */
  readonly places: readonly number[];
}
export interface MovePhase extends Touching {
  readonly kind: "move";
  readonly segments: readonly Segment[];
  /** Where their table is, when it is written. */
  table?: number;
}
/** How many operands control flow has; those of jumps and loops are in the order of `flatten-plan.ts`. */
export const controlOperands = {
  /** where */
  jump: 1,
  /** predicate, its row in the state, then, otherwise */
  branch: 4,
  /** loop, whether there is a count, count, length, whether backward, steps, head, exit */
  enter: 8,
  /** loop, steps (where the condition's result is), body, exit */
  condition: 4,
  /** loop, whether backward, steps, event + 1 or 0, value + 1 or 0, error + 1 or 0, head, exit */
  next: 8,
  /** failing, event, where the numbers to show are, how many */
  check: 4,
  /** event, lanes, status, iterations, error */
  report: 5,
  finish: 0,
} as const;
export type ControlName = keyof typeof controlOperands;

/** What the first invocation decides or tells (control.ts). */
export interface ControlPhase extends Touching {
  readonly kind: "control";
  readonly name: ControlName;
  /** May still be changed: the places to go on are known later. */
  readonly words: number[];
}
export type Phase = LaunchPhase | MovePhase | ControlPhase;

/** Words to copy. */
export interface Segment {
  readonly from: number;
  readonly to: number;
  readonly length: number;
  readonly fromStride: number;
  readonly toStride: number;
  /** 0: the same word again and again. */
  readonly step: 0 | 1;
  /** Of the loop whose step the strides count. */
  readonly row: number | undefined;
  readonly reads: Place;
  readonly writes: Place;
}

/** Whether one may not run beside the other. */
export function mustFollow(earlier: Touching, later: Touching): boolean {
  const meets = (a: readonly Place[], b: readonly Place[]) => a.some((x) => b.some((y) => overlaps(x, y)));
  return (
    meets(earlier.writes, later.reads) || meets(earlier.writes, later.writes) || meets(earlier.reads, later.writes)
  );
}
