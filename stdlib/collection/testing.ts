/** For tests: runs the problems of Hock and Schittkowski and keeps the tables of the specification. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { bind } from "../../compiler/bind.ts";
import { compile } from "../../compiler/compile.ts";
import type { NdArray } from "../../compiler/core/array.ts";
import { statusNames } from "../../compiler/core/status.ts";
import { CpuRunner } from "../../runtime/cpu/runner.ts";

export interface CollectedProblem {
  readonly name: string;
  readonly number: number;
  /** Its declaration. */
  readonly text: string;
  /** The standard start and the least value, as expressions. */
  readonly start: string;
  readonly least: string;
  readonly hasEquations: boolean;
}

const files = ["hock-schittkowski-1-34.opt", "hock-schittkowski-35-113.opt"];

/** All problems of the collection, by number. */
export function collectedProblems(): CollectedProblem[] {
  return files.flatMap((file) => {
    const source = readFileSync(new URL(file, import.meta.url), "utf8");
    const found = source.matchAll(/\/\/\/ From (.*) to (.*)\.\n(problem (hs(\d+))\(\) \{[\s\S]*?\n\})/g);
    return [...found].map(([, start, least, text, name, number]) => ({
      name: name!,
      number: Number(number),
      text: text!,
      start: start!,
      least: least!,
      hasEquations: text!.includes("=="),
    }));
  });
}

export interface Reached {
  readonly status: string;
  /** How far the value is above the least one, relative to its size. */
  readonly gap: number;
  readonly error: number;
  readonly finite: boolean;
}

/** Solves a problem from its standard start in both precisions. */
export function solveCollected(p: CollectedProblem, solver: string): Record<"f64" | "f32", Reached> {
  const script = `import { ${solver} } from "std/constrained"
${p.text}
let r = solve(${p.name}(), from = (x: ${p.start}), by = ${solver}())
show r.status, r.value, ${p.least}, r.error, r.x`;
  const { program, diagnostics } = compile(script, { file: `${p.name}.opt` });
  assert.ok(program, diagnostics.map((d) => `${p.name}: ${d.code} ${d.message}`).join("\n"));
  const run = (precision: "f64" | "f32"): Reached => {
    const shown: NdArray[] = [];
    const bound = bind(program, { data: {}, precision, runner: new CpuRunner({ precision }) });
    bound.run({
      onEvent: (event) => {
        if (event.kind !== "show") return;
        for (const i of event.items) if (i.kind === "value" && i.value.kind === "array") shown.push(i.value.array);
      },
    });
    const [status, value, least, error, x] = shown.map((a) => [...a.data]);
    const gap = (value![0]! - least![0]!) / Math.max(1, Math.abs(least![0]!));
    const finite = [...value!, ...error!, ...x!].every(Number.isFinite);
    return { status: statusNames[status![0]!]!, gap, error: error![0]!, finite };
  };
  return { f64: run("f64"), f32: run("f32") };
}

/** How far above the least value an answer may be to count as reached: the answers of 1981 have ten digits. */
const near = { f64: 1e-6, f32: 5e-3 } as const;

/** What the table says of an answer: the optimum, another local minimum, or how the solve ended. */
export function verdict(precision: "f64" | "f32", r: Reached): string {
  assert.ok(r.finite, `an answer that is not finite: ${JSON.stringify(r)}`);
  if (r.status !== "converged") return r.status;
  assert.ok(r.gap > -near[precision], `an optimum below the least value: ${JSON.stringify(r)}`);
  return r.gap <= near[precision] ? "optimum" : "local minimum";
}

const chapter = new URL("../../spec/library-constrained.md", import.meta.url);

/** Compares a table with the one the specification has between two marks; with UPDATE=1 it is written there. */
export function checkTable(name: string, header: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = header.map((h, i) => Math.max(h.length, ...rows.map((r) => r[i]!.length)));
  const line = (cells: readonly string[]) => `| ${cells.map((c, i) => c.padEnd(widths[i]!)).join(" | ")} |`;
  const table = [line(header), line(widths.map((w) => "-".repeat(w))), ...rows.map(line)].join("\n");
  const [from, to] = [`<!-- table: ${name} -->\n`, `\n<!-- end of table: ${name} -->`];
  const text = readFileSync(chapter, "utf8");
  const [start, end] = [text.indexOf(from), text.indexOf(to)];
  assert.ok(start >= 0 && end > start, `the chapter has no table ${name}`);
  if (process.env.UPDATE) {
    writeFileSync(chapter, text.slice(0, start + from.length) + table + text.slice(end));
    return;
  }
  assert.equal(table, text.slice(start + from.length, end), "run this test with UPDATE=1 and look at what changed");
}
