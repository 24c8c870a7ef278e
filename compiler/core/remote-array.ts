/** Arrays that a back end holds in a memory of its own: their numbers come when they are asked for. */
import type { ArrayData, DType, NdArray } from "./array.ts";

/** Arrays of fewer words go with what is sent anyway: they are always here. */
export const leastHeldWords = 64;

/**
 * An array whose numbers may be elsewhere. What is held is given back when nobody needs it any more: it begins with one
 * owner, who calls `release`.
 */
export abstract class RemoteArray implements NdArray {
  readonly dtype: DType;
  readonly shape: readonly number[];

  constructor(dtype: DType, shape: readonly number[]) {
    this.dtype = dtype;
    this.shape = shape;
  }

  /** The numbers. Throws an internal error when they are not here: see `fetchArrays`. */
  abstract get data(): ArrayData;
  /** Whether the numbers are here, there or not. */
  abstract get isHere(): boolean;
  /** Whether the numbers are nowhere any more, because the device was lost. */
  abstract get isLost(): boolean;
  /** Whoever holds them; fetches those of several arrays at once. */
  abstract get holder(): ArrayHolder;
  /** One more owner. */
  abstract retain(): void;
  abstract release(): void;
}

export interface ArrayHolder {
  /** Brings the numbers here. Throws when the device is lost, or what it held was given back. */
  bring(arrays: readonly RemoteArray[]): Promise<void>;
}

/** Makes sure that the numbers of all arrays are here; those of one back end come together. */
export async function fetchArrays(arrays: readonly NdArray[]): Promise<void> {
  const byHolder = new Map<ArrayHolder, Set<RemoteArray>>();
  for (const x of arrays) {
    if (!(x instanceof RemoteArray) || x.isHere) continue;
    const those = byHolder.get(x.holder) ?? new Set();
    byHolder.set(x.holder, those.add(x));
  }
  await Promise.all([...byHolder].map(([holder, those]) => holder.bring([...those])));
}

/** Keeps arrays from being given back until the function that is returned is called. */
export function pinArrays(arrays: readonly NdArray[]): () => void {
  const remote = arrays.filter((x) => x instanceof RemoteArray) as RemoteArray[];
  for (const x of remote) x.retain();
  return () => {
    for (const x of remote) x.release();
  };
}

/** Whether an array has to be fetched before its numbers are read. */
export const isElsewhere = (x: NdArray): boolean => x instanceof RemoteArray && !x.isHere;
