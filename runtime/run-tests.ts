/**
 * `npm test`: runs all test files of the repository, or those whose path contains one of the arguments.
 * Two at a time: each is a process of its own, and more only slow each other down where there are two cores.
 */
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const folders = ["compiler", "runtime", "stdlib", "examples", "spec"];
/** A file that hangs is a failure, not a build that never ends. */
const limitMilliseconds = 10 * 60_000;

function testFiles(folder: string): string[] {
  let entries: string[];
  try {
    entries = readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" });
  } catch {
    return []; // not every folder has to be there
  }
  return entries
    .filter((name) => name.endsWith(".test.ts") && !name.split(path.sep).includes("node_modules"))
    .map((name) => path.join(folder, name))
    .sort();
}

const wanted = process.argv.slice(2);
const files = folders
  .flatMap(testFiles)
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)));
if (files.length === 0) {
  console.error(`No test file has ${wanted.join(" or ")} in its path.`);
  process.exit(1);
}

const options = ["--import", "tsx", "--test", "--test-concurrency=2", `--test-timeout=${limitMilliseconds}`];
const child = spawn(process.execPath, [...options, "--test-reporter=spec", ...files], { cwd: root, stdio: "inherit" });
// Nothing is printed after the runner's own summary.
child.on("exit", (code, signal) => {
  process.exitCode = signal === null ? (code ?? 1) : 1;
});
