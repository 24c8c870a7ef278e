/** The reproductions of paper 07 run at both precisions, one trial each; their asserts are the thresholds. */
import assert from "node:assert/strict";
import test from "node:test";
import { paperScripts, precisions } from "../testing-reproduction.ts";

const scripts = paperScripts(import.meta.url, ["grid.opt"]);
const smaller = (text: string) =>
  text.replace("trials: int = 3", "trials: int = 1").replace("compared: int = 2000", "compared: int = 100");

for (const precision of precisions)
  for (const name of scripts.names)
    test(`${precision}: ${name}`, () => {
      const ran = scripts.run(name, precision, smaller);
      assert.deepEqual(ran.warnings, []);
      assert.ok(ran.asserts >= 4);
    });
