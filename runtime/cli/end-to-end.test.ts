/** Scripts run by the command as a user runs it: what is printed, what is written, how it ends. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../data/testing.ts";
import { karush } from "./testing.ts";

const least = `data X: real[n, d] from "points.csv" columns except "y"
data y: real[n] from "points.csv" column "y"
param penalty: real = 0.5

objective loss(w: real[d]; penalty: real) = sum((X @ w - y)^2) + penalty * dot(w, w)

show "at the start", loss(zeros[d]; penalty), grad(loss)(zeros[d]; penalty)
plot y, title = "measured"
save (w: zeros[d], n: n) to "out/start.json"
assert n == 3, "three points"
`;
const points = "a,b,y\n1,0,1\n0,1,2\n1,1,3\n";

/** Runs for as long as it is let. */
const endless = `show 1 + 1
save 1 to "begun.json"
let x = loop x = 1.0 while x > 0 { x + 1e-9 }
show x
`;

test("a script shows, plots, saves and asserts", async (t) => {
  const folder = temporaryFolder(t, { "least.opt": least, "points.csv": points });
  const { code, out, err } = await karush(["run", "least.opt"], { cwd: folder });
  assert.deepEqual([code, err], [0, ""]);
  assert.match(
    out,
    /^at the start\nloss\(zeros\[d\]; penalty\) +14\ngrad\(loss\)\(zeros\[d\]; penalty\) +\[-8, -10\]\n/,
  );
  assert.match(out, /measured\n +3 ┤/);
  assert.match(out, /saved out\/start\.json\n$/);
  assert.equal(readFileSync(path.join(folder, "out/start.json"), "utf8"), '{"w":[0,0],"n":3}\n');
  const quiet = await karush(["run", "least.opt", "--quiet"], { cwd: folder });
  assert.deepEqual([quiet.code, quiet.out, quiet.err], [0, "", ""]);
});

test("--json is one document, from any folder, with other params and data", async (t) => {
  const folder = temporaryFolder(t, {
    "least.opt": least,
    "points.csv": points,
    "other.csv": points.replace("1,1,3", "1,1,inf"),
  });
  const file = path.join(folder, "least.opt");
  const { code, out, err } = await karush(["run", file, "--json", "--set", "penalty=0", "--precision", "f32"], {
    cwd: "/",
  });
  assert.deepEqual([code, err], [0, ""]);
  const document = JSON.parse(out);
  assert.deepEqual([document.file, document.backend, document.precision], [file, "cpu", "f32"]);
  assert.deepEqual(document.shown, [
    { caption: "at the start", expr: "loss(zeros[d]; penalty)", shape: [], value: 14 },
    { expr: "grad(loss)(zeros[d]; penalty)", shape: [2], value: [-8, -10] },
  ]);
  assert.deepEqual(document.asserts, [{ expr: "n == 3", message: "three points", passed: true }]);
  assert.deepEqual(document.plots[0].series[0].values, [1, 2, 3]);
  assert.equal(document.saved.length, 1);
  assert.ok(document.timings.check > 0 && document.timings.compile > 0 && document.timings.run > 0);
  const infinite = await karush(["run", file, "--json", "--data", `y=${path.join(folder, "other.csv")}`]);
  assert.equal(JSON.parse(infinite.out).shown[0].value, "Infinity");
});

test("--report writes one file that needs nothing else", async (t) => {
  const folder = temporaryFolder(t, { "least.opt": least, "points.csv": points });
  const { code } = await karush(["run", "least.opt", "--report", "report.html"], { cwd: folder });
  assert.equal(code, 0);
  const html = readFileSync(path.join(folder, "report.html"), "utf8");
  assert.match(html, /<svg[\s\S]*at the start|at the start[\s\S]*<svg/);
  assert.match(html, /three points/);
});

test("a failed assert ends with 1, after what was shown and saved", async (t) => {
  const folder = temporaryFolder(t, { "a.opt": 'show 1\nassert 1 > 2, "order"\nshow 2\n' });
  const { code, out, err } = await karush(["run", "a.opt"], { cwd: folder });
  assert.deepEqual([code, out], [1, "1  1\n"]);
  assert.match(err, /K0340 at a\.opt:2:[\s\S]*order[\s\S]*assert 1 > 2/);
});

