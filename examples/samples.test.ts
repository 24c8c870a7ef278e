/**
 * The five scripts that the language was designed with, as they are written, on the CPU: every assert in them holds, every
 * solve converges, and both precisions show the same. `samples-on-a-device.test.ts` has the third arithmetic.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CpuRunner } from "../runtime/cpu/runner.ts";
import { assertSameShown, runSample } from "./testing-samples.ts";

for (const name of ["rosenbrock.opt", "ridge.opt", "equilibrium.opt", "markowitz.opt"])
  test(name, async () => {
    const [double, single] = [
      await runSample(name, "f64", new CpuRunner({ precision: "f64" })),
      await runSample(name, "f32", new CpuRunner({ precision: "f32" })),
    ];
    assert.ok(double.shown.size > 0);
    assert.ok(double.statuses.length > 0 && double.statuses.every((s) => s === "converged"), String(double.statuses));
    assertSameShown(name, single, double);
  });

for (const precision of ["f64", "f32"] as const)
  test(`mlp.opt learns, in ${precision}`, async () => {
    const { shown, asserts } = await runSample("mlp.opt", precision, new CpuRunner({ precision }));
    assert.ok(shown.get("accuracy")![0]! > 0.9, `${shown.get("accuracy")}`);
    assert.deepEqual([shown.get("fit.iterations"), asserts], [[600], 1]);
  });
