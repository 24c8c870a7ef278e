/** Which operands kernels read where they are. */
import assert from "node:assert/strict";
import test from "node:test";
import { type DType, ndArray, sizeOf } from "../../core/array.ts";
import type { Graph } from "../../core/graph.ts";
import { bind, compile } from "../../index.ts";
import { buildPlan } from "../../kernel/build.ts";
import { flattenPlan } from "./flatten-plan.ts";
import { fastDevicePolicy } from "./policy.ts";

const length = 2 ** 18;

const zeros = (dtype: DType, shape: readonly number[]) => ndArray(dtype, shape, new Float64Array(sizeOf(shape)));

/** Programs of a script's statements, of long `x` and `y` and a short `z`. */
function programsOf(script: string, policy = fastDevicePolicy) {
  const text = `data x: real[n]\ndata y: real[n]\ndata z: real[m]\n${script}\n`;
  const { program, diagnostics } = compile(text, { file: "test.opt" });
  assert.ok(program, diagnostics.map((d) => d.message).join("\n"));
  const graphs: Graph[] = [];
  const run = (graph: Graph) => {
    graphs.push(graph);
    return graph.outputs.map(({ type: { dtype, shape } }) => zeros(dtype, shape.map(Number)));
  };
  const [x, z] = [zeros("real", [length]), zeros("real", [length - 1])];
  bind(program, { data: { x, y: x, z }, precision: "f32", runner: { run } }).run({ onEvent: () => undefined });
  return graphs.map((g) => flattenPlan(buildPlan(g, { precision: "f32", style: "invocations" }), policy));
}

/** For each operand of the only statement, whether it is read where it is. */
const isDirect = (script: string) => programsOf(script)[0]!.inputs.map((place) => place === undefined);

test("long operands of kernels", () => {
  assert.deepEqual(isDirect("let s = sum(x * y)"), [true, true]);
  assert.deepEqual(isDirect("let s = sum(z)"), [false]);
  assert.deepEqual(isDirect("let s = sum(x) + sum(z)"), [true, false]);
});

test("what only a small kernel reads is dispatched for it, but not step by step", () => {
  assert.deepEqual(isDirect("let s = x[3] + sum(y)"), [true, true]);
  assert.deepEqual(isDirect("let s = loop a = 0.0 for t in 0..9 { a + x[t] }"), [false]);
  assert.deepEqual(isDirect("let s = loop a = 0.0 for t in 0..9 { a + sum(x * a) }"), [true]);
});

test("what is copied anyway", () => {
  // The operands are y and x: in the order in which they are met.
  assert.deepEqual(isDirect("let s = loop a = x for t in 0..9 { a * y + 1 }"), [true, false]);
});

test("a program without its operands has their memory less, and its kernels say where they read", () => {
  const [direct] = programsOf("let s = x * y");
  const [copied] = programsOf("let s = x * y", { ...fastDevicePolicy, leastDirectWords: Number.POSITIVE_INFINITY });
  assert.equal(copied!.dataWords - direct!.dataWords, 2 * length);
  const kernels = direct!.blocks.flatMap((b) => [...b.commands, ...b.tail]).filter((c) => c.kind === "kernel");
  assert.deepEqual(
    kernels.map((c) => c.operands),
    [[0, 1]],
  );
  assert.match(kernels[0]!.kernel.text, /@binding\(1\) var<storage, read_write> memory0: array<u32>;/);
  assert.match(kernels[0]!.kernel.text, /@binding\(2\) var<storage, read> memory1: array<u32>;/);
  assert.match(kernels[0]!.kernel.text, /@binding\(3\) var<storage, read> memory2: array<u32>;/);
});

test("no kernel has more bindings than devices have", () => {
  const sum = Array.from({ length: 10 }, (_, i) => `(x * ${i + 2})[${i}:${length - 10 + i}]`).join(" + ");
  assert.deepEqual(isDirect(`let s = ${sum}`), [true]);
  const script = Array.from({ length: 12 }, (_, i) => `let x${i} = x + ${i}\n`).join("");
  const last = programsOf(`${script}let s = ${Array.from({ length: 12 }, (_, i) => `x${i}`).join(" * ")}`).at(-1)!;
  assert.equal(last.inputs.filter((place) => place === undefined).length, 7);
});
