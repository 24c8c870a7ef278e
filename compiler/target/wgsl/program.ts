/**
 * A Plan as one row of blocks with fixed places: what is called is written out at each call, and loops and branches
 * become jumps (see control.ts). Kernels know no places, so each is compiled once wherever it runs.
 */
import type { WgslKernel } from "./kernel.ts";
import type { Place } from "./phases.ts";
import type { Resident } from "./resident.ts";

export type Command = KernelCommand | MoveCommand;

export interface KernelCommand {
  readonly kind: "kernel";
  readonly kernel: WgslKernel;
  /** The words of its uniform. */
  readonly words: readonly number[];
  readonly count: number;
}
export interface MoveCommand {
  readonly kind: "move";
  readonly words: readonly number[];
  readonly count: number;
}

/** What is dispatched before the resident workgroup does the rest; mostly nothing. */
export interface Block {
  readonly commands: readonly Command[];
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
  readonly body: readonly Region[];
}

export function firstBlock(region: Region): number {
  return region.kind === "block" ? region.block : firstBlock(region.body[0]!);
}

export function lastBlock(region: Region): number {
  return region.kind === "block" ? region.block : lastBlock(region.body.at(-1)!);
}

export interface Program {
  readonly blocks: readonly Block[];
  readonly regions: readonly Region[];
  readonly kernels: readonly { readonly name: string; readonly printed: WgslKernel }[];
  /** Undefined when there is nothing to decide: one block, whose commands are all there is. */
  readonly resident: Resident | undefined;
  readonly inputs: readonly Place[];
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