test("programs that are wrong end with 3, in JSON with the diagnostics in the document", async (t) => {
  const folder = temporaryFolder(t, {
    "syntax.opt": "let = 1\n",
    "names.opt": "show foo\nshow bar\n",
    "data.opt": 'data X: real[n] from "no.csv"\n',
  });
  for (const file of ["syntax.opt", "names.opt", "data.opt"]) {
    const { code, out, err } = await karush(["run", file], { cwd: folder });
    assert.deepEqual([code, out], [3, ""]);
    assert.match(err, new RegExp(`error K\\d{4} at ${file}:1:`));
    const json = await karush(["run", file, "--json"], { cwd: folder });
    assert.deepEqual([json.code, json.err], [3, ""]);
    const { diagnostics } = JSON.parse(json.out);
    assert.equal(diagnostics[0].span.line, 1);
  }
  const check = await karush(["check", "names.opt", "data.opt"], { cwd: folder });
  assert.equal(check.code, 3);
  assert.match(check.out, /^names\.opt: 2 errors\ndata\.opt: no errors\n$/);
});

test("failures while running end with 4 and keep what was shown", async (t) => {
  const folder = temporaryFolder(t, { "nan.opt": "show 1\nlet a = 0.0\nshow a / a\n" });
  const { code, out, err } = await karush(["run", "nan.opt"], { cwd: folder });
  assert.deepEqual([code, out], [4, "1  1\n"]);
  assert.match(err, /nan\.opt:3:/);
});

test("unknown params and data are usage errors with a suggestion", async (t) => {
  const folder = temporaryFolder(t, { "least.opt": least, "points.csv": points });
  const { code, err } = await karush(["run", "least.opt", "--set", "penalti=1"], { cwd: folder });
  assert.equal(code, 2);
  assert.match(err, /Did you mean penalty\?/);
});

test("Ctrl-C stops a run, what was shown stays, and the second one does not wait", { timeout: 60_000 }, async (t) => {
  const folder = temporaryFolder(t, { "endless.opt": endless });
  for (const signals of [1, 2]) {
    let sent = 0;
    const { code, out } = await karush(["run", "endless.opt"], {
      cwd: folder,
      onOutput: (child, printed, complaint) => {
        if (!printed.includes("1 + 1")) return;
        if (sent === 0 || (sent < signals && complaint.includes("Stopping"))) {
          sent++;
          child.kill("SIGINT");
        }
      },
    });
    assert.match(out, /^1 \+ 1 {2}2\n(saved begun\.json\n)?$/);
    assert.equal(code, 130);
    rmSync(path.join(folder, "begun.json"), { force: true });
  }
  const json = await karush(["run", "endless.opt", "--json"], {
    cwd: folder,
    onStart: interruptOnce(path.join(folder, "begun.json")),
  });
  assert.equal(json.code, 130);
  assert.equal(JSON.parse(json.out).shown[0].value, 2);
});

test("Ctrl-C ends a statement that has no steps, and says so", { timeout: 60_000 }, async (t) => {
  const product = `wide${" @ wide".repeat(100)}`;
  const folder = temporaryFolder(t, {
    "long.opt": `let wide = ones[5000, 5000] / 5000\nshow 1 + 1\nshow sum(${product})\n`,
  });
  let isAsked = false;
  const { code, out, err } = await karush(["run", "long.opt"], {
    cwd: folder,
    onOutput: (child, printed) => {
      if (isAsked || !printed.includes("1 + 1")) return;
      isAsked = true;
      // Until then the product has begun, which takes minutes.
      setTimeout(() => child.kill("SIGINT"), 1500);
    },
  });
  assert.deepEqual([code, out], [130, "1 + 1  2\n"]);
  assert.match(
    err,
    /^Stopping at the next step\..*\nNo step came within a second: ended in the middle of what was at work\.\n$/,
  );
});

/** Interrupts a run that prints only at its end, once it has saved a file. */
function interruptOnce(file: string) {
  return (child: ChildProcess) => {
    const timer = setInterval(() => {
      if (!existsSync(file)) return;
      clearInterval(timer);
      child.kill("SIGINT");
    }, 50);
    child.on("close", () => clearInterval(timer));
  };
}

