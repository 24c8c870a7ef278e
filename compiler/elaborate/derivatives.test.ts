/** Derivatives of loops without a bound: forward in every form, reverse refused. */
import assert from "node:assert/strict";
import test from "node:test";
import { codesOf, runScript } from "../testing.ts";

const grow = "fn grow(x: real[2]) = (loop s = x while sum(s^2) < 50 { s * (1.5 + 0.1 * sin(x)) })\n";

test("jvp, jacobian and linearize agree on a loop without a bound", () => {
  const { values } = runScript(`${grow}
let (value, slope) = linearize(grow)([1.0, 2.0])
show jacobian(grow)([1.0, 2.0])', jvp(grow)([1.0, 2.0], [1.0, 0.0]), slope([1.0, 0.0]), value, grow([1.0, 2.0])`);
  const column = values.get("jvp(grow)([1.0, 2.0], [1.0, 0.0])");
  assert.deepEqual(values.get("jacobian(grow)([1.0, 2.0])'")!.slice(0, 2), column);
  assert.deepEqual(values.get("slope([1.0, 0.0])"), column);
  assert.deepEqual(values.get("value"), values.get("grow([1.0, 2.0])"));
});

test("in reverse it is refused before anything runs", () => {
  assert.deepEqual(codesOf(`${grow}show grad(x => sum(grow(x)))([1.0, 2.0])`), ["K0501"]);
  assert.deepEqual(codesOf(`${grow}show jacobian(grow, mode = reverse)([1.0, 2.0])`), ["K0501"]);
});
