/** Whether the lanes of a kernel keep out of each other's way: threads run them at once. For tests, no part of the compiler. */
import assert from "node:assert/strict";
import { int, loop } from "./expressions.ts";
import { interpretKernel, type Storage } from "./interpret.ts";
import type { Kernel, Precision } from "./ir.ts";

/** More lanes than this are not told apart from these. */
const mostLanes = 24;

/**
 * Asserts that no two lanes of a kernel write to one place. Each of the first lanes runs alone on what `before` makes:
 * arrays whose values no kernel writes, so that what changed is what the lane wrote.
 */
export function verifyLanes(kernel: Kernel, before: () => readonly Storage[], precision: Precision): void {
  const { count } = kernel.grid;
  const lanes = count.op === "constant" ? Number(count.value) : 0;
  if (lanes < 2) return;
  const writers = kernel.arrays.map(() => new Map<number, number>());
  const untouched = before();
  for (let lane = 0; lane < Math.min(lanes, mostLanes); lane++) {
    const storage = before();
    interpretKernel(onlyLane(kernel, lane), storage, precision);
    storage.forEach((values, which) => {
      values.forEach((value, place) => {
        if (Object.is(value, untouched[which]![place])) return;
        const other = writers[which]!.get(place);
        const { name } = kernel.arrays[which]!;
        assert.equal(other, undefined, `lanes ${other} and ${lane} both write to place ${place} of ${name}`);
        writers[which]!.set(place, lane);
      });
    });
  }
}

function onlyLane(kernel: Kernel, lane: number): Kernel {
  const { index, body } = kernel.grid;
  const grid = loop(index.name, int(1), "independent", () => [{ op: "let", local: index, value: int(lane) }, ...body]);
  return { ...kernel, grid };
}
