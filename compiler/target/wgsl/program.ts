/**
 * A Plan as one row of blocks with fixed places: what is called is written out at each call, and loops and branches
 * become jumps (see control.ts). What a block does besides its commands can be done in two ways, by dispatches or by the
 * resident workgroup, and they may take turns: both leave the memory as the other expects it. Kernels know no places, so each is compiled once wherever it runs.
 */
import type { LoopStep } from "../../kernel/plan.ts";
import type { WgslKernel } from "./kernel.ts";
import type { Place } from "./phases.ts";
import type { Resident } from "./resident-plan.ts";

export type Command = KernelCommand | MoveCommand | ControlCommand;

export interface KernelCommand {
  readonly kind: "kernel";
  readonly kernel: WgslKernel;
  /** The inputs that it reads where they are: arena n + 1 of the kernel is the one at n. */
  readonly operands: readonly number[];
  /** The words of its uniform. */
  readonly words: readonly number[];
  readonly count: number;
}
export interface MoveCommand {
  readonly kind: "move";
  readonly words: readonly number[];
  readonly count: number;
}

/** What the control kernel decides or tells: one invocation (control-kernel.ts). */
export interface ControlCommand {
  readonly kind: "control";
  readonly words: readonly number[];
}

export interface Block {
  /** What is dispatched in any case. */
  readonly commands: readonly Command[];
  /** The rest as dispatches, for as long as no resident workgroup does it; it ends with where to go on. */
  readonly tail: readonly Command[];
  /** Blocks of one group run when any of them does, about: each way of a branch has a group of its own. */
  readonly group: number;
}

/** Blocks in their order, and which of them are loops. */
export type Region = BlockRegion | LoopRegion;
export interface BlockRegion {
  readonly kind: "block";
  readonly block: number;
}
export interface LoopRegion {
  readonly kind: "loop";
  /** Its words in the state. */
  readonly row: number;
  /** Steps, when it always takes as many. */
  readonly length: number | undefined;
  /** What it was made of. */
  readonly step: LoopStep;
  readonly body: readonly Region[];
}

/** Blocks one after the other, both ends included. */
export interface BlockRange {
  readonly first: number;
  readonly last: number;
}

/** A branch: whoever takes one of its ways passes over the other. */
export interface Branch {
  /** Its words in the state. */
  readonly row: number;
  readonly then: BlockRange;
  readonly otherwise: BlockRange;
}

export function firstBlock(region: Region): number {
  return region.kind === "block" ? region.block : firstBlock(region.body[0]!);
}

export function lastBlock(region: Region): number {
  return region.kind === "block" ? region.block : lastBlock(region.body.at(-1)!);
}

/** The blocks of some regions, in their order. */
export function blocksOf(regions: readonly Region[]): number[] {
  return regions.flatMap((r) => (r.kind === "block" ? [r.block] : blocksOf(r.body)));
}

/** All loops of some regions, those around others first. */
export function loopsOf(regions: readonly Region[]): LoopRegion[] {
  return regions.flatMap((r) => (r.kind === "block" ? [] : [r, ...loopsOf(r.body)]));
}

export interface Program {
  readonly blocks: readonly Block[];
  readonly regions: readonly Region[];
  readonly loops: readonly LoopRegion[];
  readonly branches: readonly Branch[];
  /** By the block that ends with it. */
  readonly branchOf: ReadonlyMap<number, Branch>;
  readonly kernels: readonly { readonly name: string; readonly printed: WgslKernel }[];
  /** Whether there is nothing to decide: one block, whose commands are all there is. */
  readonly isPlain: boolean;
  readonly resident: Resident;
  /** Those that are not in the data have no place. */
  readonly inputs: readonly (Place | undefined)[];
  readonly outputs: readonly Place[];
  /** What has to be in the data before: constants. */
  readonly constants: { readonly offset: number; readonly words: Uint32Array<ArrayBuffer> };
  readonly dataWords: number;
  /** The state when a run begins, but for `header.blocks` and `header.fuel`. */
  readonly state: Uint32Array<ArrayBuffer>;
  /** Segments to copy. */
  readonly tables: readonly number[];
  /** Numbers that a failed check shows. */
  readonly mostShown: number;
}
