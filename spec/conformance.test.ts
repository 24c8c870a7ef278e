/** The programs in `conformance/` show what the comments beside their `show`s say, in both precisions' common digits. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { agrees, runProgram, specFolder } from "./testing.ts";

const folder = path.join(specFolder, "conformance");

for (const name of readdirSync(folder)
  .filter((n) => n.endsWith(".opt"))
  .sort()) {
  test(name, () => {
    const text = readFileSync(path.join(folder, name), "utf8");
    const outcome = runProgram(text, name, folder);
    assert.equal(outcome.text, "", "a program of the conformance suite has no message");
    assert.deepEqual(outcome.failedAsserts, []);
    const wrong = outcome.shown
      .filter((s) => s.expected !== undefined && !agrees(s.text, s.expected))
      .map((s) => `line ${s.line}: ${s.text}, but the comment says ${s.expected}`);
    assert.deepEqual(wrong, []);
    assert.ok(outcome.shown.some((s) => s.expected !== undefined) || /^assert /m.test(text), "nothing is checked");
  });
}
