/** A program for `threads.test.ts`: uses threads in both ways, disposes of nothing, and has to end. */
import type { NdArray } from "../../compiler/core/array.ts";
import { evaluationContext } from "../../compiler/core/evaluate.ts";
import { exp } from "../../compiler/primitives/math.ts";
import { traceFunction } from "../../compiler/primitives/testing.ts";
import { compileOrThrow, createRuntime } from "../index.ts";
import { CpuRunner } from "./runner.ts";

const runner = new CpuRunner({ precision: "f64", threads: 3, worth: { sharing: 400, starting: 0 } });
const x: NdArray = { dtype: "real", shape: [9000], data: new Float64Array(9000) };
const graph = traceFunction((b, [a]) => [exp(b, a!)], [x]);
while (runner.helped === 0) {
  runner.run(graph, [x], evaluationContext({ precision: "f64" }), { keep: false });
  await new Promise((resolve) => setTimeout(resolve));
}

const runtime = await createRuntime({ threads: 2 });
const text = "let x = loop s = 0.0 for i in 0..2000000000 { sin(s) + 0.1 }\nshow x\n";
const module = await runtime.load(compileOrThrow(text, { file: "t.opt" }));
const controller = new AbortController();
setTimeout(() => controller.abort(), 50);
const ending = await module.run({ signal: controller.signal }).then(
  () => "done",
  () => "aborted",
);
console.log(`helped, then in the background: ${ending}`);
