/** Every message has an entry in the catalogue, and every entry is what karush says. UPDATE=1 rewrites them. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { specFolder } from "./testing.ts";
import { catalogue, errorEntries, errorsFolder, messagesOf } from "./testing-errors.ts";

const update = process.env.UPDATE === "1";
const entries = errorEntries();

function expected(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

for (const entry of entries.filter((e) => e.program !== "")) {
  test(`${entry.code}: ${entry.title}`, async () => {
    const said = await messagesOf(entry);
    assert.match(
      said,
      new RegExp(`^(error|warning) ${entry.code}\\b`, "m"),
      `the program provokes another message:\n${said}`,
    );
    const file = path.join(errorsFolder, `${entry.code}.txt`);
    if (update) writeFileSync(file, said);
    assert.equal(said, expected(file));
  });
}

test("each entry has a title, an explanation, and a program or a reason why it has none", () => {
  const wanting = entries.filter(
    (e) => e.title === "" || e.explanation === "" || (e.program === "") === (e.reason === undefined),
  );
  assert.deepEqual(
    wanting.map((e) => e.code),
    [],
  );
});

test("no message is left without its program", () => {
  const texts = readdirSync(errorsFolder)
    .filter((name) => name.endsWith(".txt"))
    .map((name) => name.slice(0, -".txt".length));
  assert.deepEqual(
    texts,
    entries.filter((e) => e.program !== "").map((e) => e.code),
  );
});

test("the codes in the sources are those of the catalogue", () => {
  const root = path.resolve(specFolder, "..");
  const codes = new Set<string>();
  for (const folder of ["compiler", "runtime", "stdlib"])
    for (const name of readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })) {
      // Tests, and what only tests use, may make up codes.
      if (!name.endsWith(".ts") || /\.(test|cases)\.ts$|(^|[/-])testing[^/\\]*\.ts$/.test(name)) continue;
      for (const [, code] of readFileSync(path.join(root, folder, name), "utf8").matchAll(/"(K\d{4})"/g))
        codes.add(code!);
    }
  assert.deepEqual(
    [...codes].sort(),
    entries.map((e) => e.code),
  );
});

test("errors.md is in step", () => {
  const file = path.join(specFolder, "errors.md");
  const text = catalogue(entries, (e) => expected(path.join(errorsFolder, `${e.code}.txt`)));
  if (update) writeFileSync(file, text);
  assert.equal(text, expected(file));
});
