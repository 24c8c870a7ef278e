/** What is too much is refused before any of it is set aside. */
import assert from "node:assert/strict";
import test from "node:test";
import { bind, compile, DiagnosticError } from "../../compiler/index.ts";
import { sizeText } from "../show/sizes.ts";
import { refuseMemory } from "./memory-limit.ts";
import { CpuRunner } from "./runner.ts";

function failureOf(text: string, runner: CpuRunner): string {
  const { program } = compile(text, { file: "t.opt" });
  try {
    bind(program!, { data: {}, runner }).run({ onEvent: () => {} });
  } catch (error) {
    if (error instanceof DiagnosticError) return `${error.diagnostic.code}: ${error.diagnostic.message}`;
    throw error;
  }
  return "ran";
}

test("the sum of what a statement needs is what counts, and what was computed before", () => {
  const text = "let x = zeros[100000]\nlet y = x + 1\nlet z = y + x\nshow sum(z)\n";
  const enough = new CpuRunner({ precision: "f64", maxMemory: 2_500_000 });
  assert.equal(failureOf(text, enough), "ran");
  const little = new CpuRunner({ precision: "f64", maxMemory: 2_000_000 });
  assert.equal(
    failureOf(text, little),
    "K1090: This needs 781 KiB of memory at once, beside the 1.53 MiB of what was computed before: more than the 1.91 MiB there may be.",
  );
  // Three arrays were wanted and two were made.
  assert.ok(little.memory.buffer.byteLength < 2_500_000);
});

test("more than can be addressed is refused before code is made for it", () => {
  const runner = new CpuRunner({ precision: "f64" });
  const text = "show sum(sort(sort(zeros[200000000]) + sort(ones[200000000])))\n";
  assert.match(
    failureOf(text, runner),
    /^K1090: This needs [\d.]+ GiB of memory at once.*more than the 4 GiB there can be on the CPU\.$/,
  );
  assert.ok(runner.memory.buffer.byteLength < 2 ** 20);
});

test("sizes for people", () => {
  assert.deepEqual([0, 1000, 1536, 2 ** 32, 1.5 * 2 ** 40].map(sizeText), [
    "0 bytes",
    "1000 bytes",
    "1.5 KiB",
    "4 GiB",
    "1.5 TiB",
  ]);
  assert.doesNotThrow(() => refuseMemory(10, 90, 100));
  assert.throws(() => refuseMemory(11, 90, 100), /needs 11 bytes/);
});
