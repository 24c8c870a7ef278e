/**
 * Runs solvers on the problems of this folder and writes what came out as tables of Markdown, which a chapter of the
 * specification shows and the tests compare.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type Plain, runScript } from "../testing.ts";

export type Precision = "f64" | "f32";

/** A problem, called in its module. */
export interface Problem {
  readonly name: string;
  /** The call that gives it. */
  readonly call: string;
  /** Whether it has as many residuals as unknowns and a root, so that solvers for roots apply. */
  readonly square: boolean;
}

/** A column of a table. */
export interface Solver {
  /** How it is called: `lbfgs(iters = 500)`. */
  readonly call: string;
  readonly form: "minimize" | "least_squares" | "root";
  readonly precision: Precision;
  /** Which of the problem's starts it begins at. */
  readonly start: string;
}

/** One solve: which of the known minima it reached, counted from 1, or 0 for none, and in how many iterations. */
export interface Outcome {
  readonly minimum: number;
  readonly iterations: number;
}

export interface Collection {
  /** The file beside this one, without its ending. */
  readonly module: string;
  readonly problems: readonly Problem[];
  readonly solvers: readonly Solver[];
  /** A value counts as a minimum's when it is this close: relative, absolute. */
  readonly tolerance: Readonly<Record<Precision, readonly [number, number]>>;
}

const imports = `
import { lbfgs, nonlinear_cg } from "std/first-order"
import { newton, bfgs, trust_region } from "std/second-order"
import { gauss_newton, levenberg_marquardt, dogleg } from "std/least-squares"
import { newton_root, broyden } from "std/roots"
`;

const applies = (solver: Solver, problem: Problem) => solver.form !== "root" || problem.square;

/** The outcomes on one problem, in the order of the solvers; null where one does not apply. Compiles once a precision. */
export function runProblem(collection: Collection, problem: Problem): (Outcome | null)[] {
  const { module, solvers, tolerance } = collection;
  const text = readFileSync(new URL(`${module}.opt`, import.meta.url), "utf8");
  const outcomes: (Outcome | null)[] = solvers.map(() => null);
  for (const precision of ["f64", "f32"] as const) {
    const chosen = solvers.flatMap((s, i) => (s.precision === precision && applies(s, problem) ? [i] : []));
    if (chosen.length === 0) continue;
    const lines = chosen.flatMap((i) => {
      const { form, start, call } = solvers[i]!;
      const asked = form === "minimize" ? "value" : "p.residual";
      return [
        `let run${i} = ${form}(${asked}, from = p.${start}, by = ${call})`,
        `let value${i} = value(run${i}.x)`,
        `show value${i}, run${i}.iterations, run${i}.status`,
      ];
    });
    const script = [
      imports,
      `import { ${problem.name} } from "./${module}.opt"`,
      `let p = ${problem.call}`,
      "fn value(x) = dot(p.residual(x), p.residual(x))",
      ...lines,
      "show p.least",
    ].join("\n");
    const { shown } = runScript(script, { precision, modules: { [`./${module}.opt`]: text } });
    const least = [shown.get("p.least") as Plain].flat() as number[];
    const [relative, absolute] = tolerance[precision];
    for (const i of chosen) {
      const value = shown.get(`value${i}`) as number;
      assert.ok(Number.isFinite(value), `${problem.name}, ${solvers[i]!.call}: the value is ${value}`);
      const minimum = least.findIndex((l) => Math.abs(value - l) <= relative * Math.abs(l) + absolute) + 1;
      outcomes[i] = { minimum, iterations: shown.get(`run${i}.iterations`) as number };
    }
  }
  return outcomes;
}

const written = (outcome: Outcome | null) => {
  if (outcome === null) return "";
  if (outcome.minimum === 0) return "-";
  return outcome.minimum === 1 ? String(outcome.iterations) : `${outcome.iterations} (${outcome.minimum})`;
};

const heading = (solver: Solver, several: boolean) =>
  [
    `\`${solver.call.replace(/\(.*/, "")}\``,
    ...(several ? [solver.start] : []),
    ...(solver.precision === "f32" ? ["f32"] : []),
  ].join(" ");

/** The rows as a table of Markdown. */
export function tableOf(collection: Collection, rows: readonly (readonly (Outcome | null)[])[]): string {
  const several = new Set(collection.solvers.map((s) => s.start)).size > 1;
  const cells = [
    ["problem", ...collection.solvers.map((s) => heading(s, several))],
    ...rows.map((row, i) => [collection.problems[i]!.name, ...row.map(written)]),
  ];
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  const rule = `| ${widths.map((w) => "-".repeat(w)).join(" | ")} |`;
  return [line(cells[0]!), rule, ...cells.slice(1).map(line)].join("\n");
}

/** What a table says of each solve. */
export function readTable(table: string): (Outcome | null)[][] {
  const rows = table.trim().split("\n").slice(2);
  return rows.map((row) =>
    row
      .split("|")
      .slice(2, -1)
      .map((cell) => {
        const found = /^(\d+)(?: \((\d+)\))?$/.exec(cell.trim());
        if (found) return { iterations: Number(found[1]), minimum: Number(found[2] ?? 1) };
        return cell.trim() === "-" ? { iterations: 0, minimum: 0 } : null;
      }),
  );
}

/**
 * What got worse: a minimum no longer reached, another one than before, or clearly more iterations. Rounding differs
 * with the order of sums, and with it the number of iterations a little.
 */
export function regressions(
  collection: Collection,
  before: readonly (readonly (Outcome | null)[])[],
  now: readonly (readonly (Outcome | null)[])[],
): string[] {
  return now.flatMap((row, i) =>
    row.flatMap((outcome, j) => {
      const expected = before[i]?.[j];
      const place = `${collection.problems[i]!.name}, ${heading(collection.solvers[j]!, true)}`;
      if (expected === undefined || (expected === null) !== (outcome === null)) return [`${place}: not in the table`];
      if (expected === null || outcome === null || expected.minimum === 0) return [];
      const worse = outcome.minimum === 0 || outcome.minimum > expected.minimum;
      if (worse) return [`${place}: \`${written(outcome)}\`, but the table says \`${written(expected)}\``];
      const allowed = 1.5 * expected.iterations + 10;
      return outcome.minimum === expected.minimum && outcome.iterations > allowed
        ? [`${place}: ${outcome.iterations} iterations, but the table says ${expected.iterations}`]
        : [];
    }),
  );
}
