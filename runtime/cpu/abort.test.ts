/** Statements without loops that are aborted while they compute: they end at once, and all that was computed stays. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileOrThrow, createRuntime } from "../index.ts";
import { CpuRunner } from "./runner.ts";
import { withoutSharing } from "./testing-sharing.ts";

/** Takes some minutes, whatever it runs on. */
const longProduct = `let small = [1.0, 2.0, 3.0]
let wide = ones[6000, 6000]
let product = wide @ wide @ wide @ wide @ wide @ wide @ wide @ wide
show sum(small)
fn twice(x: real) = 2 * x
fn total() = sum(small)
fn row_sums(n: int) = sum(ones[600, 600] @ ones[600, 600])
show sum(product)
`;

const longFactorisation = `fn twice(x: real) = 2 * x
let a = eye[3000] + ones[3000, 3000]
let (values, vectors) = eigh(a)
show sum(values)
`;

async function loaded(text: string, threads: number) {
  const runtime = await createRuntime({ backend: "cpu", threads });
  return { runtime, module: await runtime.load(compileOrThrow(text, { file: "t.opt" })) };
}

/** Aborts once the caller's thread has had some turns, and gives whether it was heard before the run was over. */
async function abortedWhileComputing(run: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const controller = new AbortController();
  const mine = new Error("enough");
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
    if (turns === 20) controller.abort(mine);
  }, 10);
  let hasShown = false;
  try {
    await assert.rejects(
      run(controller.signal).then(() => {
        hasShown = true;
      }),
      (error) => error === mine,
    );
  } finally {
    clearInterval(timer);
  }
  assert.equal(hasShown, false);
  assert.ok(turns >= 20);
}

for (const threads of [1, 3])
  test(`a matrix product is aborted, and the runtime goes on with what it has (threads: ${threads})`, async () => {
    const { runtime, module } = await loaded(longProduct, threads);
    for (let i = 0; i < 2; i++) {
      await abortedWhileComputing((signal) => module.run({ signal }));
      // The values of other statements are kept, and new work, on all threads, is done as ever.
      assert.equal(await module.call("total"), 6);
      assert.equal(await module.call("row_sums", { n: 1 }), 600 ** 3);
    }
    runtime.dispose();
  });

test("a factorisation is aborted, and the runtime goes on", async () => {
  const { runtime, module } = await loaded(longFactorisation, 1);
  await abortedWhileComputing((signal) => module.run({ signal }));
  assert.equal(await module.call("twice", { x: 21 }), 42);
  runtime.dispose();
});

for (const [name, text] of Object.entries({ product: longProduct, factorisation: longFactorisation }))
  test(`without shared memory a ${name} is aborted, and the runtime goes on with what it has`, () =>
    withoutSharing(async () => {
      const { runtime, module } = await loaded(`${text}fn three(x: real) = x + 3\n`, 1);
      for (let i = 0; i < 2; i++) {
        await abortedWhileComputing((signal) => module.run({ signal }));
        if (name === "product") assert.equal(await module.call("total"), 6);
        assert.equal(await module.call("three", { x: 39 }), 42);
        await abortedWhileComputing((signal) => module.call(name === "product" ? "product" : "values", {}, { signal }));
      }
      runtime.dispose();
    }));

test("a run that waits for its turn behind another one is aborted, and the other is not", async () => {
  const text = `fn heavy(x: real) = sum(x * ones[1500, 1500] @ ones[1500, 1500])
let slow = sum(ones[1500, 1500] @ ones[1500, 1500])
show slow
`;
  const { runtime, module } = await loaded(text, 1);
  const controller = new AbortController();
  const first = module.call("heavy", { x: 1 });
  const second = module.run({ signal: controller.signal });
  controller.abort();
  await assert.rejects(second, { name: "AbortError" });
  assert.equal(await first, 1500 ** 3);
  assert.equal((await module.run()).shown[0]?.value, 1500 ** 3);
  runtime.dispose();
});

test("the memory of what was aborted is free again", async () => {
  const runner = new CpuRunner({ precision: "f64", background: true, threads: 2 });
  const { bind, compile } = await import("../../compiler/index.ts");
  const { program } = compile(longProduct, { file: "t.opt" });
  assert.ok(program);
  const used: number[] = [];
  for (let i = 0; i < 3; i++) {
    const bound = bind(program, { data: {}, params: {}, seed: 0, precision: "f64", runner });
    await abortedWhileComputing((signal) =>
      bound.runLater({ signal, onEvent: () => {}, onTick: () => signal.throwIfAborted() }),
    );
    used.push(runner.allocator.used);
  }
  // What statements before it have made is kept for as long as the garbage collector likes; the product's operands and
  // panels are hundreds of megabytes more.
  const kept = 6000 ** 2 * 8 * 1.1;
  assert.ok(used[2]! <= 3 * kept, `${used}`);
  runner.dispose();
});
