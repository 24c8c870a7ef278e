/** The reproductions of paper 09 run at both precisions, one trial each; their asserts are the thresholds. */
import assert from "node:assert/strict";
import test from "node:test";
import { paperScripts, precisions } from "../testing-reproduction.ts";

const scripts = paperScripts(import.meta.url, []);

/** The factor of a matrix is only determined up to a rotation, and the run says so where it is differentiated. */
const expectedWarnings: Readonly<Record<string, string>> = { "spurious-minimum.opt": "K0411" };

for (const precision of precisions)
  for (const name of scripts.names)
    test(`${precision}: ${name}`, () => {
      const ran = scripts.run(name, precision, (text) => text.replace("trials: int = 3", "trials: int = 1"));
      for (const warning of ran.warnings) assert.ok(warning.startsWith(expectedWarnings[name] ?? "none"), warning);
      assert.ok(ran.asserts >= 4);
    });
