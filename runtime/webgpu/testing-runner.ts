/** Runs single kernels on a device: for tests, no part of the runtime. */
import type { Storage } from "../../compiler/kernel/interpret.ts";
import type { Kernel } from "../../compiler/kernel/ir.ts";
import { placesWords, printKernel } from "../../compiler/target/wgsl/kernel.ts";
import type { Device } from "./device.ts";
import { executeRun, type PreparedRun } from "./testing-execute.ts";

export interface RunOptions {
  /** How many arenas the arrays are dealt out to; 3 unless told. */
  readonly arenaCount?: number;
  readonly workgroupSize?: number;
  /** Each iteration of the grid is run by a workgroup together. */
  readonly isTeam?: boolean;
}

/** Arrays after a run: reals as f32. */
export type Results = readonly (Float32Array | Int32Array)[];

export interface KernelRun {
  readonly run: PreparedRun;
  /** The arrays, from the words of the arenas after the run. Throws when words beside them have changed. */
  results(memory: readonly ArrayLike<number>[]): Results;
}

/** Words between arrays, which the kernel must leave alone. */
const gap = 5;
const untouched = 0x5a5a5a5a;

/** Places a kernel's arrays, in the order of `kernel.arrays`, in a few arenas. */
export function prepareRun(kernel: Kernel, storage: readonly Storage[], options: RunOptions = {}): KernelRun {
  const arenaCount = options.arenaCount ?? 3;
  const arenas = storage.map((_, i) => i % arenaCount);
  const { workgroupSize, isTeam = false } = options;
  const printed = printKernel(kernel, arenas, workgroupSize === undefined ? { isTeam } : { workgroupSize, isTeam });
  const memory = Array.from({ length: arenaCount }, () => new Array<number>(gap).fill(untouched));
  const offsets = storage.map((data, i) => {
    const arena = memory[arenas[i]!]!;
    const offset = arena.length;
    for (const word of wordsOf(data)) arena.push(word);
    for (let n = 0; n < gap; n++) arena.push(untouched);
    return offset;
  });
  return {
    run: { label: kernel.name, ...printed, places: placesWords(printed.count, offsets), memory },
    results: (after) => {
      const all = after.map((words) => Uint32Array.from(words));
      const results = storage.map((data, i) => {
        const arena = all[arenas[i]!]!;
        const words = arena.slice(offsets[i]!, offsets[i]! + data.length);
        arena.fill(untouched, offsets[i]!, offsets[i]! + data.length);
        return data instanceof Int32Array ? new Int32Array(words.buffer) : new Float32Array(words.buffer);
      });
      if (all.some((arena) => arena.some((word) => word !== untouched)))
        throw new Error(`${kernel.name} wrote beside its arrays`);
      return results;
    },
  };
}

function wordsOf(data: Storage): Uint32Array {
  const words = data instanceof Int32Array ? Int32Array.from(data) : Float32Array.from(data);
  return new Uint32Array(words.buffer);
}

/** Runs a kernel on copies of its arrays and returns them as they are afterwards. */
export async function runKernel(
  device: Device,
  kernel: Kernel,
  storage: readonly Storage[],
  options: RunOptions = {},
): Promise<Results> {
  const { run, results } = prepareRun(kernel, storage, options);
  return results(await executeRun(device, run));
}
