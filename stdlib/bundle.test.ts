import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { compile } from "../compiler/index.ts";
import { bundledSources } from "./bundle.ts";
import { standardLibrary } from "./sources.ts";

test("the bundled sources are those of the files", () => {
  const bundled = readFileSync(new URL("sources.ts", import.meta.url), "utf8");
  assert.equal(bundled, bundledSources(), "run `npm run bundle`");
});

for (const [name, text] of Object.entries(standardLibrary)) {
  test(`${name} is a module without errors`, () => {
    const { diagnostics } = compile(text, { file: `${name}.opt` });
    assert.deepEqual(
      diagnostics.map((d) => d.message),
      [],
    );
  });

  test(`${name} says what each solver is`, () => {
    assert.match(text, /^\/\//);
    const lines = text.split("\n");
    lines.forEach((line, i) => {
      if (line.startsWith("solver ")) assert.match(lines[i - 1] ?? "", /^\/\/\//, line);
    });
  });
}
