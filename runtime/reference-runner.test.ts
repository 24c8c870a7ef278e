/** A limit of memory through the TypeScript interface: refused before anything is set aside, whatever evaluates. */
import assert from "node:assert/strict";
import test from "node:test";
import { compileOrThrow, createRuntime, RunError } from "./index.ts";

const source = `fn total(n: int) = sum(sort(linspace[n](0.0, 1.0) + 1))
let x = linspace[100000](0.0, 1.0)
let y = sin(x)
let z = loop s = y for t in 0..3 { sin(s + x) }
show sum(z)
`;

async function codesOf(body: Promise<unknown>): Promise<readonly string[]> {
  try {
    await body;
    return [];
  } catch (error) {
    assert.ok(error instanceof RunError, String(error));
    return error.diagnostics.map((d) => d.code);
  }
}

for (const backend of ["cpu", "reference"] as const)
  for (const precision of ["f64", "f32"] as const)
    test(`${backend} in ${precision}: a run within the limit runs, and one beyond it is refused`, async () => {
      const size = precision === "f64" ? 8 : 4;
      const outcome = async (maxMemory: number) => {
        using runtime = await createRuntime({ backend, precision, maxMemory });
        const module = await runtime.load(compileOrThrow(source, { file: "t.opt" }));
        return [await codesOf(module.run()), await codesOf(module.call("total", { n: 1000 }))];
      };
      assert.deepEqual(await outcome(16 * 100_000 * size), [[], []]);
      assert.deepEqual(await outcome(150_000 * size), [["K1090"], []]);
      assert.deepEqual(await outcome(1500), [["K1090"], ["K1090"]]);
    });

test("the reference evaluator keeps no account of what is gone", async () => {
  using runtime = await createRuntime({ backend: "reference", maxMemory: 100_000 });
  const module = await runtime.load(compileOrThrow(source, { file: "t.opt" }));
  for (let i = 0; i < 20; i++) assert.ok(Number.isFinite(await module.call("total", { n: 2000 })));
});

test("a limit is a number of bytes", async () => {
  for (const maxMemory of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
    await assert.rejects(createRuntime({ maxMemory }), /maxMemory is .*: it is a whole number of bytes\./);
});
