/** For tests: a small part of a reproduction on a device, with the thresholds of single precision and the CPU's numbers. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { bind } from "../../compiler/bind.ts";
import type { NdArray } from "../../compiler/core/array.ts";
import { compile } from "../../compiler/index.ts";
import type { GraphRunner, Value } from "../../compiler/program.ts";
import { CpuRunner } from "../../runtime/cpu/runner.ts";
import { softwareDevice, withTimeLimit } from "../../runtime/testing-adapter/testing.ts";
import { WebGpuRunner } from "../../runtime/webgpu/executor.ts";

function leaves(value: Value): NdArray[] {
  return value.kind === "array" ? [value.array] : value.items.flatMap(leaves);
}

/** What `small.opt` shows, number by number; every assert holds. */
async function shownBy(folder: string, by: GraphRunner): Promise<{ shown: number[]; asserts: number }> {
  const read = (name: string) => readFileSync(join(folder, name), "utf8");
  const others = readdirSync(folder).filter((name) => name.endsWith(".opt") && name !== "small.opt");
  const modules = Object.fromEntries(others.map((name) => [`./${name}`, read(name)]));
  const { program, diagnostics } = compile(read("small.opt"), { file: "small.opt", modules });
  assert.ok(program, diagnostics.map((d) => `${d.code} ${d.message}`).join("\n"));
  const shown: number[] = [];
  let asserts = 0;
  await bind(program, { data: {}, precision: "f32", runner: by }).runLater({
    onEvent: (event) => {
      // A number of iterations that the paper's authors fixed.
      if (event.kind === "warning") assert.equal(event.diagnostic.code, "K0413");
      if (event.kind === "show")
        for (const item of event.items)
          if (item.kind === "value") for (const array of leaves(item.value)) shown.push(...array.data);
      if (event.kind !== "assert") return;
      assert.ok(event.passed, `${event.expression}, after ${shown}`);
      asserts += 1;
    },
  });
  return { shown, asserts };
}

/**
 * Declares the test of the `small.opt` beside the file at `url`: its asserts hold on the CPU and on the device, and what
 * it shows differs by at most `tolerance` times the number, or absolutely where that is less than 1.
 */
export async function testOnDevice(url: string, tolerance: number): Promise<void> {
  const folder = fileURLToPath(new URL(".", url));
  const device = WebGpuRunner.create(await softwareDevice());
  after(() => device.close());
  const runner: GraphRunner = { run: (graph, inputs, context) => device.run(graph, inputs, context) };
  test("webgpu:software: small.opt", async () => {
    const expected = await shownBy(folder, new CpuRunner({ precision: "f32" }));
    const found = await withTimeLimit("small.opt", shownBy(folder, runner), 5 * 60_000);
    assert.ok(found.asserts >= 2 && found.asserts === expected.asserts);
    assert.equal(found.shown.length, expected.shown.length);
    found.shown.forEach((value, i) => {
      const other = expected.shown[i]!;
      const near = Math.abs(value - other) <= tolerance * Math.max(1, Math.abs(other));
      assert.ok(near, `${value} and ${other} of ${found.shown}`);
    });
  });
}
