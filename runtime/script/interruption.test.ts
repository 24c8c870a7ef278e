/** Ctrl-C in the middle of a solve: it ends where it is, and says so. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import test, { type TestContext } from "node:test";
import * as compiler from "../../compiler/index.ts";
import { CpuRunner } from "../cpu/runner.ts";
import { temporaryFolder } from "../data/testing.ts";
import { performScript, type RunMessage } from "./perform.ts";

/** Gradient descent on a quartic: slow, so that it is at work whenever it is interrupted. */
const slowSolver = `solver crawl(iters: int = 1000000) minimizes f {
  start(x) = (x: x)
  next(s, t) = (x: s.x - 1e-7 * grad(f)(s.x))
  error(s) = norm(grad(f)(s.x))
}
`;
const oneSolve = `${slowSolver}let s = minimize(w => (w - 3.0) ^ 2, from = 0.0, by = crawl())
show s.x, s.iterations, s.status == running
save s.x to "x.json"
`;

interface Outcome {
  readonly code: number;
  readonly messages: readonly RunMessage[];
  readonly folder: string;
}

/** Runs the script; from the `after`-th question on it is interrupted. */
async function interrupted(
  t: TestContext,
  text: string,
  { after = 3, backend = "cpu" }: { readonly after?: number; readonly backend?: "cpu" | "reference" } = {},
): Promise<Outcome> {
  const folder = temporaryFolder(t, { "t.opt": text });
  const messages: RunMessage[] = [];
  let asked = 0;
  const request = {
    file: path.join(folder, "t.opt"),
    backend,
    data: {},
    set: {},
    precision: "f64",
    seed: 0,
    allowRead: [],
    allowWrite: [],
    render: { color: false, width: 80 },
  } as const;
  await performScript(compiler, request, {
    ...(backend === "cpu" ? { runner: new CpuRunner({ precision: "f64" }) } : {}),
    emit: (message) => messages.push(message),
    now: () => performance.now(),
    isInterrupted: () => ++asked > after,
  });
  const done = messages.at(-1);
  return { code: done?.kind === "done" ? done.code : -1, messages, folder };
}

const diagnostics = ({ messages }: Outcome) =>
  messages.flatMap((m) => (m.kind === "diagnostic" ? [`${m.diagnostic.code}: ${m.diagnostic.message}`] : []));
const shown = ({ messages }: Outcome) =>
  messages.flatMap((m) => (m.kind === "show" ? [m.items.map((i) => (i.kind === "value" ? i.value : i.text))] : []));

for (const backend of ["cpu", "reference"] as const)
  test(`${backend}: a solve ends at its current iterate, which is shown and saved`, async (t) => {
    const outcome = await interrupted(t, oneSolve, { backend });
    assert.equal(outcome.code, 130);
    assert.equal(diagnostics(outcome).length, 1);
    assert.match(
      diagnostics(outcome)[0]!,
      /^K1095: This solve was interrupted after \d+ iterations, with error [\d.]+: it is not finished\.$/,
    );
    const [values] = shown(outcome);
    const numbers = values!.map((v) => (typeof v !== "string" && v.kind === "array" ? v.array.data[0]! : Number.NaN));
    const [x, iterations, running] = numbers as [number, number, number];
    assert.equal(running, 1);
    assert.ok(iterations > 0 && iterations < 1e6, `${iterations}`);
    // The iterate after so many steps of x - 2e-7 (x - 3), within rounding; the best point is at most a step behind.
    const expected = 3 * (1 - (1 - 2e-7) ** iterations);
    assert.ok(Math.abs(x - expected) <= 6e-7 * 3 + 1e-9, `${x} is not ${expected}`);
    assert.equal(JSON.parse(readFileSync(path.join(outcome.folder, "x.json"), "utf8")), x);
  });

test("nothing is solved after a solve was interrupted", async (t) => {
  const outcome = await interrupted(t, `${oneSolve}show argmin(w => (w - 1.0) ^ 2, from = s.x, by = crawl())\n`);
  assert.equal(outcome.code, 130);
  assert.equal(shown(outcome).length, 1);
  assert.equal(outcome.messages.filter((m) => m.kind === "save").length, 1);
});

test("a solver that mostly works in an inner loop ends, too", async (t) => {
  const text = `solver inner_loops(iters: int = 100000) minimizes f {
  start(x) = (x: x)
  next(s, t) = (x: s.x - 1e-9 * (loop g = 1.0 for i in 0..2000 { g * 0.999999 }) * grad(f)(s.x))
  error(s) = norm(grad(f)(s.x))
}
show argmin(w => (w - 3.0) ^ 2, from = 0.0, by = inner_loops())
`;
  const outcome = await interrupted(t, text, { after: 8 });
  assert.deepEqual([outcome.code, shown(outcome).length], [130, 1]);
  assert.match(diagnostics(outcome).join(), /^K1095/);
});

test("a loop that solves nothing is no iterate: nothing of it is shown", async (t) => {
  const outcome = await interrupted(t, "show 1\nshow loop a = 0.0 for i in 0..2000000000 { cos(a) }\n");
  assert.deepEqual([outcome.code, shown(outcome).length, diagnostics(outcome)], [130, 1, []]);
});

test("an assert about an interrupted solve fails, and the run counts as interrupted", async (t) => {
  const outcome = await interrupted(t, `${oneSolve}assert s.status == converged\nsave 1.0 to "y.json"\n`);
  assert.equal(outcome.code, 130);
  assert.match(diagnostics(outcome).join("\n"), /^K1095.*\nK0340/);
  assert.equal(outcome.messages.filter((m) => m.kind === "save").length, 1);
});
