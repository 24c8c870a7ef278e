/** The guide to testing does what it says: its command prints what stands below it, its TypeScript compiles and passes. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
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

/** What the vitest snippet uses of vitest, made of node:test. */
const standIn = `import assert from "node:assert/strict";
import nodeTest from "node:test";
export const test = (name: string, body: () => Promise<void>): void => void nodeTest(name, body);
export const expect = (promise: Promise<unknown>) => ({
  rejects: { toThrow: (kind: new (...args: never[]) => Error) => assert.rejects(promise, (error) => error instanceof kind) },
});
`;

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
  const files = Object.fromEntries(snippets.map(({ text }, i) => [`guide-${i}.test.ts`, text]));
  const settings = {
    extends: path.join(root, "tsconfig.json"),
    compilerOptions: {
      typeRoots: [path.join(root, "node_modules/@types")],
      paths: {
        karush: [path.join(root, "runtime/index.ts")],
        "karush/testing": [path.join(root, "runtime/testing.ts")],
        vitest: ["./vitest.ts"],
      },
    },
    include: ["*.ts"],
  };
  const folder = temporaryFolder(t, {
    ...files,
    "vitest.ts": standIn,
    "package.json": '{ "type": "module" }',
    "tsconfig.json": JSON.stringify(settings),
  });
  const node = (args: readonly string[]) => {
    const environment = { ...process.env };
    // The test runner that runs this test is not the one that the guide starts.
    delete environment.NODE_TEST_CONTEXT;
    return spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8", env: environment });
  };
  const check = node([path.join(root, "node_modules/typescript/bin/tsc"), "--noEmit", "--pretty", "false"]);
  assert.deepEqual(
    check.stdout.split("\n").filter((line) => /^(guide-\d|vitest|tsconfig)/.test(line)),
    [],
  );
  const run = node(["--import", import.meta.resolve("tsx"), "--test", "--test-reporter=tap", ...Object.keys(files)]);
  assert.equal(run.status, 0, run.stdout + run.stderr);
  // One of node:test, two of vitest, two of gradients written by hand.
  assert.match(run.stdout, /^# pass 5$/m);
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
