/** What users get: the bundles do what the sources do, without the sources. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import test, { after } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "../../compiler/syntax/parse.ts";
import { isCurrent, manifestPath, stateOf } from "./is-current.mjs";
import { bundleOf, root } from "./outputs.ts";

const scratch = mkdtempSync(path.join(tmpdir(), "karush-bundle-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const scripts = ["examples", "spec", "stdlib"].flatMap((folder) =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".opt") && !name.includes("node_modules"))
    .map((name) => readFileSync(path.join(root, folder, name), "utf8")),
);

// A fixed seed, in the message of a failure.
const seed = Number(process.env.FUZZ_SEED ?? 20_261_124);

/** Numbers below `n`, always the same ones (Marsaglia's xorshift). */
function generator(state: number): (n: number) => number {
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

const inserted = [
  ..."()[]{},;:.'=+-*/@^<>!&|~\"\n \u03BB\u0416",
  "if ",
  "then ",
  "else ",
  "for ",
  "in ",
  "=>",
  "->",
  "..",
  "1e",
  "0x",
  "//",
  "/*",
  "where ",
];

/** A text with a mistake: something left out, put in, or doubled. */
function damaged(text: string, random: (n: number) => number): string {
  const at = random(text.length + 1);
  const length = random(12);
  const kind = random(3);
  if (kind === 0) return text.slice(0, at) + text.slice(at + length);
  if (kind === 1) return text.slice(0, at) + inserted[random(inserted.length)]! + text.slice(at);
  return text.slice(0, at) + text.slice(at, at + length) + text.slice(at);
}

test("the bundled parser gives the trees and messages of the one from sources", async () => {
  const file = path.join(scratch, "parse.mjs");
  writeFileSync(file, await bundleOf("compiler/syntax/parse.ts"));
  const bundled = (await import(file)) as { parse: typeof parse };
  assert.notEqual(bundled.parse, parse);
  const random = generator(seed);
  assert.ok(scripts.length > 50);
  for (const script of scripts)
    for (let edits = 0; edits < 8; edits++) {
      let text = script;
      for (let i = 0; i < edits; i++) text = damaged(text, random);
      assert.deepEqual(bundled.parse(text, { file: "a.opt" }), parse(text, { file: "a.opt" }), `seed ${seed}\n${text}`);
    }
});

/** A folder with the files that `npm pack` takes, but for declarations. */
function published(): string {
  const folder = path.join(scratch, "package");
  const script = fileURLToPath(new URL("./build.ts", import.meta.url));
  const options = ["--import", "tsx", script, "--output", path.join(folder, "dist")];
  const { status, stderr } = spawnSync(process.execPath, options, { cwd: root, encoding: "utf8" });
  assert.deepEqual([status, stderr], [0, ""]);
  const { files } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as { files: string[] };
  for (const file of files.filter((name) => name.endsWith(".mjs") && !name.startsWith("!"))) {
    const left = files.filter((name) => name.startsWith("!")).map((name) => name.slice(1));
    const at = path.join(root, path.dirname(file));
    const names = file.includes("*") ? readdirSync(at).filter((name) => name.endsWith(".mjs")) : [path.basename(file)];
    mkdirSync(path.join(folder, path.dirname(file)), { recursive: true });
    for (const name of names.map((n) => path.join(path.dirname(file), n)))
      if (!left.includes(name)) copyFileSync(path.join(root, name), path.join(folder, name));
  }
  copyFileSync(path.join(root, "package.json"), path.join(folder, "package.json"));
  return folder;
}
const folder = published();

function run(
  file: string,
  ...args: string[]
): { readonly status: number | null; readonly out: string; readonly err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(folder, file), ...args], {
    cwd: scratch,
    encoding: "utf8",
    env: { ...process.env, NODE_OPTIONS: "", FORCE_COLOR: "0" },
  });
  return { status, out: stdout, err: stderr };
}
const karush = (...args: string[]) => run("runtime/cli/karush.mjs", ...args);

for (const name of ["ridge.opt", "fit-diabetes.opt", "diabetes.csv", "rosenbrock.opt"])
  copyFileSync(path.join(root, "examples", name), path.join(scratch, name));

