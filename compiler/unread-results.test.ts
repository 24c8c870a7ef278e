/** What nobody reads of a solve takes no memory: in a function, across functions, and from one statement to the next. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bind, compile, explainGraphs } from "./index.ts";
import { buildPlan } from "./kernel/build.ts";
import type { Plan } from "./kernel/plan.ts";

const declarations = `import { lbfgs } from "std/first-order"
objective bowl(w: real[3]; l: real) = sum((w - 1.0)^2) + l * sum(w^2)
fn solved(l: real) = minimize(bowl(; l), from = zeros[3], by = lbfgs(iters = 57))
fn fitted(l: real) = argmin(bowl(; l), from = zeros[3], by = lbfgs(iters = 57))
fn size(l: real) = { let r = solved(l)
  sum(r.x) }
fn either(l: real) = if l > 1 then sum(solved(l).x) else solved(l).value
fn many(l: real) = loop s = l for t in 0..3 { s + 0.1 * solved(s).value }
`;

function plansOf(text: string): Plan[] {
  const { program, diagnostics } = compile(declarations + text, { file: "t.opt" });
  assert.ok(program, diagnostics.map((d) => d.message).join("\n"));
  const plans: Plan[] = [];
  explainGraphs(bind(program, { data: {} }), (graph) => {
    plans.push(buildPlan(graph, { precision: "f64", style: "vector" }));
    return "";
  });
  return plans;
}

/** How many arrays of reals a run holds that have an entry for each iteration, results of statements included. */
const tracesOf = (plans: readonly Plan[]) =>
  plans
    .flatMap((p) => p.functions)
    .flatMap((f) => [...f.outputs, ...f.temporaries.map((t) => t.buffer)])
    .filter((b) => b.kind === "real" && b.shape[0] === 58).length;

const unread: readonly string[] = [
  "show sum(fitted(2.0))",
  "show size(2.0)",
  "show either(2.0)",
  "show many(2.0)",
  "show solved(2.0).x",
  "show grad(size)(2.0)",
  "let r = solved(2.0)\nshow r.x",
  "let r = solved(2.0)\nlet s = r\nshow s.value, s.iterations",
  "let r = solved(2.0)\nassert r.status == converged",
];
for (const text of unread)
  test(`no trace: ${text.replaceAll("\n", "; ")}`, () => {
    assert.equal(tracesOf(plansOf(text)), 0);
  });

const read: readonly (readonly [string, number])[] = [
  ["let r = solved(2.0)\nshow r.trace.value", 1],
  ["let r = solved(2.0)\nplot r.trace.error", 1],
  ["let r = solved(2.0)", 2],
];
for (const [text, least] of read)
  test(`traces: ${text.replaceAll("\n", "; ")}`, () => {
    assert.ok(tracesOf(plansOf(text)) >= least);
  });
