/** Runs the scripts of this folder on a runner, and compares what two of them show: for tests. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { bind } from "../compiler/bind.ts";
import { compile } from "../compiler/compile.ts";
import type { GraphRunner, Value } from "../compiler/program.ts";
import { readData } from "../runtime/data/readers.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));

export interface Ran {
  /** By expression: the numbers of what is shown, bools as 0 and 1. */
  readonly shown: ReadonlyMap<string, readonly number[]>;
  readonly statuses: readonly string[];
  readonly asserts: number;
}

const numbersOf = (value: Value): number[] =>
  value.kind === "tuple" ? value.items.flatMap(numbersOf) : Array.from(value.array.data, Number);

/** Runs a script, perhaps edited; every assert in it holds. */
export async function runSample(
  name: string,
  precision: "f64" | "f32",
  runner: GraphRunner,
  edit = (text: string) => text,
): Promise<Ran> {
  const { program, diagnostics } = compile(edit(readFileSync(path.join(folder, name), "utf8")), { file: name });
  assert.ok(program, JSON.stringify(diagnostics));
  const access = { folder, read: [] };
  const data = Object.fromEntries(program.data.map((d) => [d.name, readData(d, undefined, access)]));
  const shown = new Map<string, readonly number[]>();
  const statuses: string[] = [];
  let asserts = 0;
  await bind(program, { data, precision, runner }).runLater({
    onEvent: (event) => {
      if (event.kind === "solve") statuses.push(event.statusName);
      if (event.kind === "assert") {
        assert.ok(event.passed, `${name} in ${precision}: ${event.expression}`);
        asserts++;
      }
      if (event.kind !== "show") return;
      for (const item of event.items) if (item.kind === "value") shown.set(item.expression, numbersOf(item.value));
    },
  });
  return { shown, statuses, asserts };
}

/**
 * What solves leave undone at the tolerances that the scripts ask for; for a descent that creeps along a valley
 * (`c` of rosenbrock.opt), that times how flat the valley is.
 */
const undone: Readonly<Record<string, number>> = { "c.x": 1e-4 };
/** Where f32 has no more digits the last steps are a matter of rounding, and so is how many there are. */
const countsSteps = (expression: string) => /\.(iterations|status)$/.test(expression);

export function assertSameShown(what: string, found: Ran, expected: Ran): void {
  assert.deepEqual([...found.shown.keys()], [...expected.shown.keys()], what);
  assert.equal(found.asserts, expected.asserts, what);
  for (const [expression, values] of expected.shown) {
    if (countsSteps(expression)) continue;
    const ours = found.shown.get(expression)!;
    assert.equal(ours.length, values.length, `${what}: ${expression}`);
    for (const [i, v] of values.entries())
      assert.ok(
        Math.abs(ours[i]! - v) <= (undone[expression] ?? 1e-5) * Math.max(1, Math.abs(v)),
        `${what}: entry ${i} of ${expression} is ${ours[i]}, not ${v}`,
      );
  }
}
