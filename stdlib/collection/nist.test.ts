/** The least-squares solvers on nonlinear regressions with certified answers, and the tables themselves. */
import assert from "node:assert/strict";
import test from "node:test";
import { runScript } from "../testing.ts";
import { chapterTable, moduleText, namesIn, solver, testCollection } from "./chapter.ts";
import { type Collection, readTable, regressions, tableOf } from "./table.ts";

const nist: Collection = {
  module: "nist",
  problems: namesIn("nist").map(([name]) => ({ name, call: `${name}()`, square: false })),
  solvers: [
    ...["far", "near"].flatMap((start) =>
      ["gauss_newton", "levenberg_marquardt", "dogleg"].map((name) =>
        solver("least_squares", `${name}(tol = 1e-10, iters = 1000)`, "f64", start),
      ),
    ),
    ...["far", "near"].map((start) => solver("least_squares", "levenberg_marquardt(iters = 1000)", "f32", start)),
  ],
  tolerance: { f64: [1e-8, 0], f32: [1e-3, 0] },
};

testCollection(nist);

test("from the near start every solver reaches the certified sum of squares", () => {
  const rows = readTable(chapterTable("nist"));
  assert.equal(rows.length, nist.problems.length);
  for (const row of rows)
    assert.deepEqual(
      row.slice(3, 6).map((outcome) => outcome?.minimum),
      [1, 1, 1],
    );
});

test("with units that it forgets, Levenberg-Marquardt leaves the far start of MGH10", () => {
  const { asserts } = runScript(
    `
import { mgh10 } from "./nist.opt"
import { levenberg_marquardt } from "std/least-squares"
let p = mgh10()
let r = least_squares(p.residual, from = p.far, by = levenberg_marquardt(tol = 1e-10, iters = 1000, memory = 0.5))
assert r.status == converged
assert sum(p.residual(r.x)^2) ~= p.least within 1e-8`,
    { modules: { "./nist.opt": moduleText("nist") } },
  );
  assert.equal(asserts, 2);
});

test("a solve that gets worse is told", () => {
  const before = readTable("| a | b |\n| - | - |\n| p | 10 | 20 (2) | - |");
  const now = [
    [
      { minimum: 2, iterations: 9 },
      { minimum: 2, iterations: 41 },
      { minimum: 1, iterations: 500 },
    ],
  ];
  const short = { ...nist, problems: nist.problems.slice(0, 1), solvers: nist.solvers.slice(0, 3) };
  assert.equal(regressions(short, before, now).length, 2);
  assert.deepEqual(regressions(short, before, before), []);
  assert.deepEqual(readTable(tableOf(short, before)), before);
});
