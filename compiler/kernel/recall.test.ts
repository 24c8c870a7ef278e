/** Statements that share a solver share its functions, and each tells of its own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bind, coreGraphs } from "../bind.ts";
import { compile } from "../index.ts";
import { buildPlan } from "./build.ts";
import type { Plan } from "./plan.ts";

const script = `import { newton_root } from "std/roots"
fn f(x: real[3]) = x ^ 3 + x - [1.0, 2.0, 3.0]
let a = root(f, from = ones[3], by = newton_root())
let b = root(f, from = ones[3], by = newton_root())
show a.x, b.x
`;

function plansOf(
  text: string,
  options: { readonly precision: "f64" | "f32"; readonly style: "vector" | "invocations" },
) {
  const { program } = compile(text, { file: "t.opt" });
  assert.ok(program);
  const bound = bind(program, { data: {}, params: {}, seed: 0, precision: options.precision });
  return coreGraphs(bound).map((g) => buildPlan(g, options));
}

const kernelsOf = ({ functions }: Plan) =>
  functions.flatMap((f) => f.steps.flatMap((s) => (s.kind === "launch" ? [s.kernel] : [])));

/** Every event that a step names is there and of its kind; every callee and kernel is the plan's own. */
function verify({ functions, events, kernels }: Plan): void {
  const before = new Set<unknown>();
  for (const f of functions) {
    for (const s of f.steps) {
      if (s.kind === "check" || s.kind === "report") assert.equal(events[s.event]?.kind, s.kind);
      if (s.kind === "launch") assert.ok(kernels.includes(s.kernel));
      if (s.kind === "call") assert.ok(before.has(s.callee));
      if (s.kind === "branch") assert.ok(before.has(s.then) && before.has(s.otherwise));
      if (s.kind !== "loop") continue;
      assert.ok(before.has(s.body) && (!s.condition || before.has(s.condition)));
      if (s.progress) assert.equal(events[s.progress.event]?.kind, "progress");
    }
    before.add(f);
  }
}

test("a statement gets the functions of one before it, as a plan of its own", () => {
  const plans = plansOf(script, { precision: "f64", style: "vector" });
  plans.forEach(verify);
  const [first, second] = plans.filter((p) => p.functions.length > 3) as [Plan, Plan];
  assert.ok(first && second);
  const shared = kernelsOf(second).filter((k) => first.kernels.includes(k));
  assert.ok(shared.length >= kernelsOf(second).length / 2, `${shared.length} of ${kernelsOf(second).length}`);
  const where = (plan: Plan) => plan.events.map((e) => `${e.kind} ${JSON.stringify(e.params.span ?? e.params)}`);
  // Each solve is told with its own place in the script.
  assert.notDeepEqual(where(first), where(second));
});

test("plans for other targets share nothing", () => {
  const { program } = compile(script, { file: "t.opt" });
  assert.ok(program);
  const bound = bind(program, { data: {}, params: {}, seed: 0, precision: "f64" });
  const graph = coreGraphs(bound).find((g) => buildPlan(g, { precision: "f64", style: "vector" }).functions.length > 3);
  assert.ok(graph);
  const made = (precision: "f64" | "f32", style: "vector" | "invocations") => buildPlan(graph, { precision, style });
  const plans = [made("f64", "vector"), made("f32", "vector"), made("f32", "invocations")];
  plans.forEach(verify);
  assert.deepEqual(
    plans.map((p) => p.precision),
    ["f64", "f32", "f32"],
  );
  const all = plans.map((p) => new Set(kernelsOf(p)));
  for (const [i, j] of [
    [0, 1],
    [1, 2],
  ] as const)
    assert.ok([...all[i]!].every((k) => !all[j]!.has(k)));
  assert.deepEqual(kernelsOf(made("f64", "vector")), kernelsOf(plans[0]!));
});
