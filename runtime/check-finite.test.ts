/**
 * The first NaN of a run, whatever it would have been computed with: the expression that made it, the pass, the iteration
 * and the index; at the end of a run, if it leaves, and with `--check-finite` as soon as it is made.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { karush } from "./cli/testing.ts";
import { temporaryFolder } from "./data/testing.ts";

/** A root of a number below zero in iteration 3, which only entry 1 reaches. */
const forward = `let y = loop x = [4.0, 0.5, 3.0] for t in 0..5 { x - 0.2 * sqrt(x - 0.1 * t - 0.05) }
LEAVES y
`;
/** The root's derivative is infinite at 0, and that of the square in it is 0: their product is made for the square. */
const backward = `fn f(x: real[3]) = sum(sqrt(x * x))
let g = grad(f)([1.0, 2.0, 0.0])
LEAVES g
`;
const shown = (text: string) => text.replace("LEAVES", "show");
const hidden = (text: string) => text.replace(/LEAVES (\w)/, "show is_finite($1)");

const places = [
  {
    what: "a value",
    text: forward,
    span: "sqrt(x - 0.1 * t - 0.05)",
    message: /^This gives a NaN, in entry \[1\], in iteration 3 of the loop\.$/,
  },
  {
    what: "a derivative",
    text: backward,
    span: "x * x",
    message: /^This gives a NaN when it is differentiated, in entry \[2\]\.$/,
  },
];

interface Document {
  readonly backend: string;
  readonly diagnostics?: readonly {
    code: string;
    message: string;
    span: { line: number; column: number; endColumn: number };
  }[];
}

const backends = [
  ["--backend", "cpu"],
  ["--backend", "cpu", "--precision", "f32"],
  ["--backend", "webgpu:software"],
];

for (const backend of backends)
  test(backend.join(" "), { timeout: 200_000 }, async (t) => {
    const folder = temporaryFolder(t, {});
    const file = path.join(folder, "t.opt");
    const run = async (text: string, ...more: readonly string[]) => {
      writeFileSync(file, text);
      const { code, out, err } = await karush(["run", ...backend, "--json", ...more, file]);
      return { code, document: JSON.parse(out) as Document, err };
    };
    for (const { what, text, span, message } of places)
      for (const [code, program, options] of [
        ["K0420", shown(text), []],
        ["K0421", hidden(text), ["--check-finite"]],
      ] as const) {
        const { code: status, document, err } = await run(program, ...options);
        assert.equal(status, 4, `${what}: ${err}`);
        assert.equal(document.backend, backend[1] === "cpu" ? "cpu" : "webgpu");
        const [found] = document.diagnostics ?? [];
        assert.equal(found?.code, code, `${what}: ${err}`);
        assert.match(found.message, message);
        const { line, column, endColumn } = found.span;
        assert.equal(program.split("\n")[line - 1]!.slice(column - 1, endColumn - 1), span);
      }
    // What is no NaN at the end, and hides one, is a run like any other.
    assert.equal((await run(hidden(forward))).code, 0);
  });
