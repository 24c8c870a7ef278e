/** Every example runs, its asserts hold, and it gives the numbers its comments state. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { readData } from "../runtime/data/readers.ts";
import { type Ran, runScript, shownNumber } from "../stdlib/testing.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));

function runExample(
  name: string,
  edit: (text: string) => string = (text) => text,
  precision: "f64" | "f32" = "f64",
): Ran {
  const text = edit(readFileSync(join(folder, name), "utf8"));
  return runScript(text, { file: name, precision, read: (d) => readData(d, undefined, { folder, read: [] }) });
}

function near(ran: Ran, expression: string, expected: number, tolerance: number): void {
  const value = shownNumber(ran, expression);
  assert.ok(Math.abs(value - expected) <= tolerance, `${expression} is ${value}, not about ${expected}`);
}

/** Six hundred steps take a minute: a tenth of them shows that it learns. */
const fewer = (text: string) => text.replace("iters = 600", "iters = 60").replace("accuracy > 0.9", "accuracy > 0.8");

const checks: Readonly<Record<string, (ran: Ran) => void>> = {
  "rosenbrock.opt": (ran) => {
    for (const solve of ["a", "b", "c"]) assert.equal(ran.shown.get(`${solve}.status`), "converged");
  },
  "ridge.opt": (ran) => {
    near(ran, "best.x", -1.6176, 1e-4);
    near(ran, "best.value", 0.46899, 1e-5);
    near(ran, "grad(validation)(0.0)", 0.06341, 1e-5);
    assert.equal(ran.shown.get("best.status"), "converged");
  },
  "equilibrium.opt": (ran) => {
    assert.equal(ran.shown.size, 3);
    for (const expression of ran.shown.keys()) near(ran, expression, 0, 1e-4);
  },
  "markowitz.opt": (ran) => assert.equal(ran.shown.get("best.status"), "converged"),
  "mlp.opt": (ran) => assert.deepEqual(ran.outputs, ["minibatch loss", "mlp.npz"]),
  "fit-diabetes.opt": (ran) => {
    near(ran, "error(best.x)", 52.4, 0.1);
    assert.equal(ran.outputs.length, 1);
  },
};

const examples = readdirSync(folder).filter((f) => f.endsWith(".opt"));

for (const name of examples)
  test(name, () => {
    const ran = runExample(name, name === "mlp.opt" ? fewer : undefined);
    assert.deepEqual(ran.warnings, []);
    checks[name]?.(ran);
  });

for (const name of ["shapes.opt", "loops.opt", "custom-rules.opt", "ridge.opt", "random-numbers.opt"])
  test(`${name} in f32`, () => {
    runExample(name, (text) => text.replace(/^assert .*1e-\d.*$/gm, ""), "f32");
  });
