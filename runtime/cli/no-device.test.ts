/** Nothing but what computes on a device loads Dawn: a device that nobody uses would keep the processor busy. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../data/testing.ts";

const command = fileURLToPath(new URL("./karush.mjs", import.meta.url));
const loaded = "Dawn is in this process";

/** At the end of the process: whether the library of the package `webgpu` is among those it has loaded. */
const watching = `process.on("exit", () => {
  const libraries = process.report.getReport().sharedObjects;
  if (libraries.some((name) => /webgpu.*\\.node$/.test(name))) process.stderr.write(${JSON.stringify(loaded)});
});
`;

test("a device is opened by nothing that computes elsewhere or not at all", (t) => {
  const folder = temporaryFolder(t, {});
  const [script, preload] = [path.join(folder, "t.opt"), path.join(folder, "watch.cjs")];
  writeFileSync(script, "fn f(x: real) = x * x\nshow sum([f(v) for v in [1.0, 2.0]])\n");
  writeFileSync(preload, watching);
  const run = (args: readonly string[]) =>
    spawnSync(process.execPath, ["--require", preload, command, ...args], { encoding: "utf8", timeout: 60_000 });
  for (const args of [
    ["run", "--backend", "cpu", script],
    ["run", "--backend", "reference", script],
    ["run", "--precision", "f64", script],
    ["check", script],
    ["fmt", "--check", script],
    ["types", "--print", script],
    ["explain", script, "--kernels", "--backend", "webgpu"],
    ["explain", script, "--wgsl"],
  ]) {
    const { status, stderr } = run(args);
    assert.equal(status, 0, `${args.join(" ")}: ${stderr}`);
    assert.ok(!stderr.includes(loaded), args.join(" "));
  }
  // That the watch sees it where it is.
  assert.ok(run(["run", "--backend", "webgpu", script]).stderr.includes(loaded));
});
