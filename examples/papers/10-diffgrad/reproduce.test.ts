/** The reproductions of paper 10 run at both precisions; their asserts are the thresholds. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { CpuRunner } from "../../../runtime/cpu/runner.ts";
import { runScript } from "../../../stdlib/testing.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));
const read = (name: string) => readFileSync(join(folder, name), "utf8");
const modules = { "./functions.opt": read("functions.opt") };

for (const precision of ["f64", "f32"] as const)
  for (const name of readdirSync(folder).filter(
    (f) => f.endsWith(".opt") && f !== "small.opt" && !(`./${f}` in modules),
  ))
    test(`${precision}: ${name}`, () => {
      const runner = new CpuRunner({ precision });
      const ran = runScript(read(name), { file: name, precision, modules, runner });
      assert.deepEqual(ran.warnings, []);
      assert.ok(ran.asserts >= 3);
    });
