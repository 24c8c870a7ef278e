/** What callers from TypeScript, and even more those from JavaScript, give by mistake: each is told by name. */
import assert from "node:assert/strict";
import test from "node:test";
import { compile, compileOrThrow, createRuntime, RunError } from "./index.ts";

const source = `
data X: real[n, d]
param rate: real = 0.1
fn f(x: real[m], y: real) = sum(x) * y + rate
fn g(x: real[2]) = 2 * x
fn open(x) = x
`;
const program = compileOrThrow(source, { file: "inputs.opt" });
const runtime = await createRuntime({ backend: "cpu" });
const module = await runtime.load(program, { data: { X: [[1, 2]] } });

type Untyped = (...given: unknown[]) => Promise<unknown>;
/** For calls that TypeScript would not allow. */
const untyped = {
  module: module as unknown as Record<"call" | "jvp" | "vjp", Untyped>,
  runtime: runtime as unknown as Record<"load", Untyped>,
  compile: compile as unknown as (...given: unknown[]) => unknown,
  create: createRuntime as unknown as Untyped,
};

test("what is no value of karush is named, with its argument", async () => {
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    ["a", /x is the string "a"/],
    [2n, /x is the BigInt 2n/],
    [() => 1, /x is a function/],
    [new Date(0), /x is a Date/],
    [new Map(), /x is a Map/],
    [Promise.resolve([1]), /x is a Promise/],
    [null, /x is missing: its value is null/],
    [undefined, /x is missing: its value is undefined/],
    [new BigInt64Array(2), /x is a BigInt64Array: karush takes Float64Array/],
    [new DataView(new ArrayBuffer(8)), /x is a DataView/],
    [{ data: new Float64Array(2), shape: 2 }, /shape of x is a list of sizes/],
    [{ data: new Float64Array(2), shape: [3] }, /x has 2 numbers, but its shape \[3\] needs 3/],
    [[1, "b"], /x\[1\] is "b", not a number/],
    [[1, 2n], /x\[1\] is the BigInt 2n, not a number/],
    [[[1, 2], [3]], /x\[1\] has 1 entries/],
  ];
  for (const [value, message] of wrong)
    await assert.rejects(untyped.module.call("g", { x: value }), (error: Error) => {
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /call stack|Cannot read|is not iterable|karush made a mistake/);
      return true;
    });
});

test("an object with fields is a tuple, also without a prototype", async () => {
  const bare = Object.assign(Object.create(null), { a: 1 });
  assert.deepEqual({ ...((await module.call("open", { x: bare })) as object) }, { a: 1 });
});

test("arguments, tangents and cotangents that are not given by name are refused in words", async () => {
  await assert.rejects(untyped.module.call("f", [1], 2), /arguments go by name/);
  await assert.rejects(untyped.module.call("f", 3), /arguments go by name/);
  await assert.rejects(untyped.module.jvp("f", { x: [1], y: 2 }), /tangents go by name/);
  await assert.rejects(untyped.module.vjp("g", { x: [1, 2] }, [1, 2]), /`wrt` lists the names/);
});

test("a derivative in an argument that is not there names it", async () => {
  const isNamed = (error: unknown) => {
    assert.ok(error instanceof RunError);
    assert.equal(error.diagnostics[0]!.code, "K0233");
    assert.match(error.message, /no argument called `z`[\s\S]*Its arguments here are `x`, `y`/);
    return true;
  };
  await assert.rejects(module.jvp("f", { x: [1], y: 2 }, { z: 1 }), isNamed);
  await assert.rejects(module.vjp("f", { x: [1], y: 2 }, 1, ["z"]), isNamed);
});

test("options that do not exist are not passed over", async () => {
  await assert.rejects(untyped.create({ backnd: "cpu" }), /no option `backnd`: did you mean `backend`\?/);
  await assert.rejects(untyped.create({ precision: "f16" }), /There is no precision "f16"/);
  await assert.rejects(untyped.runtime.load(program, { dat: {} }), /no option `dat`: did you mean `data`\?/);
  await assert.rejects(untyped.module.call("g", { x: [1, 2] }, { signal: 3 }), /`signal` is an AbortSignal/);
  await assert.rejects(untyped.module.call("g", { x: [1, 2] }, { onEvent: 3 }), /`onEvent` is a function/);
});

test("what is no program is refused in words", async () => {
  assert.throws(() => untyped.compile(3), /`compile` takes the text of a program/);
  assert.throws(() => untyped.compile("let x = 1"), /name that messages show the program under/);
  await assert.rejects(untyped.runtime.load("let x = 1"), /a program that `compile` made, not its text/);
  await assert.rejects(runtime.load(undefined), /diagnostics of `compile`/);
});

test("the modules of a runtime that was disposed of compute nothing", async () => {
  const own = await createRuntime({ backend: "cpu" });
  const loaded = await own.load(program, { data: { X: [[1, 2]] } });
  own.dispose();
  own.dispose();
  await assert.rejects(loaded.call("g", { x: [1, 2] }), /runtime of this module was disposed of/);
  await assert.rejects(loaded.run(), /runtime of this module was disposed of/);
  await assert.rejects(own.load(program), /disposed of/);
});
