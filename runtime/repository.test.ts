/** What holds for the repository as a whole: it type-checks, it is formatted, and no layer reaches up. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

function runs(command: string, ...args: string[]): void {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [path.join(root, "node_modules", ".bin", command), ...args],
    {
      cwd: root,
      encoding: "utf8",
      maxBuffer: 2 ** 26,
    },
  );
  assert.equal(status, 0, `${command} ${args.join(" ")}\n${stdout.slice(-8000)}${stderr.slice(-4000)}`);
}

test("the sources type-check", () => runs("tsc", "--noEmit"));
test("the sources are formatted and linted", () => runs("biome", "check", ".", "--diagnostic-level=error"));

/** What each folder's sources may import, besides the folder itself. */
const kernelLanguage = ["ir", "expressions", "lowering", "statements", "functions"].map((f) =>
  f === "functions" ? "compiler/kernel/functions" : `compiler/kernel/${f}.ts`,
);

const layers: Readonly<Record<string, readonly string[]>> = {
  "compiler/syntax": ["chevrotain"],
  // The Kernel IR, and how a primitive becomes it, stand below the graph: lowering rules are part of a primitive.
  "compiler/core": ["compiler/syntax", "compiler/kernel/lowering.ts"],
  "compiler/primitives": ["compiler/core", "compiler/syntax", "compiler/transform/zeros.ts", ...kernelLanguage],
  "compiler/transform": ["compiler/primitives", "compiler/core", "compiler/syntax"],
  "compiler/mathematics": ["compiler/syntax"],
  "compiler/check": ["compiler/core", "compiler/syntax", "compiler/program.ts"],
  "compiler/elaborate": [
    "compiler/check",
    "compiler/transform",
    "compiler/primitives",
    "compiler/core",
    "compiler/syntax",
    "compiler/program.ts",
  ],
  "compiler/kernel": ["compiler/transform", "compiler/primitives", "compiler/core", "compiler/syntax"],
  "compiler/target": ["compiler/kernel", "compiler/syntax"],
  // Its public face, the contract, and the plain data both sides share.
  runtime: [
    "compiler/index.ts",
    "compiler/program.ts",
    "compiler/certificate.ts",
    "compiler/backend-error.ts",
    "compiler/numbers.ts",
    "compiler/kernel",
    "compiler/target",
    "compiler/core",
    "compiler/syntax",
    "stdlib/sources.ts", // which the bundles hold ready made
    "node:",
    "*",
  ],
};

/** Tests, and what only tests use, may reach anywhere. */
function isSource(file: string): boolean {
  return file.endsWith(".ts") && !/\.(test|cases)\.ts$|(^|[/-])testing[^/]*\.ts$/.test(file);
}

function sourcesOf(folder: string): string[] {
  if (!existsSync(path.join(root, folder))) return []; // not every layer is there yet
  return readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
    .map((name) => path.posix.join(folder, name.split(path.sep).join("/")))
    .filter(isSource);
}

interface Import {
  readonly file: string;
  /** A path from the root, or the name of a package. */
  readonly target: string;
  readonly typeOnly: boolean;
}

/** A file without its comments, which may show imports. */
function codeOf(file: string): string {
  return readFileSync(path.join(root, file), "utf8")
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/(^|\s)\/\/.*$/gm, "");
}

function importsOf(file: string): Import[] {
  const from = String.raw`(?:type\s+)?(?:\{[^}]*\}|\*(?:\s+as\s+\w+)?|\w+)\s+from\s+"([^"]+)"`;
  const pattern = new RegExp(`^(?:import|export)\\s+${from}|^import "([^"]+)"|\\bimport\\("([^"]+)"\\)`, "gm");
  const statements = codeOf(file).matchAll(pattern);
  return [...statements].map((match) => {
    const written = match[1] ?? match[2] ?? match[3]!;
    const target = written.startsWith(".") ? path.posix.join(path.posix.dirname(file), written) : written;
    // Types are gone when the code runs.
    return { file, target, typeOnly: /^(?:import|export)\s+type\s/.test(match[0]) };
  });
}

for (const [layer, allowed] of Object.entries(layers)) {
  test(`${layer} imports no layer above it`, () => {
    const wrong = sourcesOf(layer)
      .flatMap(importsOf)
      .filter(({ target }) => {
        const known = [layer, ...allowed].some((prefix) => target === prefix || target.startsWith(`${prefix}/`));
        const builtin = target.startsWith("node:");
        const isPackage = !builtin && !target.includes(".ts");
        return !(known || (builtin && allowed.includes("node:")) || (isPackage && allowed.includes("*")));
      });
    assert.deepEqual(
      wrong.map(({ file, target }) => `${file} imports ${target}`),
      [],
    );
  });
}

test("the compiler needs nothing of its surroundings", () => {
  const wrong = sourcesOf("compiler").flatMap((file) => {
    const words =
      codeOf(file).match(/\b(?:Date\.now|new Date|process\.\w+|performance\.now|Math\.random|fetch\(|Buffer\.\w+)/g) ??
      [];
    const outside = importsOf(file).filter(({ target }) => target.startsWith("node:") || target.startsWith("runtime/"));
    return [...words, ...outside.map(({ target }) => target)].map((word) => `${file}: ${word}`);
  });
  assert.deepEqual(wrong, []);
});

test("the runtime's public face needs no Node", () => {
  const seen = new Set<string>();
  const visit = (file: string) => {
    if (seen.has(file) || !file.startsWith("runtime/")) return;
    seen.add(file);
    for (const { target, typeOnly } of importsOf(file)) {
      if (typeOnly) continue;
      assert.ok(!target.startsWith("node:"), `${file} imports ${target}`);
      visit(target);
    }
  };
  visit("runtime/index.ts");
  assert.ok(seen.size > 5);
});
