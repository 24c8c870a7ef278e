/** The reproductions of paper 02 run at both precisions; their asserts are the thresholds. */
import assert from "node:assert/strict";
import test from "node:test";
import { paperScripts, precisions } from "../testing-reproduction.ts";

const scripts = paperScripts(import.meta.url, ["data.opt"]);

/** Numbers of iterations are those of the paper, so that most runs end before their tolerance. */
const expected = /^(K0413) This solve ended as `(iterations|line_search)`/;

function reproduce(name: string, precision: "f64" | "f32", edit?: (text: string) => string): void {
  const ran = scripts.run(name, precision, edit);
  for (const warning of ran.warnings) assert.match(warning, expected);
  assert.ok(ran.asserts >= 3, `${ran.asserts} asserts`);
}

for (const precision of precisions)
  for (const name of scripts.names)
    test(`${precision}: ${name}`, () => {
      reproduce(name, precision);
    });

for (const seed of [2, 3])
  test(`coupled-equations.opt with seed ${seed}`, () => {
    reproduce("coupled-equations.opt", "f64", (text) => text.replace("seed: int = 1", `seed: int = ${seed}`));
  });
