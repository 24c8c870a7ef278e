/** The same kernels in a browser's page. */
import assert from "node:assert/strict";
import test, { after } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { randomKernel } from "../../compiler/kernel/testing-kernels.ts";
import { tameKernel } from "../../compiler/target/wgsl/testing-tame.ts";
import { Browser } from "../testing-adapter/browser.ts";
import { withTimeLimit } from "../testing-adapter/testing.ts";
import { cases } from "./testing-cases.ts";
import { assertResults, interpreted } from "./testing-expectation.ts";
import { prepareRun } from "./testing-runner.ts";

const bundled = await build({
  entryPoints: [fileURLToPath(new URL("./testing-execute.ts", import.meta.url))],
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

interface PageResult {
  readonly device: string;
  readonly results: number[][][];
}

test("kernels in the browser", async () => {
  const random = Array.from({ length: 40 }, (_, n) => {
    const { kernel, storage } = randomKernel(1000 + n, 20);
    return { kernel: tameKernel(kernel), storage: () => storage("f32") };
  });
  const all = [...cases.map((make) => make()), ...random];
  const prepared = all.map(({ kernel, storage }) => prepareRun(kernel, storage()));
  const runs = JSON.stringify(prepared.map(({ run }) => run));
  const evaluation = browser.evaluate(script, `script.executeInPage(${runs}, (label) => console.log(label))`);
  const found = await withTimeLimit("the page", evaluation).catch((error: Error) => {
    throw new Error(`${error.message}; the last kernel was ${browser.console.at(-1)}`);
  });
  const { device, results } = found as PageResult;
  assert.match(device, /swiftshader/i);
  for (const [i, { kernel, storage }] of all.entries())
    assertResults(kernel, prepared[i]!.results(results[i]!), interpreted(kernel, storage()));
});

test("a page's errors come out of the browser", async () => {
  const evaluation = browser.evaluate(script, "script.nothing()");
  await assert.rejects(withTimeLimit("the page", evaluation), /^Error: in the browser: TypeError: /);
});
