/** Packed trees are the trees that parsing gives. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { standardLibrary } from "../../stdlib/sources.ts";
import { packTree, unpackTree } from "./packed.ts";
import { parse } from "./parse.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

test("packing and unpacking gives the trees of the library and of the conformance programs", () => {
  const folder = path.join(root, "spec/conformance");
  const programs = readdirSync(folder)
    .filter((name) => name.endsWith(".opt"))
    .map((name): [string, string] => [name, readFileSync(path.join(folder, name), "utf8")]);
  const library = Object.entries(standardLibrary).map(([name, text]): [string, string] => [`${name}.opt`, text]);
  assert.ok(programs.length > 10 && library.length > 10);
  for (const [file, text] of [...library, ...programs]) {
    const { source } = parse(text, { file });
    const packed = packTree(source);
    assert.deepStrictEqual(unpackTree(packed, text), source, file);
    assert.ok(packed.length < 0.7 * JSON.stringify(source).length, file);
  }
});
