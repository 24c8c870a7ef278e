/** The command as it is called: usage, and the commands that compile nothing. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { temporaryFolder } from "../data/testing.ts";
import { karush } from "./testing.ts";

test("bad usage ends with 2, says what is wrong on standard error, and what was meant", async (t) => {
  const folder = temporaryFolder(t, { "ridge.opt": "let a = 1\n", "sub/x.opt": "" });
  const usage = async (...args: string[]) => {
    const { code, out, err } = await karush(args, { cwd: folder });
    assert.deepEqual([code, out], [2, ""], err);
    return err;
  };
  assert.match(await usage("run"), /missing required argument 'file'/);
  assert.match(await usage("rum", "ridge.opt"), /unknown command 'rum'[\s\S]*run/);
  assert.match(await usage("run", "ridge.opt", "--presision", "f32"), /--presision[\s\S]*--precision/);
  assert.match(await usage("run", "ridge.opt", "--precision", "f16"), /f64, f32/);
  assert.match(await usage("run", "ridge.opt", "--seed", "x"), /whole number/);
  assert.match(await usage("run", "rigde.opt"), /no file rigde\.opt[\s\S]*Did you mean ridge\.opt\?/);
  assert.match(await usage("run", "sub"), /sub is a folder, not a script[\s\S]*x\.opt/);
  assert.match(await usage("run", "ridge.opt", "--backend", "webgpu", "--precision", "f64"), /no 64-bit reals/);
  assert.match(await usage("run", "ridge.opt", "--backend", "tpu"), /no such back end/);
  assert.match(await usage("run", "ridge.opt", "--set", "penalty"), /NAME=VALUE/);
  assert.match(await usage("check", "ridge.opt", "none.opt"), /no file none\.opt/);
});

test("help and version are asked for, not errors", async () => {
  const help = await karush(["--help"]);
  assert.equal(help.code, 0);
  for (const command of ["run", "check", "test", "fmt", "explain", "devices", "new", "repl"])
    assert.match(help.out, new RegExp(`^  ${command} `, "m"));
  assert.match((await karush(["run", "--help"])).out, /--allow-read/);
  assert.match((await karush(["--version"])).out, /^\d+\.\d+\.\d+\n$/);
  assert.equal((await karush([])).code, 2);
});

test("devices names what scripts can run on", async () => {
  assert.match((await karush(["devices"])).out, /^cpu .*\n.*f64 or f32$[\s\S]*^webgpu [\s\S]*^reference /m);
  const list = JSON.parse((await karush(["devices", "--json"])).out) as { cpu: { cores: number }; auto: string };
  assert.ok(list.cpu.cores >= 1 && ["cpu", "webgpu"].includes(list.auto));
});

test("new makes a project, and overwrites nothing", async (t) => {
  const folder = temporaryFolder(t);
  const first = await karush(["new", "demo"], { cwd: folder });
  assert.equal(first.code, 0, first.err);
  assert.ok(existsSync(path.join(folder, "demo", "fit.opt")));
  const run = await karush(["run", "demo/fit.opt"], { cwd: folder });
  assert.deepEqual([run.code, run.err], [0, ""]);
  assert.match(run.out, /found\.status +converged/);
  const properties = await karush(["test", "demo/fit.opt"], { cwd: folder });
  assert.equal(properties.code, 0, properties.out);
  const format = await karush(["fmt", "--check", "demo/fit.opt"], { cwd: folder });
  assert.deepEqual([format.code, format.out], [0, ""]);
  const second = await karush(["new", "demo"], { cwd: folder });
  assert.equal(second.code, 2);
  assert.match(second.err, /not empty/);
});
