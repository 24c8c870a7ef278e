/** Small programs that ask for more than any machine has end with a message, soon. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ndArray } from "../core/array.ts";
import { bind, compile } from "../index.ts";
import type { Value } from "../program.ts";

const codesOf = (text: string) => [
  ...new Set(compile(text, { file: "t.opt" }).diagnostics.map((d) => `${d.code} ${d.message}`)),
];

/** `count` lines, each made of the one before. */
const lines = (count: number, line: (i: number) => string) => Array.from({ length: count }, (_, i) => line(i)).join("");

test("functions that double at every level", () => {
  const text = `fn f0(x: real) = x + x\n${lines(60, (i) => `fn f${i + 1}(x: real) = f${i}(f${i}(x))\n`)}show f60(1.0)\n`;
  const found = codesOf(text);
  assert.ok(found.length > 0);
  for (const d of found)
    assert.equal(d, "K1092 This program calls functions more than 100000 times while it is compiled.");
});

test("lambdas that double at every level", () => {
  const text = `let f0 = x => x + 1.0\n${lines(60, (i) => `let f${i + 1} = x => f${i}(f${i}(x))\n`)}show f60(1.0)\n`;
  assert.match(codesOf(text).join(), /^K1092/);
});

test("derivatives of derivatives", () => {
  const text = `let f0 = x => exp(sin(x) * x) / (1 + x ^ 2)\n${lines(40, (i) => `let f${i + 1} = grad(f${i})\n`)}show f40(1.0)\n`;
  const { program } = compile(text, { file: "t.opt" });
  assert.ok(program);
  assert.throws(
    () => bind(program, { data: {} }),
    (error: { diagnostics?: readonly { code: string }[] }) => error.diagnostics?.[0]?.code === "K1092",
  );
});

test("tuples that double at every level", () => {
  const text = `let t0 = (1.0, 2.0)\n${lines(60, (i) => `let t${i + 1} = (t${i}, t${i})\n`)}show t60\n`;
  assert.match(codesOf(text).join(), /^K1094 This tuple holds 16384 values/);
});

test("long arrays that are written out", () => {
  const list = (n: number) => `[${Array.from({ length: n }, () => "1.0").join(",")}]`;
  assert.match(codesOf(`let x = ${list(10_001)}\nshow sum(x)\n`).join(), /^K1093 This writes out 10001 entries/);
  assert.deepEqual(codesOf(`let x = ${list(10_000)}\nshow sum(x)\n`), []);
  const many = lines(6, (i) => `let x${i} = ${list(9_000)}\n`);
  assert.match(codesOf(many).join(), /^K1093 The arrays of this program write out more than 50000 entries/);
});

test("a bound program may be used as often as one likes", () => {
  const text = `fn f0(x: real[n]) = sum(x)\n${lines(9, (i) => `fn f${i + 1}(x: real[n]) = f${i}(x + f${i}(x))\n`)}`;
  const { program } = compile(text, { file: "t.opt" });
  const bound = bind(program!, { data: {} });
  for (let n = 1; n <= 300; n++) {
    const x: Value = { kind: "array", type: "real", array: ndArray("real", [n], new Array(n).fill(0)) };
    const value = bound.call("f9", { x });
    assert.equal(value.kind === "array" && value.array.data[0], 0);
  }
});
