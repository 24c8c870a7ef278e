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

/** Runtimes of which the one for the CPU changes what is shown of a gradient. */
function wrong(change: (gradient: Float64Array) => void) {
  return async (backend: "reference" | "cpu" | "webgpu") => {
    const runtime = await createRuntime({ backend: "reference" });
    if (backend === "reference") return runtime;
    return {
      dispose: () => runtime.dispose(),
      load: async (...args: Parameters<typeof runtime.load>) => {
        const module = await runtime.load(...args);
        const run = module.run.bind(module);
        module.run = async () => {
          const result = await run();
          for (const s of result.shown) if (s.expression === "grad(s)(x0)") change(numbersIn(s.value));
          return result;
        };
        return module;
      },
    };
  };
}

const wrongAt = (entry: number, by: number) =>
  wrong((gradient) => {
    gradient[entry]! += by;
  });

test("a back end that is wrong about one entry of a gradient is found", async () => {
  const checker = new ProgramChecker({ order: 1, open: wrongAt(0, 1e-3) });
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

test("another side of a tie is no mistake, but a wrong entry beside a kink is", async () => {
  // All entries are equal: the derivative goes half to each, and once they are moved by rounding all to one.
  const tie = "x[2] ^ 2 + max(0.0, x[0] - x[1])";
  const kinds: string[] = [];
  for (const [entry, by] of [
    [0, 0.5],
    [1, -0.5],
    [2, 1e-3],
  ] as const) {
    const checker = new ProgramChecker({ order: 1, open: wrongAt(entry, by) });
    kinds.push((await checker.examine(simple(tie, "choice", "ties"))).kind);
  }
  assert.deepEqual(kinds, ["kink", "kink", "disagrees"]);
  // The same for zeros, which scaling leaves where they are.
  const checker = new ProgramChecker({ order: 1, open: wrongAt(0, 0.5) });
  assert.equal((await checker.examine(simple("sum(max(0.0, x))", "choice", "zeros"))).kind, "kink");
  const smooth = new ProgramChecker({ order: 1, open: wrongAt(0, 0.5) });
  assert.equal((await smooth.examine(simple("sum(sin(x))", "simple", "zeros"))).kind, "disagrees");
});

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
