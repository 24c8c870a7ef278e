/** `karush run --profile`, as a user calls it. */
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../data/testing.ts";
import { karush } from "./testing.ts";

const files = { "t.opt": "let a = [[1.0 * i * j for j in 0..60] for i in 0..60]\nshow sum(a @ a)\n" };

test("a profile comes after the results, on standard error", async (t) => {
  const { code, out, err } = await karush(["run", "t.opt", "--backend", "cpu", "--profile"], {
    cwd: temporaryFolder(t, files),
  });
  assert.equal(code, 0, err);
  assert.match(out, /^sum\(a @ a\) +\S+\n$/);
  assert.match(err, /^\nStatements took .*\n/);
  assert.match(err, / 2 {2}matrix product \[60, 60\] by \[60, 60\] {3}a @ a\n/);
});

test("the names of a profile are those that explain prints", async (t) => {
  const cwd = temporaryFolder(t, files);
  const run = await karush(["run", "t.opt", "--backend", "cpu", "--profile", "--json"], { cwd });
  assert.equal(run.code, 0, run.err);
  assert.equal(run.err, "");
  const { profile } = JSON.parse(run.out) as { profile: { clock: string; kernels: { name: string; runs: number }[] } };
  assert.equal(profile.clock, "host");
  assert.ok(profile.kernels.length >= 2);
  const { out } = await karush(["explain", "t.opt", "--kernels"], { cwd });
  for (const { name } of profile.kernels) assert.ok(out.includes(`  ${name}`), `${name} is not in\n${out}`);
});

test("without --profile there is none", async (t) => {
  const { out, err } = await karush(["run", "t.opt", "--backend", "cpu", "--json"], { cwd: temporaryFolder(t, files) });
  assert.equal(err, "");
  assert.ok(!("profile" in JSON.parse(out)));
});

test("a program with errors has no profile", async (t) => {
  const cwd = temporaryFolder(t, { "t.opt": "show nothing\n" });
  const { code, err } = await karush(["run", "t.opt", "--backend", "cpu", "--profile"], { cwd });
  assert.equal(code, 3);
  assert.ok(!err.includes("Statements took"), err);
});

test("the reference evaluator is not measured", async (t) => {
  const cwd = temporaryFolder(t, files);
  for (const option of [["--backend", "reference"], ["--check-finite"]]) {
    const { code, err } = await karush(["run", "t.opt", "--profile", ...option], { cwd });
    assert.equal(code, 2);
    assert.match(err, /^karush: --profile --.*: the reference evaluator is not measured\.\n +Leave out --/);
  }
});

test("a file that is imported is named by its path", async (t) => {
  const cwd = temporaryFolder(t, {
    "t.opt": 'import { twice } from "./lib.opt"\nshow twice([1.0, 2.0])\n',
    "lib.opt": "fn twice(x: real[2]) = cosh(x) * 2\n",
  });
  const { err } = await karush(["run", path.join(cwd, "t.opt"), "--backend", "cpu", "--profile"], { cwd });
  assert.match(err, / \.\/lib\.opt:1 {2}kernel 0: .*cosh\(x\)/);
});
