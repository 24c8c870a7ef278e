/** One file with the tests, what they test, and all mutants of it. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";
import { instrument, type Mutant } from "./instrument.ts";

export interface BundleRequest {
  /** The folder that files are named from. */
  readonly root: string;
  readonly mutated: readonly string[];
  readonly tests: readonly string[];
  readonly output: string;
}

const registry = new URL("./test-registry.ts", import.meta.url);

/**
 * Writes the bundle, a module that exports `collected`. The mutants are numbered in the order of the files; a file that no
 * test imports has none in the bundle, so all of its mutants survive.
 */
export async function writeBundle({ root, mutated, tests, output }: BundleRequest): Promise<readonly Mutant[]> {
  const texts = new Map<string, string>();
  const mutants: Mutant[] = [];
  for (const file of mutated) {
    const { text, mutants: found } = instrument(root, file, mutants.length + 1);
    texts.set(path.join(root, file), text);
    mutants.push(...found);
  }
  const registryPath = path.resolve(registry.pathname);
  const testPaths = new Set(tests.map((t) => path.join(root, t)));
  const plugin: Plugin = {
    name: "mutation",
    setup(hooks) {
      hooks.onResolve({ filter: /^node:test$/ }, () => ({ path: registryPath }));
      hooks.onLoad({ filter: /\.m?ts$/ }, ({ path: file }) => {
        const switched = texts.get(file);
        const text = switched ?? readFileSync(file, "utf8");
        // A bundle lies elsewhere than its sources, which look for files beside them.
        const placed = text
          .replaceAll("import.meta.url", JSON.stringify(pathToFileURL(file).href))
          .replaceAll("import.meta.dirname", JSON.stringify(path.dirname(file)));
        const begin = testPaths.has(file)
          ? `import { beginFile as begin$ } from ${JSON.stringify(registryPath)};\nbegin$(${JSON.stringify(path.relative(root, file))});\n`
          : "";
        return {
          contents: begin + placed,
          loader: switched === undefined ? "ts" : "js",
          resolveDir: path.dirname(file),
        };
      });
    },
  };
  const imports = [...testPaths].map((file) => `import ${JSON.stringify(file)};`);
  await build({
    stdin: {
      contents: `${imports.join("\n")}\nexport { collected } from ${JSON.stringify(registryPath)};`,
      resolveDir: root,
      loader: "ts",
    },
    absWorkingDir: root,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    outfile: output,
    logLevel: "silent",
    conditions: ["karush-sources"],
    // What is required, by packages, needs a `require`.
    banner: {
      js: 'import { createRequire as require$ } from "node:module"; const require = require$(import.meta.url);',
    },
    plugins: [plugin],
  });
  return mutants;
}
