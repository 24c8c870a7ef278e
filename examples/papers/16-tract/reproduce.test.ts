/** The reproduction of paper 16 runs at both precisions; its asserts are the thresholds. */
import assert from "node:assert/strict";
import test from "node:test";
import { paperScripts, precisions } from "../testing-reproduction.ts";

const scripts = paperScripts(import.meta.url, ["textures-data.opt", "network.opt"]);

for (const precision of precisions)
  for (const name of scripts.names)
    test(`${precision}: ${name}`, () => {
      const ran = scripts.run(name, precision);
      assert.deepEqual(ran.warnings, []);
      assert.equal(ran.asserts, 4);
    });
