/** The guide to testing does what it says: its command prints what stands below it, its TypeScript compiles and passes. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { stripVTControlCharacters } from "node:util";
import { karush } from "../runtime/cli/testing.ts";
import { temporaryFolder } from "../runtime/data/testing.ts";
import { specFolder } from "./testing.ts";

const root = path.resolve(specFolder, "..");
const guide = readFileSync(path.join(specFolder, "testing.md"), "utf8");
const blocks = [...guide.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)].map(([, mark = "", text = ""]) => ({
  mark,
  text,
}));
const snippets = blocks.filter((b) => b.mark.startsWith("ts "));

/** Where the guide's imports lead: to the sources, as in a project that has installed karush. */
const imports = {
  karush: path.join(root, "runtime/index.ts"),
  "karush/testing": path.join(root, "runtime/testing.ts"),
};

test("the command prints what the guide says", async (t) => {
  const [program, command, output] = [blocks[0]!, blocks[1]!, blocks[2]!];
  assert.deepEqual([program.mark, command.mark, output.mark], ["opt", "sh", "text"]);
  const folder = temporaryFolder(t, { "model.opt": program.text });
  const { code, out } = await karush(command.text.trim().split(" ").slice(1), { cwd: folder });
  assert.equal(out, output.text);
  assert.equal(code, 1);
  const again = /See it again: karush (.*)/.exec(out)![1]!;
  assert.match((await karush(again.split(" "), { cwd: folder })).out, /let w = \[0, 0\]/);
});

test("the TypeScript of the guide compiles, and its tests pass", async (t) => {
  const nameOf = (mark: string, i: number) => `${mark === "ts vitest" ? "network" : `guide-${i}`}.test.ts`;
  const files = Object.fromEntries(snippets.map(({ mark, text }, i) => [nameOf(mark, i), text]));
  const settings = {
    extends: path.join(root, "tsconfig.json"),
    compilerOptions: {
      typeRoots: [path.join(root, "node_modules/@types")],
      paths: Object.fromEntries(Object.entries(imports).map(([name, file]) => [name, [file]])),
    },
    include: ["*.ts"],
  };
  // The longer name first: an alias is also one of the names that begin with it.
  const alias = Object.entries(imports).reverse();
  const folder = temporaryFolder(t, {
    ...files,
    "package.json": '{ "type": "module" }',
    "tsconfig.json": JSON.stringify(settings),
    "vitest.config.mjs": `export default { test: { alias: ${JSON.stringify(Object.fromEntries(alias))} } };`,
  });
  const installed = path.join(root, "node_modules");
  mkdirSync(path.join(folder, "node_modules"));
  symlinkSync(path.join(installed, "vitest"), path.join(folder, "node_modules/vitest"));
  const node = (args: readonly string[]) => {
    const environment = { ...process.env };
    // The test runner that runs this test is not the one that the guide starts.
    delete environment.NODE_TEST_CONTEXT;
    return spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8", env: environment });
  };
  const check = node([path.join(installed, "typescript/bin/tsc"), "--noEmit", "--pretty", "false"]);
  assert.deepEqual(
    check.stdout.split("\n").filter((line) => /^(guide-\d|network|tsconfig)/.test(line)),
    [],
  );
  const forNode = Object.keys(files).filter((name) => name !== "network.test.ts");
  const run = node(["--import", import.meta.resolve("tsx"), "--test", "--test-reporter=tap", ...forNode]);
  assert.equal(run.status, 0, run.stdout + run.stderr);
  assert.match(run.stdout, /^# pass 3$/m);
  const [, , ...words] = blocks
    .findLast((b) => b.mark === "sh")!
    .text.trim()
    .split(" ");
  const vitest = node([path.join(installed, "vitest/vitest.mjs"), ...words]);
  assert.equal(vitest.status, 0, vitest.stdout + vitest.stderr);
  assert.match(stripVTControlCharacters(vitest.stdout), /Tests\s+2 passed \(2\)/);
});

test("the snippets are named for the runners they are for, and started as the guide says", () => {
  assert.deepEqual(
    snippets.map((b) => b.mark),
    ["ts node:test", "ts vitest", "ts node:test"],
  );
  assert.deepEqual(
    blocks.filter((b) => b.mark === "sh").map((b) => b.text.trim()),
    ["karush test model.opt --seed 1", "node --import tsx --test ridge.test.ts", "npx vitest run network.test.ts"],
  );
});
