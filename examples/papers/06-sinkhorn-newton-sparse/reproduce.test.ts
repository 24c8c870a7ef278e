/** The reproductions of paper 06 run at both precisions; their asserts are the thresholds. */
import assert from "node:assert/strict";
import test from "node:test";
import { paperScripts, precisions } from "../testing-reproduction.ts";

const scripts = paperScripts(import.meta.url, ["data.opt"]);

/** What is stopped on purpose: the sweeps that Newton is compared with, and Newton with too few entries. */
const stopped = new Set(["random-assignment.opt", "sparsity.opt", "images-l1.opt"]);

const reproduce = (name: string, precision: "f64" | "f32", edit?: (text: string) => string) => {
  const ran = scripts.run(name, precision, edit);
  for (const warning of ran.warnings) assert.ok(stopped.has(name) && warning.startsWith("K0413"), warning);
  assert.ok(ran.asserts >= 3);
};

for (const precision of precisions)
  for (const name of scripts.names) test(`${precision}: ${name}`, () => reproduce(name, precision));

for (const precision of precisions)
  test(`${precision}: random-assignment.opt with n = 200`, () =>
    reproduce("random-assignment.opt", precision, (text) => text.replace("param n: int = 100", "param n: int = 200")));

for (const seed of [2, 3])
  test(`images-l1.opt with seed ${seed}`, () =>
    reproduce("images-l1.opt", "f64", (text) => text.replace("param seed: int = 1", `param seed: int = ${seed}`)));
