/** A save that does not come to its end, whatever ends it, leaves the old file or the new one whole. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import path from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";
import { writeAtomically } from "./atomic.ts";
import { diagnosticOf, temporaryFolder } from "./testing.ts";
import { saveValue } from "./writers.ts";

const old = "[1]";
const span = { file: "t.opt", start: 0, end: 1 };
const two = { kind: "array", type: "real", array: { dtype: "real", shape: [], data: Float64Array.of(2) } } as const;

test("no script saves over what the project's tools go by", (t) => {
  const folder = temporaryFolder(t);
  for (const name of [
    "package.json",
    "a/tsconfig.json",
    "./.git/x.json",
    "node_modules/a/x.csv",
    ".x.json",
    "a/../package.json",
  ])
    assert.match(
      diagnosticOf(() => saveValue(two, name, { folder }, span)),
      /^K1096: .* is a file of the project's tools/,
      name,
    );
  assert.deepEqual(fs.readdirSync(folder), ["package.json"]);
  assert.equal(fs.readFileSync(path.join(folder, "package.json"), "utf8"), "{}");
});

test("a link that leads nowhere yet is no way out of the project", (t) => {
  const [folder, outside] = [temporaryFolder(t), temporaryFolder(t)];
  fs.symlinkSync(path.join(outside, "new"), path.join(folder, "link"));
  fs.symlinkSync(path.join(outside, "new.json"), path.join(folder, "new.json"));
  assert.match(
    diagnosticOf(() => saveValue(two, "link/x.json", { folder }, span)),
    /^K0(303|331)/,
  );
  // The link itself is replaced, not what it names.
  saveValue(two, "new.json", { folder }, span);
  assert.deepEqual(fs.readdirSync(outside), ["package.json"]);
});

test("a process that is killed while it saves leaves the old file or the new", { timeout: 25_000 }, async (t) => {
  const folder = temporaryFolder(t, { "x.json": old });
  const file = path.join(folder, "x.json");
  const size = 4_000_000;
  const atomic = pathToFileURL(path.join(import.meta.dirname, "atomic.ts")).href;
  // Saves again and again, so that it is at work whenever it is killed.
  const program = `import { writeAtomically } from ${JSON.stringify(atomic)};
    console.log("saving");
    for (let i = 0; ; i++) writeAtomically(${JSON.stringify(file)}, String(i % 10).repeat(${size}));`;
  for (const [signal, delay] of [
    ["SIGKILL", 0],
    ["SIGKILL", 7],
    ["SIGKILL", 31],
    ["SIGINT", 13],
  ] as const) {
    fs.writeFileSync(file, old);
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = new Promise((resolve) => child.on("exit", resolve));
    await new Promise((resolve) => child.stdout.once("data", resolve));
    await new Promise((resolve) => setTimeout(resolve, delay));
    child.kill(signal);
    await ended;
    const found = fs.readFileSync(file, "utf8");
    const isNew = found.length === size && found === found[0]!.repeat(size);
    assert.ok(found === old || isNew, `${signal} after ${delay} ms: ${found.length} bytes`);
  }
});

for (const [call, code] of [
  ["writeFileSync", "ENOSPC"],
  ["fsyncSync", "EIO"],
  ["renameSync", "EACCES"],
] as const)
  test(`${code} in ${call} leaves the old file, and nothing beside it`, (t) => {
    const folder = temporaryFolder(t, { "x.json": old });
    const file = path.join(folder, "x.json");
    t.mock.method(fs, call, () => {
      throw Object.assign(new Error(`${code}: simulated`), { code });
    });
    syncBuiltinESMExports();
    try {
      assert.throws(() => writeAtomically(file, "new"), { code });
      const said = diagnosticOf(() => saveValue(two, "x.json", { folder }, span));
      assert.match(
        said,
        /^K0331: x\.json cannot be saved: .* \| Nothing was written; what was there before is untouched\.$/,
      );
      if (code === "ENOSPC") assert.match(said, /the disk is full/);
    } finally {
      t.mock.restoreAll();
      syncBuiltinESMExports();
    }
    assert.equal(fs.readFileSync(file, "utf8"), old);
    assert.deepEqual(fs.readdirSync(folder).sort(), ["package.json", "x.json"]);
  });