test("the published files run scripts, read data and write reports", () => {
  const { status, out, err } = karush("run", "fit-diabetes.opt", "--json", "--report", "report.html");
  assert.deepEqual([status, err], [0, ""]);
  const { shown, asserts } = JSON.parse(out) as { shown: unknown[]; asserts: { passed: boolean }[] };
  assert.ok(shown.length > 0 && asserts.every((a) => a.passed));
  assert.match(readFileSync(path.join(scratch, "report.html"), "utf8"), /<svg/);
  assert.match(karush("check", "ridge.opt").out, /no errors/);
  assert.match(karush("explain", "ridge.opt", "--wat").out, /\(module/);
  assert.equal(
    karush("--version").out.trim(),
    JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")).version,
  );
});

test("messages name the user's file and its lines", () => {
  writeFileSync(path.join(scratch, "wrong.opt"), "show foo\n");
  const { status, err } = karush("check", "wrong.opt");
  assert.equal(status, 3);
  assert.match(err, /wrong\.opt:1:6/);
});

const program = `
import { compileOrThrow, createRuntime, RunError } from "./package/dist/FOLDER/index.mjs";
import { compileFile } from "./package/dist/FOLDER/node.mjs";
const source = "fn f(x: real[n]) = sum(x^3)\\nassert f([1.0]) > 2";
const module = await (await createRuntime()).load(compileOrThrow(source, { file: "a.opt" }));
const { value, gradient } = await module.valueAndGradient("f", { x: [1, 2] });
const failed = await module.run().catch((error) => error instanceof RunError);
console.log(value, String(gradient.toArray()), failed, compileFile("ridge.opt").file);
`;
for (const kind of ["library", "esm"])
  test(`the library works as ${kind === "library" ? "Node loads it" : "bundlers take it"}`, () => {
    const file = path.join(scratch, `${kind}.mjs`);
    writeFileSync(file, program.replaceAll("FOLDER", kind));
    const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: scratch, encoding: "utf8" });
    assert.deepEqual([status, stdout, stderr], [0, "9 3,12 true ridge.opt\n", ""]);
  });

test("the code cache changes nothing, and a broken one is left aside", () => {
  const without = karush("run", "ridge.opt").out;
  const cache = path.join(folder, "dist/command/cache");
  const record = path.join(folder, "runtime/bundle/record.mjs");
  writeFileSync(
    record,
    `import { loadBundled, recordCodeCache, saveCodeCache } from "./code-cache.mjs";
     recordCodeCache();
     loadBundled(new URL("../../dist/command/main.cjs", import.meta.url));
     saveCodeCache();`,
  );
  assert.deepEqual(run("runtime/bundle/record.mjs"), { status: 0, out: "", err: "" });
  const [forThisNode] = readdirSync(cache);
  const ofCommand = path.join(cache, forThisNode!);
  const files = readdirSync(ofCommand);
  assert.ok(files.includes("main.cjs"));
  assert.equal(karush("run", "ridge.opt").out, without);
  for (const file of files) writeFileSync(path.join(ofCommand, file), "no code");
  assert.deepEqual(karush("run", "ridge.opt"), { status: 0, out: without, err: "" });
  rmSync(cache, { recursive: true });
});

test("a bundle is current until one of its sources changes, in whatever way", () => {
  const copy = path.join(scratch, "sources");
  mkdirSync(path.join(copy, "dist"), { recursive: true });
  writeFileSync(path.join(copy, "a.ts"), "1");
  assert.equal(isCurrent(copy), false);
  const write = () =>
    writeFileSync(path.join(copy, manifestPath), JSON.stringify({ "a.ts": stateOf(path.join(copy, "a.ts")) }));
  write();
  assert.equal(isCurrent(copy), true);
  const { mtimeMs } = statSync(path.join(copy, "a.ts"));
  writeFileSync(path.join(copy, "a.ts"), "12");
  utimesSync(path.join(copy, "a.ts"), mtimeMs / 1000, mtimeMs / 1000);
  assert.equal(isCurrent(copy), false);
  write();
  utimesSync(path.join(copy, "a.ts"), 1000, 1000);
  assert.equal(isCurrent(copy), false);
  write();
  rmSync(path.join(copy, "a.ts"));
  assert.equal(isCurrent(copy), false);
});
