/** The examples that use karush from TypeScript and from a page do what their comments say. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { browserBundle } from "../runtime/bundle/outputs.ts";
import { Browser } from "../runtime/testing-adapter/browser.ts";
import { withTimeLimit } from "../runtime/testing-adapter/testing.ts";

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

test("embed.ts fits, differentiates through the fit, and shows a mistake", () => {
  // The package's name stands for its sources here, for its bundle elsewhere.
  const options = ["--conditions=karush-sources", "--import", "tsx"];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...options, here("embed.ts")], { encoding: "utf8" });
  assert.deepEqual([status, stderr], [0, ""]);
  const errors = [...stdout.matchAll(/validation error (\S+)/g)].map((match) => Number(match[1]));
  assert.equal(errors.length, 3);
  assert.ok(errors[1]! < 0.5 * errors[0]! && errors[2]! <= errors[1]!, stdout);
  assert.match(stdout, /^coefficients:( -?\d\.\d{3}){6}$/m);
  assert.match(stdout, /^K0210: .*\[2\] and \[3\]/m);
});

test("the page runs its script on both back ends, and shows mistakes", async (t) => {
  const browser = await withTimeLimit("starting the browser", Browser.open());
  t.after(() => browser.close());
  const { files } = await browserBundle();
  const served = {
    "/examples/browser/": readFileSync(here("browser/index.html"), "utf8"),
    "/examples/browser/main.js": readFileSync(here("browser/main.js"), "utf8"),
    "/dist/browser/karush.mjs": files[0]!.text,
  };
  /** Chooses a back end, presses the button and waits for the end. */
  const press = async (backend: string, script?: string) => {
    const steps = `(async () => {
      await import("/examples/browser/main.js");
      const [script, backend, run, output] = ["script", "backend", "run", "output"].map((id) => document.getElementById(id));
      backend.value = ${JSON.stringify(backend)};
      ${script === undefined ? "" : `script.value = ${JSON.stringify(script)};`}
      run.click();
      while (run.disabled) await new Promise((resolve) => setTimeout(resolve, 10));
      return output.textContent;
    })()`;
    return (await withTimeLimit("the page", browser.evaluateInPage("/examples/browser/", served, steps))) as string;
  };
  const cpu = await press("cpu");
  assert.match(cpu, /^fitted\(-6\.0\) = \[-?\d.*\]\n.* = -?\d.*\nholds: /);
  const numbers = (text: string) => [...text.matchAll(/-?\d+\.\d{3,}/g)].map(([number]) => Number(number));
  const gpu = await press("webgpu");
  assert.equal(numbers(cpu).length, 4);
  numbers(gpu).forEach((x, i) => {
    assert.ok(Math.abs(x - numbers(cpu)[i]!) < 1e-2, `${cpu}\n${gpu}`);
  });
  assert.match(await press("cpu", "show foo"), /K0\d{3} at page\.opt:1:6[\s\S]*show foo/);
  assert.match(await press("cpu", "assert 1 > 2"), /1 > 2/);
});
