/** Random loops give the same numbers after the same steps, compiled in both precisions, as the evaluator. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bind, compile, DiagnosticError } from "../../compiler/index.ts";
import { randomLoop } from "../../compiler/kernel/testing-random-loops.ts";
import type { GraphRunner, Value } from "../../compiler/program.ts";
import { CpuRunner } from "./runner.ts";

const firstSeed = Number(process.env.FUZZ_SEED ?? 1);
const runs = Number(process.env.FUZZ_RUNS ?? 120);

/** The numbers of the last state, or the code of what ended the run. */
function numbersOf(
  text: string,
  precision: "f64" | "f32",
  runner: GraphRunner | undefined,
): readonly number[] | string {
  const { program, diagnostics } = compile(text, { file: "t.opt" });
  assert.ok(program, `${diagnostics.map((d) => d.message).join("\n")}\n${text}`);
  const found: number[] = [];
  const note = (value: Value): void => {
    if (value.kind === "tuple") value.items.forEach(note);
    else found.push(...Array.from(value.array.data, Number));
  };
  try {
    bind(program, { data: {}, precision, ...(runner ? { runner } : {}) }).run({
      onEvent: (e) => {
        if (e.kind === "show") for (const i of e.items) if (i.kind === "value") note(i.value);
      },
    });
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostic.code;
    throw error;
  }
  return found;
}

for (const precision of ["f64", "f32"] as const)
  test(`${runs} random loops in ${precision}, seeds from ${firstSeed}`, () => {
    const runner = new CpuRunner({ precision });
    let finite = 0;
    for (let seed = firstSeed; seed < firstSeed + runs; seed++) {
      const text = randomLoop(seed);
      const expected = numbersOf(text, precision, undefined);
      const found = numbersOf(text, precision, runner);
      // Zeros of either sign are one number.
      const same = (x: number | string, i: number) => x === found[i];
      const agree = found.length === expected.length && [...expected].every(same);
      assert.ok(agree, `seed ${seed}: ${found} for ${expected}\n${text}`);
      if (typeof expected !== "string") finite += 1;
    }
    assert.ok(finite > runs / 2, "too few of the loops have numbers to compare");
  });
