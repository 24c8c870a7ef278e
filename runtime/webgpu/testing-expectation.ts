/** What kernels on a device have to give: for tests, no part of the runtime. */
import assert from "node:assert/strict";
import { interpretKernel, type Storage } from "../../compiler/kernel/interpret.ts";
import type { Kernel } from "../../compiler/kernel/ir.ts";
import type { Results } from "./testing-runner.ts";

/** The arrays after a run of the interpreter in f32. */
export function interpreted(kernel: Kernel, storage: Storage[]): Storage[] {
  interpretKernel(kernel, storage, "f32");
  return storage;
}

/** The same numbers, but for the bits of NaNs; with a tolerance, reals may differ by that much of themselves. */
export function assertResults(kernel: Kernel, found: Results, expected: readonly Storage[], tolerance = 0): void {
  for (const [i, array] of expected.entries()) {
    const at = array.findIndex((x, j) => !isSame(found[i]![j]!, x, array instanceof Int32Array ? 0 : tolerance));
    const name = kernel.arrays[i]!.name;
    assert.ok(at < 0, `${kernel.name}: ${name} has ${found[i]![at]} at ${at}, not ${array[at]}`);
  }
}

const isSame = (x: number, y: number, tolerance: number): boolean =>
  Object.is(x, y) || (tolerance > 0 && Math.abs(x - y) <= tolerance * Math.abs(y));
