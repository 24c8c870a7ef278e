/** The reproductions of paper 01 run at both precisions; their asserts are the thresholds. */
import assert from "node:assert/strict";
import test from "node:test";
import { runProgram } from "../../../spec/testing.ts";
import { paperScripts, precisions } from "../testing-reproduction.ts";

const scripts = paperScripts(import.meta.url, ["data.opt"]);

/** Answers that are rough on purpose: what the run says about their derivatives. */
const expectedWarnings: Readonly<Record<string, string>> = {
  "ridge-precision.opt": "K0422",
  "svm-hyperparameter.opt": "K0422",
  "soft-discs.opt": "K0422",
};

for (const precision of precisions)
  for (const name of scripts.names.filter((name) => name !== "digits.opt"))
    test(`${precision}: ${name}`, () => {
      const ran = scripts.run(name, precision);
      for (const warning of ran.warnings) assert.ok(warning.startsWith(expectedWarnings[name] ?? "none"), warning);
      assert.ok(ran.asserts >= 2);
    });

test("f64: digits.opt", () => {
  const { text, failedAsserts, shown } = runProgram(scripts.read("digits.opt"), "digits.opt", scripts.folder);
  assert.equal(text, "");
  assert.deepEqual(failedAsserts, []);
  assert.ok(shown.length >= 3);
});
