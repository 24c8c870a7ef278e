/** How long is slept before something is waited for, by a clock of the test's own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Rests } from "./rest.ts";

/**
 * Rests, and what each wait slept before it for something that takes so long by itself, and so long to ask for when it
 * is done.
 */
function timed() {
  let at = 0;
  let slept = 0;
  const rests = new Rests({
    now: () => at,
    sleep: async (milliseconds) => {
      slept += milliseconds;
      at += milliseconds;
    },
  });
  const wait = async (name: string, takes: number, asking = 0): Promise<number> => {
    slept = 0;
    const end = at + takes;
    await rests.until(name, async () => {
      at = Math.max(at, end) + asking;
    });
    return slept;
  };
  const often = async (times: number, name: string, takes: number, asking?: number): Promise<number[]> => {
    const all: number[] = [];
    for (let i = 0; i < times; i++) all.push(await wait(name, takes, asking));
    return all;
  };
  return { wait, often, rests };
}

const sum = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0);

test("what takes as long as before is slept through for the most part, and not longer than it takes", async () => {
  const { wait, often } = timed();
  const slept = await often(100, "a", 100);
  assert.equal(slept[0], 0);
  assert.ok(Math.max(...slept) <= 85, `${slept}`);
  assert.ok(sum(slept) > 6500, `${slept}`);
  assert.equal(await wait("b", 50), 0, "others are others");
});

test("what takes less than before is soon slept through no longer", async () => {
  const { often } = timed();
  await often(20, "a", 1000);
  const slept = await often(40, "a", 30);
  assert.ok(Math.max(...slept.slice(20)) <= 30, `${slept}`);
});

test("little is slept where it takes long to ask, and not to be done", async () => {
  const { often } = timed();
  const slept = await often(200, "a", 1, 40);
  assert.ok(sum(slept.slice(40)) < 0.2 * 160 * 40, `${slept}`);
});

test("short waits are no rests, nor a clock that is wrong a long one", async () => {
  const { often } = timed();
  assert.equal(sum(await often(50, "a", 15)), 0);
  assert.ok(Math.max(...(await often(50, "b", 1e9))) <= 2000);
});

test("errors are the caller's", async () => {
  const { rests } = timed();
  await assert.rejects(
    rests.until("a", () => Promise.reject(new Error("lost"))),
    /lost/,
  );
});