test("test finds a counterexample, ends with 1, and brings it back", async (t) => {
  const script = `property "holds" for all (x: real in normal()) { x * x >= 0 }
property "is small" for all (n: int in 1..6, x: real[n] in normal()) { sum(x * x) < 2 }
`;
  const folder = temporaryFolder(t, { "p.opt": script, "none.opt": "let a = 1\n" });
  const { code, out } = await karush(["test", "p.opt", "--seed", "7"], { cwd: folder });
  assert.equal(code, 1, out);
  assert.match(out, /^ok +p\.opt: holds \(100 runs\)\nfailed +p\.opt: is small \(p\.opt:2:/);
  const counterexample = /let n = [\s\S]*?\n\n/.exec(out)![0];
  const replay = /karush (test .*)/.exec(out)![1]!.split(" ");
  const again = await karush(replay, { cwd: folder });
  assert.equal(again.code, 1);
  assert.ok(again.out.includes(counterexample), `${again.out}\n${counterexample}`);
  const none = await karush(["test", "none.opt"], { cwd: folder });
  assert.deepEqual([none.code, none.out], [0, "none.opt: no properties\n"]);
});

test("the REPL reads entries from a pipe", async () => {
  const { code, out, err } = await karush(["repl"], {
    input: "let a = [1,\n2]\nsum(a)\nnope\na[0]\nlet a = 5\na\n:quit\n",
  });
  assert.equal(code, 0);
  assert.equal(out, "sum(a)  3\na[0]  1\na  5\n");
  assert.match(err, /repl:1:1[\s\S]*nope/);
});

test("fmt formats whole files, tells with --check, and leaves broken ones alone", async (t) => {
  const folder = temporaryFolder(t, { "a.opt": "let   a=1\nshow   a\n", "bad.opt": "let = 1\n" });
  const file = path.join(folder, "a.opt");
  const check = await karush(["fmt", "--check", "a.opt"], { cwd: folder });
  assert.deepEqual([check.code, check.out], [1, "a.opt: not formatted\n"]);
  assert.equal((await karush(["fmt", "a.opt"], { cwd: folder })).code, 0);
  assert.equal(readFileSync(file, "utf8"), "let a = 1\nshow a\n");
  assert.equal((await karush(["fmt", "--check", "a.opt"], { cwd: folder })).code, 0);
  const bad = await karush(["fmt", "bad.opt"], { cwd: folder });
  assert.equal(bad.code, 3);
  assert.equal(readFileSync(path.join(folder, "bad.opt"), "utf8"), "let = 1\n");
});

test("explain prints the core graphs", async (t) => {
  const folder = temporaryFolder(t, { "a.opt": "let a = [1.0, 2]\nshow sum(a)\n" });
  const { code, out } = await karush(["explain", "a.opt"], { cwd: folder });
  assert.equal(code, 0);
  assert.match(out, /graph/);
});

test("explain --conditions prints the optimality conditions of a problem", async (t) => {
  const problem = "problem near(c: real) {\n  var x: real\n  minimize (x - c)^2\n  subject to { low: x >= 0 }\n}\n";
  const folder = temporaryFolder(t, { "a.opt": problem });
  const { code, out } = await karush(["explain", "a.opt", "near", "--conditions"], { cwd: folder });
  assert.equal(code, 0);
  assert.match(out, /stationarity {5}∇\[x\] L = 2 · x − 2 · c − λ_low = 0\n/);
  const other = await karush(["explain", "a.opt", "far", "--conditions"], { cwd: folder });
  assert.equal(other.code, 2);
});

test("it works when installed, from any folder, whatever tsconfig.json lies around", async (t) => {
  const folder = temporaryFolder(t, {
    "tsconfig.json": '{"compilerOptions": {"paths": {"*": ["./nowhere/*"]}, "jsx": "no"}',
    "a.opt": "show 1 + 1\n",
  });
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const modules = path.join(folder, "node_modules");
  mkdirSync(path.join(modules, "karush"), { recursive: true });
  for (const part of ["package.json", "compiler", "runtime", "stdlib"])
    cpSync(path.join(root, part), path.join(modules, "karush", part), { recursive: true });
  for (const name of readdirSync(path.join(root, "node_modules")))
    if (!existsSync(path.join(modules, name)))
      symlinkSync(path.join(root, "node_modules", name), path.join(modules, name));
  const command = path.join(modules, "karush", "runtime", "cli", "karush.mjs");
  const { code, out, err } = await karush(["run", "a.opt"], { cwd: folder, command });
  assert.deepEqual([code, out, err], [0, "1 + 1  2\n", ""]);
  writeFileSync(path.join(folder, "b.opt"), "show 2 + 2\n");
  assert.equal((await karush(["run", path.join(folder, "b.opt")], { cwd: "/", command })).out, "2 + 2  4\n");
});
