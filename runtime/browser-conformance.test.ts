/**
 * The conformance programs in a browser's page, with the bundle for browsers: what they assert holds there, and what
 * they show is what the evaluator shows, on WebGPU and in WebAssembly, in both precisions.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import test, { after } from "node:test";
import type { DType, NdArray } from "../compiler/core/array.ts";
import { assertSameNumbers } from "../compiler/kernel/testing-plans.ts";
import { programTolerance } from "../compiler/kernel/testing-tolerance.ts";
import type { Value } from "../compiler/program.ts";
import { browserBundle } from "./bundle/outputs.ts";
import { compileOrThrow, createRuntime } from "./index.ts";
import { Browser } from "./testing-adapter/browser.ts";
import { withTimeLimit } from "./testing-adapter/testing.ts";

const folder = new URL("../spec/conformance/", import.meta.url);
const programs = readdirSync(folder)
  .filter((name) => name.endsWith(".opt"))
  .map((name) => ({ name, text: readFileSync(new URL(name, folder), "utf8") }));

const { files, metafile } = await browserBundle();
const bundle = files[0]!.text;
const page = readFileSync(new URL("./browser-conformance-page.mjs", import.meta.url), "utf8");
const browser = await withTimeLimit("starting the browser", Browser.open());
after(() => browser.close());

/** A page that hangs is a failure; one that compiles many kernels on a busy machine is not. */
const limitMilliseconds = 5 * 60_000;

interface Shown {
  readonly expression: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: readonly (number | string)[];
}

const leaves = (value: Value): NdArray[] => (value.kind === "array" ? [value.array] : value.items.flatMap(leaves));

async function shownByEvaluator(text: string, name: string, precision: "f32" | "f64"): Promise<[string, NdArray][]> {
  const runtime = await createRuntime({ backend: "reference", precision });
  const module = await runtime.load(compileOrThrow(text, { file: name }));
  const shown: [string, NdArray][] = [];
  await module.run({
    onEvent: (event) => {
      if (event.kind !== "show") return;
      for (const item of event.items)
        if (item.kind === "value") for (const array of leaves(item.value)) shown.push([item.expression, array]);
    },
  });
  return shown;
}

const settings = [
  { backend: "cpu", precision: "f64" },
  { backend: "cpu", precision: "f32" },
  { backend: "webgpu", precision: "f32" },
] as const;
for (const setting of settings)
  test(`the conformance programs in a page: ${setting.backend}, ${setting.precision}`, async () => {
    const expression = `script.showAll(${JSON.stringify(programs)}, ${JSON.stringify(setting)})`;
    const evaluation = browser.evaluate(page, expression, { "/karush.js": bundle });
    const found = (await withTimeLimit("the page", evaluation, limitMilliseconds).catch((error: Error) => {
      throw new Error(`${error.message}; the last program was ${browser.console.at(-1)}`);
    })) as Shown[][];
    assert.equal(found.length, programs.length);
    for (const [i, { name, text }] of programs.entries()) {
      const expected = await shownByEvaluator(text, name, setting.precision);
      const ours = found[i]!;
      assert.deepEqual(
        ours.map((s) => s.expression),
        expected.map(([e]) => e),
        name,
      );
      for (const [j, [written, array]] of expected.entries()) {
        const { dtype, shape, data } = ours[j]!;
        const read: NdArray = { dtype, shape, data: Float64Array.from(data, Number) };
        assertSameNumbers(`${name}: ${written}`, read, array, programTolerance[setting.precision]);
      }
    }
  });

test("a page whose threads cannot share memory is enough", async () => {
  assert.equal(await browser.evaluate(page, "script.isIsolated", { "/karush.js": bundle }), false);
});

test("the bundle for browsers is one file that imports nothing", () => {
  assert.equal(files.length, 1);
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  assert.deepEqual(imports, []);
  const builtins = Object.keys(metafile.inputs).filter((name) => /^node:|^\(disabled\)/.test(name));
  assert.deepEqual(builtins, []);
});
