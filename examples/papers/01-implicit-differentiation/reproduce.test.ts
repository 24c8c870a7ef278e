/** The reproductions of paper 01 run at both precisions; their asserts are the thresholds. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { CpuRunner } from "../../../runtime/cpu/runner.ts";
import { runProgram } from "../../../spec/testing.ts";
import { runScript } from "../../../stdlib/testing.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));
const read = (name: string) => readFileSync(join(folder, name), "utf8");
const modules = { "./data.opt": read("data.opt") };

/** Answers that are rough on purpose: what the run says about their derivatives. */
const expectedWarnings: Readonly<Record<string, string>> = {
  "ridge-precision.opt": "K0422",
  "svm-hyperparameter.opt": "K0422",
  "soft-discs.opt": "K0422",
};

for (const precision of ["f64", "f32"] as const)
  for (const name of readdirSync(folder).filter((f) => f.endsWith(".opt") && !["data.opt", "digits.opt"].includes(f)))
    test(`${precision}: ${name}`, () => {
      const runner = new CpuRunner({ precision });
      const ran = runScript(read(name), { file: name, precision, modules, runner });
      for (const warning of ran.warnings) assert.ok(warning.startsWith(expectedWarnings[name] ?? "none"), warning);
      assert.ok(ran.asserts >= 2);
    });

test("f64: digits.opt", () => {
  const { text, failedAsserts, shown } = runProgram(read("digits.opt"), "digits.opt", folder);
  assert.equal(text, "");
  assert.deepEqual(failedAsserts, []);
  assert.ok(shown.length >= 3);
});
