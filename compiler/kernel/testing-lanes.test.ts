import assert from "node:assert/strict";
import test from "node:test";
import { add, int, kernelArray, loop, mul, toReal } from "./expressions.ts";
import type { Expression, Kernel } from "./ir.ts";
import { verifyLanes } from "./testing-lanes.ts";

/** Three lanes that write two places each, from where `from` says. */
function kernelFrom(from: (lane: Expression) => Expression): Kernel {
  const result = kernelArray("result", "real", 12, "both");
  const grid = loop("lane", int(3), "independent", (lane) =>
    [0, 1].map((i) => ({ op: "store", array: result, index: add(from(lane), int(i)), value: toReal(lane) })),
  );
  return { name: "test", span: undefined, arrays: [result], grid, description: "" };
}

const before = () => [new Float64Array(12).fill(Number.NaN)];

test("lanes that keep apart are right, lanes that overlap in one place are not", () => {
  verifyLanes(
    kernelFrom((lane) => mul(lane, int(2))),
    before,
    "f64",
  );
  assert.throws(
    () =>
      verifyLanes(
        kernelFrom((lane) => lane),
        before,
        "f64",
      ),
    /lanes 0 and 1 both write to place 1 of result/,
  );
});
