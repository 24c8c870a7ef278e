/** The reproductions of paper 10 run at both precisions; their asserts are the thresholds. */
import assert from "node:assert/strict";
import test from "node:test";
import { paperScripts, precisions } from "../testing-reproduction.ts";

const scripts = paperScripts(import.meta.url, ["functions.opt"]);

for (const precision of precisions)
  for (const name of scripts.names)
    test(`${precision}: ${name}`, () => {
      const ran = scripts.run(name, precision);
      assert.deepEqual(ran.warnings, []);
      assert.ok(ran.asserts >= 3);
    });
