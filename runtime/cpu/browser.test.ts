/** Threads in a browser's page, isolated from other origins, which then has shared memory, and not. */
import assert from "node:assert/strict";
import test, { after } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Browser } from "../testing-adapter/browser.ts";
import { withTimeLimit } from "../testing-adapter/testing.ts";

const bundled = await build({
  entryPoints: [fileURLToPath(new URL("../index.ts", import.meta.url))],
  bundle: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  write: false,
  logLevel: "silent",
});
const script = bundled.outputFiles[0]!.text;

const browser = await withTimeLimit("starting the browser", Browser.open());
after(() => browser.close());

const text = `import { gradient_descent } from "std/first-order"
fn bowl(x: real[50]) = sum(x ^ 2) + sum(x)
fn twice(x: real) = 2 * x
let e = loop s = ones[400000] for i in 0..30 { sin(s) + 0.1 }
show mean(e)
let r = minimize(bowl, from = ones[50], by = gradient_descent(step = 1e-12, tol = 1e-30, iters = 20000000))
show r.value
`;

/** Runs in the page: aborts the long solve at its first progress, or by a timer if there is none. */
const expression = `import("/script.js").then(async ({ compileOrThrow, createRuntime }) => {
  const runtime = await createRuntime({ threads: 3 });
  const module = await runtime.load(compileOrThrow(${JSON.stringify(text)}, { file: "t.opt" }));
  const outcomes = [];
  const shown = [];
  let turns = 0;
  const timer = setInterval(() => turns++);
  for (let i = 0; i < 2; i++) {
    const controller = new AbortController();
    const onEvent = (e) => e.kind === "show" && shown.push(e.items[0].value.array.data[0]);
    const onProgress = () => controller.abort();
    outcomes.push(await module.run({ signal: controller.signal, onProgress, onEvent }).then(() => "done", (e) => e.name));
  }
  clearInterval(timer);
  const twice = await module.call("twice", { x: 21 });
  runtime.dispose();
  return { isolated: globalThis.crossOriginIsolated, outcomes, shown, turns: turns > 0, twice };
})`;

let mean = 1;
for (let i = 0; i < 30; i++) mean = Math.sin(mean) + 0.1;

for (const isolated of [true, false])
  test(`a page ${isolated ? "with" : "without"} shared memory goes on while a solver runs, and stops it`, async () => {
    const page = isolated ? "/isolated/page.html" : "/page.html";
    const files = { [page]: "<!doctype html><title>Karush</title>", "/script.js": script };
    const found = (await withTimeLimit("the page", browser.evaluateInPage(page, files, expression))) as {
      readonly shown: number[];
    };
    const { shown, ...others } = found;
    assert.deepEqual(others, { isolated, outcomes: ["AbortError", "AbortError"], turns: true, twice: 42 });
    assert.equal(shown.length, 2);
    for (const value of shown) assert.ok(Math.abs(value - mean) < 1e-9, `${value} where ${mean} is right`);
  });

/** A statement that is one kernel after the other, each without a tick: it is stopped by ending its thread. */
const heavy = `let wide = ones[2000, 2000]
show sum(wide)
let product = wide @ wide @ wide @ wide @ wide @ wide @ wide @ wide @ wide @ wide @ wide @ wide
show sum(product)
`;

test("in a page the memory of a run that was cut off is given back", async () => {
  // An array is 30.5 MiB; the statement has the operand, the result and two in between.
  const expression = `import("/script.js").then(async ({ compileOrThrow, createRuntime }) => {
    const runtime = await createRuntime({ threads: 3, maxMemory: 150 * 2 ** 20 });
    const module = await runtime.load(compileOrThrow(${JSON.stringify(heavy)}, { file: "t.opt" }));
    const outcome = async () => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 150);
      return module.run({ signal: controller.signal, onEvent: () => {} }).then(() => "done", (e) => e.message.match(/K\\d+/)?.[0] ?? e.name);
    };
    const outcomes = [];
    const begin = performance.now();
    while (outcomes.filter((o) => o === "AbortError").length < 3 && performance.now() - begin < 40_000) {
      outcomes.push(await outcome());
      // A thread that computes may go on for some time, in memory that nobody else may have then.
      if (outcomes.at(-1) !== "AbortError") await new Promise((resolve) => setTimeout(resolve, 200));
    }
    runtime.dispose();
    return { isolated: globalThis.crossOriginIsolated, outcomes };
  })`;
  const files = { "/isolated/page.html": "<!doctype html><title>Karush</title>", "/script.js": script };
  const found = await withTimeLimit("the page", browser.evaluateInPage("/isolated/page.html", files, expression));
  const { isolated, outcomes } = found as { readonly isolated: boolean; readonly outcomes: readonly string[] };
  assert.equal(isolated, true);
  assert.equal(outcomes.filter((o) => o === "AbortError").length, 3, `${outcomes}`);
  assert.ok(
    outcomes.every((o) => o === "AbortError" || o === "K1090"),
    `${outcomes}`,
  );
});
