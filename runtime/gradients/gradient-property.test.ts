/** Random programs show what is wrong with derivatives and back ends, and nothing is wrong with ours. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { compile, createRuntime, type Module } from "../index.ts";
import { ProgramChecker, propertyOf } from "./gradient-property.ts";
import { programs } from "./programs/arbitrary.ts";
import { RandomProgram } from "./programs/program.ts";
import { constant } from "./programs/tree.ts";
import { array, scalar } from "./programs/types.ts";

const seed = 4;

/** What a failed check reports. */
async function failureOf(property: fc.IAsyncProperty<[RandomProgram]>, numRuns: number) {
  const found = await fc.check(property, { seed, numRuns });
  assert.ok(found.failed, `nothing was found in ${numRuns} runs, seed ${seed}`);
  const message = found.errorInstance instanceof Error ? found.errorInstance.message : String(found.errorInstance);
  return { program: found.counterexample![0], message };
}

const withWrongRule = (from: string, to: string) =>
  programs({ size: 14, solves: false }).map((p) =>
    p.with({
      declarations: p.declarations.map((d) => (d.rule.includes(from) ? { ...d, rule: d.rule.replace(from, to) } : d)),
    }),
  );

test("a wrong rule among random programs is found, and shrunk to little more than the rule", async () => {
  const checker = new ProgramChecker({ order: 1, backends: [] });
  const property = propertyOf(withWrongRule("sigmoid(x) * dx", "1.1 * sigmoid(x) * dx"), checker);
  const { program, message } = await failureOf(property, 100);
  assert.ok(program.size <= 12, message);
  assert.match(message, /^The gradient and differences disagree/);
  assert.match(message, /soft\(/);
  // The message is a script that shows it.
  const script = message.slice(message.indexOf("\n\n") + 2);
  const module = await loaded(script);
  const { shown } = await module.run();
  const [claimed, differences] = shown.map((s) => numbers(s.value));
  assert.ok(Math.abs(claimed![0]! - differences![1]!) > 1e-4, script);
});

const numbers = (value: unknown): number[] =>
  typeof value === "number" ? [value] : [...(value as { value: { array: { data: Float64Array } } }).value.array.data];

async function loaded(source: string): Promise<Module> {
  const { program, diagnostics } = compile(source, { file: "shown.opt" });
  assert.deepEqual(diagnostics, [], source);
  return (await createRuntime({ backend: "reference" })).load(program);
}

test("a back end that is wrong about one entry of a gradient is found", async () => {
  const open = async (backend: "reference" | "cpu" | "webgpu") => {
    const runtime = await createRuntime({ backend: "reference" });
    if (backend === "reference") return runtime;
    return {
      dispose: () => runtime.dispose(),
      load: async (...args: Parameters<typeof runtime.load>) => {
        const module = await runtime.load(...args);
        const run = module.run.bind(module);
        module.run = async () => {
          const result = await run();
          for (const s of result.shown) if (s.expression === "grad(s)(x0)") numbersIn(s.value)[0]! += 1e-3;
          return result;
        };
        return module;
      },
    };
  };
  const checker = new ProgramChecker({ order: 1, open });
  const program = simple("dot(x, x)");
  const outcome = await checker.examine(program);
  assert.equal(outcome.kind === "disagrees" && outcome.disagreement.claim, "`cpu`");
  assert.deepEqual(outcome.kind === "disagrees" && outcome.disagreement.shown, ["gradient"]);
});

const numbersIn = (value: unknown) => (value as { value: { array: { data: Float64Array } } }).value.array.data;

function simple(text: string, form = "simple", kind: RandomProgram["point"]["kind"] = "normal"): RandomProgram {
  return new RandomProgram({
    sizes: { n: 3, m: 2 },
    input: array("n"),
    output: scalar,
    declarations: [],
    body: constant(scalar, text, form),
    point: { seed: 5, kind, digits: 3 },
  });
}

test("kinks are excluded, programs that do not compile are not", async () => {
  const checker = new ProgramChecker({ backends: [] });
  assert.equal((await checker.examine(simple("sum(abs(x))", "kinked", "zeros"))).kind, "kink");
  // Smooth, but the convention for relu at 0 says otherwise about the second derivative.
  assert.equal((await checker.examine(simple("relu(var(x))", "kinked", "ties"))).kind, "kink");
  assert.equal((await checker.examine(simple("x[0] / (x[1] - x[1])"))).kind, "stops");
  assert.equal((await checker.examine(simple("sum(y)"))).kind, "refused");
  assert.equal((await checker.examine(simple("sin(x[0]) * exp(x[1])"))).kind, "agrees");
});

test("random programs have one value and one derivative, however they are computed", async () => {
  const checker = new ProgramChecker();
  await fc.assert(propertyOf(programs({ size: 14 }), checker), { seed, numRuns: 10 });
  await checker.dispose();
});
