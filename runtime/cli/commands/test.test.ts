/** `karush test` as a user calls it: what it tells people and programs, and how a failure is seen again. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { temporaryFolder } from "../../data/testing.ts";
import { karush } from "../testing.ts";

const wrongRule = `fn soft(x: real) = log1p(exp(x)) derivative dx => 1.1 * sigmoid(x) * dx
fn total(x: real[n]) = sum([soft(v) for v in x])
property "holds" for all (x: real) { x * x >= 0 }
property "slope of soft" for all (n: int in 2..5, x: real[n]) { grad(total)(x) ~= numeric_grad(total)(x) }
`;

test("a wrong rule is shrunk to the least that shows it, both sides beside each other, and is seen again", async (t) => {
  const folder = temporaryFolder(t, { "p.opt": wrongRule });
  const { code, out, err } = await karush(["test", "p.opt", "--seed", "7"], { cwd: folder });
  assert.deepEqual([code, err], [1, ""]);
  assert.equal(
    out,
    `ok      p.opt: holds (100 runs)
failed  p.opt: slope of soft (p.opt:4:1)
  after 1 run and 2 simplifications, it is false for

    let n = 2
    let x = [0, 0]

  and differs most here:
         grad(total)(x)  numeric_grad(total)(x)
    [0]            0.55                     0.5
    [1]            0.55                     0.5

  See it again: karush test p.opt --seed 7 --path 1/0:0:0

1 passed, 1 failed (seed 7)
`,
  );
  const again = await karush(["test", "p.opt", "--seed", "7", "--path", "1/0:0:0"], { cwd: folder });
  assert.equal(again.code, 1);
  assert.match(again.out, /let x = \[0, 0\]\n/);
});

test("--json, --tap and --junit say the same to programs", async (t) => {
  const folder = temporaryFolder(t, { "p.opt": wrongRule });
  const junit = path.join(folder, "report.xml");
  const json = await karush(["test", "p.opt", "--seed", "7", "--json", "--junit", junit], { cwd: folder });
  assert.deepEqual([json.code, json.err], [1, ""]);
  const document = JSON.parse(json.out);
  assert.equal(document.seed, 7);
  const [holds, slope] = document.files[0].properties;
  assert.deepEqual([holds.title, holds.outcome, holds.runs], ["holds", "passed", 100]);
  assert.deepEqual(slope.inputs, [
    { name: "n", shape: [], value: 2, source: "2" },
    { name: "x", shape: [2], value: [0, 0], source: "[0, 0]" },
  ]);
  assert.deepEqual(slope.sides[0], { expr: "grad(total)(x)", shape: [2], value: [0.55, 0.55] });
  assert.equal(slope.replay, "karush test p.opt --seed 7 --path 1/0:0:0");

  const xml = readFileSync(junit, "utf8");
  assert.match(xml, /<testsuite name="p\.opt" tests="2" failures="1" errors="0" time="\d+\.\d{3}">/);
  assert.match(xml, /<testcase name="holds" classname="p\.opt" time="\d+\.\d{3}"\/>/);
  assert.match(xml, /<failure message="the property is false">[^<]*let x = \[0, 0\]/);

  const tap = await karush(["test", "p.opt", "--seed", "7", "--tap"], { cwd: folder });
  assert.equal(tap.code, 1);
  assert.match(tap.out, /^TAP version 14\n1\.\.2\nok 1 - p\.opt: holds\nnot ok 2 - p\.opt: slope of soft\n {2}---\n/);
  assert.match(tap.out, /\n {2}\.\.\.\n$/);
});

test("kinks are told and accused of nothing; what is wrong beside them is found", async (t) => {
  const script = `fn f(x: real[3]) = sum(abs(x)) + max(x[0], x[1])
property "at kinks" for all (x: real[3] in uniform(-0.01, 0.01)) { grad(f)(x) ~= numeric_grad(f)(x) }
property "only at kinks" for all (x: real[3]) { grad(f)(0 * x + 1e-4) ~= numeric_grad(f)(0 * x + 1e-4) }
property "wrong by a hundredth" for all (x: real[3]) { 1.01 * grad(f)(x) ~= numeric_grad(f)(x) }
property "wrong in one entry" for all (x: real[3]) { grad(f)(x) + [0, 0, 0.5] ~= numeric_grad(f)(x) }
`;
  const folder = temporaryFolder(t, { "k.opt": script });
  for (const precision of ["f64", "f32"]) {
    const { code, out } = await karush(["test", "k.opt", "--seed", "3", "--json", "--precision", precision], {
      cwd: folder,
    });
    assert.equal(code, 1);
    const [near, only, wrong, entry] = JSON.parse(out).files[0].properties;
    // In f32 differences need steps so wide that all of the first property's points have a kink in reach.
    assert.equal(near.outcome, precision === "f64" ? "passed" : "exhausted");
    assert.ok(near.kinks > 100, `${near.kinks} kinks`);
    assert.equal(only.outcome, "exhausted");
    assert.deepEqual([wrong.outcome, entry.outcome], ["failed", "failed"]);
  }
});

test("a property that only its where clause ends says so; what is thrown is an error, not a falsehood", async (t) => {
  const script = `property "never" for all (x: real in uniform(0, 1) where x > 2) { x > 0 }
property "singular" for all (x: real in uniform(-1, 1)) { linear_solve([[x, 0.0], [0.0, 0 * x]], [1.0, 1.0])[0] > 0 }
`;
  const folder = temporaryFolder(t, { "w.opt": script });
  const junit = path.join(folder, "report.xml");
  const { code, out } = await karush(["test", "w.opt", "--runs", "10", "--junit", junit], { cwd: folder });
  assert.equal(code, 1);
  assert.match(out, /Of \d+ inputs the `where` clause refused \d+: too few are left to say anything\./);
  assert.match(out, /it has no answer for\n\n {4}let x = 0\n\n {2}error K0406 at w\.opt:2:/);
  assert.match(out, /See it again: karush test w\.opt --seed \d+ --path 1\/\S+ --runs 10\n/);
  assert.match(readFileSync(junit, "utf8"), /failures="1" errors="1"/);
});

test("params are set, the command that shows a failure again sets them too, and wrong programs end with 3", async (t) => {
  const script = `param limit: real = 10.0
property "is small" for all (x: real[2] in uniform(1, 2)) { sum(x) < limit }
`;
  const folder = temporaryFolder(t, { "a b.opt": script, "bad.opt": "let = 1\n" });
  assert.equal((await karush(["test", "a b.opt"], { cwd: folder })).code, 0);
  const { code, out } = await karush(["test", "a b.opt", "--set", "limit=2.5"], { cwd: folder });
  assert.equal(code, 1);
  assert.match(out, /See it again: karush test 'a b\.opt' --seed \d+ --path 0\/\S+ --set limit=2\.5\n/);
  const bad = await karush(["test", "bad.opt", "a b.opt", "--json"], { cwd: folder });
  assert.deepEqual([bad.code, bad.err], [3, ""]);
  const [first, second] = JSON.parse(bad.out).files;
  assert.match(first.diagnostics[0].code, /^K\d{4}$/);
  assert.deepEqual([first.properties, second.properties.length], [null, 1]);
});

test("properties are run on both back ends", async (t) => {
  const script = `property "sums" for all (n: int in 1..4, x: real[n], k: key) { 
  let z = normal[n](k)
  sum(x) + sum(z) ~= sum(x + z)
 }
property "shapes" for all (m: int in 1..3, n: int in 1..3, a: real[m, n], q: real[n, n] in orthogonal()) {
  norm(a @ q) ~= norm(a)
}
`;
  const folder = temporaryFolder(t, { "b.opt": script });
  for (const backend of ["cpu", "reference"]) {
    const { code, out } = await karush(["test", "b.opt", "--backend", backend, "--seed", "1"], { cwd: folder });
    assert.equal(code, 0, out);
  }
});
