/** Runs on a device as their caller sees them: what is reported, how they are stopped, how many steps loops take. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { bind, coreGraphs } from "../../compiler/bind.ts";
import { compile } from "../../compiler/compile.ts";
import type { NdArray } from "../../compiler/core/array.ts";
import { evaluationContext } from "../../compiler/core/evaluate.ts";
import type { Graph } from "../../compiler/core/graph.ts";
import { interpreted, outcomeOf } from "../../compiler/kernel/testing-plans.ts";
import { createRuntime } from "../index.ts";
import { softwareDevice, withTimeLimit } from "../testing-adapter/testing.ts";
import { WebGpuRunner } from "./executor.ts";
import { Memory } from "./memory.ts";

const device = await softwareDevice();
const runner = WebGpuRunner.create(device);
after(() => runner.close());

function programOf(text: string) {
  const { program, diagnostics } = compile(text, { file: "t.opt" });
  assert.ok(program, diagnostics.map((d) => d.message).join("\n"));
  return program;
}

/** The graph of a script of one statement that needs nothing from others. */
function graphOf(text: string): Graph {
  const graphs = coreGraphs(bind(programOf(text), { data: {}, precision: "f32" }));
  assert.equal(graphs.length, 1);
  assert.equal(graphs[0]!.inputs.length, 0);
  return graphs[0]!;
}

const solver = `solver plain(rate: real = 0.5) solves root(F) {
  start(x) = (x: x, residual: F(x))
  next(s, t) = (x: s.x - rate * s.residual, residual: F(s.x - rate * s.residual))
  error(s) = norm(s.residual)
}
`;

test("what goes wrong outside of any wait is told at the next one, and only there", async () => {
  const memory = await Memory.allocate(device, [4]);
  memory.write(0, 3, Uint32Array.of(1, 2, 3)); // beyond its end
  const read = () => memory.read([{ arena: 0, offset: 0, length: 1 }], "reading");
  await assert.rejects(
    withTimeLimit("reading", read()),
    /^Error: internal error: reading: Write range .* does not fit/,
  );
  assert.deepEqual([...(await withTimeLimit("reading", read()))[0]!], [0]);
  memory.free();
});

/** Solves that a run on the device tells of, and those of the same plan interpreted. */
async function solvesOf(text: string) {
  const graph = graphOf(text);
  const found: { status: number; iterations: number; error: number }[] = [];
  const context = evaluationContext({
    precision: "f32",
    solved: ({ status, iterations, error }) => found.push({ status, iterations, error }),
  });
  const results = await withTimeLimit("the graph", runner.run(graph, [], context));
  const expected = outcomeOf(interpreted("invocations"), graph, [], "f32");
  return { found, expected: expected.solves, integers: integersOf(results), wanted: integersOf(expected.results) };
}

const integersOf = (arrays: readonly NdArray[]) =>
  arrays.filter(({ dtype }) => dtype === "int").map(({ data }) => [...data]);

const countsOf = (solves: readonly { readonly status: number; readonly iterations: number }[]) =>
  solves.map(({ status, iterations }) => [status, iterations]);

test("reports come out in their order, more of them than the device keeps", async () => {
  const { found, expected } = await solvesOf(
    `${solver}fn nearest(c: real) = root(x => x - c, from = 0.0, by = plain(rate = 0.9, tol = 0.1)).x
show loop s = 0.0 for t in 0..12 { s + sum([nearest(1.0 * i + t) for i in 0..200]) }
`,
  );
  assert.equal(expected.length, 2400);
  assert.deepEqual(countsOf(found), countsOf(expected));
});

// The errors are far from the tolerance before and after the step that meets it.
const counted: Readonly<Record<string, string>> = {
  "a loop that ends by its condition":
    "show loop s = (x: 1000.0, n: 0) for t in 0..500 while s.x > 1.5 { (x: 0.9 * s.x, n: s.n + 1) }\n",
  "a solve": `${solver}show root(x => x - [1.0, 2.0, 3.0], from = zeros[3], by = plain(tol = 1e-3)).iterations\n`,
  "a solve inside a solve": `${solver}
fn inner(y: real) = root(z => z - y / 2, from = 0.0, by = plain(rate = 0.7, tol = 1e-3)).x
show root(y => y - 1 - inner(y), from = 0.0, by = plain(rate = 0.5, tol = 1e-2)).iterations
`,
  "a solve that runs out of iterations": `${solver}show root(x => x - 5, from = 0.0, by = plain(iters = 7, tol = 1e-6)).iterations\n`,
  "solves side by side": `${solver}show [root(x => x - i, from = 0.0, by = plain(tol = 1e-2)).iterations for i in 0..9]\n`,
};

for (const [name, text] of Object.entries(counted))
  test(`the steps of ${name} are those of the plan`, async () => {
    const { found, expected, integers, wanted } = await solvesOf(text);
    assert.deepEqual(countsOf(found), countsOf(expected));
    assert.ok(wanted.length > 0);
    assert.deepEqual(integers, wanted);
  });

test("a signal stops a run at a tick, and the device works on", async () => {
  using runtime = await createRuntime({ device: device.gpu });
  const endless = await runtime.load(
    programOf("show 1 + 1.0\nshow loop x = [1.0, 2.0] for t in 0..100000000 { x - 0.001 * (x * x - 2) }\n"),
  );
  const controller = new AbortController();
  const events: string[] = [];
  const stopped = endless.run({
    signal: controller.signal,
    onEvent: ({ kind }) => {
      events.push(kind);
      setTimeout(() => controller.abort(new Error("enough")), 20);
    },
  });
  await assert.rejects(withTimeLimit("stopping", stopped), { message: "enough" });
  assert.deepEqual(events, ["show"]);
  const other = await runtime.load(programOf("show 20 + 1.0\n"));
  const { shown } = await withTimeLimit("another run", other.run());
  assert.deepEqual(
    shown.map(({ value }) => value),
    [21],
  );
});
