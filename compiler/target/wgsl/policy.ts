import type { PlanOptions } from "../../kernel/plan.ts";

/** When the resident workgroup does what could be dispatched too: it saves dispatches, and takes long to compile. */
export interface ResidentPolicy {
  /** Accesses to memory, about, in a piece of the resident workgroup; a loop may have some times as many. */
  readonly largestPiece: number;
  /** Whether it does loops alone, and what stands before and after them is dispatched. */
  readonly isForLoops: boolean;
  /**
   * How many dispatches a loop takes before a piece is compiled for it, for each access to memory in the piece. When it
   * has cost as much as the piece will, at most twice the time is lost that a better guess would have taken.
   */
  readonly patience: number;
  /** The invocations of the resident workgroup, as many as it has use for. */
  readonly workgroup: { readonly least: number; readonly most: number };
  /** Whether reductions are shared by the invocations of a workgroup. */
  readonly sharesReductions: boolean;
  /** Whether loads of four elements side by side are one of a vector. */
  readonly readsFours: boolean;
  /** Whether neighbours that read the same fours share the reading (quads.ts): a device must be able to. */
  readonly readsInQuads: boolean;
  /** How long operands are, in words, that are read where they are, through a binding of their own: the others are copied. */
  readonly leastDirectWords: number;
  /** How products of matrices are computed, for plans that are made for the device. */
  readonly products: NonNullable<PlanOptions["products"]>;
}

/** 1 MiB: less is copied sooner than it is bound. */
const leastDirectWords = 2 ** 18;

/** For devices that compile in milliseconds, and wait longer for a dispatch than for an operation. */
export const fastDevicePolicy: ResidentPolicy = {
  largestPiece: 400,
  isForLoops: false,
  patience: 0,
  workgroup: { least: 8, most: 64 },
  sharesReductions: true,
  readsFours: false,
  readsInQuads: false,
  leastDirectWords,
  products: "tiles",
};

/**
 * For adapters that compute on the CPU: an access to memory takes them as long to compile as some tens of dispatches. One
 * thread does a workgroup, a few invocations at once in a vector, and changes between those vectors at each barrier.
 */
export const softwarePolicy: ResidentPolicy = {
  largestPiece: 400,
  isForLoops: true,
  patience: 10,
  workgroup: { least: 4, most: 4 },
  sharesReductions: false,
  readsFours: true,
  readsInQuads: false,
  leastDirectWords,
  products: "blocks",
};

/** The policy for an adapter, by whether it computes on the CPU, and a quad of invocations in a vector. */
export const policyFor = ({
  isSoftware,
  hasQuads = false,
}: {
  readonly isSoftware: boolean;
  readonly hasQuads?: boolean;
}): ResidentPolicy => (isSoftware ? { ...softwarePolicy, readsInQuads: hasQuads } : fastDevicePolicy);
