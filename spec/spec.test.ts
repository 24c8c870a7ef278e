/**
 * The code in the chapters runs: a block marked `opt` runs without a message and shows what its comments say,
 * `opt check` is only checked (it wants data that are not here), and `opt error K0201` gives that message.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { agrees, runProgram, specFolder } from "./testing.ts";

/** The catalogue is checked, whole messages and all, by `errors.test.ts`. */
const chapters = readdirSync(specFolder).filter((name) => name.endsWith(".md") && name !== "errors.md");
const block = /^```opt *([^\n]*)\n([\s\S]*?)^```$/gm;

function checkBlocks(name: string, markdown: string): void {
  for (const match of markdown.matchAll(block)) {
    const [, mark = "", program = ""] = match;
    const line = markdown.slice(0, match.index).split("\n").length;
    test(`${name}:${line} ${mark}`, () => {
      const outcome = runProgram(program, "example.opt", specFolder, mark === "check");
      const wanted = /^error (K\d{4})$/.exec(mark)?.[1];
      if (wanted !== undefined) {
        assert.ok(
          outcome.diagnostics.some((d) => d.code === wanted),
          `no ${wanted}, but:\n${outcome.text}`,
        );
        return;
      }
      assert.ok(mark === "" || mark === "check", `what is "${mark}"?`);
      assert.equal(outcome.text, "");
      assert.deepEqual(outcome.failedAsserts, []);
      const wrong = outcome.shown
        .filter((s) => s.expected !== undefined && !agrees(s.text, s.expected))
        .map((s) => `line ${line + s.line}: ${s.text}, but the comment says ${s.expected}`);
      assert.deepEqual(wrong, []);
    });
  }
}

for (const name of chapters) checkBlocks(`spec/${name}`, readFileSync(path.join(specFolder, name), "utf8"));
checkBlocks("README.md", readFileSync(path.join(specFolder, "..", "README.md"), "utf8"));

test("links between the chapters lead somewhere", () => {
  const files = new Set(readdirSync(specFolder));
  const broken = chapters.flatMap((name) => {
    const links = [...readFileSync(path.join(specFolder, name), "utf8").matchAll(/\]\(([\w/-]+\.md)[^)]*\)/g)];
    return links.filter((m) => !files.has(m[1]!.replace(/\/$/, ""))).map((m) => `${name}: ${m[1]}`);
  });
  assert.deepEqual(broken, []);
});
