/** The option `--threads`. */
import assert from "node:assert/strict";
import test from "node:test";
import { temporaryFolder } from "../data/testing.ts";
import { karush } from "./testing.ts";

/** Enough work for other threads to be started, and to help. */
const waves = `let x = normal[100000](key(1))
let s = loop s = 0.0 for i in 0..40 { 0.5 * s + mean(exp(x) * sin(x + s)) }
show s, x[:5]
`;

/** The same, without an end. */
const endless = waves.replace("for i in 0..40", "while s < 1e9");

test("a script shows the same digits with any number of threads", async (t) => {
  const cwd = temporaryFolder(t, { "waves.opt": waves });
  const shown = async (...options: string[]) => {
    const { code, out, err } = await karush(["run", "waves.opt", "--json", ...options], { cwd });
    assert.deepEqual([code, err], [0, ""]);
    return (JSON.parse(out) as { shown: unknown }).shown;
  };
  const expected = await shown("--threads", "1");
  assert.deepEqual(await shown("--threads", "3"), expected);
});

test("Ctrl-C stops a loop whose kernels threads share", async (t) => {
  const cwd = temporaryFolder(t, { "endless.opt": `show 1\n${endless}` });
  let isAsked = false;
  const { code, out } = await karush(["run", "endless.opt", "--threads", "2"], {
    cwd,
    onOutput: (child, out) => {
      // A second one would not wait for the loop.
      if (!isAsked && out.includes("1")) isAsked = child.kill("SIGINT");
    },
  });
  assert.deepEqual([code, out], [130, "1  1\n"]);
});

test("there is one thread or more", async (t) => {
  const cwd = temporaryFolder(t, { "waves.opt": waves });
  const { code, err } = await karush(["run", "waves.opt", "--threads", "0"], { cwd });
  assert.equal(code, 2);
  assert.match(err, /'--threads <n>' argument '0' is invalid\. It is a whole number from 1\./);
});
