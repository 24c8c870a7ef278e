/** Files that commands write besides what scripts save: what they may be called, and what happens when they fail. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import test from "node:test";
import { DiagnosticError } from "../../compiler/syntax/diagnostic.ts";
import { UsageError } from "../script/outcome.ts";
import { checkBackend, checkOutputFile, writeOutput } from "./options.ts";

const folder = mkdtempSync(path.join(tmpdir(), "karush-output-"));

test("a report does not replace a script, nor a folder", () => {
  const refused = (file: string, message: RegExp, help: RegExp) =>
    assert.throws(
      () => checkOutputFile("--report", file, [".html", ".htm"]),
      (error) => error instanceof UsageError && message.test(error.message) && help.test(error.help ?? ""),
    );
  const script = path.join(folder, "model.opt");
  writeFileSync(script, "show 1\n");
  refused(script, /--report .*model\.opt: this option writes a file whose name ends in \.html or \.htm/, /model\.html/);
  refused(path.join(folder, "report"), /ends in \.html/, /report\.html/);
  mkdirSync(path.join(folder, "a.html"));
  refused(path.join(folder, "a.html"), /this is a folder/, /a\.html.report\.html/);
  checkOutputFile("--report", path.join(folder, "new", "out.HTML"), [".html", ".htm"]);
  assert.equal(readFileSync(script, "utf8"), "show 1\n");
});

test("a file in a folder that is not there makes the folder", () => {
  const file = path.join(folder, "deep", "down", "out.html");
  writeOutput("--report", file, "text");
  assert.equal(readFileSync(file, "utf8"), "text");
});

test("a file that cannot be written is a message with the option, and leaves nothing", () => {
  const blocked = path.join(folder, "file");
  writeFileSync(blocked, "");
  assert.throws(
    () => writeOutput("--report", path.join(blocked, "out.html"), "text"),
    (error) =>
      error instanceof DiagnosticError &&
      error.diagnostic.code === "K0331" &&
      /^--report .*out\.html cannot be written \(E[A-Z]+\)\.$/.test(error.diagnostic.message) &&
      error.diagnostic.help !== undefined,
  );
  assert.equal(readFileSync(blocked, "utf8"), "");
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith(".tmp")),
    [],
  );
});

test("a back end that is not there is told which there are", () => {
  const help = (backend: string) => {
    try {
      checkBackend({ backend });
    } catch (error) {
      return error instanceof UsageError ? (error.help ?? "") : String(error);
    }
    return "";
  };
  assert.match(help("gpu"), /A GPU is reached by webgpu\.$/);
  assert.match(help("wegbpu"), /Did you mean webgpu\?$/);
  assert.match(help("cuda"), /^There are auto, cpu, webgpu, webgpu:software, reference\.$/);
});
