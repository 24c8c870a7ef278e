/** The reproduction of paper 16 runs at both precisions; its asserts are the thresholds. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { CpuRunner } from "../../../runtime/cpu/runner.ts";
import { runScript } from "../../../stdlib/testing.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));
const read = (name: string) => readFileSync(join(folder, name), "utf8");
const modules = { "./textures-data.opt": read("textures-data.opt"), "./network.opt": read("network.opt") };

for (const precision of ["f64", "f32"] as const)
  test(`${precision}: textures.opt`, () => {
    const runner = new CpuRunner({ precision });
    const ran = runScript(read("textures.opt"), { file: "textures.opt", precision, modules, runner });
    assert.deepEqual(ran.warnings, []);
    assert.equal(ran.asserts, 4);
  });
