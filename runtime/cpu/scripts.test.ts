/**
 * The conformance programs and the examples, compiled and not: every graph gives the evaluator's results, and whole
 * scripts, whose arrays stay in the runner's memory from one graph to the next, show the same.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { bind, compile } from "../../compiler/index.ts";
import { assertSameNumbers, ComparingRunner } from "../../compiler/kernel/testing-plans.ts";
import { programTolerance, scriptTolerance } from "../../compiler/kernel/testing-tolerance.ts";
import type { GraphRunner, Value } from "../../compiler/program.ts";
import { readData } from "../data/readers.ts";
import { CpuRunner } from "./runner.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const scripts = ["spec/conformance", "examples"].flatMap((folder) =>
  readdirSync(path.join(root, folder))
    .filter((f) => f.endsWith(".opt"))
    .map((f) => path.join(root, folder, f)),
);

/** Solves that go on until f32 has no more digits: where they stop is a matter of rounding. */
const exhausting = new Set(["condition-root.opt", "fit-diabetes.opt", "own-solver.opt", "rosenbrock.opt"]);

/** The long loop of mlp.opt does the same at every step. */
const fewer = (text: string) => text.replace("iters = 600", "iters = 6").replace("accuracy > 0.9", "accuracy >= 0");

/** What a script shows, value by value. */
function shown(file: string, runner: GraphRunner, precision: "f64" | "f32"): Value[] {
  const { program, diagnostics } = compile(fewer(readFileSync(file, "utf8")), { file });
  assert.ok(program, JSON.stringify(diagnostics));
  const access = { folder: path.dirname(file), read: [] };
  const data = Object.fromEntries(program.data.map((d) => [d.name, readData(d, undefined, access)]));
  const values: Value[] = [];
  const flat = (v: Value): Value[] => (v.kind === "tuple" ? v.items.flatMap(flat) : [v]);
  bind(program, { data, runner, precision }).run({
    onEvent: (e) => {
      if (e.kind === "show") for (const i of e.items) if (i.kind === "value") values.push(...flat(i.value));
    },
  });
  return values;
}

for (const file of scripts)
  for (const precision of ["f64", "f32"] as const) {
    if (precision === "f32" && exhausting.has(path.basename(file))) continue;
    test(`${path.basename(file)} in ${precision}`, () => {
      const apart = new CpuRunner({ precision });
      const comparing = new ComparingRunner(
        precision,
        [{ name: "compiled", run: (graph, inputs, context) => apart.run(graph, inputs, context, { keep: false }) }],
        programTolerance[precision],
      );
      const expected = shown(file, comparing, precision);
      assert.ok(comparing.count > 0);
      if (precision === "f32") return;
      const found = shown(file, new CpuRunner({ precision }), precision);
      assert.equal(found.length, expected.length);
      found.forEach((v, i) => {
        const w = expected[i]!;
        assert.ok(v.kind === "array" && w.kind === "array");
        // How many steps a solve took is a matter of rounding too.
        if (v.array.dtype === "int" && path.dirname(file).endsWith("examples")) return;
        assertSameNumbers(`value ${i}`, v.array, w.array, scriptTolerance);
      });
    });
  }
