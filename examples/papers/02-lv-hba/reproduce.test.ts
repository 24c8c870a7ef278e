/** The reproductions of paper 02 run at both precisions; their asserts are the thresholds. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { CpuRunner } from "../../../runtime/cpu/runner.ts";
import { type Ran, runScript } from "../../../stdlib/testing.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));
const read = (name: string) => readFileSync(join(folder, name), "utf8");
const modules = { "./data.opt": read("data.opt") };

/** Numbers of iterations are those of the paper, so that most runs end before their tolerance. */
const expected = /^(K0413) This solve ended as `(iterations|line_search)`/;

function reproduce(name: string, precision: "f64" | "f32", edit = (text: string) => text): Ran {
  const runner = new CpuRunner({ precision });
  const ran = runScript(edit(read(name)), { file: name, precision, modules, runner });
  for (const warning of ran.warnings) assert.match(warning, expected);
  assert.ok(ran.asserts >= 3, `${ran.asserts} asserts`);
  return ran;
}

for (const precision of ["f64", "f32"] as const)
  for (const name of ["convex-toy.opt", "sample-weights.opt", "coupled-equations.opt"])
    test(`${precision}: ${name}`, () => {
      reproduce(name, precision);
    });

for (const seed of [2, 3])
  test(`coupled-equations.opt with seed ${seed}`, () => {
    reproduce("coupled-equations.opt", "f64", (text) => text.replace("seed: int = 1", `seed: int = ${seed}`));
  });
