/** A solve tells the value and the error of its steps, whether or not anybody reads its traces. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { bind, compile } from "../compiler/index.ts";
import type { GraphRunner, Progress } from "../compiler/program.ts";
import { CpuRunner } from "./cpu/runner.ts";
import { softwareDevice } from "./testing-adapter/testing.ts";
import { WebGpuRunner } from "./webgpu/executor.ts";

const device = await softwareDevice();
const webgpu = WebGpuRunner.create(device);
after(() => webgpu.close());

const declarations = `solver counting() minimizes f {
  start(x) = (x: x)
  next(s, t) = (x: s.x + 1.0)
  error(s) = s.x + 0.5
}
fn counted(first: real) = minimize(x => x, from = first, by = counting(tol = 1e-9, iters = 2000))
`;

const uses: Readonly<Record<string, string>> = {
  "neither trace is read": "let r = counted(0.0)\nshow r.iterations\n",
  "the value's trace is read": "let r = counted(0.0)\nshow r.trace.value[1500], r.iterations\n",
  "the error's trace is read": "let r = counted(0.0)\nshow r.trace.error[1500], r.iterations\n",
  "both traces are read": "let r = counted(0.0)\nshow r.trace.value[1500], r.trace.error[1500], r.iterations\n",
  "a function reads neither": "fn steps(x: real) = counted(x).iterations\nshow steps(0.0)\n",
};

/** What a run tells of its solve and shows in the end. */
async function toldBy(runner: GraphRunner, precision: "f64" | "f32", text: string) {
  const { program, diagnostics } = compile(declarations + text, { file: "t.opt" });
  assert.ok(program, diagnostics.map((d) => d.message).join("\n"));
  const told: Progress[] = [];
  const shown: number[] = [];
  await bind(program, { data: {}, precision, runner }).runLater({
    isLast: true,
    onTick: (progress) => {
      if (progress) told.push({ ...progress });
    },
    onEvent: (event) => {
      if (event.kind !== "show") return;
      for (const item of event.items)
        if (item.kind === "value" && item.value.kind === "array") shown.push(item.value.array.data[0]!);
    },
  });
  return { told, shown };
}

const backEnds = [
  ["cpu, f64", new CpuRunner({ precision: "f64" }), "f64"],
  ["cpu, f32", new CpuRunner({ precision: "f32" }), "f32"],
  ["webgpu", webgpu, "f32"],
] as const;

for (const [backEnd, runner, precision] of backEnds)
  for (const [use, text] of Object.entries(uses))
    test(`${backEnd}: ${use}`, async () => {
      const { told, shown } = await toldBy(runner, precision, text);
      assert.ok(told.length > 0);
      for (const { iteration, value, error } of told) {
        assert.equal(value, iteration);
        assert.equal(error, iteration + 0.5);
      }
      assert.equal(shown.at(-1), 2000);
      for (const entry of shown.slice(0, -1)) assert.ok(entry === 1500 || entry === 1500.5);
    });
