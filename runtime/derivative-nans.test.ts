/** A NaN in a derivative is an error with the expression that made it, as in scripts. */
import assert from "node:assert/strict";
import test from "node:test";
import { compileOrThrow, createRuntime, RunError } from "./index.ts";

const source = `fn f(x: real) = abs(x) ^ 1.5
fn g(x: real) = log(x)
fn h(x: real[2]) = sum(x / (x - x[0]))
fn slope(x: real) = sqrt(x)
`;

async function refused(body: Promise<unknown>, message: RegExp, name: string): Promise<void> {
  await assert.rejects(body, (error) => {
    assert.ok(error instanceof RunError);
    assert.deepEqual(
      error.diagnostics.map((d) => d.code),
      ["K0420"],
    );
    assert.match(error.message, message);
    assert.match(error.message, new RegExp(`It reaches the derivatives of \`${name}\` at the arguments`));
    return true;
  });
}

for (const options of [
  { backend: "cpu" },
  { backend: "cpu", precision: "f32" },
  { backend: "reference" },
  { backend: "reference", precision: "f32" },
] as const)
  test(`${JSON.stringify(options)}: derivatives that are NaN are refused, with what made them`, async () => {
    using runtime = await createRuntime(options);
    const module = await runtime.load(compileOrThrow(source, { file: "t.opt" }));
    const atZero = { x: 0 };
    // Twice: the second time the compiled form is remembered.
    for (let i = 0; i < 2; i++) {
      await refused(
        module.hvp("f", atZero, { x: 1 }),
        /t\.opt:1:17[\s\S]*This gives a NaN when it is differentiated\./,
        "f",
      );
      await refused(module.valueAndGradient("g", { x: -1 }), /t\.opt:2:17/, "g");
      await refused(module.jvp("h", { x: [0, 1] }, { x: [1, 0] }), /t\.opt:3:/, "h");
      await refused(module.vjp("h", { x: [0, 1] }, 1, ["x"]), /t\.opt:3:/, "h");
    }
    // Infinities may flow, and so may the caller's own NaNs; a value says for itself that it is none.
    assert.equal((await module.valueAndGradient("slope", atZero)).gradient, Number.POSITIVE_INFINITY);
    assert.ok(Number.isNaN((await module.valueAndGradient("f", { x: Number.NaN })).gradient));
    assert.ok(Number.isNaN((await module.jvp("f", { x: 1 }, { x: Number.NaN })).tangent));
    assert.ok(Number.isNaN(await module.call("g", { x: -1 })));
    assert.deepEqual(await module.valueAndGradient("f", { x: 4 }), { value: 8, gradient: 3 });
  });
