/** Limits on memory and time, as a user sets them. */
import assert from "node:assert/strict";
import test from "node:test";
import { temporaryFolder } from "../data/testing.ts";
import { defaultMaxMemory, parseSeconds, parseSize } from "./limits.ts";
import { karush } from "./testing.ts";

test("sizes and times are read as they are written, and nothing else is", () => {
  const sizes = { "1": 1, "512MiB": 2 ** 29, "2G": 2 ** 31, "1.5gb": 1.5 * 2 ** 30, "3 kib": 3072, "1tb": 2 ** 40 };
  for (const [text, bytes] of Object.entries(sizes)) assert.equal(parseSize(text), bytes, text);
  for (const text of ["", "0", "-1", "1XB", "inf", "1e9", "MiB", "0x10", "NaN"])
    assert.throws(() => parseSize(text), /It is a size such as/, text);
  assert.deepEqual(["5", "0.5", "2s"].map(parseSeconds), [5, 0.5, 2]);
  for (const text of ["", "0", "-1", "1e9", "Infinity", "3000000", "5m"])
    assert.throws(() => parseSeconds(text), /It is a number of seconds/, text);
  assert.ok(defaultMaxMemory() > 0 && defaultMaxMemory() <= 2 ** 32);
});

const endless = "show 1\nshow loop a = 0.0 for i in 0..2000000000 { cos(a) }\n";

test("a run that takes too long ends with 4, and keeps what was shown", { timeout: 60_000 }, async (t) => {
  const cwd = temporaryFolder(t, { "t.opt": endless });
  // The more slowly it starts, the less is shown in the time.
  const { code, out, err } = await karush(["run", "t.opt", "--backend", "cpu", "--timeout", "6", "--json"], { cwd });
  assert.equal(code, 4, err);
  const document = JSON.parse(out);
  assert.deepEqual(
    document.diagnostics.map((d: { code: string; message: string }) => `${d.code} ${d.message}`),
    ["K1091 This did not end within 6 seconds, the --timeout, and was stopped."],
  );
});

test("a test that takes too long ends with 4", { timeout: 60_000 }, async (t) => {
  const script = `property "slow" for all (x: real in normal()) { (loop a = 0.0 for i in 0..2000000000 { cos(a) }) > x - 100 }\n`;
  const cwd = temporaryFolder(t, {
    "p.opt": script,
    "ok.opt": 'property "ok" for all (x: real in normal()) { x * x >= 0 }\n',
  });
  const slow = await karush(["test", "p.opt", "--timeout", "3"], { cwd });
  assert.equal(slow.code, 4, slow.err);
  assert.match(slow.err, /error K1091\nThis did not end within 3 seconds/);
  const quick = await karush(["test", "ok.opt", "--timeout", "50"], { cwd });
  assert.equal(quick.code, 0, quick.err);
  assert.match(quick.out, /ok +ok\.opt: ok/);
});

test("more memory than was allowed is refused before it is taken", { timeout: 60_000 }, async (t) => {
  const cwd = temporaryFolder(t, { "m.opt": "let x = zeros[1000000]\nlet y = x + 1\nshow sum(sort(x + y))\n" });
  // To look for NaNs something else evaluates the same.
  for (const more of [[], ["--check-finite"]]) {
    const run = (size: string) => karush(["run", "m.opt", "--backend", "cpu", "--max-memory", size, ...more], { cwd });
    assert.equal((await run("64MiB")).code, 0);
    const { code, err } = await run("12MB");
    assert.equal(code, 4);
    assert.match(err, /error K1090 at m\.opt:[23]:1\n.* needs .* MiB of memory at once[\s\S]*12 MiB/);
  }
});
