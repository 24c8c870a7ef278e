/** The reproductions of paper 07 run at both precisions, one trial each; their asserts are the thresholds. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { CpuRunner } from "../../../runtime/cpu/runner.ts";
import { runScript } from "../../../stdlib/testing.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));
const read = (name: string) => readFileSync(join(folder, name), "utf8");
const modules = { "./grid.opt": read("grid.opt") };
const smaller = (text: string) =>
  text.replace("trials: int = 3", "trials: int = 1").replace("compared: int = 2000", "compared: int = 100");

for (const precision of ["f64", "f32"] as const)
  for (const name of ["shifted-laplacian.opt", "heat.opt"])
    test(`${precision}: ${name}`, () => {
      const runner = new CpuRunner({ precision });
      const ran = runScript(smaller(read(name)), { file: name, precision, modules, runner });
      assert.deepEqual(ran.warnings, []);
      assert.ok(ran.asserts >= 4);
    });
