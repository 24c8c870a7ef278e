/** The reproductions of paper 09 run at both precisions, one trial each; their asserts are the thresholds. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { CpuRunner } from "../../../runtime/cpu/runner.ts";
import { runScript } from "../../../stdlib/testing.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));

/** The factor of a matrix is only determined up to a rotation, and the run says so where it is differentiated. */
const expectedWarnings: Readonly<Record<string, string>> = { "spurious-minimum.opt": "K0411" };

for (const precision of ["f64", "f32"] as const)
  for (const name of ["recovery.opt", "spurious-minimum.opt"])
    test(`${precision}: ${name}`, () => {
      const text = readFileSync(join(folder, name), "utf8").replace("trials: int = 3", "trials: int = 1");
      const ran = runScript(text, { file: name, precision, runner: new CpuRunner({ precision }) });
      for (const warning of ran.warnings) assert.ok(warning.startsWith(expectedWarnings[name] ?? "none"), warning);
      assert.ok(ran.asserts >= 4);
    });
