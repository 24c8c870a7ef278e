/** An example with a solve in the steps of a solve: on a device it goes as it does on the CPU. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { bind } from "../../compiler/bind.ts";
import { compile } from "../../compiler/compile.ts";
import type { NdArray } from "../../compiler/core/array.ts";
import type { SolveEvent } from "../../compiler/core/primitive.ts";
import { assertSameNumbers } from "../../compiler/kernel/testing-plans.ts";
import type { GraphRunner, Program } from "../../compiler/program.ts";
import { openCpu } from "../cpu/open-runner.ts";
import { readData } from "../data/readers.ts";
import { softwareDevice, withTimeLimit } from "../testing-adapter/testing.ts";
import { WebGpuRunner } from "./executor.ts";

const folder = fileURLToPath(new URL("../../examples/", import.meta.url));
const device = WebGpuRunner.create(await softwareDevice());
const cpu = openCpu({ precision: "f32" });
/** What the inner solves leave undone, at tolerance 1e-6, times what the validation loss makes of it. */
const tolerance = 1e-4;
/** A busy machine is no failure. */
const limitMilliseconds = 5 * 60_000;

after(() => Promise.all([device.close(), cpu.close()]));

/** What a program shows, and how its solves end. */
async function ran(program: Program, data: Readonly<Record<string, NdArray>>, runner: GraphRunner) {
  const shown: { readonly expression: string; readonly array: NdArray }[] = [];
  const solves: Pick<SolveEvent, "status" | "iterations">[] = [];
  const bound = bind(program, { data, precision: "f32", runner });
  await bound.runLater({
    onEvent: (event) => {
      if (event.kind === "solve") solves.push({ status: event.solve.status, iterations: event.solve.iterations });
      if (event.kind !== "show") return;
      for (const item of event.items)
        if (item.kind === "value" && item.value.kind === "array")
          shown.push({ expression: item.expression, array: item.value.array });
    },
  });
  return { shown, solves };
}

test("three steps of the ridge example, and the derivative of what they descend", async () => {
  // It does not converge in so few steps, which is an error unless the status is read, as it is.
  const text = readFileSync(path.join(folder, "ridge.opt"), "utf8").replace("iters = 400", "iters = 3");
  const { program } = compile(text, { file: "ridge.opt" });
  assert.ok(program);
  const data = Object.fromEntries(
    program.data.map((d) => [d.name, readData(d, undefined, { folder, read: [] })] as const),
  );
  const runner: GraphRunner = { run: (graph, inputs, context) => device.run(graph, inputs, context) };
  const expected = await ran(program, data, cpu.runner);
  const found = await withTimeLimit("ridge.opt", ran(program, data, runner), limitMilliseconds);
  assert.equal(expected.solves.length, 3);
  assert.deepEqual(found.solves, expected.solves);
  assert.deepEqual(
    found.shown.map((s) => s.expression),
    expected.shown.map((s) => s.expression),
  );
  found.shown.forEach(({ expression, array }, i) => {
    assertSameNumbers(expression, array, expected.shown[i]!.array, tolerance);
  });
});
