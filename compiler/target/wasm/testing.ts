/** Runs kernels as WebAssembly: for tests and measurements, no part of the compiler. */
import type { Storage } from "../../kernel/interpret.ts";
import type { Kernel, Precision } from "../../kernel/ir.ts";
import { moduleOfKernels } from "./module.ts";

/** A kernel and its arrays in a memory of their own. */
export interface LoadedKernel {
  /** Runs iterations begin, ..., end - 1 of the grid; all of them when neither is given. */
  run(begin?: number, end?: number): void;
  /** The arrays as they are now, in the order of `kernel.arrays`. */
  readonly arrays: readonly Storage[];
}

export function loadKernel(kernel: Kernel, storage: readonly Storage[], precision: Precision): LoadedKernel {
  const bytes = moduleOfKernels([kernel], precision).encode();
  const places: number[] = [];
  let end = 0;
  for (const array of storage) {
    places.push(end);
    // Neighbours do not begin at multiples of 16: accesses may not count on it.
    end += Math.ceil(array.byteLength / 8) * 8 + 8;
  }
  const memory = new WebAssembly.Memory({ initial: Math.ceil(end / 65536) + 1, maximum: 65536 });
  const arrays = storage.map((array, i) => {
    const View = array.constructor as new (buffer: ArrayBuffer, offset: number, length: number) => Storage;
    const view = new View(memory.buffer, places[i]!, array.length);
    view.set(array);
    return view;
  });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  const f = instance.exports[kernel.name] as (...args: number[]) => void;
  const count = Number(kernel.grid.count.op === "constant" ? kernel.grid.count.value : 0);
  return { arrays, run: (begin = 0, last = count) => f(...places, begin, last) };
}

/** Runs a kernel on copies of its arrays and returns those. */
export function runKernel(kernel: Kernel, storage: readonly Storage[], precision: Precision): readonly Storage[] {
  const loaded = loadKernel(kernel, storage, precision);
  loaded.run();
  return loaded.arrays;
}
