/** The conformance programs on a device: what they show and assert is what the evaluator shows in f32. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { bind } from "../../compiler/bind.ts";
import { compile } from "../../compiler/compile.ts";
import type { NdArray } from "../../compiler/core/array.ts";
import { assertSameNumbers } from "../../compiler/kernel/testing-plans.ts";
import { programTolerance } from "../../compiler/kernel/testing-tolerance.ts";
import type { GraphRunner, Program, Value } from "../../compiler/program.ts";
import { softwareDevice, withTimeLimit } from "../testing-adapter/testing.ts";
import { WebGpuRunner } from "./executor.ts";

const folder = fileURLToPath(new URL("../../spec/conformance/", import.meta.url));
const device = WebGpuRunner.create(await softwareDevice());
after(() => device.close());

interface Shown {
  readonly expression: string;
  readonly array: NdArray;
}

function leaves(value: Value): NdArray[] {
  return value.kind === "array" ? [value.array] : value.items.flatMap(leaves);
}

async function shownBy(program: Program, runner: GraphRunner | undefined): Promise<Shown[]> {
  const shown: Shown[] = [];
  const bound = bind(program, { data: {}, precision: "f32", ...(runner ? { runner } : {}) });
  await bound.runLater({
    onEvent: (event) => {
      if (event.kind === "assert") assert.ok(event.passed, event.expression);
      if (event.kind !== "show") return;
      for (const item of event.items)
        if (item.kind === "value")
          for (const array of leaves(item.value)) shown.push({ expression: item.expression, array });
    },
  });
  return shown;
}

/** A program that hangs is a failure; one that compiles many kernels on a busy machine is not. */
const limitMilliseconds = 5 * 60_000;

for (const name of readdirSync(folder).filter((n) => n.endsWith(".opt")))
  test(name, async () => {
    const { program } = compile(readFileSync(path.join(folder, name), "utf8"), { file: name });
    assert.ok(program);
    const expected = await shownBy(program, undefined);
    const runner: GraphRunner = { run: (graph, inputs, context) => device.run(graph, inputs, context) };
    const found = await withTimeLimit(name, shownBy(program, runner), limitMilliseconds);
    assert.equal(found.length, expected.length);
    found.forEach(({ expression, array }, i) => {
      assertSameNumbers(expression, array, expected[i]!.array, programTolerance.f32);
    });
  });
