/**
 * What launches cost, in operations that one invocation does one after the other: which of them are worth a dispatch,
 * and which are done sooner by the one workgroup that also decides about loops and branches.
 */
import type { Launch } from "../../kernel/plan.ts";
import { flatGrid } from "./flatten.ts";
import { canShare } from "./team.ts";

/** Invocations of a workgroup that works as one: more make the barriers of a software adapter slow. */
export const largestWorkgroup = 64;
/** How many operations a dispatch costs: about ten microseconds' worth, most of which wait for memory. */
const dispatchCost = 512;
/** Joining what a workgroup added up. */
const joinCost = 32;
/** A barrier, and the loop around a kernel in a workgroup. */
export const phaseCost = 8;
/** With as many invocations as this a device is busy without teams. */
const enoughInvocations = 4096;

export interface LaunchCost {
  /** Invocations, when each is on its own. */
  readonly count: number;
  /** Whether each iteration of the grid should be run by a workgroup together: dispatched, or as part of one. */
  readonly isTeam: boolean;
  readonly isResidentTeam: boolean;
  /** The time it takes when it is dispatched, beyond the dispatch, and when one workgroup does it all. */
  readonly dispatched: number;
  readonly resident: number;
}

/** `isInPlace`: the launch writes where it reads, which a team must not. */
export function costOfLaunch(
  launch: Launch,
  workgroupSize: number,
  isInPlace: boolean,
  sharesReductions: boolean,
): LaunchCost {
  const { kernel, cost } = launch;
  const rows = Number((kernel.grid.count as { readonly value: number }).value);
  const { count } = flatGrid(kernel);
  const each = (cost * rows) / Math.max(count, 1);
  const shared = cost / workgroupSize + joinCost;
  // What an iteration keeps for itself is meant for a workgroup's memory, which is too small for that of several kernels.
  // Arrays that such a kernel reads and writes at the same places it touches in the loops that are shared.
  const hasLocals = kernel.locals !== undefined;
  const sharable = sharesReductions && (hasLocals || !isInPlace) && canShare(kernel);
  const alone = Math.ceil(count / workgroupSize) * each;
  const isResidentTeam = sharable && !hasLocals && rows * shared < alone;
  const isTeam = sharable && (hasLocals || (count < enoughInvocations && shared < each / 2));
  return {
    count,
    isTeam,
    isResidentTeam,
    dispatched: isTeam ? shared : each,
    resident: isResidentTeam ? rows * shared : alone,
  };
}

/** Whether a launch should be dispatched: one workgroup would take longer than the dispatch. */
export const isWorthDispatch = (cost: Pick<LaunchCost, "dispatched" | "resident">): boolean =>
  cost.resident > dispatchCost + cost.dispatched;

/** Copies: a read and a write each. */
export function costOfCopy(words: number, workgroupSize: number): Pick<LaunchCost, "dispatched" | "resident"> {
  return { dispatched: 4, resident: 4 * Math.ceil(words / workgroupSize) };
}
